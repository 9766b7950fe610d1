//! What is compared.

use std::{
    fmt::{self, Display},
    str::FromStr,
};

/// What is computed on every device; the module's table says of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The network's outputs.
    Outputs,
    /// The training examples' losses, and after them the training cost as it is computed with its gradient.
    Losses,
    /// The gradient of the training cost.
    Gradient,
    /// The outputs' derivatives along a vector.
    Jvp,
    /// A product with the Gauss-Newton matrix.
    GaussNewton,
    /// A product with the Hessian.
    Hessian,
    /// A solution by conjugate gradients.
    Solution,
    /// The training examples' scores for it.
    Scores,
    /// A solution by LiSSA.
    Lissa,
    /// A proximal Bregman response.
    Pbrf,
}

impl Quantity {
    /// All, in the order in which they are computed.
    pub const ALL: [Self; 10] = [
        Self::Outputs,
        Self::Losses,
        Self::Gradient,
        Self::Jvp,
        Self::GaussNewton,
        Self::Hessian,
        Self::Solution,
        Self::Scores,
        Self::Lissa,
        Self::Pbrf,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Outputs => "outputs",
            Self::Losses => "losses",
            Self::Gradient => "gradient",
            Self::Jvp => "jvp",
            Self::GaussNewton => "gnvp",
            Self::Hessian => "hvp",
            Self::Solution => "solution",
            Self::Scores => "scores",
            Self::Lissa => "lissa",
            Self::Pbrf => "pbrf",
        }
    }

    /// The largest relative error that two devices should be apart in 32 bits: for sums of some hundreds of products
    /// through some layers and back, 1e-4; for what is solved to a residual of 1e-5, or iterated a hundred times, ten
    /// times that.
    pub fn bound(self) -> f64 {
        match self {
            Self::Outputs
            | Self::Losses
            | Self::Gradient
            | Self::Jvp
            | Self::GaussNewton
            | Self::Hessian => 1e-4,
            Self::Solution | Self::Scores | Self::Lissa | Self::Pbrf => 1e-3,
        }
    }

    /// The same where one of the devices multiplies matrices in TF32, as Burn does through CUDA on cards that have it:
    /// products of numbers that are rounded to 2^-11 and not to 2^-24. Thirty times [`bound`](Self::bound).
    pub fn bound_in_tf32(self) -> f64 {
        30.0 * self.bound()
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|it| it.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no quantity `{name}`, there are {names}")
        })
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
