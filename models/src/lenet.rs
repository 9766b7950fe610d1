//! LeNet for pictures of any size and number of channels.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor, activation::relu};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::{ConvolutionShape, linear, margin};

/// Side of the pictures that the network was made for; smaller ones are framed with zeros.
const SIDE: usize = 32;

/// Configuration of a [`LeNet`].
#[derive(Config, Debug)]
pub struct LeNetConfig {
    /// Channels of a picture.
    #[config(default = 1)]
    pub channels: usize,
    /// Rows of a picture.
    #[config(default = 28)]
    pub height: usize,
    /// Columns of a picture.
    #[config(default = 28)]
    pub width: usize,
    /// Number of classes.
    #[config(default = 10)]
    pub outputs: usize,
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// LeNet (LeCun et al. 1998, with ReLU and max pooling): two convolutions of 5 by 5 with 6 and 16 channels, each pooled
/// by 2, and layers of 120, 84 and `outputs` units. Pictures smaller than 32 by 32 get a frame of zeros in the first
/// convolution. With ten classes, 61,706 parameters for 28 by 28 grey pixels and 62,006 for 32 by 32 coloured ones.
#[derive(Module, Debug)]
pub struct LeNet {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    hidden: [Linear; 2],
    output: Linear,
    /// Channels, height and width of a picture.
    pub(crate) picture: [usize; 3],
}

impl LeNetConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If the number of channels or outputs is zero.
    pub fn init(&self, device: &Device) -> LeNet {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let rng = &mut rng;
        let sides = [self.height, self.width];
        // A convolution of 5 by 5 takes 4 pixels, a pool halves.
        let left = sides.map(|side| ((side + 2 * margin(side, SIDE) - 4) / 2 - 4) / 2);
        let flat = 16 * left[0] * left[1];
        let first = ConvolutionShape {
            padding: sides.map(|side| margin(side, SIDE)),
            ..ConvolutionShape::same([self.channels, 6], 5)
        };
        let second = ConvolutionShape {
            padding: [0; 2],
            ..ConvolutionShape::same([6, 16], 5)
        };
        LeNet {
            first: first.uniform(rng, device),
            second: second.uniform(rng, device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            hidden: [(flat, 120), (120, 84)]
                .map(|(inputs, outputs)| linear(inputs, outputs, rng, device)),
            output: linear(84, self.outputs, rng, device),
            picture: [self.channels, self.height, self.width],
        }
    }
}

impl LeNet {
    /// From pictures `[batch, channels, height, width]` to logits `[batch, outputs]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(pictures)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        let x = self
            .hidden
            .iter()
            .fold(x.flatten(1, 3), |x, layer| relu(layer.forward(x)));
        self.output.forward(x)
    }
}
