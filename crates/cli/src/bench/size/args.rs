//! What can be asked of `backdraft bench size`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};

use crate::args::{
    ComputeArgs,
    number::{count, some, width},
};

const COLUMNS: &str = "\
What is told of each, one run, its trace included:
  seconds   by the clock
  others    the share of the machine's processors that other processes took meanwhile
  counted   most memory that results of a batch's operations take at once, as counted in the program
  peak      most memory that the process held meanwhile (resident set): the weights, the vectors, what a batch needs, and what the
            allocator has not given back of what came before; for a figure without that, ask for one quantity alone

Others and peak are known on Linux alone. With --json they are `others_cpu_pct` and `peak_mib`.";

/// Settings of `bench size`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COLUMNS)]
pub(crate) struct Size {
    /// What is measured.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [SizeQuantity::Gnvp])]
    pub quantities: Vec<SizeQuantity>,

    /// Numbers that stand for a word between layers.
    #[arg(long, value_name = "N", default_value_t = 768, value_parser = width, allow_hyphen_values = true)]
    pub width: usize,

    /// Layers.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = count, allow_hyphen_values = true)]
    pub layers: usize,

    /// Attention heads, of which the width is a multiple.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = count, allow_hyphen_values = true)]
    pub heads: usize,

    /// Units in the middle of a layer's perceptron. Default: four times the width.
    #[arg(long, value_name = "N", value_parser = width, allow_hyphen_values = true)]
    pub hidden: Option<usize>,

    /// Different words.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = count, allow_hyphen_values = true)]
    pub vocabulary: usize,

    /// Words of a sequence.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count, allow_hyphen_values = true)]
    pub length: usize,

    /// A safetensors file with sequences of --length words and their next words, whole numbers `[examples, length]` named
    /// `words` and `next`, which are read a batch at a time in every pass. Default: random ones, held.
    #[arg(long, value_name = "FILE", conflicts_with = "examples")]
    pub from: Option<PathBuf>,

    /// Sequences.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count, allow_hyphen_values = true)]
    pub examples: usize,

    /// Sequences in a batch, for which activations are there at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count, allow_hyphen_values = true)]
    pub batch: usize,

    /// Compute activations again in the reverse pass rather than keep them for it (gradient checkpointing).
    #[arg(long)]
    pub recompute: bool,

    /// Parameters to derive by, as names or names of modules, `*` for any text: such as `layers`. Default: all.
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Mixtures of an example's outputs that K-FAC and EK-FAC pull back.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = count, allow_hyphen_values = true)]
    pub columns: usize,

    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Threads that compute on the CPU (flex).
    #[arg(long, value_name = "N", default_value = "2", value_parser = some, allow_hyphen_values = true)]
    pub threads: NonZeroUsize,

    /// One line of JSON a measurement instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SizeQuantity {
    /// The gradient of the cost.
    Grad,
    /// A product with the Gauss-Newton matrix of all examples, nothing kept.
    Gnvp,
    /// A product with the Hessian.
    Hvp,
    /// Ten steps of conjugate gradients with the Gauss-Newton matrix, for the cost's gradient.
    Cg,
    /// The factors of K-FAC, with their eigenvectors.
    Kfac,
    /// Those of EK-FAC.
    Ekfac,
}

impl SizeQuantity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Grad => "grad",
            Self::Gnvp => "gnvp",
            Self::Hvp => "hvp",
            Self::Cg => "cg",
            Self::Kfac => "kfac",
            Self::Ekfac => "ekfac",
        }
    }
}
