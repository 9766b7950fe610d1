//! The scores that an estimator gives.

use std::path::Path;

use backdraft::{
    SolverConfig,
    attribution::{Estimator, EstimatorScores},
};
use backdraft_influence::{DirectConfig, DualConfig, LissaConfig};
use backdraft_report::StagedFile;
use burn::tensor::DType;

use super::args::Estimators;
use crate::{
    CliError,
    bench::solves::LoadedProblem,
    estimators::{EstimatorName, EstimatorSettings},
};

/// Bytes for the rows of the outer product and their kernel matrix.
const MEMORY: usize = 16 << 30;

/// What the estimators leave open.
pub(super) fn settings(args: &Estimators, dtype: DType) -> EstimatorSettings {
    let seed = args.compute.seed;
    EstimatorSettings {
        seed,
        rank: args.rank,
        tolerance: match dtype {
            DType::F64 => 1e-8,
            _ => 1e-5,
        },
        direct_limit: DirectConfig::default().limit,
        lissa: LissaConfig {
            seed,
            ..Default::default()
        },
        outer_product: SolverConfig::Dual(DualConfig {
            memory: MEMORY,
            ..Default::default()
        }),
    }
}

/// The scores of exact solutions.
pub(super) fn exact(
    settings: &EstimatorSettings,
    loaded: &LoadedProblem,
    damping: f64,
) -> Result<EstimatorScores, CliError> {
    let exact = Estimator::new("exact", settings.exact());
    Ok(exact.scores(&loaded.train, &loaded.queries, damping)?)
}

/// The scores of an estimator.
pub(super) fn scored(
    name: EstimatorName,
    settings: &EstimatorSettings,
    loaded: &LoadedProblem,
    damping: f64,
) -> Result<EstimatorScores, CliError> {
    let estimator = name.with(settings, &loaded.train);
    Ok(estimator.scores(&loaded.train, &loaded.queries, damping)?)
}

/// Writes scores as the tensor `scores`, `[queries, examples]`.
pub(super) fn write(scores: &EstimatorScores, folder: &Path, name: &str) -> Result<(), CliError> {
    let refused = |error: String| CliError::Option {
        option: "--scores",
        problem: format!("{}: {error}", folder.display()),
    };
    std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
    let rows = &scores.values;
    let shape = vec![rows.len(), rows.first().map_or(0, Vec::len)];
    let values = rows.iter().flatten();
    let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F64, shape, &bytes);
    let view = view.map_err(|error| refused(error.to_string()))?;
    let file = safetensors::serialize([("scores", view)], None);
    let file = file.map_err(|error| refused(error.to_string()))?;
    let path = folder.join(format!("{name}.safetensors"));
    let staged = StagedFile::write(&path, |to| to.write_all(&file))?;
    Ok(staged.publish()?)
}
