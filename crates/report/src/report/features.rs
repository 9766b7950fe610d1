//! Examples as rows of a table.

use backdraft_attribution::verify::PairKind;

use super::{Example, Explained, ScoredExample};
use crate::number::{change, own};
use crate::page::{Html, classed, element, table, text};
use crate::{
    Labels, Measure, OutputError,
    measure::{class, did},
};

/// How many features are shown.
const SHOWN: usize = 6;

/// What an example's features are called and how they are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// One name a feature.
    pub names: Vec<String>,
    /// Each feature's mean over the training set.
    pub mean: Vec<f64>,
    /// Each feature's standard deviation over the training set.
    pub std: Vec<f64>,
}

impl Features {
    /// The query, if it is one, and its strongest examples, one a row, by the features in which the query is furthest
    /// from the mean, or else the examples are.
    pub(super) fn show(
        &self,
        labels: &Labels,
        measure: &Measure,
        explained: &Explained,
    ) -> Result<Html, OutputError> {
        self.check(explained)?;
        let columns = self.columns(explained);
        let mut head = vec!["example", "label", "score"];
        let corrected = explained.positive.iter().chain(&explained.negative);
        let corrected = corrected.clone().any(|it| it.newton.is_some());
        head.extend(corrected.then_some("Newton"));
        head.extend(columns.iter().map(|&column| self.names[column].as_str()));

        let row = |class: &str, name: String, scores: [String; 2], example: &Example| {
            let [score, newton] = scores;
            let cells = [
                text("th", name),
                text("td", labels.text(example.label)),
                text("td", score),
            ];
            let cells = cells
                .into_iter()
                .chain(corrected.then(|| text("td", newton)));
            let values = columns
                .iter()
                .map(|&column| self.cell(column, example.features[column]));
            element("tr", &[("class", class)], cells.chain(values))
        };
        let side = |(kind, examples): (PairKind, &Vec<ScoredExample>)| {
            let rows = examples.iter().map(|scored| {
                let newton = scored.newton.map_or_else(String::new, change);
                let scores = [change(scored.score), newton];
                row(class(kind), scored.example.name(), scores, &scored.example)
            });
            rows.collect::<Html>()
        };
        let [first, second] = measure.sides(&explained.positive, &explained.negative);
        let query = explained.query.as_ref().map(|query| {
            let name = format!("the query, {}", query.source);
            row("query", name, Default::default(), query)
        });
        let rows = query.into_iter().chain([side(first), side(second)]);
        let set_apart = match explained.query {
            Some(_) => "the query is",
            None => "these examples are",
        };
        let [positive, negative] = measure.kinds().map(did);
        let note = format!(
            "A positive score {positive}, a negative one {negative}. Shown are the features in which {set_apart} furthest from the \
             training mean, in their own units; z counts standard deviations from that mean."
        );
        Ok(Html::from_iter([
            table("examples", &head, rows),
            classed("p", "note", note),
        ]))
    }

    /// The features in which an example is furthest from the mean, in words, `most` of them.
    ///
    /// # Panics
    /// If it has another number of features.
    pub(crate) fn told(&self, features: &[f64], most: usize) -> String {
        assert_eq!(features.len(), self.names.len(), "features of an example");
        let mut order: Vec<usize> = (0..features.len()).collect();
        let distance = |column: usize| self.z(column, features[column]).abs();
        order.sort_by(|&a, &b| distance(b).total_cmp(&distance(a)));
        let words = order.into_iter().take(most).map(|column| {
            let z = self.z(column, features[column]);
            format!(
                "{} {} (z {z:+.1})",
                self.names[column],
                own(features[column])
            )
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn check(&self, explained: &Explained) -> Result<(), OutputError> {
        let features = self.names.len();
        OutputError::check_len("means of the features", features, self.mean.len())?;
        OutputError::check_len("deviations of the features", features, self.std.len())?;
        let scored = explained.positive.iter().chain(&explained.negative);
        for example in scored.map(|it| &it.example).chain(&explained.query) {
            OutputError::check_len("features of an example", features, example.features.len())?;
        }
        Ok(())
    }

    /// The features that set the query apart, or without one the examples in the mean, the foremost first.
    fn columns(&self, explained: &Explained) -> Vec<usize> {
        let scored = explained.positive.iter().chain(&explained.negative);
        let shown: Vec<&Example> = match &explained.query {
            Some(query) => vec![query],
            None => scored.map(|it| &it.example).collect(),
        };
        let distance = |column: usize, it: &&Example| self.z(column, it.features[column]).abs();
        let extent = |column: usize| -> f64 { shown.iter().map(|it| distance(column, it)).sum() };
        let mut columns: Vec<usize> = (0..self.names.len()).collect();
        columns.sort_by(|&a, &b| extent(b).total_cmp(&extent(a)));
        columns.truncate(SHOWN);
        columns
    }

    fn cell(&self, column: usize, value: f64) -> Html {
        let z = format!("z {:+.1}", self.z(column, value));
        element("td", &[], [own(value).into(), classed("span", "z", z)])
    }

    /// Distance from the mean in standard deviations; 0 for a constant feature.
    fn z(&self, column: usize, value: f64) -> f64 {
        if self.std[column] > 0.0 {
            (value - self.mean[column]) / self.std[column]
        } else {
            0.0
        }
    }
}
