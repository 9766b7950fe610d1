//! The scores that an estimator gives.

use std::{path::Path, time::Instant};

use backdraft::SolverConfig;
use backdraft_curvature::{Cost, Curvature, Damped};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, DualConfig, Inverse, KfacConfig, LanczosConfig,
    LissaConfig, NystroemConfig, Solution, SolveError, scores_many,
};
use burn::tensor::{DType, Tensor};

use super::args::{Estimator, Estimators};
use crate::{CliError, bench::solves::LoadedProblem};
use backdraft_report::StagedFile;

/// Scores of all examples for all queries.
pub(super) struct EstimatorScores {
    /// A row a query.
    pub values: Vec<Vec<f64>>,
    /// From the matrix to the scores.
    pub seconds: f64,
    /// The largest of all queries.
    pub true_residual: Option<f64>,
    /// What the estimator is made of.
    pub described: Option<String>,
}

impl EstimatorScores {
    /// Of exact solutions.
    pub fn exact(loaded: &LoadedProblem, damping: f64, dtype: DType) -> Result<Self, CliError> {
        let tolerance = match dtype {
            DType::F64 => 1e-8,
            _ => 1e-5,
        };
        let config = ConjugateGradientConfig {
            tolerance: Some(tolerance),
            ..Default::default()
        };
        let matrix = loaded.train.gauss_newton().damped(damping);
        let solver = SolverConfig::ConjugateGradient(config);
        Self::solved(&solver, &matrix, &loaded.train, loaded.gradients()?)
    }

    /// By the solver's solutions for the gradients of queries.
    fn solved(
        solver: &SolverConfig,
        matrix: &Damped<Curvature>,
        train: &Cost,
        gradients: Vec<Tensor<1>>,
    ) -> Result<Self, CliError> {
        let start = Instant::now();
        let solver = solver.init()?;
        let inverse = solver.prepare(matrix)?;
        let (vectors, true_residual) = solutions(&*inverse, gradients)?;
        Ok(Self {
            values: rows(train, vectors)?,
            seconds: start.elapsed().as_secs_f64(),
            true_residual: Some(true_residual),
            described: inverse.describe(),
        })
    }

    /// By what an inverse in closed form makes of the gradients of queries. The residual is evidence, which takes a
    /// product a query: it is not in the seconds.
    fn closed_form(
        solver: &SolverConfig,
        matrix: &Damped<Curvature>,
        train: &Cost,
        gradients: Vec<Tensor<1>>,
    ) -> Result<Self, CliError> {
        let start = Instant::now();
        let solver = solver.init()?;
        let inverse = solver.prepare(matrix)?;
        let vectors = inverse.apply_many(Tensor::stack(gradients.clone(), 0))?;
        let values = rows(train, vectors)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Self {
            values,
            seconds,
            true_residual: Some(solutions(&*inverse, gradients)?.1),
            described: inverse.describe(),
        })
    }

    /// Writes the scores as the tensor `scores`, `[queries, examples]`.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), CliError> {
        let refused = |error: String| CliError::Option {
            option: "--scores",
            problem: format!("{}: {error}", folder.display()),
        };
        std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
        let shape = vec![self.values.len(), self.values.first().map_or(0, Vec::len)];
        let values = self.values.iter().flatten();
        let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F64, shape, &bytes);
        let view = view.map_err(|error| refused(error.to_string()))?;
        let file = safetensors::serialize([("scores", view)], None);
        let file = file.map_err(|error| refused(error.to_string()))?;
        let path = folder.join(format!("{name}.safetensors"));
        let staged = StagedFile::write(&path, |to| to.write_all(&file))?;
        Ok(staged.publish()?)
    }
}

