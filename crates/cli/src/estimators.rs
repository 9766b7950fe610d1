//! Estimators of influence by name, for the commands that hold them against each other.

use backdraft::{Matrix, SolverConfig, attribution::Estimator};
use backdraft_curvature::Cost;
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DirectConfig, DualConfig, KfacConfig, LanczosConfig,
    LissaConfig, NystroemConfig,
};
use clap::ValueEnum;
use serde::Serialize;

/// What stands in for the inverse of the damped curvature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EstimatorName {
    /// The identity: products of gradients.
    Gradients,
    /// The diagonal, estimated from 100 products.
    Diagonal,
    /// The outer product of gradients (the empirical Fisher matrix), exact.
    OuterProduct,
    /// The last layer alone, exact.
    LastLayer,
    /// LiSSA.
    Lissa,
    /// K-FAC.
    Kfac,
    /// EK-FAC.
    Ekfac,
    /// A sketch of low rank.
    Nystroem,
    /// The largest eigenvalues of one Krylov space.
    #[value(alias = "arnoldi")]
    Lanczos,
    /// The kernel matrix of examples times outputs: exact.
    Dual,
    /// Conjugate gradients: exact.
    Cg,
    /// The dense matrix: exact.
    Direct,
}

/// What estimators leave open.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct EstimatorSettings {
    pub seed: u64,
    /// Vectors of the sketch and of the Krylov space.
    pub rank: usize,
    /// Relative residual of conjugate gradients.
    pub tolerance: f64,
    /// Parameters that a dense matrix is formed of at most.
    pub direct_limit: usize,
    pub lissa: LissaConfig,
    /// How the outer product is inverted.
    pub outer_product: SolverConfig,
}

impl EstimatorName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gradients => "gradients",
            Self::Diagonal => "diagonal",
            Self::OuterProduct => "outer-product",
            Self::LastLayer => "last-layer",
            Self::Lissa => "lissa",
            Self::Kfac => "kfac",
            Self::Ekfac => "ekfac",
            Self::Nystroem => "nystroem",
            Self::Lanczos => "lanczos",
            Self::Dual => "dual",
            Self::Cg => "cg",
            Self::Direct => "direct",
        }
    }

    /// The estimator of the network of `train`.
    pub fn with(self, settings: &EstimatorSettings, train: &Cost) -> Estimator {
        let EstimatorSettings { seed, rank, .. } = *settings;
        let of = |solver| Estimator::new(self.name(), solver);
        let kfac = |corrected| {
            SolverConfig::Kfac(KfacConfig {
                corrected,
                seed,
                ..Default::default()
            })
        };
        match self {
            Self::Gradients => Estimator::gradients(self.name()),
            Self::Diagonal => of(SolverConfig::Diagonal(DiagonalConfig {
                seed,
                ..Default::default()
            })),
            Self::OuterProduct => {
                of(settings.outer_product.clone()).with_matrix(Matrix::EmpiricalFisher)
            }
            Self::LastLayer => of(settings.exact()).only([last_layer(train)]),
            Self::Lissa => of(SolverConfig::Lissa(settings.lissa.clone())),
            Self::Kfac => of(kfac(false)),
            Self::Ekfac => of(kfac(true)),
            Self::Nystroem => of(SolverConfig::Nystroem(NystroemConfig {
                rank,
                seed,
                ..Default::default()
            })),
            Self::Lanczos => of(SolverConfig::Lanczos(LanczosConfig {
                rank,
                seed,
                ..Default::default()
            })),
            Self::Dual => of(SolverConfig::Dual(DualConfig::default())),
            Self::Cg => of(settings.exact()),
            Self::Direct => of(SolverConfig::Direct(DirectConfig {
                limit: settings.direct_limit,
                ..Default::default()
            })),
        }
    }
}

impl EstimatorSettings {
    /// Conjugate gradients to the tolerance.
    pub fn exact(&self) -> SolverConfig {
        SolverConfig::ConjugateGradient(ConjugateGradientConfig {
            tolerance: Some(self.tolerance),
            ..Default::default()
        })
    }
}

/// The name of the layer that the last parameter is of.
fn last_layer(train: &Cost) -> &str {
    let last = train.model().parameters().last();
    let name = &last.expect("a network has parameters").name;
    name.rsplit_once('.').map_or(name, |(layer, _)| layer)
}
