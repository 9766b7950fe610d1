//! The report's drawings: predicted against actual, and how the solver converged.

use std::ops::Range;

use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::html::Html;
use crate::output::number::power_of_ten;
use crate::output::{Kind, OutputError, Pair};

// Names of roles more than colours: `style.css` finds a drawing's parts by these values and
// repaints them for light and dark.
const INK: RGBColor = RGBColor(0x1B, 0x1F, 0x24);
const GRID: RGBColor = RGBColor(0xE4, 0xE7, 0xEB);
const AXIS: RGBColor = RGBColor(0x8A, 0x93, 0x9F);
const HELPFUL: RGBColor = RGBColor(0x00, 0x72, 0xB2);
const HARMFUL: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
const RANDOM: RGBColor = RGBColor(0x6F, 0x76, 0x80);

// Plotters places everything on whole pixels: draw large, and let the page scale it down.
const TEXT: i32 = 26;
const LINE: u32 = 2;

// An axis ends a little beyond its values, and must still end at a number.
const LARGEST: f64 = 1e300;

/// Predicted change (across) against actual change (up) with the line where they are equal.
/// None if there is nothing finite to draw.
pub(super) fn scatter(pairs: &[Pair]) -> Result<Option<Html>, OutputError> {
    let pairs: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| pair.predicted.abs() < LARGEST && pair.actual.abs() < LARGEST)
        .collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let values = pairs.iter().flat_map(|pair| [pair.predicted, pair.actual]);
    let (range, exponent) = axis(values);
    let scale = 10f64.powi(-exponent);
    let unit = match exponent {
        0 => String::new(),
        _ => format!(" (× {})", power_of_ten(exponent)),
    };
    let (low, high) = (range.start, range.end);
    let points = |kind| {
        let of_kind = pairs.iter().filter(move |pair| pair.kind == kind);
        of_kind.map(|pair| (pair.predicted * scale, pair.actual * scale))
    };
    draw("Predicted against actual change", (1000, 920), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            .x_label_area_size(84)
            .y_label_area_size(120)
            .build_cartesian_2d(range.clone(), range.clone())?;
        let x = format!("predicted change of loss{unit}");
        let y = format!("actual change of loss{unit}");
        mesh(&mut chart, [&x, &y], [9, 9], &|value| tick(*value))?;
        let identity = [(low, low), (high, high)];
        chart.draw_series(LineSeries::new(identity, AXIS.stroke_width(LINE)))?;
        // The random ones lie thickest and matter least: under the others.
        chart.draw_series(
            points(Kind::Random).map(|at| Cross::new(at, 8, RANDOM.stroke_width(3))),
        )?;
        let triangle = |at| TriangleMarker::new(at, 14, HARMFUL.mix(0.85).filled());
        chart.draw_series(points(Kind::Harmful).map(triangle))?;
        let circle = |at| Circle::new(at, 10, HELPFUL.mix(0.85).filled());
        chart.draw_series(points(Kind::Helpful).map(circle))?;
        Ok(())
    })
    .map(Some)
}

/// Relative residual (up, by powers of ten) after each iteration (across).
/// None if there are fewer than two to draw, as after a direct solve.
pub(super) fn residuals(history: &[f64]) -> Result<Option<Html>, OutputError> {
    let points: Vec<(f64, f64)> = (1..)
        .map(f64::from)
        .zip(history.iter().copied())
        // Zero has no logarithm.
        .filter(|(_, residual)| (1.0 / LARGEST..LARGEST).contains(residual))
        .collect();
    if points.len() < 2 {
        return Ok(None);
    }
    let exponents = points.iter().map(|(_, residual)| residual.log10());
    let low = exponents.clone().fold(f64::INFINITY, f64::min).floor();
    let high = exponents.fold(f64::NEG_INFINITY, f64::max).ceil();
    // A hair of room, so that rounding does not lose the outermost powers of ten.
    let decades = 10f64.powf(low) * 0.99..10f64.powf(high.max(low + 1.0)) * 1.01;
    let end = points.last().map_or(1.0, |(iteration, _)| *iteration);
    draw("Relative residual by iteration", (1000, 420), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            .x_label_area_size(84)
            .y_label_area_size(120)
            .build_cartesian_2d(0.0..end, decades.log_scale())?;
        let power = |residual: &f64| power_of_ten(residual.log10().round() as i32);
        mesh(
            &mut chart,
            ["iteration", "relative residual"],
            [8, 5],
            &power,
        )?;
        chart.draw_series(LineSeries::new(points, HELPFUL.stroke_width(4)))?;
        Ok(())
    })
    .map(Some)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A drawing as inline SVG: no namespace, since HTML has its own, and a name for screen readers.
fn draw(
    name: &'static str,
    size: (u32, u32),
    onto: impl FnOnce(&Area) -> Drawn,
) -> Result<Html, OutputError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        onto(&area)
            .and_then(|()| area.present())
            .map_err(|error| OutputError::encode("a drawing of the report", error))?;
    }
    let svg = svg
        .replacen(r#" xmlns="http://www.w3.org/2000/svg""#, "", 1)
        .replacen(
            "<svg ",
            &format!(r#"<svg class="plot" role="img" aria-label="{name}" "#),
            1,
        );
    Ok(Html::trusted(svg))
}

/// Grid, ticks and titles in the common style.
fn mesh<'a, Y>(
    chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
    titles: [&str; 2],
    labels: [usize; 2],
    y_label: &'a dyn Fn(&f64) -> String,
) -> Drawn
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let [x_title, y_title] = titles;
    let font = || ("sans-serif", TEXT).into_font().color(&INK);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(LINE))
        .axis_style(AXIS.stroke_width(LINE))
        .label_style(font())
        .axis_desc_style(font())
        .x_labels(labels[0])
        .y_labels(labels[1])
        .x_label_formatter(&|value| tick(*value))
        .y_label_formatter(y_label)
        .x_desc(x_title)
        .y_desc(y_title)
        .draw()
}

/// A range about all values and zero with some room, after division by `10^exponent`.
fn axis(values: impl Iterator<Item = f64>) -> (Range<f64>, i32) {
    let (low, high) = values.fold((0f64, 0f64), |(low, high), x| (low.min(x), high.max(x)));
    let largest = high.max(-low);
    if largest == 0.0 {
        return (-1.0..1.0, 0);
    }
    let exponent = match largest.log10().floor() as i32 {
        -1..3 => 0,
        // 10 to any further power would leave the range of numbers.
        other => other.clamp(-300, 300),
    };
    let scale = 10f64.powi(-exponent);
    let room = 0.06 * (high - low) * scale;
    (low * scale - room..high * scale + room, exponent)
}

/// A tick's number without the noise of its making.
fn tick(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    // Adding zero turns -0 into 0.
    format!("{}", rounded + 0.0)
}
