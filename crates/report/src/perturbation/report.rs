//! `report.html` of a run that changes training examples.

use super::{
    ChangeKind, ChangeRecord, MovedExample, PerturbationRecord,
    guide::ENTRIES,
    table::{label, outcome, words},
};
use crate::{
    Example, Labels, Layout, OutputError, QueryRecord,
    number::{change, count, plural, short},
    page::{self, Html, classed, element, header, page, section, table, text},
    report::{Report, run_facts},
};

/// Everything that the report of changed training examples shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PerturbationReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: PerturbationRecord,
    /// The targets of all training examples.
    pub labels: Labels,
    /// How examples are shown.
    pub layout: Layout,
    /// The record's queries, in their order.
    pub queries: Vec<Example>,
    /// One for each of the record's changes of inputs, in their order.
    pub moved: Vec<MovedExample>,
}

impl PerturbationReport {
    /// Name of the file in a run's folder.
    pub const FILE: &str = Report::FILE;

    /// The report as a self-contained HTML page: pictures, drawings and style are inside it, and it forbids the browser
    /// to load anything else.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many queries and moved examples as the record has, or not as many
    /// features; [`OutputError::Encode`] if a picture cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let record = &self.record;
        let queries = record.run.queries.len();
        OutputError::check_len("queries", queries, self.queries.len())?;
        let inputs = record
            .changes
            .iter()
            .filter(|it| it.kind == ChangeKind::Inputs);
        OutputError::check_len("moved examples", inputs.clone().count(), self.moved.len())?;
        let moved: Vec<(&ChangeRecord, &MovedExample)> = inputs.zip(&self.moved).collect();
        let articles = record.run.queries.iter().zip(&self.queries);
        let articles = articles
            .map(|(query, example)| self.article(query, example, &moved))
            .collect::<Result<Vec<_>, _>>()?;
        let body = [
            self.head(),
            run_facts(&record.run),
            section("What would change the query", articles),
            page::guide(&ENTRIES),
        ];
        Ok(page(&self.title, body))
    }

    fn head(&self) -> Html {
        let run = &self.record.run;
        let question = format!(
            "The question: which change of which of the {} training examples of {} would move the loss of the {} on {}?",
            count(run.sizes.train),
            run.settings.data,
            run.settings.model,
            plural(run.queries.len(), "test example"),
        );
        let title = "Which changed training example would change this answer?";
        header(&self.title, title, &question, &self.answer())
    }

    fn answer(&self) -> String {
        let mut sentences = Vec::new();
        for kind in [ChangeKind::Inputs, ChangeKind::Label] {
            let of_kind = self.record.changes.iter().filter(|it| it.kind == kind);
            let strongest = of_kind.max_by(|a, b| a.predicted.abs().total_cmp(&b.predicted.abs()));
            if let Some(it) = strongest {
                let what = match (kind, it.label.to) {
                    (ChangeKind::Label, Some(to)) => {
                        format!(
                            "labelled {} in place of {}",
                            self.labels.text(to),
                            self.labels.text(it.label.label)
                        )
                    }
                    _ => "with its inputs moved".to_owned(),
                };
                sentences.push(format!(
                    "Training example {} ({}), {what}, is predicted to change the loss on test example {} by {}.",
                    it.train,
                    it.source,
                    it.query,
                    change(it.predicted)
                ));
            }
        }
        let held = [
            ("the response", &self.record.response),
            ("training again", &self.record.retraining),
        ];
        for (name, agreements) in held {
            for agreement in agreements {
                sentences.push(format!("Against {name}, {}.", words(agreement)));
            }
        }
        if self.record.response.is_empty() && self.record.retraining.is_empty() {
            sentences.push("These predictions were not held against actual changes.".into());
        }
        sentences.join(" ")
    }

    fn article(
        &self,
        query: &QueryRecord,
        example: &Example,
        moved: &[(&ChangeRecord, &MovedExample)],
    ) -> Result<Html, OutputError> {
        let mut parts = vec![
            text(
                "h3",
                format!("Test example {}, {}", query.index, example.source),
            ),
            text(
                "p",
                format!(
                    "Label {}, predicted {}, loss {}.",
                    self.labels.text(query.label),
                    self.labels.text(query.predicted),
                    short(query.loss)
                ),
            ),
        ];
        if let Layout::Pictures(frame) = &self.layout {
            let alt = format!("test example {}", query.index);
            let caption = [text("b", "the query")];
            parts.push(frame.named(&example.features, &alt, caption)?);
        }
        parts.push(text(
            "h4",
            "Training examples whose moved inputs would change it most",
        ));
        for (record, moved) in moved.iter().filter(|it| it.0.query == query.index) {
            moved.check()?;
            parts.push(match &self.layout {
                Layout::Pictures(frame) => moved.pictures(frame, &self.labels, record)?,
                Layout::Table(features) => moved.table(features, &self.labels, record),
                // A token is no number that could be a little larger.
                Layout::Text(_) => {
                    return Err(OutputError::encode(
                        "a report of moves",
                        "sequences have none",
                    ));
                }
            });
        }
        parts.push(text(
            "h4",
            "Training examples whose other label would change it most",
        ));
        parts.push(self.label_changes(query.index));
        Ok(element("article", &[("class", "query")], parts))
    }

    fn label_changes(&self, query: usize) -> Html {
        let of_query = |it: &&ChangeRecord| it.query == query && it.kind == ChangeKind::Label;
        let changes: Vec<&ChangeRecord> = self.record.changes.iter().filter(of_query).collect();
        if changes.is_empty() {
            return classed("p", "note", "None would.");
        }
        let rows = changes.into_iter().map(|it| {
            let cells = [
                text("th", format!("#{}, {}", it.train, it.source)),
                text("td", label(it, &self.labels)),
                text("td", change(it.predicted)),
                text("td", outcome(it.response.as_ref())),
                text("td", outcome(it.retrained.as_ref())),
            ];
            element("tr", &[], cells)
        });
        let head = ["example", "label", "predicted", "response", "retrained"];
        table("told", &head, rows)
    }
}
