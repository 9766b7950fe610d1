//! What is known in closed form of a linear model: `closed-form.csv`, and its part of the record.

use backdraft_attribution::verify::PairKind;
use serde::{Deserialize, Serialize};

use super::number::{change, plural, short, short_or_dash};
use super::table::aligned;
use super::top::query_cell;
use super::{ExampleInfo, OutputError, PlaceColumns, ScoreRecord};

/// The file's name.
pub const CLOSED_FORM_FILE: &str = "closed-form.csv";

/// What the removal of training examples does to a linear model, without retraining.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedFormRecord {
    /// `least squares` or `logistic regression`.
    pub model: String,
    /// Whether changes are exact; else they are those of one Newton step without the example.
    pub exact: bool,
    /// The term `l2/2 ||theta||^2` of the cost whose minimum it is.
    pub l2: f64,
    /// Where that is from: `training`, or `damping` for weights from a file.
    pub l2_from: String,
    /// How far the trained parameters are from the minimum, over its norm.
    pub distance: f64,
    /// The norm of the gradient of the mean loss with the L2 term at the trained parameters, in the record's unit of
    /// losses: 0 at the minimum.
    pub gradient_norm: f64,
    /// The sum of all leverages: the parameters that the data settle.
    pub effective_parameters: f64,
    /// The example with the largest leverage, and that.
    pub most: (usize, f64),
    /// Examples that are fitted by themselves alone, of which nothing is known.
    pub alone: Vec<usize>,
    /// How well each query's scores of all examples agree with the changes.
    pub agreement: Vec<ClosedFormAgreement>,
    /// The strongest examples of each query.
    pub strongest: Vec<ClosedFormChange>,
}

/// How well the scores of a query agree with what is known in closed form.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedFormAgreement {
    /// Test index of the query; none for the mean over all.
    pub query: Option<usize>,
    /// Pearson's correlation of scores and changes over all examples, where both vary.
    pub pearson: Option<f64>,
    /// Spearman's.
    pub spearman: Option<f64>,
    /// Least-squares slope of the changes on the scores.
    pub slope: Option<f64>,
}

/// One of the strongest examples of a query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedFormChange {
    /// Test index of the query; none for the mean over all.
    pub query: Option<usize>,
    /// Index of the training example.
    pub train: usize,
    /// What it does.
    pub kind: PairKind,
    /// The score: the change predicted to first order.
    pub score: f64,
    /// Its leverage, between 0 and 1.
    pub leverage: f64,
    /// What is measured of the query without it less that with it; none if it is fitted by itself alone.
    pub leave_one_out: Option<f64>,
}

/// Everything that is known in closed form, of all training examples, in the units of the scores and of the target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClosedFormTable {
    /// Whether changes are exact, rather than of one Newton step.
    pub exact: bool,
    /// One an example, between 0 and 1.
    pub leverage: Vec<f64>,
    /// Of an example's own loss: its score for it, and the change of it.
    pub own: Vec<(f64, Option<f64>)>,
    /// Of least squares, with their names: residual, studentised residual, Cook's distance, DFFITS.
    pub diagnostics: Vec<(&'static str, Vec<Option<f64>>)>,
    /// For each query the changes of what is measured of it.
    pub changes: Vec<Vec<Option<f64>>>,
}

impl ClosedFormTable {
    /// The change of what is measured of the query in row `row` without a training example; none if that is fitted by
    /// itself alone.
    pub fn change(&self, row: usize, train: usize) -> Option<f64> {
        *self.changes.get(row)?.get(train)?
    }

    /// What the column of the changes is called.
    pub(super) fn column(&self) -> &'static str {
        match self.exact {
            true => "leave_one_out",
            false => "one_step",
        }
    }
}

