//! What stands in for the inverse of a matrix, and how much of the matrix it knows.

use backdraft_influence::{
    DiagonalConfig, Growth, KfacConfig, LanczosConfig, NystroemConfig, Preconditioner,
};
use clap::ValueEnum;
use serde::Serialize;

use super::number::count;

/// What stands in for the inverse of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreconditionerName {
    /// Nothing.
    None,
    /// The diagonal, estimated from 100 products.
    Jacobi,
    /// A sketch of low rank: for few queries and a small damping.
    Nystroem,
    /// K-FAC: seldom pays.
    Kfac,
    /// EK-FAC: seldom pays.
    Ekfac,
    /// The largest eigenvalues that a Krylov space knows.
    Lanczos,
    /// What the first block of queries has learnt, for those after it: for more than 128 queries.
    Recycled,
    /// Of none, jacobi, nystroem and recycled the one that is predicted to take the fewest products; which and why is
    /// printed. Up to 128 queries are one block, for which that is none.
    Auto,
}

impl PreconditionerName {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Jacobi => "jacobi",
            Self::Nystroem => "nystroem",
            Self::Kfac => "kfac",
            Self::Ekfac => "ekfac",
            Self::Lanczos => "lanczos",
            Self::Auto => "auto",
            Self::Recycled => "recycled",
        }
    }

    /// With these settings, or the default ones; `None` for that which is to be chosen.
    pub fn with(self, rank: Option<Rank>, seed: u64) -> Option<Preconditioner> {
        Some(match self {
            Self::Auto => return None,
            Self::None => Preconditioner::None,
            Self::Recycled => Preconditioner::Recycled,
            Self::Jacobi => Preconditioner::Jacobi(diagonal(seed)),
            Self::Nystroem => Preconditioner::Nystroem(sketch(rank, seed)),
            Self::Lanczos => Preconditioner::Lanczos(krylov(rank, seed)),
            Self::Kfac => Preconditioner::Kfac(layers(false, seed)),
            Self::Ekfac => Preconditioner::Kfac(layers(true, seed)),
        })
    }
}

/// How many eigenvalues a preconditioner knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Option<usize>")]
pub(crate) enum Rank {
    /// As many as pay.
    Auto,
    /// So many at most.
    Of(usize),
}

impl Rank {
    /// The rank that is doubled.
    pub const FIRST: usize = 32;

    /// As it is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => count(text).map(Self::Of),
        }
    }
}

impl From<Rank> for Option<usize> {
    fn from(rank: Rank) -> Self {
        match rank {
            Rank::Auto => None,
            Rank::Of(rank) => Some(rank),
        }
    }
}

/// The settings of the diagonal.
pub(super) fn diagonal(seed: u64) -> DiagonalConfig {
    DiagonalConfig {
        seed,
        ..DiagonalConfig::default()
    }
}

/// The settings of a sketch.
pub(super) fn sketch(rank: Option<Rank>, seed: u64) -> NystroemConfig {
    let default = NystroemConfig::default();
    let (rank, growth) = match rank {
        None => (default.rank, None),
        Some(Rank::Of(rank)) => (rank, None),
        Some(Rank::Auto) => (Rank::FIRST, Some(Growth::default())),
    };
    NystroemConfig {
        rank,
        growth,
        seed,
        ..default
    }
}

/// The settings of a Krylov space.
pub(super) fn krylov(rank: Option<Rank>, seed: u64) -> LanczosConfig {
    let default = LanczosConfig::default();
    let rank = match rank {
        Some(Rank::Of(rank)) => rank,
        _ => default.rank,
    };
    LanczosConfig {
        rank,
        seed,
        ..default
    }
}

/// The settings of K-FAC and EK-FAC.
pub(super) fn layers(corrected: bool, seed: u64) -> KfacConfig {
    KfacConfig {
        corrected,
        seed,
        ..KfacConfig::default()
    }
}
