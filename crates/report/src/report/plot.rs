//! The report's drawings: predicted against actual, and how the solver converged.

use plotters::prelude::*;

use crate::page::{AXIS, Axis, HARMFUL, HELPFUL, Html, LINE, RANDOM, chart, drawable};
use crate::{OutputError, Pair, measure::class};

/// Predicted change of what is measured, `words` (across), against actual change (up) with the line where they are
/// equal. None if there is nothing finite to draw.
pub(super) fn scatter(pairs: &[Pair], words: &str) -> Result<Option<Html>, OutputError> {
    let pairs: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| drawable(pair.predicted) && drawable(pair.actual))
        .collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let newton = || {
        let found = pairs
            .iter()
            .filter_map(|pair| Some((pair.newton?, pair.actual)));
        found.filter(|at| drawable(at.0))
    };
    let all = pairs.iter().flat_map(|pair| [pair.predicted, pair.actual]);
    let axis = Axis::linear(all.chain(newton().map(|at| at.0)));
    let points = |drawn: &'static str| {
        let of_kind = pairs.iter().filter(move |pair| class(pair.kind) == drawn);
        of_kind.map(|pair| (pair.predicted, pair.actual))
    };
    chart(
        "Predicted against actual change",
        (1000, 920),
        [axis.clone(), axis.clone()],
        [
            &format!("predicted change of {words}"),
            &format!("actual change of {words}"),
        ],
        [9, 9],
        |chart| {
            let ends = axis.range();
            let identity = [ends.start, ends.end].map(|end| (end, end));
            chart.draw_series(LineSeries::new(identity, AXIS.stroke_width(LINE)))?;
            chart.draw_series(newton().map(|at| Circle::new(at, 12, AXIS.stroke_width(2))))?;
            // The random ones lie thickest and matter least: under the others.
            chart.draw_series(
                points("random").map(|at| Cross::new(at, 8, RANDOM.stroke_width(3))),
            )?;
            let triangle = |at| TriangleMarker::new(at, 14, HARMFUL.mix(0.85).filled());
            chart.draw_series(points("harmful").map(triangle))?;
            let circle = |at| Circle::new(at, 10, HELPFUL.mix(0.85).filled());
            chart.draw_series(points("helpful").map(circle))?;
            Ok(())
        },
    )
    .map(Some)
}

/// Relative residual (up, by powers of ten) after each iteration (across).
/// None if there are fewer than two to draw, as after a direct solve.
pub(super) fn residuals(history: &[f64]) -> Result<Option<Html>, OutputError> {
    let Some(decades) = Axis::log(history.iter().copied()) else {
        return Ok(None);
    };
    let points: Vec<(f64, f64)> = (1..)
        .map(f64::from)
        .zip(history.iter().copied())
        .filter(|(_, residual)| decades.shows(*residual))
        .collect();
    let [_, .., (end, _)] = points[..] else {
        return Ok(None);
    };
    chart(
        "Relative residual by iteration",
        (1000, 420),
        [Axis::between(0.0..end), decades],
        ["iteration", "relative residual"],
        [8, 5],
        |chart| {
            chart.draw_series(LineSeries::new(points, HELPFUL.stroke_width(4)))?;
            Ok(())
        },
    )
    .map(Some)
}
