//! The drawings of a valuation.

use plotters::prelude::*;

use super::{CurveRecord, RandomRecord};
use crate::{
    OutputError,
    page::{Axis, HELPFUL, Html, INK, RANDOM, SERIES, chart, drawable},
};

/// Bars of a histogram.
const BARS: usize = 30;

/// The colour and the class of the column at a place.
pub(super) fn style(place: usize) -> (RGBColor, &'static str) {
    SERIES.get(place).copied().unwrap_or((INK, ""))
}

/// Lines in the colours given, the first over the last. None if there is nothing to draw.
pub(super) fn lines(
    name: &str,
    titles: [&str; 2],
    series: Vec<(RGBColor, Vec<(f64, f64)>)>,
) -> Result<Option<Html>, OutputError> {
    drawn(name, titles, series, |values| Axis::linear(values))
}

/// The same of ratios, on a logarithmic axis where they span several powers of ten.
pub(super) fn ratios(
    name: &str,
    titles: [&str; 2],
    series: Vec<(RGBColor, Vec<(f64, f64)>)>,
) -> Result<Option<Html>, OutputError> {
    drawn(name, titles, series, |values| {
        Axis::fit(values.collect::<Vec<_>>().into_iter())
    })
}

fn drawn(
    name: &str,
    titles: [&str; 2],
    series: Vec<(RGBColor, Vec<(f64, f64)>)>,
    up: impl Fn(&mut dyn Iterator<Item = f64>) -> Axis,
) -> Result<Option<Html>, OutputError> {
    let series: Vec<(RGBColor, Vec<(f64, f64)>)> = series
        .into_iter()
        .map(|(colour, line)| {
            let shown = line
                .into_iter()
                .filter(|(x, y)| drawable(*x) && drawable(*y));
            (colour, shown.collect())
        })
        .collect();
    let points = || series.iter().flat_map(|it| it.1.iter().copied());
    if points().next().is_none() {
        return Ok(None);
    }
    let axes = [
        Axis::linear(points().map(|it| it.0)),
        up(&mut points().map(|it| it.1)),
    ];
    let shown = axes[1].clone();
    chart(name, (1000, 640), axes, titles, [10, 8], |chart| {
        for (colour, line) in series.into_iter().rev() {
            let line = line.into_iter().filter(|it| shown.shows(it.1));
            chart.draw_series(LineSeries::new(line, colour.stroke_width(4)))?;
        }
        Ok(())
    })
    .map(Some)
}

/// The performance of what is left, by the share that was taken away: of the highest values first or the lowest.
pub(super) fn removal(
    curves: &[CurveRecord],
    random: &RandomRecord,
    highest: bool,
    performance: &str,
) -> Result<Option<Html>, OutputError> {
    let share = |removed: &[usize], of: &[f64]| -> Vec<(f64, f64)> {
        let all = removed.last().copied().unwrap_or(1).max(1) as f64;
        let pairs = removed.iter().zip(of);
        pairs
            .map(|(removed, y)| (*removed as f64 / all, *y))
            .collect()
    };
    let by = curves.iter().enumerate().map(|(place, it)| {
        let of = if highest {
            &it.highest_first
        } else {
            &it.lowest_first
        };
        (style(place).0, share(&it.removed, of))
    });
    let random = (RANDOM, share(&random.removed, &random.mean));
    let (name, across) = match highest {
        true => (
            "Performance as the highest values are removed",
            "share removed, the highest values first",
        ),
        false => (
            "Performance as the lowest values are removed",
            "share removed, the lowest values first",
        ),
    };
    lines(name, [across, performance], by.chain([random]).collect())
}

/// How many players have about which value.
pub(super) fn histogram(values: &[f64], unit: &str) -> Result<Option<Html>, OutputError> {
    let shown = values.iter().copied().filter(|it| drawable(*it));
    let ends = shown.clone().fold(None, |ends, x| {
        let (low, high) = ends.unwrap_or((x, x));
        Some((x.min(low), x.max(high)))
    });
    let Some((low, high)) = ends else {
        return Ok(None);
    };
    let width = match high > low {
        true => (high - low) / BARS as f64,
        // All the same: one bar.
        false => low.abs().max(1.0) / BARS as f64,
    };
    let mut counts = [0; BARS];
    for x in shown {
        counts[(((x - low) / width) as usize).min(BARS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let axes = [
        Axis::linear([low, low + width * BARS as f64].into_iter()),
        Axis::between(0.0..1.05 * f64::from(most)),
    ];
    chart(
        "How values are spread",
        (1000, 480),
        axes,
        [unit, "players"],
        [8, 6],
        |chart| {
            chart.draw_series(counts.iter().enumerate().filter(|it| *it.1 > 0).map(
                |(bar, count)| {
                    let left = low + width * bar as f64;
                    let corners = [(left, 0.0), (left + width, f64::from(*count))];
                    Rectangle::new(corners, HELPFUL.mix(0.85).filled())
                },
            ))?;
            Ok(())
        },
    )
    .map(Some)
}
