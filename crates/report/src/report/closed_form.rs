//! What leaving out examples of a linear model does, in closed form.

use plotters::prelude::*;

use super::Report;
use crate::measure::class;
use crate::number::{change, count, short};
use crate::page::{
    AXIS, Axis, HELPFUL, Html, LINE, chart, classed, drawable, element, more, section, table, text,
};
use crate::top::query_cell;
use crate::{ClosedFormChange, ClosedFormRecord, OutputError};

/// The section, if the model is linear.
pub(super) fn closed_form(report: &Report) -> Result<Option<Html>, OutputError> {
    let Some(record) = &report.record.closed_form else {
        return Ok(None);
    };
    let measured = report.record.measure().subject();
    let lead = match record.exact {
        true => format!(
            "The model is linear and its loss the squared error, so that what leaving an example out does is known without \
             training again: the {measured} without it less that with it, exactly (Cook & Weisberg, 1982). A score is \
             the same to first order; the leverage of an example, how far it settles its own prediction, is what the two differ by."
        ),
        false => format!(
            "The model is a logistic regression, for which one Newton step from the minimum without the example is all but the \
             whole way: the {measured} after it, less that before (Pregibon, 1981). A score is the same with the \
             example's own curvature still in the matrix; its leverage is how much of that there is."
        ),
    };
    let figure = scatter(record)?.map(|drawing| {
        let agreement = record.agreement.iter().map(|it| it.told());
        let agreement = agreement.collect::<Vec<_>>().join(". ");
        let caption = format!(
            "The strongest examples of each query; on the line, score and {} are equal. Over all training examples: {agreement}.",
            record.name()
        );
        element("figure", &[("class", "scatter")], [drawing, text("figcaption", caption)])
    });
    let told = text("p", format!("{}.", first_upper(&record.told())));
    let all = rows(report, record);
    Ok(Some(section(
        "Leaving an example out, in closed form",
        [text("p", lead), told]
            .into_iter()
            .chain(figure)
            .chain([all]),
    )))
}

fn rows(report: &Report, record: &ClosedFormRecord) -> Html {
    let head = [
        "query",
        "left out",
        "label",
        "kind",
        "score",
        "leverage",
        record.name(),
    ];
    let row = |it: &ClosedFormChange| {
        let label = report.labels.get(it.train);
        let without = it
            .leave_one_out
            .map_or_else(|| "fitted by itself alone".into(), change);
        let cells = [
            text("td", query_cell(it.query)),
            text("td", format!("#{}", it.train)),
            text(
                "td",
                label.map_or_else(String::new, |it| report.labels.text(it)),
            ),
            element("td", &[], [classed("span", class(it.kind), it.kind.name())]),
            text("td", change(it.score)),
            text("td", short(it.leverage)),
            text("td", without),
        ];
        element("tr", &[], cells)
    };
    let rows = record.strongest.iter().map(row);
    let summary = format!("All {} strongest examples", count(record.strongest.len()));
    more(&summary, table("pairs", &head, rows))
}

/// Scores across, changes up, with the line where they are equal; none if there is nothing to draw.
fn scatter(record: &ClosedFormRecord) -> Result<Option<Html>, OutputError> {
    let points = record.strongest.iter();
    let points = points.filter_map(|it| Some((it.score, it.leave_one_out?)));
    let points: Vec<(f64, f64)> = points
        .filter(|it| drawable(it.0) && drawable(it.1))
        .collect();
    if points.is_empty() {
        return Ok(None);
    }
    let axis = Axis::linear(points.iter().flat_map(|it| [it.0, it.1]));
    let name = format!("Scores against {}", record.name());
    let drawing = chart(
        &name,
        (1000, 920),
        [axis.clone(), axis.clone()],
        ["score", record.name()],
        [9, 9],
        |chart| {
            let ends = axis.range();
            let identity = [ends.start, ends.end].map(|end| (end, end));
            chart.draw_series(LineSeries::new(identity, AXIS.stroke_width(LINE)))?;
            let circle = |at| Circle::new(at, 8, HELPFUL.mix(0.85).filled());
            chart.draw_series(points.into_iter().map(circle))?;
            Ok(())
        },
    )?;
    Ok(Some(drawing))
}

fn first_upper(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    format!(
        "{}{}",
        first.map(String::from).unwrap_or_default(),
        letters.as_str()
    )
}
