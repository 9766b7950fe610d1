//! What can be asked of `backdraft illustrate`.

use std::num::NonZeroUsize;

use backdraft::illustration::{BoundaryConfig, HomotopyConfig, WarmStartConfig};
use clap::{Args, Subcommand};

use crate::args::{
    ComputeArgs, FolderArgs,
    number::{count, count_or_none, not_negative, positive, some},
};

/// Pictures of what is behind the terms of influence functions, on data made up from a seed.
#[derive(Debug, Subcommand)]
pub(crate) enum Illustrate {
    /// Where the minimum of a small network goes while the weight of a training example falls from 1 to 0, and the ways
    /// that training takes there.
    Homotopy(HomotopyArgs),
    /// Which of the minima of a cost that has many gradient descent comes to, from where.
    WarmStart(WarmStartArgs),
    /// What influence and training again do to the decision boundary of a network that is trained in part.
    Boundary(BoundaryArgs),
}

/// Where is computed, by which seed, and where files go.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    pub compute: ComputeArgs,

    #[command(flatten)]
    pub folder: FolderArgs,
}

/// Settings of `illustrate homotopy`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HomotopyArgs {
    #[command(flatten)]
    pub place: PlaceArgs,

    /// Units of the hidden layer, of the network that learns and of the one that it learns.
    #[arg(long, value_name = "N", default_value = "3", value_parser = some, allow_hyphen_values = true)]
    pub hidden: NonZeroUsize,

    /// Training examples.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count, allow_hyphen_values = true)]
    pub examples: usize,

    /// The variance of the noise in their targets.
    #[arg(long, value_name = "VARIANCE", default_value_t = 0.1, value_parser = not_negative, allow_hyphen_values = true)]
    pub noise: f64,

    /// The coefficient of the L2 term, `1/2 coefficient ||theta||^2`.
    #[arg(long, value_name = "L2", default_value_t = 1e-3, value_parser = positive, allow_hyphen_values = true)]
    pub l2: f64,

    /// The examples whose weight falls, each by itself, by their places from the left, from 0. Default: those with the
    /// least, the middle and the most noise.
    #[arg(long, value_name = "I,J,..", value_delimiter = ',', value_parser = count_or_none, allow_hyphen_values = true)]
    pub points: Vec<usize>,

    /// The hidden unit that is shown, from 0.
    #[arg(long, value_name = "I", default_value_t = 0, value_parser = count_or_none, allow_hyphen_values = true)]
    pub unit: usize,

    /// Steps of the weight from 1 to 0.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = count, allow_hyphen_values = true)]
    pub steps: usize,

    /// The time until which gradient flow is followed.
    #[arg(long, value_name = "T", default_value_t = 200.0, value_parser = positive, allow_hyphen_values = true)]
    pub time: f64,
}

impl HomotopyArgs {
    pub fn config(&self) -> HomotopyConfig {
        HomotopyConfig::new()
            .with_hidden(self.hidden.get())
            .with_examples(self.examples)
            .with_noise(self.noise)
            .with_l2(self.l2)
            .with_points(self.points.clone())
            .with_unit(self.unit)
            .with_steps(self.steps)
            .with_flow_time(self.time)
            .with_seed(self.place.compute.seed)
    }
}

/// Settings of `illustrate warm-start`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WarmStartArgs {
    #[command(flatten)]
    pub place: PlaceArgs,

    /// Training examples.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count, allow_hyphen_values = true)]
    pub examples: usize,

    /// The example that is removed, from 0. Default: the one whose removal moves the minima furthest.
    #[arg(long, value_name = "I", value_parser = count_or_none, allow_hyphen_values = true)]
    pub removed: Option<usize>,
}

impl WarmStartArgs {
    pub fn config(&self) -> WarmStartConfig {
        WarmStartConfig::new()
            .with_examples(self.examples)
            .with_removed(self.removed)
            .with_seed(self.place.compute.seed)
    }
}

/// Settings of `illustrate boundary`.
#[derive(Clone, Debug, Args)]
pub(crate) struct BoundaryArgs {
    #[command(flatten)]
    pub place: PlaceArgs,

    /// Training examples, half of each class; the one that is removed comes on top.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = count, allow_hyphen_values = true)]
    pub examples: usize,

    /// Units of both hidden layers.
    #[arg(long, value_name = "N", default_value = "16", value_parser = some, allow_hyphen_values = true)]
    pub hidden: NonZeroUsize,

    /// Steps of Adam that the network is trained for.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = count, allow_hyphen_values = true)]
    pub steps: usize,

    /// Steps of Adam that training again takes.
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = count, allow_hyphen_values = true)]
    pub retraining_steps: usize,

    /// The damping.
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.03, value_parser = positive, allow_hyphen_values = true)]
    pub damping: f64,
}

impl BoundaryArgs {
    pub fn config(&self) -> BoundaryConfig {
        BoundaryConfig::new()
            .with_examples(self.examples)
            .with_hidden(self.hidden.get())
            .with_steps(self.steps)
            .with_retraining_steps(self.retraining_steps)
            .with_damping(self.damping)
            .with_seed(self.place.compute.seed)
    }
}
