//! ResNet-20 for small pictures.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::{Device, Tensor, activation::relu, s};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::layers::{ConvolutionShape, batch_norm, linear};
use crate::picture::mean;

/// Blocks in each of the three stages.
const BLOCKS: usize = 3;

/// Configuration of a [`ResNet20`].
#[derive(Config, Debug)]
pub struct ResNet20Config {
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
    /// Channels of the three stages.
    #[config(default = "[16, 32, 64]")]
    pub widths: [usize; 3],
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// The residual network with 20 layers for small pictures (He et al. 2015, section 4.2): a convolution, three stages of
/// three blocks of two convolutions with batch normalisation, the picture halved between stages, the mean over the
/// picture and a linear layer. 269,722 parameters with the defaults: the shortcuts between stages have none, they skip
/// every other pixel and pad with channels of zeros (option A), as many before as after.
///
/// Batch normalisation uses the batch's statistics in training and the running ones, then constants, in everything
/// else.
#[derive(Module, Debug)]
pub struct ResNet20 {
    first: Conv2d,
    norm: BatchNorm,
    blocks: Vec<Block>,
    output: Linear,
    /// Channels, height and width of a picture.
    pub(crate) picture: [usize; 3],
}

impl ResNet20Config {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a number of channels or outputs is zero, or a stage has fewer channels than the one before it.
    pub fn init(&self, device: &Device) -> ResNet20 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let [first, _, last] = self.widths;
        let convolution = Block::convolution([self.channels, first], 1);
        let mut blocks = Vec::with_capacity(3 * BLOCKS);
        let mut inputs = first;
        for (stage, outputs) in self.widths.into_iter().enumerate() {
            assert!(
                outputs >= inputs,
                "a stage cannot have fewer channels than the one before it, got {:?}",
                self.widths
            );
            for block in 0..BLOCKS {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Block::new([inputs, outputs], stride, &mut rng, device));
                inputs = outputs;
            }
        }
        ResNet20 {
            first: convolution.rectified(&mut rng, device),
            norm: batch_norm(first, device),
            blocks,
            output: linear(last, self.outputs, &mut rng, device),
            picture: [self.channels, self.height, self.width],
        }
    }
}

impl ResNet20 {
    /// From pictures `[batch, channels, height, width]` of any size to logits `[batch, outputs]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let x = relu(self.norm.forward(self.first.forward(pictures)));
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.output.forward(mean(x))
    }
}

/// Two convolutions of 3 by 3 with a shortcut around them.
#[derive(Module, Debug)]
struct Block {
    first: Conv2d,
    first_norm: BatchNorm,
    second: Conv2d,
    second_norm: BatchNorm,
}

impl Block {
    fn new(channels: [usize; 2], stride: usize, rng: &mut impl Rng, device: &Device) -> Self {
        let [_, outputs] = channels;
        Self {
            first: Self::convolution(channels, stride).rectified(rng, device),
            first_norm: batch_norm(outputs, device),
            second: Self::convolution([outputs; 2], 1).rectified(rng, device),
            second_norm: batch_norm(outputs, device),
        }
    }

    /// Without bias, as a normalisation follows.
    fn convolution(channels: [usize; 2], stride: usize) -> ConvolutionShape {
        ConvolutionShape {
            stride,
            bias: false,
            ..ConvolutionShape::same(channels, 3)
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = relu(self.first_norm.forward(self.first.forward(x.clone())));
        let y = self.second_norm.forward(self.second.forward(y));
        relu(shortcut(x, y.dims()) + y)
    }
}

/// The input with the shape of the block's output: every second pixel, and channels of zeros on both sides.
fn shortcut(x: Tensor<4>, to: [usize; 4]) -> Tensor<4> {
    if x.dims() == to {
        return x;
    }
    let x = x.slice(s![.., .., ..;2, ..;2]);
    let [batch, channels, height, width] = x.dims();
    let missing = to[1] - channels;
    if missing == 0 {
        return x;
    }
    let place = (x.device(), x.dtype());
    let zeros = |count| Tensor::zeros([batch, count, height, width], (&place.0, place.1));
    let (before, after) = (zeros(missing / 2), zeros(missing - missing / 2));
    Tensor::cat(vec![before, x, after], 1)
}
