//! The autoencoder of eight layers.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation::sigmoid};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::sparse_linear;

/// Connections into each unit that do not start at zero.
const CONNECTIONS: usize = 15;

/// Configuration of an [`Autoencoder`].
#[derive(Config, Debug)]
pub struct AutoencoderConfig {
    /// Widths from the input to the code; the way back mirrors them.
    #[config(default = "vec![784, 1000, 500, 250, 30]")]
    pub widths: Vec<usize>,
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// A deep autoencoder with sigmoid units (Martens & Grosse 2015). Its outputs are logits of the pixels, for a binary
/// cross-entropy. Its initial weights are sparse (Martens 2010), as theirs are.
/// 2,837,314 parameters with the default widths.
#[derive(Module, Debug)]
pub struct Autoencoder {
    layers: Vec<Linear>,
}

impl AutoencoderConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a width is zero.
    pub fn init(&self, device: &Device) -> Autoencoder {
        let back = self.widths.iter().rev().skip(1);
        let widths: Vec<usize> = self.widths.iter().chain(back).copied().collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        Autoencoder {
            layers: widths
                .windows(2)
                .map(|pair| sparse_linear(pair[0], pair[1], CONNECTIONS, &mut rng, device))
                .collect(),
        }
    }
}

impl Autoencoder {
    /// From inputs `[batch, widths[0]]` to logits of the same shape.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut layers = self.layers.iter();
        let first = layers
            .next()
            .map_or(inputs.clone(), |layer| layer.forward(inputs));
        layers.fold(first, |x, layer| layer.forward(sigmoid(x)))
    }
}
