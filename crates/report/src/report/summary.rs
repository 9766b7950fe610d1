//! The head of the report: the question, the answer and the run in a few facts.

use super::{Example, Explained, Report};
use crate::number::{change, count, plural, short};
use crate::page::{Html, header, quality, run_section};
use crate::{VerificationRecord, WeightsFile};

/// Title, question and answer.
pub(super) fn head(report: &Report) -> Html {
    let settings = &report.record.settings;
    let question = format!(
        "The question: which of the {} training examples of {} moved the loss of the {} on {}, and \
         which way?",
        count(report.record.sizes.train),
        settings.data,
        settings.model,
        plural(report.record.queries.len(), "test example"),
    );
    header(
        &report.title,
        "Which training examples made this network behave like this?",
        &question,
        &answer(report),
    )
}

/// The run in a few facts, and all its settings.
pub(super) fn run(report: &Report) -> Html {
    let record = &report.record;
    let settings = &record.settings;
    let seconds: f64 = record.timings.iter().map(|timing| timing.seconds).sum();
    let main = [
        ("Model", settings.model.clone()),
        ("Parameters", count(record.sizes.parameters)),
        ("Data", settings.data.clone()),
        ("Task", settings.task.clone()),
        ("Losses and scores", record.unit.told()),
        ("Weights", weights(settings.weights.as_ref())),
        ("Train", quality(record.sizes.train, &record.metrics.train)),
        ("Test", quality(record.sizes.test, &record.metrics.test)),
        (
            "Gradient",
            format!("norm {}", short(record.metrics.gradient_norm)),
        ),
        ("Solver", settings.solver.clone()),
        ("Damping", short(settings.damping)),
        ("Device", settings.device.clone()),
        ("Seed", settings.seed.to_string()),
        ("Time", format!("{} s", short(seconds))),
    ];
    let timings = record.timings.iter().map(|it| (&it.stage, it.seconds));
    let started = record.started.clone().map(|started| ("started", started));
    run_section(main, &settings.details, timings, &record.versions, started)
}

/// Where the weights came from.
fn weights(file: Option<&WeightsFile>) -> String {
    match file {
        Some(WeightsFile { file, map, .. }) if map.is_empty() => format!("from {file}"),
        Some(WeightsFile { file, map, .. }) => format!("from {file}, renamed by {}", map.join(" ")),
        None => "trained in this run".into(),
    }
}

fn answer(report: &Report) -> String {
    let mut sentences = Vec::new();
    let helped = strongest(&report.explained, |explained| explained.helpful.first());
    if let Some((query, example, score)) = helped {
        sentences.push(told(query, example, "helped", score));
    }
    let harmed = strongest(&report.explained, |explained| explained.harmful.first());
    if let Some((query, example, score)) = harmed {
        sentences.push(told(query, example, "harmed", score));
    }
    if sentences.is_empty() {
        sentences.push("No training example has any influence on these queries.".into());
    }
    sentences.push(trust(report.record.verification.as_ref()));
    let unsolved = report.record.queries.iter();
    let unsolved = unsolved.filter(|query| !query.solve.converged).count();
    if unsolved > 0 {
        sentences.push(format!(
            "The solver did not converge for {}: read those scores with care.",
            plural(unsolved, "query")
        ));
    }
    sentences.join(" ")
}

fn told(query: &Example, example: &Example, did: &str, score: f64) -> String {
    format!(
        "Training example {} ({}) {did} most: without it, the loss on test example {} ({}) is predicted to change by {}.",
        example.index,
        example.source,
        query.index,
        query.source,
        change(score)
    )
}

/// Query, training example and score of the greatest influence among those `pick` finds.
fn strongest<'a>(
    explained: &'a [Explained],
    pick: impl Fn(&'a Explained) -> Option<&'a super::ScoredExample>,
) -> Option<(&'a Example, &'a Example, f64)> {
    explained
        .iter()
        .filter_map(|it| {
            let scored = pick(it)?;
            Some((&it.query, &scored.example, scored.score))
        })
        .max_by(|(.., a), (.., b)| a.abs().total_cmp(&b.abs()))
}

/// What the verification says in a sentence; `guide.rs` states the same limits.
fn trust(verification: Option<&VerificationRecord>) -> String {
    let Some(verification) = verification else {
        return "These predictions were not held against actual changes.".into();
    };
    let failed = match verification.failed.len() {
        0 => String::new(),
        failed => format!(
            " Left out of that: {} without a response, which diverged or was not minimised.",
            plural(failed, "removal")
        ),
    };
    agreement(verification) + &failed
}

fn agreement(verification: &VerificationRecord) -> String {
    let interval = match (&verification.coverage, verification.intervals) {
        (Some(coverage), None) => {
            return format!(
                "These predictions were held against what {} really did: too few, or too little variation, for a verdict.",
                plural(
                    coverage
                        .removals
                        .len()
                        .saturating_sub(verification.failed.len()),
                    "removal"
                )
            );
        }
        (_, Some(it)) => format!(
            ", 95 % interval {} to {}",
            short(it.pearson[0]),
            short(it.pearson[1])
        ),
        (None, None) => String::new(),
    };
    let Some(pearson) = verification.pearson else {
        return "The predictions could not be correlated with actual changes, for lack of pairs \
                that vary."
            .into();
    };
    let sized = verification
        .slope
        .is_some_and(|slope| (0.8..=1.25).contains(&slope));
    let verdict = match pearson {
        r if r >= 0.95 && sized => "can be trusted in order and in size",
        r if r >= 0.95 => "can be trusted in order, but not in size",
        r if r >= 0.8 => "show the tendency and should be checked one by one",
        _ => "should not be relied on",
    };
    format!(
        "Held against actual changes of {}, these predictions {verdict} (Pearson {}{interval}).",
        plural(verification.pairs.len(), "pair"),
        short(pearson)
    )
}
