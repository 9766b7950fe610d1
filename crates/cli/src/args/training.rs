//! How a network is trained.

use backdraft_models::{Optimizer, Preset, TrainConfig};
use burn::tensor::DType;
use clap::{Args, ValueEnum};

use super::number::{check_fits, count, not_negative};
use crate::CliError;

/// The preset, and what is asked for in place of its settings.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TrainingArgs {
    /// The model's size and the settings of its training. In experiments `quick` is `paper` with fewer passes, narrower
    /// layers and a shorter LiSSA, by factors that are printed.
    #[arg(long, value_enum, default_value_t = PresetName::Quick)]
    pub preset: PresetName,

    /// Passes over the data that train the network; for lr, the most evaluations of L-BFGS. Each response of an
    /// experiment takes half as many more. Default: the preset's.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub epochs: Option<usize>,

    /// The coefficient of the L2 term, `1/2 coefficient ||theta||^2`. Default: the preset's.
    #[arg(long, value_name = "L2", value_parser = not_negative, allow_hyphen_values = true)]
    pub weight_decay: Option<f64>,
}

impl TrainingArgs {
    /// The settings of `preset`, in which the command may have set its own, with what these options say; for numbers of
    /// `dtype`. `by_batches` are the options that L-BFGS has no use for, and whether they were given.
    pub fn config(
        &self,
        preset: TrainConfig,
        by_batches: &[(&'static str, bool)],
        dtype: DType,
    ) -> Result<TrainConfig, CliError> {
        let given = by_batches.iter().find(|(_, given)| *given);
        if let (Optimizer::Lbfgs { .. }, Some((option, _))) = (&preset.optimizer, given) {
            let problem = "is for models trained by batches: L-BFGS takes all examples at once and \
                           searches for its own step";
            return Err(CliError::Option {
                option,
                problem: problem.to_owned(),
            });
        }
        let config = TrainConfig {
            epochs: self.epochs.unwrap_or(preset.epochs),
            weight_decay: self.weight_decay.unwrap_or(preset.weight_decay),
            ..preset
        };
        // Before there is a folder with them.
        check_fits("--learning-rate", Some(config.learning_rate), dtype)?;
        check_fits("--weight-decay", Some(config.weight_decay), dtype)?;
        config.check()?;
        Ok(config)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetName {
    /// As in Bae et al. (2022).
    Paper,
    /// Minutes on two cores.
    Quick,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Paper => Self::Paper,
            PresetName::Quick => Self::Quick,
        }
    }
}
