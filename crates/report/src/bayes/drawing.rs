//! Chains by their draws.

use plotters::prelude::*;

use crate::{
    OutputError,
    page::{Axis, Html, RANDOM, SERIES, chart, drawable},
};

/// Points of one line beyond which only every so many are drawn.
const POINTS: usize = 500;

/// What was followed (up, `title`) by draw (across), a line a chain. None if there is nothing to draw.
pub(super) fn traces(
    name: &str,
    title: &str,
    chains: &[Vec<f64>],
) -> Result<Option<Html>, OutputError> {
    let draws = chains.iter().map(Vec::len).max().unwrap_or(0);
    let every = draws.div_ceil(POINTS).max(1);
    let values = chains.iter().flatten().copied().filter(|it| drawable(*it));
    let ends = values.fold(None, |ends: Option<(f64, f64)>, it| {
        let (low, high) = ends.unwrap_or((it, it));
        Some((low.min(it), high.max(it)))
    });
    let Some((low, high)) = ends.filter(|_| draws > 1) else {
        return Ok(None);
    };
    let room = 0.06 * (high - low).max(f64::MIN_POSITIVE.max(1e-12 * high.abs()));
    let axes = [
        Axis::between(0.0..draws as f64),
        Axis::between(low - room..high + room),
    ];
    chart(name, (1000, 420), axes, ["draw", title], [8, 5], |chart| {
        for (place, chain) in chains.iter().enumerate() {
            let colour = SERIES.get(place).map_or(RANDOM, |it| it.0);
            let points = chain.iter().enumerate().step_by(every);
            let points = points.filter(|it| drawable(*it.1));
            let points = points.map(|(draw, value)| (draw as f64, *value));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
        Ok(())
    })
    .map(Some)
}
