//! `report.html` of an audit.

use backdraft_attribution::AuditBy;

use super::{
    AuditRecord, PlantedRecord, SuspectRecord,
    guide::{ENTRIES, TEXT_ENTRIES},
    table::{planted_head, told, truth},
};
use crate::{
    Example, Labels, Layout, OutputError, Sequences,
    number::{capital, change, count, percent, short_or_dash},
    page::{self, Html, classed, div, element, header, page, section, table, text},
    report::run_facts,
};

/// Features of a table's example that are shown.
const FEATURES: usize = 6;

/// Everything that the report of an audit shows.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditReport {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: AuditRecord,
    /// The targets of all training examples.
    pub labels: Labels,
    /// How examples are shown.
    pub layout: Layout,
    /// The record's suspects, in their order.
    pub examples: Vec<Example>,
}

impl AuditReport {
    /// The report as a self-contained HTML page.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many examples as suspects, or not as many features;
    /// [`OutputError::Encode`] if a picture cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let suspects = &self.record.suspects;
        OutputError::check_len("suspects", suspects.len(), self.examples.len())?;
        let shown = suspects.iter().zip(&self.examples);
        let gallery = match &self.layout {
            Layout::Pictures(frame) => {
                let figures = shown.map(|(suspect, example)| {
                    let alt = format!("training example {}", suspect.train);
                    frame.named(&example.features, &alt, self.caption(suspect))
                });
                div("pictures", figures.collect::<Result<Vec<_>, _>>()?)
            }
            Layout::Table(features) => {
                let names = &features.names;
                let rows = shown.map(|(suspect, example)| {
                    OutputError::check_len(
                        "features of an example",
                        names.len(),
                        example.features.len(),
                    )?;
                    Ok(self.row(suspect, &features.told(&example.features, FEATURES)))
                });
                let head = ["example", "label", "suggested", "why", "what sets it apart"];
                table(
                    "told",
                    &head,
                    rows.collect::<Result<Vec<_>, OutputError>>()?,
                )
            }
            Layout::Text(sequences) => shown.map(|it| self.sequence(it.0, sequences)).collect(),
        };
        let of_text = self.record.is_of_text();
        let (title, wrong, guide): (_, _, &[_]) = match of_text {
            true => (
                "Which of these words are wrong?",
                "wrong word",
                &TEXT_ENTRIES,
            ),
            false => ("Which of these labels are wrong?", "wrong target", &ENTRIES),
        };
        let question = format!(
            "The question: which of the {} training examples of {} have a {wrong}, as far as the {} can tell?",
            count(self.record.run.sizes.train),
            self.record.run.settings.data,
            self.record.run.settings.model,
        );
        let head = header(&self.title, title, &question, &self.answer());
        let planted = self.record.planted.as_ref().map(planted);
        let body = [head, run_facts(&self.record.run)].into_iter();
        let body = body.chain(planted);
        let body = body.chain([
            section("The most suspect, the first first", [gallery]),
            page::guide(guide),
        ]);
        Ok(page(&self.title, body))
    }

    fn answer(&self) -> String {
        let mut sentences = Vec::new();
        if let Some(other) = self.record.other_class {
            sentences.push(format!(
                "Without them, the network would give {} of the training examples another class than their label.",
                count(other)
            ));
        }
        let of_text = self.record.is_of_text();
        if let Some(first) = self.record.suspects.first().filter(|_| of_text) {
            sentences.push(format!(
                "The most suspect is #{} ({}): {}.",
                first.train,
                first.source,
                first.reason(&self.labels)
            ));
        } else if let Some(first) = self.record.suspects.first() {
            sentences.push(format!(
                "The most suspect is #{} ({}), labelled {}: {}.",
                first.train,
                first.source,
                self.labels.text(first.label),
                first.reason(&self.labels)
            ));
        }
        if let Some(corrections) = &self.record.corrections {
            sentences.push(format!("{}.", told(corrections, &self.record.run.unit)));
        }
        if of_text {
            let by = match self.record.by {
                AuditBy::Margin => "the margin of the least likely word",
                AuditBy::Loss => "the mean loss of the words",
                by => by.title(),
            };
            sentences.push(format!(
                "Ranked by {by}. The network has seen these sequences: what it says of a word it says after training on it."
            ));
            return sentences.join(" ");
        }
        sentences.push(format!(
            "Ranked by {}; answers without an example are predicted by one Newton step, with an inverse that is {}.",
            self.record.by.title(),
            self.record.method
        ));
        sentences.join(" ")
    }

    /// A sequence: which of its words is the least likely, why it is suspect, and all its words.
    fn sequence(&self, suspect: &SuspectRecord, sequences: &Sequences) -> Html {
        let name = format!("{}. #{}, {}", suspect.rank, suspect.train, suspect.source);
        let planted = suspect.truth.map(|_| {
            let told = format!(
                "Made wrong on purpose; in truth {}.",
                truth(suspect, &self.labels)
            );
            classed("p", "wrong", told)
        });
        let reason = format!("{}.", capital(&suspect.reason(&self.labels)));
        let worst = suspect.token.as_ref().map(|it| it.place);
        let parts = [text("h3", name), text("p", reason)].into_iter();
        let parts = parts.chain(planted);
        element(
            "article",
            &[],
            parts.chain([sequences.suspect(suspect.train, worst)]),
        )
    }

    fn caption(&self, suspect: &SuspectRecord) -> Vec<Html> {
        let label = format!("label {}", self.labels.text(suspect.label));
        let mut caption = vec![
            text("b", format!("{}. #{}", suspect.rank, suspect.train)),
            classed("span", "label", label),
            classed("span", "score", self.suggestion(suspect)),
        ];
        if suspect.truth.is_some() {
            let told = format!("truth {}", truth(suspect, &self.labels));
            caption.push(classed("span", "wrong", told));
        }
        caption.extend(
            suspect
                .score
                .map(|it| classed("span", "label", format!("harm {}", change(-it)))),
        );
        caption.push(classed("span", "place", suspect.source.to_string()));
        caption
    }

    /// What the network would say, and how sure it is.
    fn suggestion(&self, suspect: &SuspectRecord) -> String {
        match (suspect.suggested, suspect.probability) {
            (None, _) => "cannot be told".into(),
            (Some(class), Some(probability)) => {
                format!("says {}, {}", self.labels.text(class), percent(probability))
            }
            (Some(value), None) => format!("says {}", self.labels.text(value)),
        }
    }

    fn row(&self, suspect: &SuspectRecord, apart: &str) -> Html {
        let label = self.labels.text(suspect.label);
        let label = match suspect.truth {
            Some(_) => format!("{label} (truth {})", truth(suspect, &self.labels)),
            None => label,
        };
        let why = format!(
            "{} (margin {})",
            capital(&suspect.reason(&self.labels)),
            short_or_dash(suspect.left_out_margin)
        );
        let cells = [
            text("th", format!("#{}, {}", suspect.train, suspect.source)),
            text("td", label),
            text("td", self.suggestion(suspect)),
            text("td", why),
            text("td", apart),
        ];
        element("tr", &[], cells)
    }
}

/// How soon labels that were made wrong on purpose are found.
fn planted(planted: &PlantedRecord) -> Html {
    let rows = planted.rankings.iter().map(|it| {
        let cells = [
            text("th", it.by.title()),
            text("td", format!("{:.4}", it.auc)),
        ];
        let precision = it.precision.iter().map(|it| text("td", percent(*it)));
        element("tr", &[], cells.into_iter().chain(precision))
    });
    let head = planted_head();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let said = format!(
        "{} of {} labels were made wrong on purpose. What the network would say without them is the true label for {}.",
        count(planted.wrong),
        count(planted.examples),
        count(planted.restored)
    );
    section(
        "How soon the planted errors are found",
        [text("p", said), table("told", &head, rows)],
    )
}
