//! How the network is trained: by gradient descent of constant steps, which unlearning goes on with.

use backdraft_influence::unlearn::{DescentConfig, ShuffledBatches};
use backdraft_models::{Architecture, Optimizer, Schedule, TrainConfig, data::Task};

use super::regularity::largest_curvature;
use crate::{
    CliError,
    args::{BatchSize, Unlearn, number::check_fits},
    inputs::Inputs,
};

/// Passes over the data for logistic and linear regression, whose preset has another method.
const PASSES: usize = 500;

/// The settings asked for, and for the rest the defaults of the model and the data.
pub(super) fn training(args: &Unlearn, inputs: &Inputs) -> Result<TrainConfig, CliError> {
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let preset = inputs.training(&args.run);
    let linear = kind == Architecture::LogisticRegression;
    let asked = args.descent;
    let (epochs, batch) = match linear {
        true => (PASSES, BatchSize::All),
        false => (preset.epochs, BatchSize::Of(preset.batch_size)),
    };
    let weight_decay = asked.weight_decay.unwrap_or(preset.weight_decay);
    let batch_size = asked.batch_size.unwrap_or(batch).of(dataset.train.rows);
    let rate = || match (linear, &dataset.task) {
        (true, _) => {
            let most = largest_curvature(dataset, batch_size == dataset.train.rows)?;
            // The objective's curvature lies between the L2 term and this above it.
            Ok(2.0 / (most + 2.0 * weight_decay))
        }
        (false, Task::Regression) => Ok(0.03),
        (false, _) => Ok(0.1),
    };
    let learning_rate = asked.learning_rate.map_or_else(rate, Ok::<f64, CliError>)?;
    let config = TrainConfig {
        optimizer: Optimizer::Sgd {
            momentum: asked.momentum,
        },
        learning_rate,
        schedule: Schedule::Constant,
        batch_size,
        epochs: asked.epochs.unwrap_or(epochs),
        weight_decay,
        seed: args.run.compute.seed,
    };
    let dtype = args.solving().precision().dtype();
    check_fits("--learning-rate", Some(config.learning_rate), dtype)?;
    config.check()?;
    Ok(config)
}

/// The same as unlearning takes it.
pub(super) fn descent(args: &Unlearn, config: &TrainConfig) -> DescentConfig {
    let descent = config.optimizer.descent();
    DescentConfig {
        descent: descent.expect("it is trained by gradient descent"),
        radius: args.descent.radius,
    }
}

/// The steps of training on so many examples, in the order that `seed` draws.
pub(super) fn plan(
    config: &TrainConfig,
    examples: usize,
    seed: u64,
) -> Result<ShuffledBatches, CliError> {
    let plan = ShuffledBatches::new(examples, config.batch_size, config.learning_rate, seed);
    Ok(plan?)
}
