//! What every report is made of: one HTML file that needs no network.

mod axis;
mod chart;
mod facts;
mod figure;
mod html;

pub(super) use axis::{Axis, drawable};
pub(super) use chart::{AXIS, Chart, Drawn, HARMFUL, HELPFUL, INK, LINE, RANDOM, SERIES, chart};
pub(super) use facts::{more, quality, run_section};
pub(super) use figure::{figure, keys};
pub(super) use html::{Html, classed, div, element, facts, section, table, text, void};

/// A page of our own making: pictures, drawings and style are inside it, and it forbids the browser to load anything
/// else.
pub(super) fn page(title: &str, body: impl IntoIterator<Item = Html>) -> String {
    let page = element(
        "html",
        &[("lang", "en")],
        [
            head(title),
            element("body", &[], [element("main", &[], body)]),
        ],
    );
    format!("<!DOCTYPE html>\n{}\n", page.into_string())
}

fn head(title: &str) -> Html {
    let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    let meta = |attributes: &[(&str, &str)]| void("meta", attributes);
    element(
        "head",
        &[],
        [
            meta(&[("charset", "utf-8")]),
            meta(&[
                ("http-equiv", "Content-Security-Policy"),
                ("content", policy),
            ]),
            meta(&[
                ("name", "viewport"),
                ("content", "width=device-width, initial-scale=1"),
            ]),
            meta(&[("name", "color-scheme"), ("content", "light dark")]),
            text("title", format!("{title} · Backdraft")),
            element("style", &[], [Html::trusted(include_str!("style.css"))]),
        ],
    )
}

/// The head of a report: whose it is, what it asks, and what it found.
pub(super) fn header(name: &str, title: &str, question: &str, answer: &str) -> Html {
    element(
        "header",
        &[],
        [
            classed("p", "name", name),
            text("h1", title),
            classed("p", "question", question),
            classed("p", "answer", answer),
        ],
    )
}

/// What the report's numbers are, for someone who meets them for the first time.
pub(super) fn guide(entries: &[(&str, &str)]) -> Html {
    let entry = |(name, meaning): &(&str, &str)| [text("dt", name), text("dd", meaning)];
    section(
        "How to read this",
        [element(
            "dl",
            &[("class", "guide")],
            entries.iter().flat_map(entry),
        )],
    )
}
