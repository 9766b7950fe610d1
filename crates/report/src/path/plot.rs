//! Drawings of paths.

use plotters::prelude::*;

use super::FollowedPathRecord;
use crate::{
    OutputError,
    page::{AXIS, Axis, Html, INK, LINE, SERIES, chart, drawable},
};

/// The lines beside a path: sign, class and name, in the order of [`FollowedPathRecord::lines`].
pub(super) const LINES: [(&str, &str, &str); 3] = [
    ("▬", SERIES[0].1, "influence at 1"),
    ("▬", SERIES[1].1, "influence at the end"),
    ("▬", SERIES[2].1, "Newton estimate"),
];

/// Points of a curve between two of a path's, by the cubic that has their values and derivatives.
const BETWEEN: usize = 16;

/// The change of a query's loss (up) along the path (across, `eps` from 1 on the left), with the straight lines. None
/// if there is nothing finite to draw.
pub(super) fn query(path: &FollowedPathRecord, place: usize) -> Result<Option<Html>, OutputError> {
    let curve = curve(path, place);
    let (Some(first), Some(last)) = (path.points.first(), path.points.last()) else {
        return Ok(None);
    };
    let ends = [first.facts.eps, last.facts.eps];
    let lines: [Vec<(f64, f64)>; 3] = std::array::from_fn(|line| {
        let at = ends.map(|eps| Some((1.0 - eps, path.lines(place, eps)[line]?)));
        at.into_iter().flatten().collect()
    });
    let all = curve.iter().chain(lines.iter().flatten());
    if curve.len() < 2 || !all.clone().all(|at| drawable(at.1)) {
        return Ok(None);
    }
    let up = Axis::linear(all.map(|at| at.1));
    let across = Axis::between(0.0..(1.0 - last.facts.eps) * 1.02);
    let marks: Vec<(f64, f64)> = path
        .points
        .iter()
        .map(|it| (1.0 - it.facts.eps, it.losses[place] - first.losses[place]))
        .collect();
    chart(
        "Change of the query's loss along the path",
        (1000, 640),
        [across, up],
        ["weight taken off, 1 - eps", "change of the query's loss"],
        [6, 7],
        |chart| {
            for (line, (colour, _)) in lines.into_iter().zip(SERIES) {
                chart.draw_series(LineSeries::new(line, colour.stroke_width(4)))?;
            }
            chart.draw_series(LineSeries::new(curve, INK.stroke_width(5)))?;
            chart.draw_series(marks.into_iter().map(|at| Circle::new(at, 8, INK.filled())))?;
            Ok(())
        },
    )
    .map(Some)
}

/// A query's change of loss by `1 - eps`.
fn curve(path: &FollowedPathRecord, place: usize) -> Vec<(f64, f64)> {
    let Some(first) = path.points.first() else {
        return Vec::new();
    };
    let start = first.losses[place];
    let mut curve = vec![(1.0 - first.facts.eps, 0.0)];
    for pair in path.points.windows(2) {
        let h = pair[0].facts.eps - pair[1].facts.eps;
        let values = [0, 1].map(|end| pair[end].losses[place] - start);
        // In the direction that the curve goes in.
        let slopes = [0, 1].map(|end| -h * pair[end].slopes[place]);
        for step in 1..=BETWEEN {
            let s = step as f64 / BETWEEN as f64;
            let (s2, s3) = (s * s, s * s * s);
            let value = (2.0 * s3 - 3.0 * s2 + 1.0) * values[0]
                + (s3 - 2.0 * s2 + s) * slopes[0]
                + (3.0 * s2 - 2.0 * s3) * values[1]
                + (s3 - s2) * slopes[1];
            curve.push((1.0 - pair[0].facts.eps + s * h, value));
        }
    }
    curve
}

/// The path in its plane, along the chord (across) and at right angles to it (up), each in its own scale, and where the
/// lines land. None if there is nothing to draw.
pub(super) fn plane(path: &FollowedPathRecord) -> Result<Option<Html>, OutputError> {
    let plane = &path.projection;
    let points: Vec<(f64, f64)> = plane.points.iter().map(|it| (it[0], it[1])).collect();
    // Influence at 1, at the end, and Newton: the second order at 1 stands between.
    let landings = [0, 1, 3].map(|place| plane.others.get(place).map(|it| (it[0], it[1])));
    let all = points.iter().chain(landings.iter().flatten());
    let finite = all.clone().all(|at| drawable(at.0) && drawable(at.1));
    if points.len() < 2 || !finite || all.clone().all(|at| at.0 == 0.0) {
        return Ok(None);
    }
    let across = Axis::linear(all.clone().map(|at| at.0));
    let up = Axis::linear(all.map(|at| at.1));
    let start = points[0];
    chart(
        "The path in the plane of its chord",
        (1000, 640),
        [across, up],
        ["along the chord", "at right angles to it"],
        [6, 7],
        |chart| {
            let chord = [start, points[points.len() - 1]];
            chart.draw_series(LineSeries::new(chord, AXIS.stroke_width(LINE)))?;
            for (landing, (colour, _)) in landings.into_iter().zip(SERIES) {
                let Some(landing) = landing else { continue };
                chart.draw_series(LineSeries::new([start, landing], colour.stroke_width(3)))?;
                chart.draw_series([Circle::new(landing, 11, colour.filled())])?;
            }
            chart.draw_series(LineSeries::new(points.clone(), INK.stroke_width(5)))?;
            chart.draw_series(
                points
                    .into_iter()
                    .map(|at| Circle::new(at, 8, INK.filled())),
            )?;
            Ok(())
        },
    )
    .map(Some)
}
