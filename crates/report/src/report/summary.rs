//! The head of the report: the question, the answer and the run in a few facts.

use super::{Example, Explained, Report};
use crate::number::{change, count, plural, short};
use crate::page::{Html, header, quality, run_section};
use crate::{Measure, RunRecord, VerificationRecord, WeightsFile, measure::did};

/// Title, question and answer.
pub(super) fn head(report: &Report) -> Html {
    let settings = &report.record.settings;
    let measure = report.record.measure();
    let question = format!(
        "The question: which of the {} training examples of {} moved the {} of the {} on {}, and \
         which way?",
        count(report.record.sizes.train),
        settings.data,
        measure.quantity(),
        settings.model,
        match measure.mean_over {
            Some(examples) => format!("{} test examples", count(examples)),
            None => plural(report.record.queries.len(), "test example"),
        },
    );
    header(
        &report.title,
        "Which training examples made this network behave like this?",
        &question,
        &answer(report),
    )
}

/// The run in a few facts, and all its settings.
pub(crate) fn run(record: &RunRecord) -> Html {
    let settings = &record.settings;
    let [losses, measured] = units(record);
    let seconds: f64 = record.timings.iter().map(|timing| timing.seconds).sum();
    let mut main = vec![
        ("Model", settings.model.clone()),
        ("Parameters", count(record.sizes.parameters)),
        ("Data", settings.data.clone()),
        ("Task", settings.task.clone()),
        losses,
        measured,
        ("Weights", weights(settings.weights.as_ref())),
        ("Train", quality(record.sizes.train, &record.metrics.train)),
        ("Test", quality(record.sizes.test, &record.metrics.test)),
        (
            "Gradient",
            format!("norm {}", short(record.metrics.gradient_norm)),
        ),
    ];
    main.extend(settings.solver.clone().map(|it| ("Solver", it)));
    main.extend(settings.damping.map(|it| ("Damping", short(it))));
    main.extend([
        ("Device", settings.device.clone()),
        ("Seed", settings.seed.to_string()),
        ("Time", format!("{} s", short(seconds))),
    ]);
    let timings = record.timings.iter().map(|it| (&it.stage, it.seconds));
    let started = record.started.clone().map(|started| ("started", started));
    run_section(main, &settings.details, timings, &record.versions, started)
}

/// What losses are in, and what is measured.
fn units(record: &RunRecord) -> [(&'static str, String); 2] {
    let (losses, measure) = (record.unit.told(), record.measure());
    match measure.is_loss() {
        true => [
            ("Losses and scores", losses),
            ("Measured", format!("the {}", measure.subject())),
        ],
        false => [
            ("Losses", losses),
            (
                "Measured",
                format!("the {}, in {}", measure.subject(), measure.unit),
            ),
        ],
    }
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
    let measure = report.record.measure();
    let positive = strongest(&report.explained, |explained| explained.positive.first());
    let negative = strongest(&report.explained, |explained| explained.negative.first());
    for (kind, found) in measure.sides(positive, negative) {
        if let Some((query, example, score)) = found {
            sentences.push(told(&measure, query, (example, did(kind)), score));
        }
    }
    if sentences.is_empty() {
        sentences.push("No training example has any influence on these queries.".into());
    }
    sentences.push(trust(report.record.verification.as_ref()));
    let unsolved = report.record.solves();
    let unsolved = unsolved.filter(|solve| !solve.converged).count();
    if unsolved > 0 {
        sentences.push(format!(
            "The solver did not converge for {}: read those scores with care.",
            plural(unsolved, "query")
        ));
    }
    sentences.join(" ")
}

fn told(
    measure: &Measure,
    query: Option<&Example>,
    (example, did): (&Example, &str),
    score: f64,
) -> String {
    let measured = match query {
        Some(query) => format!(
            "{} on test example {} ({})",
            measure.words, query.index, query.source
        ),
        None => measure.subject(),
    };
    format!(
        "Training example {} ({}) {did} most: without it, the {measured} is predicted to change by {}.",
        example.index,
        example.source,
        change(score)
    )
}

/// Query, training example and score of the greatest influence among those `pick` finds.
fn strongest<'a>(
    explained: &'a [Explained],
    pick: impl Fn(&'a Explained) -> Option<&'a super::ScoredExample>,
) -> Option<(Option<&'a Example>, &'a Example, f64)> {
    explained
        .iter()
        .filter_map(|it| {
            let scored = pick(it)?;
            Some((it.query.as_ref(), &scored.example, scored.score))
        })
        .max_by(|(.., a), (.., b)| a.abs().total_cmp(&b.abs()))
}

/// What the verification says in a sentence or two.
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
    verification.verdict() + &failed
}
