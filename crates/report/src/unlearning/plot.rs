//! Distances and membership by the steps that methods may take.

use plotters::prelude::*;

use super::{UnlearnedRecord, UnlearningMethod, UnlearningRecord};
use crate::{
    OutputError,
    page::{AXIS, Axis, Chart, Drawn, Html, LINE, SERIES, chart},
};

/// The methods that take steps, with the places of their colours and signs.
pub(super) const METHODS: [(UnlearningMethod, usize); 2] =
    [(UnlearningMethod::D2d, 0), (UnlearningMethod::R2d, 1)];
/// And those that take none, which are drawn as lines from side to side.
pub(super) const ONE_SHOT: [(UnlearningMethod, usize); 2] = [
    (UnlearningMethod::Influence, 2),
    (UnlearningMethod::Newton, 3),
];

/// What is drawn of a network.
pub(super) type Of = fn(&UnlearnedRecord) -> Option<f64>;

/// A number of the networks (up) by their shares of the training's steps (across): a line for each method that takes
/// some, from the trained network on, and one from side to side for each that takes none and, in grey, for `level`.
/// None if there is nothing to draw.
pub(super) fn by_share(
    record: &UnlearningRecord,
    (name, title): (&str, &str),
    of: Of,
    level: Option<f64>,
) -> Result<Option<Html>, OutputError> {
    let start = record.trained().and_then(of).map(|it| (0.0, it));
    let line = |method| -> Vec<(f64, f64)> {
        let points = record
            .of(method)
            .filter_map(|it| Some((it.share?, of(it)?)));
        let points: Vec<(f64, f64)> = points.collect();
        match points.is_empty() {
            true => points,
            false => start.into_iter().chain(points).collect(),
        }
    };
    let lines = METHODS.map(|(method, place)| (place, line(method)));
    let flat = ONE_SHOT.map(|(method, place)| (place, record.of(method).find_map(of)));
    let values = lines.iter().flat_map(|it| it.1.iter().map(|it| it.1));
    let values = values.chain(flat.iter().filter_map(|it| it.1)).chain(level);
    let values: Vec<f64> = values.collect();
    if lines.iter().all(|it| it.1.is_empty()) {
        return Ok(None);
    }
    let up = Axis::fit(values.iter().copied());
    let across = Axis::between(0.0..1.02);
    let titles = ["share of the training's steps", title];
    let drawn = up.clone();
    let shows = move |value: f64| drawn.shows(value);
    chart(name, (1000, 720), [across, up], titles, [7, 8], |chart| {
        if let Some(level) = level.filter(|it| shows(*it)) {
            let ends = [(0.0, level), (1.02, level)];
            chart.draw_series(LineSeries::new(ends, AXIS.stroke_width(LINE)))?;
        }
        for (place, value) in flat {
            if let Some(value) = value.filter(|it| shows(*it)) {
                let ends = [(0.0, value), (1.02, value)];
                chart.draw_series(LineSeries::new(ends, SERIES[place].0.stroke_width(3)))?;
            }
        }
        for (place, line) in lines {
            let line: Vec<(f64, f64)> = line.into_iter().filter(|it| shows(it.1)).collect();
            let style = SERIES[place].0.stroke_width(4);
            chart.draw_series(LineSeries::new(line.clone(), style))?;
            mark(chart, place, line)?;
        }
        Ok(())
    })
    .map(Some)
}

/// The signs of a line, as its key shows them.
fn mark(chart: &mut Chart<'_, '_>, place: usize, at: Vec<(f64, f64)>) -> Drawn {
    let colour = SERIES[place].0.filled();
    match place {
        0 => chart.draw_series(at.into_iter().map(|at| Circle::new(at, 9, colour)))?,
        _ => chart.draw_series(at.into_iter().map(|at| TriangleMarker::new(at, 12, colour)))?,
    };
    Ok(())
}
