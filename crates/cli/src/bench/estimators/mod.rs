//! `backdraft bench estimators`: what each approximation of the inverse costs, and how far its scores are from the
//! exact ones and from responses.

mod args;
mod scored;

use backdraft::attribution::{
    AttributionError, EstimatorScores,
    verify::{Agreement, Extent, ResponseOutcome, Verifier},
};
use backdraft_influence::response::ResponseKind;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use self::scored::{exact, scored, settings, write};
use super::{solves::LoadedProblem, start_threads};
use crate::{
    CliError,
    progress::{say, warn},
};

pub(crate) use self::args::Estimators;

/// The changes under responses to the removal of examples.
struct RemovedChanges {
    examples: Vec<usize>,
    /// A row a query.
    changes: Vec<Vec<f64>>,
}

/// Runs `backdraft bench estimators`.
pub(crate) fn estimators(args: &Estimators) -> Result<(), CliError> {
    start_threads(args.threads.get())?;
    let opened = args.compute.device.open()?;
    args.precision.check(&opened)?;
    let (queries, dtype) = (args.queries.map(Into::into), args.precision.dtype());
    let loaded = args
        .workload
        .load(&args.from, queries, &opened.device, dtype)?;
    let damping = args.damping.unwrap_or(args.workload.damping()[0]);
    if !args.json {
        say(format_args!(
            "{} of {} queries x {} examples, damping {damping}; device {}, {} threads, {}, seed {}",
            args.workload.name(),
            loaded.queries.len(),
            loaded.train.len(),
            opened.name,
            args.threads,
            args.precision.name(),
            args.compute.seed
        ));
        say("estimator       seconds  true residual    exact: r    rho     PBRF: r");
    }
    let settings = settings(args, dtype);
    let exact = exact(&settings, &loaded, damping)?;
    let removed = removed(args, &loaded, damping)?;
    report(args, "exact", &exact, &exact, removed.as_ref())?;
    for &estimator in &args.estimators {
        let scored = match scored(estimator, &settings, &loaded, damping) {
            // The last layer of a network that has no other: that is no reason to leave out the rest.
            Err(CliError::Attribution(error @ AttributionError::Setting { .. })) => {
                warn(format_args!("{} is left out: {error}", estimator.name()));
                continue;
            }
            scored => scored?,
        };
        report(args, estimator.name(), &scored, &exact, removed.as_ref())?;
    }
    Ok(())
}

/// The responses to the removal of examples drawn at random.
fn removed(
    args: &Estimators,
    loaded: &LoadedProblem,
    damping: f64,
) -> Result<Option<RemovedChanges>, CliError> {
    if args.removals == 0 {
        return Ok(None);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(args.compute.seed);
    let len = loaded.train.len();
    let drawn = index::sample(&mut rng, len, args.removals.min(len)).into_vec();
    let kind = ResponseKind::Bregman;
    let verifier = Verifier::new(&loaded.train, &loaded.queries, damping, kind)?;
    let mut removed = RemovedChanges {
        examples: Vec::new(),
        changes: vec![Vec::new(); loaded.queries.len()],
    };
    for (example, response) in verifier.run(&drawn, Extent::Full)? {
        if let ResponseOutcome::Done { changes, .. } = response.outcome {
            removed.examples.push(example);
            let rows = removed.changes.iter_mut().zip(changes);
            rows.for_each(|(row, change)| row.push(change));
        }
    }
    Ok(Some(removed))
}

fn report(
    args: &Estimators,
    name: &str,
    scored: &EstimatorScores,
    exact: &EstimatorScores,
    removed: Option<&RemovedChanges>,
) -> Result<(), CliError> {
    if let Some(folder) = &args.scores {
        write(scored, folder, name)?;
    }
    let with_exact = Agreement::of(&scored.values, &exact.values);
    let with_responses = removed.and_then(|removed| {
        let of = |row: &Vec<f64>| removed.examples.iter().map(|&i| row[i]).collect();
        let rows: Vec<Vec<f64>> = scored.values.iter().map(of).collect();
        Agreement::of(&rows, &removed.changes)
    });
    if args.json {
        say(json!({
            "workload": args.workload.name(),
            "estimator": name,
            "seconds": scored.seconds,
            "true_residual": scored.true_residual,
            "pearson": with_exact.map(|it| it.pearson),
            "spearman": with_exact.map(|it| it.spearman),
            "pbrf": with_responses.map(|it| it.pearson),
            "coverage": scored.described,
        }));
        return Ok(());
    }
    let number = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |x| format!("{x:.4}"));
    say(format_args!(
        "{name:14} {:8.2}  {:>13}  {:>10} {:>7}  {:>9}",
        scored.seconds,
        scored
            .true_residual
            .map_or_else(|| "-".to_owned(), |x| format!("{x:.1e}")),
        number(with_exact.map(|it| it.pearson)),
        number(with_exact.map(|it| it.spearman)),
        number(with_responses.map(|it| it.pearson)),
    ));
    if let Some(text) = &scored.described {
        say(format_args!("               {text}"));
    }
    Ok(())
}
