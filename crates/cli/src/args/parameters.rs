//! Which of a network's parameters influence is of.

use clap::Args;

/// Which parameters.
#[derive(Clone, Debug, Args)]
pub(crate) struct ParameterArgs {
    /// Influence by way of these parameters alone, the others count as constants: names, names of layers, or patterns
    /// with `*` and `?`, such as `fc3` or `encoder.*,*.bias`. `backdraft models` lists those of --onnx. Default: all.
    #[arg(long, value_name = "PATTERN,..", value_delimiter = ',')]
    pub only: Vec<String>,
}
