//! VGG13 for small pictures.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Linear};
use burn::tensor::{Device, Tensor, activation::relu};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::{ConvolutionShape, batch_norm, linear, margin};
use crate::picture::mean;

/// Side of the pictures that the network was made for, halved five times; smaller ones are framed with zeros.
const SIDE: usize = 32;

/// Configuration of a [`Vgg13`].
#[derive(Config, Debug)]
pub struct Vgg13Config {
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
    /// Channels of the five stages.
    #[config(default = "[64, 128, 256, 512, 512]")]
    pub widths: [usize; 5],
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// VGG13 (Simonyan and Zisserman 2014, configuration B) in its usual form for pictures of 32 by 32 pixels (K. Liu,
/// `pytorch-cifar`): five stages of two convolutions of 3 by 3 with batch normalisation, each stage pooled by 2, and
/// one linear layer. 9,416,010 parameters with the defaults. Smaller pictures get a frame of zeros in the first
/// convolution; of larger ones the last map's mean is taken.
///
/// Batch normalisation uses the batch's statistics in training and the running ones, then constants, in everything
/// else.
#[derive(Module, Debug)]
pub struct Vgg13 {
    convolutions: Vec<Conv2d>,
    norms: Vec<BatchNorm>,
    pool: MaxPool2d,
    output: Linear,
    /// Channels, height and width of a picture.
    pub(crate) picture: [usize; 3],
}

impl Vgg13Config {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a number of channels or outputs is zero.
    pub fn init(&self, device: &Device) -> Vgg13 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let outputs = self.widths.into_iter().flat_map(|width| [width; 2]);
        let inputs = std::iter::once(self.channels).chain(outputs.clone());
        let mut shapes: Vec<ConvolutionShape> = inputs
            .zip(outputs.clone())
            .map(|(inputs, outputs)| ConvolutionShape::same([inputs, outputs], 3))
            .collect();
        shapes[0].padding = [self.height, self.width].map(|side| margin(side, SIDE) + 1);
        Vgg13 {
            convolutions: shapes
                .into_iter()
                .map(|layer| layer.rectified(&mut rng, device))
                .collect(),
            norms: outputs.map(|width| batch_norm(width, device)).collect(),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            output: linear(self.widths[4], self.outputs, &mut rng, device),
            picture: [self.channels, self.height, self.width],
        }
    }
}

impl Vgg13 {
    /// From pictures `[batch, channels, height, width]` to logits `[batch, outputs]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let layers = self.convolutions.iter().zip(&self.norms).enumerate();
        let x = layers.fold(pictures, |x, (index, (layer, norm))| {
            let x = relu(norm.forward(layer.forward(x)));
            match index % 2 {
                0 => x,
                _ => self.pool.forward(x),
            }
        });
        self.output.forward(mean(x))
    }
}
