//! Figures from plain data: curves, points and contours, and pages that show them.
//!
//! A [`Figure`] is a page of [`Drawing`]s with what they show in words and the settings that they were computed with.

mod contour;
mod drawing;
mod page;
mod record;
mod table;

pub use contour::contour;
pub use drawing::{Colour, Drawing, Layer, Shape};
pub use page::{Figure, Panel};
pub use record::FigureRecord;
pub use table::figure_csv;
