//! Where is computed, and by which seed.

use clap::Args;

use super::number::seed;
use crate::device::DeviceName;

/// The device, and the seed of what is drawn.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ComputeArgs {
    /// Where to compute; `backdraft devices` lists what there is.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,

    /// The seed of every random choice.
    #[arg(long, default_value_t = 0, value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,
}
