//! What can be asked of `backdraft bench products`.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use crate::{
    args::{
        ComputeArgs,
        number::{count, seconds, some},
    },
    mixed_precision::ProductsIn,
};

const COLUMNS: &str = "\
What is told of each:
  median, least  of the runs, after three to warm up
  to grad        the median over that of the gradient, where it is among the quantities
  to floor       the median over the time of the same matrix products and convolutions alone, on random operands
  others         the share of the machine's processors that other processes took meanwhile
  peak           most memory that the process held meanwhile (resident set): the network, its batch and the vectors, what a product
                 needs and keeps, the program itself, and what the allocator has not given back of measurements before; for a
                 figure without those, ask for one measurement alone

The last two are known on Linux alone. With --json they are `others_cpu_pct` and `peak_mib`, and times are in milliseconds.";

/// Settings of `bench products`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COLUMNS)]
pub(crate) struct Products {
    /// The networks.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = WorkloadName::ALL)]
    pub workloads: Vec<WorkloadName>,

    /// What is timed. `_linear`: again on the same batch and parameters, with what does not depend on the vector kept.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = QuantityName::USUAL)]
    pub quantities: Vec<QuantityName>,

    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Threads that compute on the CPU (flex).
    #[arg(long, value_name = "N", default_value = "2", value_parser = some, allow_hyphen_values = true)]
    pub threads: NonZeroUsize,

    /// What matrix products are computed in. For 16 bits the relative error of each quantity against 32 is told.
    #[arg(long, value_enum, default_value_t = ProductsIn::F32)]
    pub products: ProductsIn,

    /// Launch every kernel by itself on graphics devices, where otherwise recorded runs are replayed.
    #[arg(long)]
    pub eager: bool,

    /// Least number of timed runs of each.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count, allow_hyphen_values = true)]
    pub min_runs: usize,

    /// Most time for each, in seconds, and as much again to warm up. At least one run of each is made.
    #[arg(long, value_name = "S", default_value_t = 20.0, value_parser = seconds, allow_hyphen_values = true)]
    pub max_seconds: f64,

    /// One line of JSON a measurement instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// A network with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WorkloadName {
    /// 784-1024-1024-10, ReLU, cross-entropy, batch 128.
    Mlp,
    /// Two convolutions and three layers, ReLU, cross-entropy, batch 128.
    Lenet,
    /// 784-1000-500-250-30 and back, sigmoid, binary cross-entropy, batch 1024.
    Autoencoder,
    /// Two layers, 256 wide, 10,000 words, cross-entropy of every one, batch 20 of 35 words.
    Transformer,
    /// ResNet-20 for CIFAR-10, its batch norm as in inference, cross-entropy, batch 128.
    Resnet20,
}

impl WorkloadName {
    pub const ALL: [Self; 5] = [
        Self::Mlp,
        Self::Lenet,
        Self::Autoencoder,
        Self::Transformer,
        Self::Resnet20,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Lenet => "lenet",
            Self::Autoencoder => "autoencoder",
            Self::Transformer => "transformer",
            Self::Resnet20 => "resnet20",
        }
    }
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum QuantityName {
    /// The gradient of the batch's loss.
    Grad,
    /// The outputs and their derivatives along a vector.
    Jvp,
    /// A product with the Gauss-Newton matrix.
    Gnvp,
    /// The same, what does not depend on the vector kept.
    GnvpLinear,
    /// A product with the Hessian.
    Hvp,
    /// The same, what does not depend on the vector kept.
    HvpLinear,
    /// Every example's derivative of the loss along a vector.
    Scores,
    /// Products with 16 vectors at once, what does not depend on them kept.
    #[value(name = "gnvp_16")]
    Gnvp16,
    /// Products with 64 vectors at once.
    #[value(name = "gnvp_64")]
    Gnvp64,
    /// Products of the Hessian with 16 vectors at once.
    #[value(name = "hvp_16")]
    Hvp16,
}

impl QuantityName {
    /// What is timed unless others are named.
    pub const USUAL: [Self; 7] = [
        Self::Grad,
        Self::Jvp,
        Self::Gnvp,
        Self::GnvpLinear,
        Self::Hvp,
        Self::HvpLinear,
        Self::Scores,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Grad => "grad",
            Self::Jvp => "jvp",
            Self::Gnvp => "gnvp",
            Self::GnvpLinear => "gnvp_linear",
            Self::Hvp => "hvp",
            Self::HvpLinear => "hvp_linear",
            Self::Scores => "scores",
            Self::Gnvp16 => "gnvp_16",
            Self::Gnvp64 => "gnvp_64",
            Self::Hvp16 => "hvp_16",
        }
    }

    /// Vectors at once.
    pub fn vectors(self) -> usize {
        match self {
            Self::Gnvp16 | Self::Hvp16 => 16,
            Self::Gnvp64 => 64,
            _ => 1,
        }
    }
}
