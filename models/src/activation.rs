//! The nonlinearities of the zoo's networks.

use burn::config::Config;
use burn::tensor::{Tensor, activation};

/// The nonlinearity between two layers.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x Phi(x)`, Phi the standard normal distribution function.
    Gelu,
}

impl Activation {
    /// Applies the function to each element.
    pub fn forward<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(tensor),
            Self::Tanh => activation::tanh(tensor),
            Self::Sigmoid => activation::sigmoid(tensor),
            Self::Gelu => activation::gelu(tensor),
        }
    }
}
