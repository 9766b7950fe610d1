//! A page of drawings.

use serde_json::{Map, Value};

use super::Drawing;
use crate::page::{Html, div, element, guide, header, page, run_section, section, table, text};
use crate::{OutputError, Versions};

/// A drawing with a title and a few words.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The title.
    pub title: String,
    /// What is to be seen.
    pub caption: String,
    /// The drawing.
    pub drawing: Drawing,
}

/// A page of drawings, with what they show and what they were computed with.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The run's name.
    pub name: String,
    /// The page's title.
    pub title: String,
    /// What is asked.
    pub question: String,
    /// What was found.
    pub answer: String,
    /// Sections of panels that stand beside each other.
    pub sections: Vec<(String, Vec<Panel>)>,
    /// The numbers behind them: a title, and rows of which the first is the head.
    pub tables: Vec<(String, Vec<Vec<String>>)>,
    /// What the words mean.
    pub guide: Vec<(String, String)>,
    /// All settings, the seed among them.
    pub settings: Map<String, Value>,
    /// The seconds of each stage.
    pub seconds: Vec<(String, f64)>,
    /// What computed.
    pub versions: Versions,
}

impl Figure {
    /// The figure as a self-contained HTML page: drawings and style are inside it, and it forbids the browser to load
    /// anything else.
    ///
    /// # Errors
    /// [`OutputError::Encode`] if a drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let mut body = vec![header(
            &self.name,
            &self.title,
            &self.question,
            &self.answer,
        )];
        for (title, panels) in &self.sections {
            let panels = panels.iter().map(Panel::to_html);
            let panels = panels.collect::<Result<Vec<_>, _>>()?;
            body.push(section(title, [div("plots", panels)]));
        }
        body.extend(
            self.tables
                .iter()
                .map(|(title, rows)| section(title, numbers(rows))),
        );
        let main = ["seed", "device"].into_iter().filter_map(|name| {
            let value = self.settings.get(name)?;
            Some((
                name,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), String::from),
            ))
        });
        let seconds = self.seconds.iter().map(|(stage, it)| (stage, *it));
        body.push(run_section(
            main,
            &self.settings,
            seconds,
            &self.versions,
            None,
        ));
        let entries = self.guide.iter();
        let entries: Vec<_> = entries
            .map(|(word, it)| (word.as_str(), it.as_str()))
            .collect();
        body.push(guide(&entries));
        Ok(page(&self.name, body))
    }
}

impl Panel {
    fn to_html(&self) -> Result<Html, OutputError> {
        let content = [
            text("h3", &self.title),
            self.drawing.to_html()?,
            text("figcaption", &self.caption),
        ];
        Ok(element("figure", &[("class", "panel")], content))
    }
}

/// A table of which the first row is the head; none without rows.
fn numbers(rows: &[Vec<String>]) -> Option<Html> {
    let (head, rows) = rows.split_first()?;
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let rows = rows.iter().map(|row| {
        let mut cells = row.iter();
        let first = cells.next().map(|it| text("th", it));
        let cells = first.into_iter().chain(cells.map(|it| text("td", it)));
        element("tr", &[], cells)
    });
    Some(table("told", &head, rows))
}
