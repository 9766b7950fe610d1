//! A training example beside what its inputs are moved to.

use super::{ChangeRecord, table::outcome};
use crate::{
    Example, Features, Frame, Labels, OutputError,
    number::{change, own},
    page::{Html, classed, div, element, table, text},
};

/// How many features of a table are shown.
const SHOWN: usize = 6;

/// A training example beside what its inputs are moved to.
#[derive(Clone, Debug, PartialEq)]
pub struct MovedExample {
    /// As it is.
    pub example: Example,
    /// Its features after the move, in their own units.
    pub moved: Vec<f64>,
    /// The predicted change of the query's loss for each unit that the network reads more of a feature.
    pub gradient: Vec<f64>,
    /// What each feature's move is predicted to do to first order: these add up to the whole.
    pub parts: Vec<f64>,
}

impl MovedExample {
    pub(super) fn check(&self) -> Result<(), OutputError> {
        let features = self.example.features.len();
        OutputError::check_len("moved features", features, self.moved.len())?;
        OutputError::check_len("features of a gradient", features, self.gradient.len())?;
        OutputError::check_len("features' parts", features, self.parts.len())
    }

    /// The picture, where a pixel of it matters, and the moved picture.
    pub(super) fn pictures(
        &self,
        frame: &Frame,
        labels: &Labels,
        record: &ChangeRecord,
    ) -> Result<Html, OutputError> {
        let largest = self
            .gradient
            .iter()
            .fold(0.0, |most: f64, it| most.max(it.abs()));
        let name = format!("#{}", self.example.index);
        let label = format!("label {}", labels.text(self.example.label));
        let place = self.example.source.to_string();
        let figures = [
            frame.named(
                &self.example.features,
                &format!("training example {name}, {label}"),
                [
                    text("b", &name),
                    classed("span", "label", &label),
                    classed("span", "place", &place),
                ],
            )?,
            frame.saliency(
                &self.gradient,
                largest,
                &format!("where pixels of {name} matter to the query"),
                [text("b", "where it matters")],
            )?,
            frame.named(
                &self.moved,
                &format!("training example {name}, moved"),
                [
                    text("b", "moved"),
                    classed("span", "score", change(record.predicted)),
                ],
            )?,
        ];
        Ok(div("side", [div("pictures", figures), facts(record)]))
    }

    /// The features that do most, with what they become.
    pub(super) fn table(
        &self,
        features: &Features,
        labels: &Labels,
        record: &ChangeRecord,
    ) -> Html {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        order.sort_by(|&a, &b| self.parts[b].abs().total_cmp(&self.parts[a].abs()));
        order.truncate(SHOWN);
        let rows = order.into_iter().map(|at| {
            let unnamed = || format!("feature {at}");
            let cells = [
                text(
                    "th",
                    features.names.get(at).cloned().unwrap_or_else(unnamed),
                ),
                text("td", own(self.example.features[at])),
                text("td", own(self.moved[at])),
                text("td", change(self.parts[at])),
            ];
            element("tr", &[], cells)
        });
        let title = format!(
            "{}, label {}",
            self.example.name(),
            labels.text(self.example.label)
        );
        div(
            "side",
            [
                text("h4", title),
                table("moves", &["feature", "is", "moved to", "its part"], rows),
                facts(record),
            ],
        )
    }
}

/// What was predicted and found, in a line.
fn facts(record: &ChangeRecord) -> Html {
    let mut line = format!("predicted {}", change(record.predicted));
    if let Some(first_order) = record.first_order {
        line.push_str(&format!(", to first order {}", change(first_order)));
    }
    let found = [
        ("response", record.response.as_ref()),
        ("retrained", record.retrained.as_ref()),
    ];
    for (name, found) in found.into_iter().filter(|it| it.1.is_some()) {
        line.push_str(&format!(", {name} {}", outcome(found)));
    }
    classed("p", "note", line)
}
