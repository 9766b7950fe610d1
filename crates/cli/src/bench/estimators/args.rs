//! What can be asked of `backdraft bench estimators`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use crate::{
    args::{
        ComputeArgs, Precision,
        number::{count, positive, some},
    },
    bench::solves::SolveWorkload,
    estimators::EstimatorName,
};

const COLUMNS: &str = "\
What is told of each:
  seconds        from the matrix to the scores of all examples for all queries, without the residuals of closed forms
  true residual  the largest of all queries, of the system with the exact Gauss-Newton matrix; of the last layer alone, of its own
  exact          Pearson's and Spearman's correlation with the scores of the exact solutions, means over queries
  PBRF           Pearson's correlation with the proximal Bregman response to the removal of single examples, drawn at random

The exact solutions are those of block conjugate gradients, to 1e-5 in f32 and 1e-8 in f64.";

/// Settings of `bench estimators`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COLUMNS)]
pub(crate) struct Estimators {
    /// The folder of the workloads' files, as for `bench solves`.
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,

    /// The workload.
    #[arg(long, value_enum, default_value_t = SolveWorkload::W1)]
    pub workload: SolveWorkload,

    /// The estimators. Default: all but those that are exact, and lissa, whose thousands of steps take far longer.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = USUAL)]
    pub estimators: Vec<EstimatorName>,

    /// The damping. Default: the workload's first.
    #[arg(long, value_name = "LAMBDA", value_parser = positive, allow_hyphen_values = true)]
    pub damping: Option<f64>,

    /// Vectors of the sketch and of the Krylov space.
    #[arg(long, value_name = "RANK", default_value_t = 100, value_parser = count, allow_hyphen_values = true)]
    pub rank: usize,

    /// Queries: the first of the file. Default: all.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub queries: Option<NonZeroUsize>,

    /// Removals whose responses are computed. 0 computes none.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub removals: usize,

    /// The type of numbers.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,

    /// A folder for the scores, one safetensors file an estimator with the tensor `scores`, `[queries, examples]`.
    #[arg(long, value_name = "FOLDER")]
    pub scores: Option<PathBuf>,

    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Threads that compute on the CPU (flex).
    #[arg(long, value_name = "N", default_value = "2", value_parser = some, allow_hyphen_values = true)]
    pub threads: NonZeroUsize,

    /// One line of JSON an estimator instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// The estimators that are compared if none are named.
const USUAL: [EstimatorName; 8] = [
    EstimatorName::Gradients,
    EstimatorName::Diagonal,
    EstimatorName::OuterProduct,
    EstimatorName::LastLayer,
    EstimatorName::Kfac,
    EstimatorName::Ekfac,
    EstimatorName::Nystroem,
    EstimatorName::Lanczos,
];
