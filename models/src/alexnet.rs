//! AlexNet for small pictures.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor, activation::relu};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::{ConvolutionShape, linear, margin};
use crate::picture::mean;

/// Side of the pictures that the network was made for; smaller ones are framed with zeros.
const SIDE: usize = 32;

/// Convolutions that a pool by 2 follows, by index.
const POOLED: [usize; 3] = [0, 1, 4];

/// Configuration of an [`AlexNet`].
#[derive(Config, Debug)]
pub struct AlexNetConfig {
    /// Channels of a picture.
    #[config(default = 3)]
    pub channels: usize,
    /// Rows of a picture.
    #[config(default = 32)]
    pub height: usize,
    /// Columns of a picture.
    #[config(default = 32)]
    pub width: usize,
    /// Number of classes.
    #[config(default = 10)]
    pub outputs: usize,
    /// Channels of the five convolutions.
    #[config(default = "[64, 192, 384, 256, 256]")]
    pub widths: [usize; 5],
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// AlexNet (Krizhevsky et al. 2012) in its usual form for pictures of 32 by 32 pixels (W. Yang,
/// `pytorch-classification`): a convolution of 11 by 11 with stride 4, one of 5 by 5 and three of 3 by 3, pooled by 2
/// after the first, the second and the last, and one linear layer. 2,472,266 parameters with the defaults. Smaller
/// pictures get a frame of zeros in the first convolution; of larger ones the last map's mean is taken.
#[derive(Module, Debug)]
pub struct AlexNet {
    convolutions: Vec<Conv2d>,
    pool: MaxPool2d,
    output: Linear,
    /// Channels, height and width of a picture.
    pub(crate) picture: [usize; 3],
}

impl AlexNetConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a number of channels or outputs is zero.
    pub fn init(&self, device: &Device) -> AlexNet {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let widths = self.widths;
        let frame = [self.height, self.width].map(|side| margin(side, SIDE) + 5);
        let first = ConvolutionShape {
            stride: 4,
            padding: frame,
            ..ConvolutionShape::same([self.channels, widths[0]], 11)
        };
        let rest = [5, 3, 3, 3].into_iter().enumerate();
        let rest =
            rest.map(|(i, kernel)| ConvolutionShape::same([widths[i], widths[i + 1]], kernel));
        AlexNet {
            convolutions: std::iter::once(first)
                .chain(rest)
                .map(|layer| layer.rectified(&mut rng, device))
                .collect(),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            output: linear(widths[4], self.outputs, &mut rng, device),
            picture: [self.channels, self.height, self.width],
        }
    }
}

impl AlexNet {
    /// From pictures `[batch, channels, height, width]` to logits `[batch, outputs]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions.iter().enumerate();
        let x = layers.fold(pictures, |x, (index, layer)| {
            let x = relu(layer.forward(x));
            match POOLED.contains(&index) {
                true => self.pool.forward(x),
                false => x,
            }
        });
        self.output.forward(mean(x))
    }
}
