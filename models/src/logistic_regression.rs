//! Logistic regression, and linear regression: one linear layer.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::layers::linear;

/// Configuration of a [`LogisticRegression`].
#[derive(Config, Debug)]
pub struct LogisticRegressionConfig {
    /// Number of features.
    pub inputs: usize,
    /// Number of outputs: 1 for two classes, C for C classes, 1 for a regression.
    pub outputs: usize,
    /// Seed of the initial weights.
    #[config(default = 0)]
    pub seed: u64,
}

/// One linear layer. Its outputs are logits, or with the squared error a linear regression's predictions.
#[derive(Module, Debug)]
pub struct LogisticRegression {
    linear: Linear,
}

impl LogisticRegressionConfig {
    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If the number of inputs or outputs is zero.
    pub fn init(&self, device: &Device) -> LogisticRegression {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        LogisticRegression {
            linear: linear(self.inputs, self.outputs, &mut rng, device),
        }
    }
}

impl LogisticRegression {
    /// From inputs `[batch, inputs]` to outputs `[batch, outputs]`.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.linear.forward(inputs)
    }
}
