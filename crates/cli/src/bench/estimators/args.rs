//! What can be asked of `backdraft bench estimators`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};

use crate::{
    args::{
        ComputeArgs, Precision,
        number::{count, positive, some},
    },
    bench::solves::SolveWorkload,
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

    /// The estimators. Default: all but lissa, whose thousands of steps take far longer than an exact solution, and dual.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Estimator::USUAL)]
    pub estimators: Vec<Estimator>,

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

/// What stands in for the inverse of the damped Gauss-Newton matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Estimator {
    /// The identity: products of gradients.
    Gradients,
    /// The diagonal, estimated from 100 products.
    Diagonal,
    /// The outer product of gradients (the empirical Fisher matrix), exact through the examples.
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
    Lanczos,
    /// The kernel matrix of examples times outputs: exact.
    Dual,
}

impl Estimator {
    pub const USUAL: [Self; 8] = [
        Self::Gradients,
        Self::Diagonal,
        Self::OuterProduct,
        Self::LastLayer,
        Self::Kfac,
        Self::Ekfac,
        Self::Nystroem,
        Self::Lanczos,
    ];

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
        }
    }
}
