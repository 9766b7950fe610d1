//! What stands in for the inverse of a matrix in conjugate gradients.

use backdraft_curvature::LinearOperator;
use serde::{Deserialize, Serialize};

use super::{DiagonalConfig, Inverse, KfacConfig, NystroemConfig, SolveError};

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
}

impl Preconditioner {
    /// Refuses settings that make no sense.
    pub(super) fn check(&self) -> Result<(), SolveError> {
        match self {
            Self::None => Ok(()),
            Self::Jacobi(config) => config.clone().init().map(drop),
            Self::Nystroem(config) => config.clone().init().map(drop),
            Self::Kfac(config) => config.clone().init().map(drop),
        }
    }

    /// Of `operator`.
    pub(super) fn prepare<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Option<Box<dyn Inverse + 'a>>, SolveError> {
        Ok(match self {
            Self::None => None,
            Self::Jacobi(config) => Some(Box::new(config.clone().init()?.inverse(operator)?)),
            Self::Nystroem(config) => Some(Box::new(config.clone().init()?.inverse(operator)?)),
            Self::Kfac(config) => Some(Box::new(config.clone().init()?.factor(operator)?)),
        })
    }
}
