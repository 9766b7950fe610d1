//! Curves and points over two axes.

use plotters::prelude::*;

use crate::OutputError;
use crate::page::{Axis, Chart, Drawn, Html, INK, RANDOM, SERIES, chart, keys, text};

/// How a layer is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line through the points of each part.
    Line,
    /// A thin line.
    Thin,
    /// A disc at each point.
    Dots,
    /// A ring at each point.
    Rings,
    /// A star at each point.
    Stars,
}

impl Shape {
    /// The sign in the key.
    fn sign(self) -> &'static str {
        match self {
            Self::Line => "━",
            Self::Thin => "─",
            Self::Dots => "●",
            Self::Rings => "○",
            Self::Stars => "★",
        }
    }
}

/// The colour of a layer, which looks different in light and dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// That of text.
    Ink,
    /// Grey.
    Grey,
    /// One of five that are told apart; beyond the fifth they begin again.
    Series(usize),
}

impl Colour {
    fn of(self) -> (RGBColor, &'static str) {
        match self {
            Self::Ink => (INK, "ink"),
            Self::Grey => (RANDOM, "random"),
            Self::Series(place) => SERIES[place % SERIES.len()],
        }
    }
}

/// What is drawn in one shape and colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it is, in the key; empty for what needs no word.
    pub key: String,
    /// How it is drawn.
    pub shape: Shape,
    /// In which colour.
    pub colour: Colour,
    /// The points, part by part: a line each.
    pub parts: Vec<Vec<(f64, f64)>>,
}

impl Layer {
    /// Of one part.
    pub fn new(
        key: impl Into<String>,
        shape: Shape,
        colour: Colour,
        points: Vec<(f64, f64)>,
    ) -> Self {
        Self {
            key: key.into(),
            shape,
            colour,
            parts: vec![points],
        }
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        self.parts.iter().flatten().copied()
    }

    fn draw(&self, chart: &mut Chart<'_, '_>) -> Drawn {
        let (colour, _) = self.colour.of();
        let points = self.points();
        match self.shape {
            Shape::Line | Shape::Thin => {
                let width = if self.shape == Shape::Line { 5 } else { 2 };
                for part in &self.parts {
                    chart.draw_series(LineSeries::new(
                        part.iter().copied(),
                        colour.stroke_width(width),
                    ))?;
                }
            }
            Shape::Dots => {
                chart.draw_series(points.map(|at| Circle::new(at, 8, colour.filled())))?;
            }
            Shape::Rings => {
                chart.draw_series(points.map(|at| Circle::new(at, 10, colour.stroke_width(3))))?;
            }
            Shape::Stars => {
                let star = move |at| EmptyElement::at(at) + Polygon::new(star(), colour.filled());
                chart.draw_series(points.map(star))?;
            }
        }
        Ok(())
    }
}

/// The corners of a star.
fn star() -> Vec<(i32, i32)> {
    let corner = |it: i32| {
        let radius = if it % 2 == 0 { 18.0 } else { 7.5 };
        let angle = f64::from(it) * std::f64::consts::PI / 5.0;
        let (sine, cosine) = angle.sin_cos();
        (
            (radius * sine).round() as i32,
            (-radius * cosine).round() as i32,
        )
    };
    (0..10).map(corner).collect()
}

/// Layers over common axes, the first at the bottom.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// What it shows, for those who do not see it.
    pub name: String,
    /// What is told across and up.
    pub titles: [String; 2],
    /// Whether equal ratios are equally long, across and up. Where there is nothing positive, differences are.
    pub log: [bool; 2],
    /// The layers.
    pub layers: Vec<Layer>,
}

impl Drawing {
    /// The drawing with its keys; a word in its place where there is nothing to draw.
    pub(crate) fn to_html(&self) -> Result<Html, OutputError> {
        let points = || self.layers.iter().flat_map(Layer::points);
        if points().next().is_none() {
            return Ok(text("p", "There is nothing to draw."));
        }
        let axis = |log: bool, values: &dyn Fn() -> Vec<f64>| {
            let found = log.then(|| Axis::log(values().into_iter())).flatten();
            found.unwrap_or_else(|| Axis::around(values().into_iter()))
        };
        let axes = [
            axis(self.log[0], &|| points().map(|it| it.0).collect()),
            axis(self.log[1], &|| points().map(|it| it.1).collect()),
        ];
        let shown = |at: &(f64, f64)| axes[0].shows(at.0) && axes[1].shows(at.1);
        let layers: Vec<Layer> = self.layers.iter().map(|it| it.only(shown)).collect();
        let titles = [&self.titles[0], &self.titles[1]].map(String::as_str);
        let drawing = chart(
            &self.name,
            (1000, 820),
            axes.clone(),
            titles,
            [7, 7],
            |chart| layers.iter().try_for_each(|layer| layer.draw(chart)),
        )?;
        Ok(Html::from_iter([drawing, self.keys()]))
    }

    fn keys(&self) -> Html {
        let told = self.layers.iter().filter(|it| !it.key.is_empty());
        keys(told.map(|it| (it.shape.sign(), it.colour.of().1, it.key.as_str())))
    }
}

impl Layer {
    /// The same with those points alone that can be shown.
    fn only(&self, shown: impl Fn(&(f64, f64)) -> bool) -> Self {
        let parts = self.parts.iter();
        let parts = parts.map(|part| part.iter().copied().filter(&shown).collect());
        Self {
            parts: parts.collect(),
            ..self.clone()
        }
    }
}
