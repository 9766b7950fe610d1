//! Drawings in the reports' common style.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Axis, Html};
use crate::OutputError;

// Names of roles more than colours: `style.css` finds a drawing's parts by these values and
// repaints them for light and dark.
pub(crate) const INK: RGBColor = RGBColor(0x1B, 0x1F, 0x24);
const GRID: RGBColor = RGBColor(0xE4, 0xE7, 0xEB);
pub(crate) const AXIS: RGBColor = RGBColor(0x8A, 0x93, 0x9F);
pub(crate) const HELPFUL: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(crate) const HARMFUL: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(crate) const RANDOM: RGBColor = RGBColor(0x6F, 0x76, 0x80);

/// Lines that are told apart by colour, with the classes of their keys.
pub(crate) const SERIES: [(RGBColor, &str); 5] = [
    (HELPFUL, "first"),
    (HARMFUL, "second"),
    (RGBColor(0x00, 0x9E, 0x73), "third"),
    (RGBColor(0xA6, 0x51, 0x8B), "fourth"),
    (RGBColor(0x8A, 0x6D, 0x00), "fifth"),
];

// Plotters places everything on whole pixels: draw large, and let the page scale it down.
const TEXT: i32 = 26;
pub(crate) const LINE: u32 = 2;

/// What a drawing is made on, with its axes.
pub(crate) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;

/// Whether drawing succeeded.
pub(crate) type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// A drawing with grid, ticks and titles; `axes`, `titles` and the most ticks are those across, then those up.
pub(crate) fn chart(
    name: &str,
    size: (u32, u32),
    axes: [Axis; 2],
    titles: [&str; 2],
    ticks: [usize; 2],
    onto: impl FnOnce(&mut Chart<'_, '_>) -> Drawn,
) -> Result<Html, OutputError> {
    let titles = [axes[0].title(titles[0]), axes[1].title(titles[1])];
    let named = matches!(axes[1], Axis::Names(_));
    let [across, up] = axes;
    draw(name, size, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(20)
            .x_label_area_size(84)
            .y_label_area_size(if named { 220 } else { 120 })
            .build_cartesian_2d(across, up)?;
        let font = || ("sans-serif", TEXT).into_font().color(&INK);
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(LINE))
            .axis_style(AXIS.stroke_width(LINE))
            .label_style(font())
            .axis_desc_style(font())
            .x_labels(ticks[0])
            .y_labels(ticks[1])
            .x_desc(&titles[0])
            .y_desc(&titles[1]);
        if named {
            mesh.disable_y_mesh();
        }
        mesh.draw()?;
        onto(&mut chart)
    })
}

/// A drawing as inline SVG: no namespace, since HTML has its own, and a name for screen readers.
fn draw(
    name: &str,
    size: (u32, u32),
    onto: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn,
) -> Result<Html, OutputError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        onto(&area)
            .and_then(|()| area.present())
            .map_err(|error| OutputError::encode("a drawing of the report", error))?;
    }
    let name = Html::from(name).into_string();
    let svg = svg
        .replacen(r#" xmlns="http://www.w3.org/2000/svg""#, "", 1)
        .replacen(
            "<svg ",
            &format!(r#"<svg class="plot" role="img" aria-label="{name}" "#),
            1,
        );
    Ok(Html::trusted(svg))
}
