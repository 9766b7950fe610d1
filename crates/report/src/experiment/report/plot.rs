//! The experiments' drawings.

use backdraft_attribution::evaluate::{Gaps, Spread};

use plotters::prelude::*;

use crate::OutputError;
use crate::page::{
    AXIS, Axis, Chart, Drawn, HELPFUL, Html, INK, LINE, RANDOM, SERIES, chart, drawable,
};

/// One in how many of `n` points is drawn, so that there are 2,000 at most.
pub(super) fn every(n: usize) -> usize {
    n.div_ceil(2000).max(1)
}

/// A bar for each gap, with its deviation, above the paper's. None if there is nothing to draw.
pub(super) fn bars(
    gaps: &Gaps<Spread>,
    paper: Option<&Gaps<Spread>>,
) -> Result<Option<Html>, OutputError> {
    // The upper half of a gap's row for this run, the lower for the paper.
    let both = [(Some(gaps), 0.15, HELPFUL), (paper, 0.5, RANDOM)];
    let all = both.into_iter().flat_map(|(gaps, top, colour)| {
        let rows = gaps
            .into_iter()
            .flat_map(|gaps| gaps.into_array().into_iter().enumerate());
        rows.map(move |(row, spread)| (row as f64 + top, spread, colour))
    });
    let shown: Vec<(f64, Spread, RGBColor)> = all
        .filter(|(_, Spread { mean, std }, _)| drawable(*mean) && drawable(*std))
        .collect();
    if shown.is_empty() {
        return Ok(None);
    }
    // Half the mean too, so that the least bar has a length where the axis is logarithmic.
    let values = shown
        .iter()
        .flat_map(|(_, Spread { mean, std }, _)| [0.5 * mean, mean + std]);
    let axis = Axis::fit(values);
    let start = match axis {
        Axis::Log { .. } => axis.range().start,
        _ => 0.0,
    };
    chart(
        "The size of each gap",
        (1000, 560),
        [
            axis,
            Axis::Names(Gaps::<Spread>::NAMES.map(|name| name.title).into()),
        ],
        ["mean distance of the outputs", ""],
        [7, 5],
        |chart| {
            for (top, Spread { mean, std }, colour) in shown {
                if mean <= start {
                    continue;
                }
                let bar = [(start, top), (mean, top + 0.35)];
                chart.draw_series([Rectangle::new(bar, colour.mix(0.85).filled())])?;
                let middle = top + 0.175;
                let ends = [(mean - std).max(start), mean + std];
                let line = ends.map(|end| (end, middle));
                // No cap where the deviation goes on beyond the axis.
                let caps = ends.into_iter().filter(|end| *end > start);
                let caps = caps.map(|end| [(end, middle - 0.08), (end, middle + 0.08)]);
                let lines = [line].into_iter().chain(caps);
                chart.draw_series(lines.map(|it| PathElement::new(it, INK.stroke_width(LINE))))?;
            }
            Ok(())
        },
    )
    .map(Some)
}

/// Pairs of a prediction (across) and what happens (up), with the line where they are equal. None if there is nothing
/// finite to draw.
pub(crate) fn scatter(
    name: &str,
    titles: [&str; 2],
    pairs: &[(f64, f64)],
) -> Result<Option<Html>, OutputError> {
    let pairs: Vec<(f64, f64)> = pairs
        .iter()
        .copied()
        .step_by(every(pairs.len()))
        .filter(|(x, y)| drawable(*x) && drawable(*y))
        .collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let across = Axis::linear(pairs.iter().map(|(x, _)| *x));
    let up = Axis::linear(pairs.iter().map(|(_, y)| *y));
    let (x, y) = (across.range(), up.range());
    let equal = [x.start.max(y.start), x.end.min(y.end)].map(|end| (end, end));
    chart(name, (1000, 820), [across, up], titles, [7, 7], |chart| {
        chart.draw_series(LineSeries::new(equal, AXIS.stroke_width(LINE)))?;
        let circle = |at| Circle::new(at, 8, HELPFUL.mix(0.6).filled());
        chart.draw_series(pairs.into_iter().map(circle))?;
        Ok(())
    })
    .map(Some)
}

