//! What can be asked of `backdraft bench solves`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};

use crate::args::{
    ComputeArgs, Precision, PreconditionerName,
    number::{count, positive, residual, some},
};

const WORKLOADS: &str = "\
Workloads, one safetensors file each in the folder, with the weights of a PyTorch Sequential (`w.0.weight`, `w.0.bias`,
`w.2.weight`, ..), `x_train`, `y_train`, `x_query` and `y_query`; targets are classes, or numbers for w3:
  w1   w1.safetensors   logistic regression, 784-10, 5,000 digits, 100 queries; damping 0.1 and 0.01
  w2   w2.safetensors   784-512-256-128-10, ReLU, the same; damping 0.0052
  w3   w3.safetensors   8-128-128-128-1, ReLU, squared error, concrete 896/103; damping 0.0017

block_products counts products with a full block: one with fewer right-hand sides counts as its share. The products of a
preconditioner count too.";

/// Settings of `bench solves`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WORKLOADS)]
pub(crate) struct Solves {
    /// The folder of the workloads' files.
    #[arg(long, value_name = "FOLDER")]
    pub from: PathBuf,

    /// The workloads.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [SolveWorkload::W1])]
    pub workloads: Vec<SolveWorkload>,

    /// How right-hand sides are solved: one after another, in one program with coefficients of their own, or as a
    /// block.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [SolveMethod::Block])]
    pub methods: Vec<SolveMethod>,

    /// What stands in for the inverse.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [PreconditionerName::None])]
    pub preconditioners: Vec<PreconditionerName>,

    /// Vectors of the Nystroem sketch.
    #[arg(long, value_name = "RANK", default_value_t = 100, value_parser = count, allow_hyphen_values = true)]
    pub rank: usize,

    /// Queries of a block, which the method block solves one after another. Default: all.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub block: Option<NonZeroUsize>,

    /// Dampings. Default: the workload's.
    #[arg(long, value_name = "LAMBDA", value_delimiter = ',', value_parser = positive, allow_hyphen_values = true)]
    pub damping: Vec<f64>,

    /// Relative residual to reach. Default: 1e-5, in f64 1e-8.
    #[arg(long, value_name = "RESIDUAL", value_parser = residual, allow_hyphen_values = true)]
    pub tolerance: Option<f64>,

    /// The type of numbers.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,

    /// Queries: the first of the file. Default: all.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub queries: Option<NonZeroUsize>,

    /// Runs of each, of which the median time is told.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count, allow_hyphen_values = true)]
    pub runs: usize,

    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Threads that compute on the CPU (flex).
    #[arg(long, value_name = "N", default_value = "2", value_parser = some, allow_hyphen_values = true)]
    pub threads: NonZeroUsize,

    /// One line of JSON a measurement instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// A network, its training examples and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SolveWorkload {
    W1,
    W2,
    W3,
}

impl SolveWorkload {
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
        }
    }

    /// The dampings that it is solved with.
    pub fn damping(self) -> &'static [f64] {
        match self {
            Self::W1 => &[0.1, 0.01],
            Self::W2 => &[0.0052],
            Self::W3 => &[0.0017],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SolveMethod {
    /// Conjugate gradients for one right-hand side after another.
    Single,
    /// The same in step: coefficients of each its own, products at once.
    Lockstep,
    /// Block conjugate gradients.
    Block,
    /// The same for all dampings in one, told at the least of them.
    Path,
    /// The last ten queries one after another, once the others are solved as a block: what these ten take,
    /// block_products being products a query.
    Later,
}

impl SolveMethod {
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Lockstep => "lockstep",
            Self::Block => "block",
            Self::Path => "path",
            Self::Later => "later",
        }
    }
}
