//! One query beside the training examples that matter most to it.

use super::{Explained, Layout, Report, plot};
use crate::number::short;
use crate::page::{Html, classed, element, text};
use crate::{Measure, OutputError, QueryRecord, Rise, SolveRecord};

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
    let measure = report.record.measure();
    let examples = match &report.layout {
        Layout::Pictures(frame) => frame.show(&report.labels, &measure, explained)?,
        Layout::Table(features) => features.show(&report.labels, &measure, explained)?,
    };
    Ok(element(
        "article",
        &[("class", "query")],
        [
            text(
                "h3",
                format!("Test example {}, {}", record.index, explained.query.source),
            ),
            prediction(report, record),
            examples,
            solve(&record.solve)?,
        ],
    ))
}

fn prediction(report: &Report, record: &QueryRecord) -> Html {
    let right = record.label == record.predicted;
    let class = if right { "right" } else { "wrong" };
    let predicted = report.labels.text(record.predicted);
    let measured = record.measured.map_or_else(String::new, |value| {
        format!(", {} {}", report.record.measure().words, short(value))
    });
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
