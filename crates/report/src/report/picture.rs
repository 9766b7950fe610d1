//! Examples as pictures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Example, Explained, ScoredExample};
use crate::number::{capital, change};
use crate::page::{Html, classed, div, element, text, void};
use crate::{
    Labels, Measure, OutputError,
    measure::{class, did},
};

/// The colours at the ends of a saliency map: more there lowers the loss, or raises it.
const LOWERS: [u8; 3] = [0, 103, 163];
const RAISES: [u8; 3] = [184, 78, 0];

/// How an example's features make a grey picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Rows of pixels; the features come row by row.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// The value that is drawn black, as are those beyond it.
    pub black: f64,
    /// The value that is drawn white, as are those beyond it.
    pub white: f64,
}

impl Frame {
    /// The query's picture, if it is of one, beside two rows of training pictures.
    pub(super) fn show(
        &self,
        labels: &Labels,
        measure: &Measure,
        explained: &Explained,
    ) -> Result<Html, OutputError> {
        let query = explained.query.as_ref().map(|query| {
            let caption = [text("b", "the query"), label(labels, query), place(query)];
            self.figure(labels, query, "query", caption)
        });
        let query = query.transpose()?;
        let positive = ("raises", &explained.positive);
        let negative = ("lowers", &explained.negative);
        let sides = measure
            .sides(positive, negative)
            .into_iter()
            .map(|(kind, (moves, examples))| {
                let did = capital(did(kind));
                let title = format!("{did} most: removing it {moves} the {}", measure.quantity());
                self.side(labels, &title, class(kind), examples)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(div(
            "beside",
            query.into_iter().chain([div("sides", sides)]),
        ))
    }

    fn side(
        &self,
        labels: &Labels,
        title: &str,
        class: &str,
        examples: &[ScoredExample],
    ) -> Result<Html, OutputError> {
        let figures = examples.iter().map(|scored| {
            let example = &scored.example;
            let newton = scored.newton.map(|it| {
                let told = format!("Newton {}", change(it));
                classed("span", "score", told)
            });
            let caption = [
                text("b", format!("#{}", example.index)),
                label(labels, example),
                classed("span", "score", change(scored.score)),
            ];
            let caption = caption.into_iter().chain(newton).chain([place(example)]);
            self.figure(labels, example, class, caption)
        });
        let shown = if examples.is_empty() {
            text("p", "No example did.")
        } else {
            div("pictures", figures.collect::<Result<Vec<_>, _>>()?)
        };
        Ok(div("side", [text("h4", title), shown]))
    }

    fn figure(
        &self,
        labels: &Labels,
        example: &Example,
        class: &str,
        caption: impl IntoIterator<Item = Html>,
    ) -> Result<Html, OutputError> {
        let source = self.data_uri(&example.features)?;
        let alt = format!(
            "example {}, label {}",
            example.index,
            labels.text(example.label)
        );
        Ok(framed(&source, class, &alt, caption))
    }

    /// A picture with an alternative text and a caption.
    pub(crate) fn named(
        &self,
        pixels: &[f64],
        alt: &str,
        caption: impl IntoIterator<Item = Html>,
    ) -> Result<Html, OutputError> {
        Ok(framed(&self.data_uri(pixels)?, "query", alt, caption))
    }

    /// The same of numbers of either sign: white for 0, blue for the most negative, orange for the most positive, each
    /// at `largest`.
    pub(crate) fn saliency(
        &self,
        numbers: &[f64],
        largest: f64,
        alt: &str,
        caption: impl IntoIterator<Item = Html>,
    ) -> Result<Html, OutputError> {
        OutputError::check_len(
            "pixels of a picture",
            self.height * self.width,
            numbers.len(),
        )?;
        let colour = |x: &f64| {
            let share = if largest > 0.0 {
                (x.abs() / largest).min(1.0)
            } else {
                0.0
            };
            let end = if *x < 0.0 { LOWERS } else { RAISES };
            end.map(|end| (255.0 + share * (f64::from(end) - 255.0)).round() as u8)
        };
        let pixels: Vec<u8> = numbers.iter().flat_map(colour).collect();
        let source = self.png(png::ColorType::Rgb, &pixels)?;
        Ok(framed(&source, "query", alt, caption))
    }

    /// The picture as PNG in a `data:` URI.
    fn data_uri(&self, pixels: &[f64]) -> Result<String, OutputError> {
        OutputError::check_len(
            "pixels of a picture",
            self.height * self.width,
            pixels.len(),
        )?;
        let (black, white) = (self.black, self.white);
        // The cast saturates, so what lies beyond black or white becomes just that.
        let grey: Vec<u8> = pixels
            .iter()
            .map(|x| (255.0 * (x - black) / (white - black)).round() as u8)
            .collect();
        self.png(png::ColorType::Grayscale, &grey)
    }

    /// Bytes of a colour a pixel as PNG in a `data:` URI.
    fn png(&self, colour: png::ColorType, bytes: &[u8]) -> Result<String, OutputError> {
        let refused = |reason: String| OutputError::encode("a picture of the report", reason);
        let side = |n: usize| u32::try_from(n).map_err(|error| refused(error.to_string()));
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side(self.width)?, side(self.height)?);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder
            .write_header()
            .and_then(|mut writer| {
                writer.write_image_data(bytes)?;
                writer.finish()
            })
            .map_err(|error| refused(error.to_string()))?;
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(file)))
    }
}

/// A picture in its frame.
fn framed(source: &str, class: &str, alt: &str, caption: impl IntoIterator<Item = Html>) -> Html {
    element(
        "figure",
        &[("class", class)],
        [
            void("img", &[("src", source), ("alt", alt)]),
            element("figcaption", &[], caption),
        ],
    )
}

fn place(example: &Example) -> Html {
    classed("span", "place", example.source.to_string())
}

fn label(labels: &Labels, example: &Example) -> Html {
    classed(
        "span",
        "label",
        format!("label {}", labels.text(example.label)),
    )
}
