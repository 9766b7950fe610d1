//! Whether weights from a file do as well here as where they were trained, or were trained on inputs scaled otherwise.

use backdraft_models::{
    Metrics,
    data::{Dataset, Division, MomentsOf, Task},
    evaluate,
};

use super::LoadedModel;
use crate::{
    CliError,
    args::{DataArgs, ScalingName},
    progress::{say, warn},
};

/// A share of examples that is much.
const MUCH: f64 = 0.02;

/// Says how well weights do on the training part beside what is kept with them, and without a record beside what they
/// do on inputs that are scaled otherwise. `measured` is what they do.
pub(crate) fn check_scaling(
    args: &DataArgs,
    loaded: &LoadedModel,
    dataset: &Dataset,
    measured: &Metrics,
) -> Result<(), CliError> {
    let kept = loaded.record.as_ref().and_then(|it| it.measured.as_ref());
    if let Some(kept) = kept.filter(|it| it.part == "train") {
        if is_far_below(measured, &kept.metrics) {
            warn(format_args!(
                "the weights did much better where they were trained, on {} examples: {} there, {} on the training part here. The \
                 data, or what is done to inputs, are others; without --inputs, --mean and --std it is what is kept with the weights",
                kept.rows,
                words(&kept.metrics),
                words(measured)
            ));
        }
        return Ok(());
    }
    if loaded.record.is_some() {
        return Ok(());
    }
    if !args.tells_inputs() {
        let targets = match dataset.task {
            Task::Regression => ", and of targets by --targets",
            _ => "",
        };
        say(format_args!(
            "nothing is kept with the weights: {} on the training part is what they do on inputs as above. If they were trained on \
             others, say so by --inputs, or by --mean and --std{targets}",
            words(measured)
        ));
    }
    let Some((better, options)) = best_other(args, loaded, dataset, measured)? else {
        return Ok(());
    };
    warn(format_args!(
        "with {options} the same weights do much better on the training part, {} and not {}: they seem to have been trained so",
        words(&better),
        words(measured)
    ));
    Ok(())
}

/// The scaling with which weights do much better than `measured`, and best, with the options that ask for it.
fn best_other(
    args: &DataArgs,
    loaded: &LoadedModel,
    dataset: &Dataset,
    measured: &Metrics,
) -> Result<Option<(Metrics, String)>, CliError> {
    let targets: &[Option<ScalingName>] = match dataset.task {
        Task::Regression => &[Some(ScalingName::Standardised), Some(ScalingName::Raw)],
        _ => &[None],
    };
    // Of parts that nobody drew, the training part is what a network was trained on.
    let moments: &[MomentsOf] = match dataset.division {
        Division::Drawn { .. } => &[MomentsOf::Train, MomentsOf::All],
        _ => &[MomentsOf::Train],
    };
    let mut best: Option<(Metrics, String)> = None;
    for inputs in [
        ScalingName::Raw,
        ScalingName::Unit,
        ScalingName::Standardised,
    ] {
        for (&targets, &of) in targets
            .iter()
            .flat_map(|it| moments.iter().map(move |of| (it, of)))
        {
            let other = args.load_scaled(inputs, targets, of)?;
            let is_new = of == MomentsOf::Train || measures(&other);
            let is_here = other.input_scaling == dataset.input_scaling
                && other.target_scaling == dataset.target_scaling;
            if is_here || !is_new {
                continue;
            }
            let metrics = measure(loaded, dataset, other);
            let least = best.as_ref().map_or(measured, |(best, _)| best);
            if is_far_below(measured, &metrics) && score(&metrics) > score(least) {
                best = Some((metrics, options(args, inputs, targets, of)));
            }
        }
    }
    Ok(best)
}

/// Whether moments are those of all examples.
fn measures(dataset: &Dataset) -> bool {
    let scalings = [&dataset.input_scaling, &dataset.target_scaling];
    scalings
        .into_iter()
        .flatten()
        .any(|it| it.of == MomentsOf::All)
}

/// The options that ask for a scaling.
fn options(
    args: &DataArgs,
    inputs: ScalingName,
    targets: Option<ScalingName>,
    of: MomentsOf,
) -> String {
    let mut options = format!("--inputs {}", inputs.name());
    match targets {
        Some(ScalingName::Standardised) if !args.tells_targets() => {}
        Some(targets) => options.push_str(&format!(" --targets {}", targets.name())),
        None => {}
    }
    if of == MomentsOf::All {
        options.push_str(" --moments all");
    }
    options
}

/// How well the weights do on the training part of the same data, scaled otherwise.
fn measure(loaded: &LoadedModel, dataset: &Dataset, mut other: Dataset) -> Metrics {
    if dataset.target_scaling.is_none() {
        // With the labels that were made wrong.
        other.train.targets = dataset.train.targets.clone();
    }
    evaluate(&loaded.model, &other.train, dataset.objective())
}

/// Whether `now` is much worse than `then`; what is no number is.
fn is_far_below(now: &Metrics, then: &Metrics) -> bool {
    if let (Some(now), Some(then)) = (now.r2, then.r2) {
        // What is left unexplained has no units.
        return now.is_nan() || 1.0 - now > 2.0 * (1.0 - then) + MUCH;
    }
    let fewer = match (now.accuracy, then.accuracy) {
        (Some(now), Some(then)) => then - now > MUCH,
        _ => false,
    };
    fewer || now.loss.is_nan() || now.loss > 2.0 * then.loss + 0.1
}

/// Larger is better.
fn score(metrics: &Metrics) -> (f64, f64) {
    let score = metrics.r2.or(metrics.accuracy).unwrap_or(0.0);
    (score, -metrics.loss)
}

fn words(metrics: &Metrics) -> String {
    let loss = format!("loss {:.4}", metrics.loss);
    let accuracy = metrics
        .accuracy
        .map(|x| format!("accuracy {:.2}%, {loss}", 100.0 * x));
    let r2 = || metrics.r2.map(|x| format!("R2 {x:.4}"));
    accuracy.or_else(r2).unwrap_or(loss)
}
