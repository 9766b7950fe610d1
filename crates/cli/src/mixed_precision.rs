//! Matrix products in 16 bits: the option, and what it costs in precision.

use std::fmt::{self, Display};

use backdraft_curvature::{Cost, Half, LinearOperator};
use burn::tensor::Tensor;
use clap::ValueEnum;
use serde::Serialize;

use super::CliError;

/// The relative residual that conjugate gradients reach with such products.
pub(super) const TOLERANCE: f64 = 1e-2;

/// The float type of matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProductsIn {
    F32,
    F16,
    Bf16,
}

impl ProductsIn {
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// The type of 16 bits, if it is one.
    pub fn half(self) -> Option<Half> {
        match self {
            Self::F32 => None,
            Self::F16 => Some(Half::F16),
            Self::Bf16 => Some(Half::BF16),
        }
    }
}

/// How far such products put derivatives off: relative errors against 32 bits, in the Euclidean norm.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct ProductErrors {
    /// Of the cost's gradient.
    gradient: f64,
    /// Of the Gauss-Newton matrix's product with it.
    gnvp: f64,
}

impl ProductErrors {
    /// Of `rough`, whose products are in 16 bits, against `exact`.
    pub fn of(rough: &Cost, exact: &Cost) -> Result<Self, CliError> {
        let v = exact.gradient()?;
        let product = |cost: &Cost| cost.gauss_newton().apply(v.clone());
        Ok(Self {
            gradient: relative_error(rough.gradient()?, v.clone()),
            gnvp: relative_error(product(rough)?, product(exact)?),
        })
    }
}

impl Display for ProductErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gradient, gnvp } = self;
        write!(
            f,
            "the training loss's gradient is off by {gradient:.1e}, a Gauss-Newton product by {gnvp:.1e}"
        )
    }
}

/// `||a - b|| / ||b||`; `||a||` if `b` is zero.
pub(super) fn relative_error(a: Tensor<1>, b: Tensor<1>) -> f64 {
    let norm = |v: Tensor<1>| v.square().sum().into_scalar::<f64>().sqrt();
    let (difference, length) = (norm(a - b.clone()), norm(b));
    if length > 0.0 {
        difference / length
    } else {
        difference
    }
}