impl ClosedFormRecord {
    /// What the changes are called.
    pub fn name(&self) -> &'static str {
        match self.exact {
            true => "exact leave-one-out",
            false => "one Newton step",
        }
    }

    /// What the model's minimum and leverages are, in a sentence or more.
    pub fn told(&self) -> String {
        let (train, most) = self.most;
        let alone = match self.alone.len() {
            0 => String::new(),
            count => format!(
                ". {} fitted by themselves alone: without them the model is not settled",
                plural(count, "example")
            ),
        };
        format!(
            "{} with the L2 term {} of the {}: the trained weights are {} of their norm from the exact minimum (gradient {}); \
             leverages add up to {} parameters, the largest is {}, of example {train}{alone}",
            self.model,
            short(self.l2),
            self.l2_from,
            short(self.distance),
            short(self.gradient_norm),
            short(self.effective_parameters),
            short(most),
        )
    }

    /// The strongest examples in aligned columns, the first `most` of each kind for every query, and below them how
    /// well all scores agree. Ends with a newline.
    pub fn to_table(&self, most: usize) -> String {
        let head = ["query", "train", "kind", "score", "leverage", self.name()];
        let mut rows = vec![head.map(String::from).to_vec()];
        let mut last = (None, 0);
        for it in &self.strongest {
            let side = Some((it.query, it.kind));
            last = (side, if last.0 == side { last.1 + 1 } else { 1 });
            if last.1 <= most {
                rows.push(vec![
                    query_cell(it.query),
                    it.train.to_string(),
                    it.kind.name().into(),
                    change(it.score),
                    short(it.leverage),
                    it.leave_one_out
                        .map_or_else(|| "fitted alone".into(), change),
                ]);
            }
        }
        let mut text = aligned(&rows, &[2]);
        text.extend(self.agreement.iter().map(|it| it.told() + "\n"));
        text
    }
}

impl ClosedFormAgreement {
    /// In a line.
    pub fn told(&self) -> String {
        format!(
            "{}: all scores against these: Pearson {}, Spearman {}, slope {}",
            self.query
                .map_or_else(|| "the mean".into(), |query| format!("query {query}")),
            short_or_dash(self.pearson),
            short_or_dash(self.spearman),
            short_or_dash(self.slope)
        )
    }
}

/// All training examples as `train,label,leverage`, what diagnostics there are, `self_influence,self_leave_one_out`,
/// for each query `score_Q,leave_one_out_Q` with its test index `Q`, and where each example stands; of one Newton step
/// `one_step` in place of `leave_one_out`. A number is left out for an example that is fitted by itself alone. Empty if
/// the scores have no closed form beside them.
///
/// # Errors
/// [`OutputError::Length`] if there are not as many of anything as examples.
pub fn closed_form_csv(
    scores: &ScoreRecord,
    examples: &ExampleInfo,
) -> Result<Vec<u8>, OutputError> {
    let Some(found) = scores.closed_form() else {
        return Ok(Vec::new());
    };
    let (train, column_name) = (scores.train(), found.column());
    examples.check(train)?;
    OutputError::check_len("leverages", train, found.leverage.len())?;
    OutputError::check_len("changes of own losses", train, found.own.len())?;
    OutputError::check_len("rows of changes", scores.rows(), found.changes.len())?;
    for values in found
        .diagnostics
        .iter()
        .map(|it| &it.1)
        .chain(&found.changes)
    {
        OutputError::check_len("changes", train, values.len())?;
    }
    let refused = |reason: String| OutputError::encode(CLOSED_FORM_FILE, reason);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let stands = PlaceColumns::of(&examples.train);
    let mut head: Vec<String> = ["train", "label", "leverage"].map(String::from).into();
    head.extend(found.diagnostics.iter().map(|it| it.0.to_owned()));
    head.extend(["self_influence".into(), format!("self_{column_name}")]);
    for row in 0..scores.rows() {
        let query = query_cell(scores.query(row));
        head.extend([format!("score_{query}"), format!("{column_name}_{query}")]);
    }
    head.extend(stands.head().map(String::from));
    write(head)?;
    let cell = |value: Option<f64>| value.map_or_else(String::new, |it| format!("{it:?}"));
    for i in 0..train {
        let label = examples.labels.get(i);
        let label = label.map(|it| examples.labels.exact(it));
        let mut record = vec![
            i.to_string(),
            label.unwrap_or_default(),
            format!("{:?}", found.leverage[i]),
        ];
        record.extend(found.diagnostics.iter().map(|it| cell(it.1[i])));
        let (own, without) = found.own[i];
        record.extend([cell(Some(own)), cell(without)]);
        for (row, changes) in found.changes.iter().enumerate() {
            record.extend([cell(Some(scores.row(row)[i])), cell(changes[i])]);
        }
        record.extend(stands.cells(&examples.train[i]));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
