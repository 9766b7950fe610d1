//! How good a network is, and in which unit that is told.

use backdraft_models::{
    Architecture, Metrics, Objective, Zoo,
    data::{Dataset, Split},
    evaluate, per_example_losses, quote,
};

use super::{CliError, progress::say};
use backdraft_report::{Quality, Unit, short};

/// What the losses of a model are measured in; `target` is what is to be predicted, where it has a name.
pub(super) fn unit(model: Architecture, dataset: &Dataset, target: Option<&str>) -> Unit {
    match model.objective(dataset) {
        // A column may have a page for a name.
        Objective::SquaredError => {
            let name = quote::text(target.unwrap_or("target"));
            Unit::squared(&name, dataset.target_std())
        }
        Objective::Huber { .. } => {
            let name = quote::text(target.unwrap_or("target"));
            Unit::huber(&name, dataset.target_std())
        }
        Objective::Poisson => Unit::log_rates(),
        Objective::CrossEntropy
        | Objective::BinaryCrossEntropyWithLogits
        | Objective::Reconstruction => Unit::nats(),
    }
}

/// Says what losses are told in, unless in nats, as everywhere.
pub(super) fn tell(unit: &Unit) {
    if *unit != Unit::nats() {
        say(format_args!("losses in {}", unit.told()));
    }
}

/// Measures a network on a part of the data.
///
/// # Errors
///
/// If a loss is not finite: which is the first.
pub(super) fn measured(
    part: &'static str,
    network: &Zoo,
    split: &Split,
    objective: Objective,
) -> Result<Metrics, CliError> {
    let measured = evaluate(network, split, objective);
    if measured.loss.is_finite() {
        return Ok(measured);
    }
    let losses = per_example_losses(network, split, objective);
    let example = losses.iter().position(|loss| !loss.is_finite());
    Err(CliError::NotFinite {
        part,
        // Finite ones may have an infinite sum.
        example: example.unwrap_or_default(),
        loss: example.map_or(measured.loss, |example| losses[example]),
    })
}

/// A measurement as the record holds it, in the units that the network was trained with.
pub(super) fn quality(measured: &Metrics) -> Quality {
    Quality {
        loss: measured.loss,
        accuracy: measured.accuracy,
    }
}

/// The same in words.
pub(super) fn shown(quality: &Quality) -> String {
    match quality.accuracy {
        Some(accuracy) => format!(
            "accuracy {:.2}%, loss {}",
            100.0 * accuracy,
            short(quality.loss)
        ),
        None => format!("loss {}", short(quality.loss)),
    }
}