impl Estimator {
    /// Its scores.
    pub(super) fn scores(
        self,
        args: &Estimators,
        loaded: &LoadedProblem,
        damping: f64,
    ) -> Result<EstimatorScores, CliError> {
        let (train, seed) = (&loaded.train, args.compute.seed);
        let gauss_newton = || train.gauss_newton().damped(damping);
        let solved = |solver, matrix| {
            EstimatorScores::closed_form(&solver, &matrix, train, loaded.gradients()?)
        };
        let layers = |corrected| {
            SolverConfig::Kfac(KfacConfig {
                corrected,
                seed,
                ..Default::default()
            })
        };
        match self {
            Self::Gradients => products(loaded),
            Self::LastLayer => last_layer(loaded, damping),
            Self::OuterProduct => {
                let matrix = train.empirical_fisher().damped(damping);
                // Another matrix: how well its own system is solved says nothing.
                let dual = DualConfig {
                    memory: 16 << 30,
                    ..Default::default()
                };
                let scored = solved(SolverConfig::Dual(dual), matrix)?;
                Ok(EstimatorScores {
                    true_residual: None,
                    ..scored
                })
            }
            Self::Diagonal => {
                let config = DiagonalConfig {
                    seed,
                    ..Default::default()
                };
                solved(SolverConfig::Diagonal(config), gauss_newton())
            }
            Self::Lissa => {
                let config = LissaConfig {
                    seed,
                    ..Default::default()
                };
                let solver = SolverConfig::Lissa(config);
                EstimatorScores::solved(&solver, &gauss_newton(), train, loaded.gradients()?)
            }
            Self::Kfac => solved(layers(false), gauss_newton()),
            Self::Ekfac => solved(layers(true), gauss_newton()),
            Self::Nystroem => {
                let config = NystroemConfig {
                    rank: args.rank,
                    seed,
                    ..Default::default()
                };
                solved(SolverConfig::Nystroem(config), gauss_newton())
            }
            Self::Lanczos => {
                let config = LanczosConfig {
                    rank: args.rank,
                    seed,
                    ..Default::default()
                };
                solved(SolverConfig::Lanczos(config), gauss_newton())
            }
            Self::Dual => solved(SolverConfig::Dual(DualConfig::default()), gauss_newton()),
        }
    }
}

/// The products of gradients.
fn products(loaded: &LoadedProblem) -> Result<EstimatorScores, CliError> {
    let start = Instant::now();
    let gradients = Tensor::stack(loaded.gradients()?, 0);
    Ok(EstimatorScores {
        values: rows(&loaded.train, gradients)?,
        seconds: start.elapsed().as_secs_f64(),
        true_residual: None,
        described: None,
    })
}

/// Exact solutions in the parameters of the last layer, as if the others were constants.
fn last_layer(loaded: &LoadedProblem, damping: f64) -> Result<EstimatorScores, CliError> {
    let parameters = loaded.train.model().parameters();
    let name = parameters
        .last()
        .expect("a network has parameters")
        .name
        .clone();
    let layer = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(layer, _)| layer);
    let layer = LoadedProblem {
        train: loaded.train.only(&[layer])?,
        queries: loaded.queries.only(&[layer])?,
    };
    let dtype = layer.train.model().dtype();
    EstimatorScores::exact(&layer, damping, dtype)
}

/// The solutions, or the best there are, as rows, with the largest of their true residuals.
fn solutions(
    inverse: &dyn Inverse,
    gradients: Vec<Tensor<1>>,
) -> Result<(Tensor<2>, f64), CliError> {
    let (mut vectors, mut true_residual) = (Vec::new(), 0.0_f64);
    for found in inverse.solve_many(gradients)? {
        let solution: Solution = match found {
            Err(SolveError::NotConverged { solution, .. }) => *solution,
            other => other?,
        };
        true_residual = true_residual.max(solution.info.true_residual);
        vectors.push(solution.vector);
    }
    Ok((Tensor::stack(vectors, 0), true_residual))
}

/// The scores of all examples by each of the solutions, `[k, dim]`.
fn rows(train: &Cost, solutions: Tensor<2>) -> Result<Vec<Vec<f64>>, CliError> {
    let values = scores_many(train, solutions)?;
    let examples = values.dims()[1];
    let values: Vec<f64> = values.into_data().iter::<f64>().collect();
    Ok(values.chunks(examples).map(<[f64]>::to_vec).collect())
}