/// Actual effects (across) against predicted ones (up) of each kind of group, with the line where they are equal, on
/// axes about `all`. None if there is nothing to draw.
pub(super) fn kinds(
    name: &str,
    series: &[Vec<(f64, f64)>],
    all: impl Iterator<Item = f64>,
) -> Result<Option<Html>, OutputError> {
    let every = every(series.iter().map(Vec::len).sum());
    let shown = |pairs: &Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        let pairs = pairs.iter().copied().step_by(every);
        pairs
            .filter(|(x, y)| drawable(*x) && drawable(*y))
            .collect()
    };
    let series: Vec<Vec<(f64, f64)>> = series.iter().map(shown).collect();
    if series.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    let axis = Axis::linear(all);
    let ends = axis.range();
    let equal = [ends.start, ends.end].map(|end| (end, end));
    chart(
        &format!("Effects by {name} against actual effects"),
        (1000, 920),
        [axis.clone(), axis],
        ["actual change of loss", "predicted change of loss"],
        [7, 7],
        |chart| {
            chart.draw_series(LineSeries::new(equal, AXIS.stroke_width(LINE)))?;
            for (place, pairs) in series.into_iter().enumerate() {
                mark(chart, place, pairs)?;
            }
            Ok(())
        },
    )
    .map(Some)
}

/// A line for each gap's mean (up) by the value that was varied (across). None if there is nothing to draw.
pub(super) fn sweep(
    over: &str,
    points: &[(f64, Gaps<Spread>)],
) -> Result<Option<Html>, OutputError> {
    let means =
        |(value, gaps): &(f64, Gaps<Spread>)| gaps.into_array().map(|gap| (*value, gap.mean));
    let rows: Vec<[(f64, f64); 5]> = points.iter().map(means).collect();
    let across = Axis::fit(points.iter().map(|(value, _)| *value));
    let up = Axis::fit(rows.as_flattened().iter().map(|(_, mean)| *mean));
    let lines: [Vec<(f64, f64)>; 5] = std::array::from_fn(|gap| {
        let line = rows.iter().map(|row| row[gap]);
        line.filter(|(x, y)| across.shows(*x) && up.shows(*y))
            .collect()
    });
    if lines.iter().all(Vec::is_empty) {
        return Ok(None);
    }
    chart(
        &format!("The gaps against {over}"),
        (1000, 720),
        [across, up],
        [over, "mean distance of the outputs"],
        [8, 8],
        |chart| {
            for (series, line) in lines.into_iter().enumerate() {
                let style = SERIES[series].0.stroke_width(4);
                chart.draw_series(LineSeries::new(line.clone(), style))?;
                mark(chart, series, line)?;
            }
            Ok(())
        },
    )
    .map(Some)
}

/// The signs of a series, as the keys show them.
fn mark(chart: &mut Chart<'_, '_>, series: usize, at: Vec<(f64, f64)>) -> Drawn {
    let (colour, _) = SERIES[series];
    let at = at.into_iter();
    match series {
        0 => chart.draw_series(at.map(|at| Circle::new(at, 9, colour.filled())))?,
        1 => chart.draw_series(at.map(|at| TriangleMarker::new(at, 12, colour.filled())))?,
        2 => chart.draw_series(at.map(|at| {
            EmptyElement::at(at) + Rectangle::new([(-8, -8), (8, 8)], colour.filled())
        }))?,
        3 => chart.draw_series(at.map(|at| Cross::new(at, 9, colour.stroke_width(4))))?,
        _ => chart.draw_series(at.map(|at| Circle::new(at, 9, colour.stroke_width(4))))?,
    };
    Ok(())
}

/// Shares found (up) after each share inspected (across), in the colours given. None if there is nothing to draw.
pub(super) fn curves(curves: &[(RGBColor, &[f64])]) -> Result<Option<Html>, OutputError> {
    let drawn = |found: &[f64]| -> Vec<(f64, f64)> {
        let n = found.len();
        let points = (1..=n).filter(|it| it % every(n) == 0 || *it == n);
        let points = points.map(|it| (it as f64 / n as f64, found[it - 1]));
        let points = points.filter(|(_, share)| drawable(*share));
        [(0.0, 0.0)].into_iter().chain(points).collect()
    };
    let lines: Vec<_> = curves
        .iter()
        .map(|(colour, found)| (colour, drawn(found)))
        .collect();
    if lines.iter().all(|(_, line)| line.len() < 2) {
        return Ok(None);
    }
    // A little more than the whole, so that a line at the end is seen.
    chart(
        "Share of wrong labels found by share inspected",
        (1000, 720),
        [Axis::between(0.0..1.01), Axis::between(0.0..1.03)],
        [
            "share of the training examples inspected",
            "share of the wrong labels found",
        ],
        [11, 11],
        |chart| {
            // The first curves over the last.
            for (colour, line) in lines.into_iter().rev() {
                chart.draw_series(LineSeries::new(line, colour.stroke_width(5)))?;
            }
            Ok(())
        },
    )
    .map(Some)
}
