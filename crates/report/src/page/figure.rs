//! Drawings with their keys and captions.

use super::{Html, classed, element, text};

/// A drawing, or a word that there is none, with the keys of its series and what it says.
pub(crate) fn figure(drawing: Option<Html>, keys: Html, caption: &str) -> Html {
    let drawing = drawing.unwrap_or_else(|| text("p", "There is nothing to draw."));
    element(
        "figure",
        &[("class", "scatter")],
        [
            drawing,
            element("figcaption", &[], [keys, text("span", caption)]),
        ],
    )
}

/// The keys of a drawing: sign, class and name.
pub(crate) fn keys<'a>(series: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Html {
    let key = |(sign, class, name)| classed("span", class, format!("{sign} {name}"));
    element("span", &[("class", "keys")], series.into_iter().map(key))
}
