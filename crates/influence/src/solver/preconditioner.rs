//! What stands in for the inverse of a matrix in conjugate gradients.

use backdraft_curvature::LinearOperator;
use serde::{Deserialize, Serialize};

use super::{
    DiagonalConfig, Factors, Inverse, KfacConfig, LanczosConfig, NystroemConfig, SolveError,
    low_rank::LowRank,
};

/// The preconditioner of conjugate gradients. It changes how many products are needed, never what the solution is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preconditioner {
    /// None.
    #[default]
    None,
    /// The diagonal ([`Diagonal`](super::Diagonal)).
    Jacobi(DiagonalConfig),
    /// A sketch of low rank ([`Nystroem`](super::Nystroem)).
    Nystroem(NystroemConfig),
    /// A Kronecker product a layer ([`Kfac`](super::Kfac)).
    Kfac(KfacConfig),
    /// The largest eigenvalues that a Krylov space knows ([`Lanczos`](super::Lanczos)), and what is beside them as it
    /// is in a sketch.
    Lanczos(LanczosConfig),
    /// What earlier solutions have learnt: none for the first block of right-hand sides, and for all after it, until
    /// the [`Inverse`] is dropped, the Krylov space in which that was solved, as far as half the memory goes. Where the
    /// first block has many, a single right-hand side later takes a tenth of the products. In which numbers one is
    /// solved depends on those before it, within the tolerance.
    Recycled,
}

impl Preconditioner {
    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Jacobi(_) => "jacobi",
            Self::Nystroem(_) => "nystroem",
            Self::Lanczos(_) => "lanczos",
            Self::Kfac(config) if config.corrected => "ekfac",
            Self::Kfac(_) => "kfac",
            Self::Recycled => "recycled",
        }
    }

    /// Refuses settings that make no sense.
    pub(super) fn check(&self) -> Result<(), SolveError> {
        match self {
            Self::None | Self::Recycled => Ok(()),
            Self::Jacobi(config) => config.clone().init().map(drop),
            Self::Nystroem(config) => config.clone().init().map(drop),
            Self::Kfac(config) => config.clone().init().map(drop),
            Self::Lanczos(config) => config.clone().init().map(drop),
        }
    }

    /// Of `operator`.
    pub(super) fn prepare<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Option<Box<dyn Inverse + 'a>>, SolveError> {
        Ok(match self {
            Self::None | Self::Recycled => None,
            Self::Jacobi(config) => Some(Box::new(config.clone().init()?.inverse(operator)?)),
            Self::Nystroem(config) => Some(Box::new(config.clone().init()?.inverse(operator)?)),
            Self::Kfac(config) => Some(Box::new(config.clone().init()?.factor(operator)?)),
            Self::Lanczos(config) => {
                let inverse = config.clone().init()?.inverse(operator)?;
                Some(Box::new(inverse.preconditioning()))
            }
        })
    }

    /// The same from what one was made of.
    pub(super) fn restore<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<Option<Box<dyn Inverse + 'a>>, SolveError> {
        Ok(match self {
            Self::None | Self::Recycled => None,
            Self::Nystroem(config) => {
                let form = config.clone().init()?.form(operator);
                Some(Box::new(LowRank::restored(form, &mut factors)?))
            }
            Self::Lanczos(config) => {
                // As it was kept: preconditioning.
                let form = config.clone().init()?.form(operator);
                Some(Box::new(LowRank::restored(form, &mut factors)?))
            }
            Self::Jacobi(config) => Some(Box::new(
                config.clone().init()?.restored(operator, factors)?,
            )),
            Self::Kfac(config) => Some(Box::new(
                config.clone().init()?.restored(operator, factors)?,
            )),
        })
    }
}
