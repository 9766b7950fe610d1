//! HTML that cannot be built unescaped.

use std::fmt::Write;

/// Finished HTML. Text becomes it only through escaping, so what users name cannot become markup.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Html(String);

impl Html {
    /// Markup of our own making: the stylesheet or a drawing.
    pub(crate) fn trusted(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl<T: AsRef<str>> From<T> for Html {
    fn from(text: T) -> Self {
        Self(escape(text.as_ref()))
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

/// The element `name` with attributes and children.
pub(crate) fn element(
    name: &str,
    attributes: &[(&str, &str)],
    children: impl IntoIterator<Item = Html>,
) -> Html {
    let mut html = void(name, attributes).0;
    html.extend(children.into_iter().map(|child| child.0));
    let _ = write!(html, "</{name}>");
    Html(html)
}

/// An element without children or an end, such as `img`.
pub(crate) fn void(name: &str, attributes: &[(&str, &str)]) -> Html {
    let mut html = format!("<{name}");
    for (key, value) in attributes {
        let _ = write!(html, " {key}=\"{}\"", escape(value));
    }
    html.push('>');
    Html(html)
}

/// An element with one piece of text.
pub(crate) fn text(name: &str, content: impl AsRef<str>) -> Html {
    element(name, &[], [content.into()])
}

/// An element of a class with one piece of text.
pub(crate) fn classed(name: &str, class: &str, content: impl AsRef<str>) -> Html {
    element(name, &[("class", class)], [content.into()])
}

/// A `div` of a class.
pub(crate) fn div(class: &str, children: impl IntoIterator<Item = Html>) -> Html {
    element("div", &[("class", class)], children)
}

/// A titled section.
pub(crate) fn section(title: &str, children: impl IntoIterator<Item = Html>) -> Html {
    let children = std::iter::once(text("h2", title)).chain(children);
    element("section", &[], children)
}

/// A table that scrolls sideways when the page is narrow. The first row is its head.
pub(crate) fn table(class: &str, head: &[&str], rows: impl IntoIterator<Item = Html>) -> Html {
    let head = element(
        "thead",
        &[],
        [element(
            "tr",
            &[],
            head.iter().map(|title| text("th", title)),
        )],
    );
    let body = element("tbody", &[], rows);
    div(
        "scroll",
        [element("table", &[("class", class)], [head, body])],
    )
}

/// Names and values in two columns.
pub(crate) fn facts(facts: impl IntoIterator<Item = (String, String)>) -> Html {
    let fact = |(name, value)| div("fact", [text("dt", name), text("dd", value)]);
    element("dl", &[("class", "facts")], facts.into_iter().map(fact))
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
