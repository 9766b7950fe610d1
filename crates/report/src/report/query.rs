//! One query beside the training examples that matter most to it.

use super::{Explained, Layout, Report, plot};
use crate::number::{count, short};
use crate::page::{Html, classed, element, text};
use crate::{
    Labels, MeanRecord, Measure, OutputError, QueryRecord, Rise, SolveRecord, TargetValue,
};

/// The title of the part on all of them.
pub(super) fn title(measure: &Measure) -> &'static str {
    match measure.rise {
        Rise::Worse | Rise::Better => "Who helped, who harmed",
        Rise::Neither => "Who raised it, who lowered it",
    }
}

/// The part of the report on one query.
pub(super) fn query(
    report: &Report,
    record: &QueryRecord,
    explained: &Explained,
) -> Result<Html, OutputError> {
    let source = explained.query.as_ref();
    let source = source.map_or_else(String::new, |it| format!(", {}", it.source));
    let title = format!("Test example {}{source}", record.index);
    let parts = [prediction(report, record), examples(report, explained)?];
    article(title, parts, &record.solve)
}

/// The part of the report on the mean over all queries.
pub(super) fn mean(
    report: &Report,
    record: &MeanRecord,
    explained: &Explained,
) -> Result<Html, OutputError> {
    let title = format!("The mean over {} test examples", count(record.examples));
    let told = format!(
        "Mean loss {}{}.",
        short(record.loss),
        measured(report, record.measured)
    );
    let parts = [text("p", told), examples(report, explained)?];
    article(title, parts, &record.solve)
}

fn article(title: String, parts: [Html; 2], solved: &SolveRecord) -> Result<Html, OutputError> {
    let parts = [text("h3", title)].into_iter().chain(parts);
    let parts = parts.chain([solve(solved)?]);
    Ok(element("article", &[("class", "query")], parts))
}

fn examples(report: &Report, explained: &Explained) -> Result<Html, OutputError> {
    let measure = report.record.measure();
    strongest_examples((&report.layout, &report.labels, &measure), explained)
}

/// The strongest examples as the data show.
pub(crate) fn strongest_examples(
    (layout, labels, measure): (&Layout, &Labels, &Measure),
    explained: &Explained,
) -> Result<Html, OutputError> {
    match layout {
        Layout::Pictures(frame) => frame.show(labels, measure, explained),
        Layout::Table(features) => features.show(labels, measure, explained),
        Layout::Text(sequences) => Ok(sequences.show(measure, explained)),
    }
}

/// What is measured, to follow the loss; nothing if that is it.
fn measured(report: &Report, value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| {
        format!(", {} {}", report.record.measure().quantity(), short(value))
    })
}

fn prediction(report: &Report, record: &QueryRecord) -> Html {
    if record.label == TargetValue::Tokens {
        return text("p", format!("Loss {}.", short(record.loss)));
    }
    let right = record.label == record.predicted;
    let class = if right { "right" } else { "wrong" };
    let predicted = report.labels.text(record.predicted);
    let measured = measured(report, record.measured);
    element(
        "p",
        &[],
        [
            "Label ".into(),
            text("strong", report.labels.text(record.label)),
            ", predicted ".into(),
            element("strong", &[("class", class)], [predicted.into()]),
            format!(", loss {}{measured}.", short(record.loss)).into(),
        ],
    )
}

/// How the query's linear system was solved.
fn solve(solve: &SolveRecord) -> Result<Html, OutputError> {
    let manner = match (solve.iterations, solve.converged) {
        (0, _) => "solved directly".to_string(),
        (n, true) => format!("solver converged after {n} iterations"),
        (n, false) => format!("solver NOT converged after {n} iterations"),
    };
    let summary = format!("{manner}, true residual {}", short(solve.true_residual));
    Ok(match plot::residuals(&solve.residuals)? {
        Some(curve) => element(
            "details",
            &[("open", "")],
            [text("summary", summary), curve],
        ),
        None => classed("p", "note", summary),
    })
}
