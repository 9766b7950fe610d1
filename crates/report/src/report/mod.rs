//! `report.html`: a run for a reader, in one file that needs no network.

mod closed_form;
mod features;
mod groups;
mod guide;
mod picture;
mod plot;
mod query;
mod sequences;
mod summary;
mod verify;

pub use features::Features;
pub use picture::Frame;
pub(crate) use query::strongest_examples;
pub use sequences::{Sequence, Sequences};
pub(crate) use summary::run as run_facts;

use super::page::{page, section};
use super::{Labels, OutputError, Place, RunRecord, TargetValue};

/// Everything the report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The run's name.
    pub title: String,
    /// What `run.json` holds.
    pub record: RunRecord,
    /// The targets of all training examples.
    pub labels: Labels,
    /// How examples are shown.
    pub layout: Layout,
    /// One for each of the record's queries, in their order, or one for their mean.
    pub explained: Vec<Explained>,
}

/// How examples are shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// As grey pictures.
    Pictures(Frame),
    /// As rows of a table.
    Table(Features),
    /// As words.
    Text(Sequences),
}

/// A query and the training examples that matter most to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The test example; none for the mean over all.
    pub query: Option<Example>,
    /// Those with the most positive scores, the greatest first.
    pub positive: Vec<ScoredExample>,
    /// Those with the most negative scores, the least first.
    pub negative: Vec<ScoredExample>,
}

impl Example {
    /// Which training example it is, and where it stands.
    pub(crate) fn name(&self) -> String {
        format!("#{}, {}", self.index, self.source)
    }
}

/// One example as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Its index in its set.
    pub index: usize,
    /// Where it stands.
    pub source: Place,
    /// Its target.
    pub label: TargetValue,
    /// Its features: the pixels of a picture row by row, or the values of a table's row in their own units.
    pub features: Vec<f64>,
}

/// A training example and its score.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredExample {
    /// The training example.
    pub example: Example,
    /// Predicted change of what is measured of the query without it.
    pub score: f64,
    /// The Newton estimate of the same, where there is one.
    pub newton: Option<f64>,
}

impl Report {
    /// Name of the file in a run's folder.
    pub const FILE: &str = "report.html";

    /// The report as a self-contained HTML page: pictures, drawings and style are inside it, and it
    /// forbids the browser to load anything else.
    ///
    /// # Errors
    /// [`OutputError::Length`] if the explained queries are not as many as the record's (one for a mean) or an
    /// example has not as many features as the layout; [`OutputError::Encode`] if a picture or
    /// drawing cannot be made.
    pub fn to_html(&self) -> Result<String, OutputError> {
        let rows = self.record.solves().count();
        OutputError::check_len("explained queries", rows, self.explained.len())?;
        let each = self.record.queries.iter().zip(&self.explained);
        let mean = self.record.mean.iter().zip(&self.explained);
        let queries = each
            .map(|(record, explained)| query::query(self, record, explained))
            .chain(mean.map(|(record, explained)| query::mean(self, record, explained)))
            .collect::<Result<Vec<_>, _>>()?;
        let measure = self.record.measure();
        let body = [
            summary::head(self),
            run_facts(&self.record),
            section(query::title(&measure), queries),
        ];
        let body = body.into_iter().chain(closed_form::closed_form(self)?);
        let body = body.chain([verify::verify(self)?]);
        let body = body.chain(groups::groups(self));
        let body = body.chain([guide::guide(&measure)]);
        Ok(page(&self.title, body))
    }
}
