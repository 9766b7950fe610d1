//! The multilayer perceptron.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::activation::Activation;
use crate::layers::linear;

/// Configuration of an [`Mlp`].
#[derive(Config, Debug)]
pub struct MlpConfig {
    /// Number of features.
    pub inputs: usize,
    /// Widths of the hidden layers, first to last.
    #[config(default = "vec![32, 32]")]
    pub hidden: Vec<usize>,
    /// Number of outputs: 1 for two classes, C for C classes, 1 for a regression.
    pub outputs: usize,
    /// The nonlinearity after each hidden layer.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// A multilayer perceptron: linear layers with a nonlinearity between them.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl MlpConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a width is zero.
    pub fn init(&self, device: &Device) -> Mlp {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let widths: Vec<usize> = std::iter::once(self.inputs)
            .chain(self.hidden.iter().copied())
            .chain(std::iter::once(self.outputs))
            .collect();
        Mlp {
            layers: widths
                .windows(2)
                .map(|pair| linear(pair[0], pair[1], &mut rng, device))
                .collect(),
            activation: self.activation,
        }
    }
}

impl Mlp {
    /// From inputs `[batch, inputs]` to outputs `[batch, outputs]`.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut layers = self.layers.iter();
        let first = layers
            .next()
            .expect("an Mlp has at least its output layer")
            .forward(inputs);
        layers.fold(first, |hidden, layer| {
            layer.forward(self.activation.forward(hidden))
        })
    }
}
