//! How influence estimates are solved for.

use backdraft::SolverConfig;
use backdraft_influence::{ConjugateGradientConfig, DirectConfig, LissaConfig, Scale};

use super::plan::Plan;
use crate::args::SolverName;
use backdraft_report::{brief, short};

/// The relative residual at which LiSSA's recursion counts as deep enough.
const RESIDUAL: f64 = 0.1;

impl Plan {
    /// The solver asked for.
    pub fn solver_config(&self) -> SolverConfig {
        if let Some(config) = &self.closed_form {
            return config.clone();
        }
        match self.solver_name {
            SolverName::Direct => SolverConfig::Direct(DirectConfig::default()),
            SolverName::Lissa => SolverConfig::Lissa(LissaConfig {
                depth: self.max_depth,
                repeats: self.repeats,
                scale: self.scale.map_or(Scale::Auto, Scale::Fixed),
                batch_size: self.training.batch_size,
                seed: self.seed,
                tolerance: self.tolerance.unwrap_or(RESIDUAL),
            }),
            _ => SolverConfig::ConjugateGradient(ConjugateGradientConfig {
                tolerance: self.tolerance,
                preconditioner: self.preconditioner.clone().unwrap_or_default(),
                ..Default::default()
            }),
        }
    }
}

/// A solver with its settings, in words.
pub(super) fn words(solver: &SolverConfig) -> String {
    match solver {
        SolverConfig::ConjugateGradient(config) => match config.tolerance {
            Some(tolerance) => format!("conjugate gradients, residual {}", brief(tolerance)),
            None => "conjugate gradients".to_owned(),
        },
        SolverConfig::Direct(_) => "Cholesky factorisation".to_owned(),
        SolverConfig::Diagonal(_) => "the diagonal".to_owned(),
        SolverConfig::Nystroem(config) => format!("a sketch of rank {}", config.rank),
        SolverConfig::Kfac(config) if config.corrected => "EK-FAC".to_owned(),
        SolverConfig::Kfac(_) => "K-FAC".to_owned(),
        SolverConfig::Dual(_) => "the kernel matrix of examples".to_owned(),
        SolverConfig::Lanczos(config) => {
            format!("{} eigenvalues of a Krylov space", config.rank)
        }
        SolverConfig::Lissa(config) => format!(
            "LiSSA, depth {}, {} repeats, batches of {}, scale {}",
            config.depth,
            config.repeats,
            config.batch_size,
            match config.scale {
                Scale::Fixed(scale) => short(scale),
                Scale::Auto => "to be found".to_owned(),
            }
        ),
    }
}
