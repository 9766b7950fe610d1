//! Predicted against actual changes.

use backdraft_attribution::verify::PairKind;

use super::{Report, plot};
use crate::number::{capital, change, count, short_or_dash};
use crate::page::{Html, classed, element, section, table, text};
use crate::{
    Measure, OutputError, Pair, Place, VerificationRecord, measure::class, top::query_cell,
};

/// The section on how the predictions were checked.
pub(super) fn verify(report: &Report) -> Result<Html, OutputError> {
    let title = "Can it be trusted?";
    let Some(verification) = &report.record.verification else {
        let none = "These predictions were not held against actual changes, or not yet when this page was written.";
        return Ok(section(title, [text("p", none)]));
    };
    let measure = report.record.measure();
    let lead = format!(
        "Each point is a training example removed: across, the change of the {} that its score predicts; up, the change \
         found by training the response function to convergence without it. On the line the two are equal. Rings are the Newton \
         estimates of the same: what a score predicts, corrected for the curvature that goes with the example.",
        measure.subject()
    );
    let figure = plot::scatter(&verification.pairs, &measure.quantity())?.map(|drawing| {
        element(
            "figure",
            &[("class", "scatter")],
            [drawing, caption(&measure, verification)],
        )
    });
    Ok(section(
        title,
        [text("p", lead)]
            .into_iter()
            .chain(figure)
            .chain([pairs(report, verification)]),
    ))
}

fn caption(measure: &Measure, verification: &VerificationRecord) -> Html {
    let agreement = format!(
        "Pearson {}, Spearman {}, slope {} over {} pairs.",
        short_or_dash(verification.pearson),
        short_or_dash(verification.spearman),
        short_or_dash(verification.slope),
        count(verification.pairs.len()),
    );
    let newton = verification.newton.map(|it| {
        format!(
            " Newton estimates (rings): Pearson {}, Spearman {}, slope {} over {} pairs.",
            short_or_dash(it.pearson),
            short_or_dash(it.spearman),
            short_or_dash(it.slope),
            count(it.pairs),
        )
    });
    let notes = verification
        .notes()
        .into_iter()
        .map(|note| format!(" {}.", capital(&note)));
    let notes: String = notes.collect();
    let key = |kind: PairKind| {
        let sign = match class(kind) {
            "helpful" => "●",
            "harmful" => "▲",
            _ => "✕",
        };
        classed("span", class(kind), format!("{sign} {} ", kind.name()))
    };
    let [(first, ()), (second, ())] = measure.sides((), ());
    let keys = [first, second, PairKind::Random].map(key);
    element(
        "figcaption",
        &[],
        [
            element("span", &[("class", "keys")], keys),
            text("b", agreement),
            newton.unwrap_or_default().into(),
            notes.into(),
            left_out(verification).into(),
        ],
    )
}

/// What the comparison is missing, if anything.
fn left_out(verification: &VerificationRecord) -> String {
    let failed = verification.failed.iter();
    failed
        .map(|it| {
            let place = it.source.as_ref().map(|it| format!(" ({it})"));
            let place = place.unwrap_or_default();
            format!(" Left out: #{}{place}, {}.", it.train, it.reason)
        })
        .collect()
}

fn place(source: Option<&Place>) -> String {
    source.map_or_else(String::new, Place::to_string)
}

fn pairs(report: &Report, verification: &VerificationRecord) -> Html {
    let corrected = verification.newton.is_some();
    let row = |pair: &Pair| {
        let label = report.labels.get(pair.train);
        let cells = [
            text("td", query_cell(pair.query)),
            text("td", format!("#{}", pair.train)),
            text("td", place(pair.source.as_ref())),
            text(
                "td",
                label.map_or_else(String::new, |it| report.labels.text(it)),
            ),
            element(
                "td",
                &[],
                [classed("span", class(pair.kind), pair.kind.name())],
            ),
            text("td", change(pair.predicted)),
        ];
        let newton = pair.newton.map_or_else(String::new, change);
        let newton = corrected.then(|| text("td", newton));
        let found = [
            text("td", change(pair.actual)),
            text(
                "td",
                change(pair.actual - pair.newton.unwrap_or(pair.predicted)),
            ),
        ];
        element("tr", &[], cells.into_iter().chain(newton).chain(found))
    };
    let mut head = vec![
        "query",
        "removed",
        "where it stands",
        "label",
        "kind",
        "predicted",
    ];
    head.extend(corrected.then_some("Newton"));
    head.extend(["actual", "difference"]);
    let summary = format!("All {} pairs", count(verification.pairs.len()));
    let rows = verification.pairs.iter().map(row);
    element(
        "details",
        &[("open", "")],
        [text("summary", summary), table("pairs", &head, rows)],
    )
}
