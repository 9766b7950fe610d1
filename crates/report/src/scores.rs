//! The scores of a run, all of them and the strongest.

use std::collections::HashMap;

use backdraft_attribution::strongest;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::places::{Files, ids};
use super::{ClosedFormTable, ExampleInfo, Labels, NewtonChanges, OutputError, brief};

/// What scores are computed in, and written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Float {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

/// Scores of every training example for every query.
///
/// Each is what is measured without the example less what it is with it, as predicted; see
/// [`Measure::sign`](super::Measure::sign).
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRecord {
    queries: Vec<usize>,
    /// Whether there is one row, for the mean over them.
    mean: bool,
    train: usize,
    values: Vec<f64>,
    float: Float,
    /// How far each can be from that of the exact solution.
    bounds: Option<Vec<f64>>,
    /// Of a score that is sampled.
    standard_errors: Option<Vec<f64>>,
    newton: Option<NewtonChanges>,
    /// Of a linear model.
    closed_form: Option<ClosedFormTable>,
}

/// A training example and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Index of the training example.
    pub train: usize,
    /// Predicted change of what is measured of the query without it.
    pub score: f64,
}

/// The training examples that matter most to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Strongest {
    /// Those with the most positive scores, the greatest first.
    pub positive: Vec<Scored>,
    /// Those with the most negative scores, the least first.
    pub negative: Vec<Scored>,
}

impl ScoreRecord {
    /// Name of the file of all scores in a run's folder.
    pub const FILE: &str = "scores.safetensors";
    /// Name of the table of the strongest.
    pub const TOP_FILE: &str = "top.csv";

    /// Scores `values`, `[queries, train]` in row-major order, of the test examples `queries`, rounded to `float`.
    /// Where 32 bits do not hold the largest, as in units that are very small or large, they stay in 64.
    ///
    /// # Errors
    /// [`OutputError::Length`] if the counts disagree, [`OutputError::NotFinite`] naming the first
    /// score that is NaN or infinite.
    pub fn new(
        queries: Vec<usize>,
        train: usize,
        values: Vec<f64>,
        float: Float,
    ) -> Result<Self, OutputError> {
        Self::with_rows((queries, false), train, values, float)
    }

    /// The same of what is measured in the mean over the test examples `queries`: one row, `[train]`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_mean(
        queries: Vec<usize>,
        train: usize,
        values: Vec<f64>,
        float: Float,
    ) -> Result<Self, OutputError> {
        Self::with_rows((queries, true), train, values, float)
    }

    fn with_rows(
        (queries, mean): (Vec<usize>, bool),
        train: usize,
        mut values: Vec<f64>,
        mut float: Float,
    ) -> Result<Self, OutputError> {
        let rows = if mean { 1 } else { queries.len() };
        OutputError::check_len("scores", rows * train, values.len())?;
        if let Some(at) = values.iter().position(|score| !score.is_finite()) {
            return Err(OutputError::NotFinite {
                query: (!mean).then(|| queries[at / train]),
                train: at % train,
            });
        }
        let largest = values.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let held = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
        if largest > 0.0 && !held.contains(&largest) {
            float = Float::F64;
        }
        if float == Float::F32 {
            for score in &mut values {
                *score = f64::from(*score as f32);
            }
        }
        Ok(Self {
            queries,
            mean,
            train,
            values,
            float,
            bounds: None,
            standard_errors: None,
            newton: None,
            closed_form: None,
        })
    }

    /// With bounds, `[queries, train]`: each score is no further than this from that of the exact solution.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many as scores.
    pub fn with_bounds(self, bounds: Vec<f64>) -> Result<Self, OutputError> {
        OutputError::check_len("bounds", self.values.len(), bounds.len())?;
        let bounds = Some(bounds);
        Ok(Self { bounds, ..self })
    }

    /// With the standard errors of scores that are sampled, `[queries, train]`.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many as scores.
    pub fn with_standard_errors(self, errors: Vec<f64>) -> Result<Self, OutputError> {
        OutputError::check_len("standard errors", self.values.len(), errors.len())?;
        let standard_errors = Some(errors);
        Ok(Self {
            standard_errors,
            ..self
        })
    }

    /// The standard errors of the scores in row `row`, if they are sampled.
    pub fn standard_errors(&self, row: usize) -> Option<&[f64]> {
        let errors = self.standard_errors.as_ref()?;
        errors.get(row * self.train..(row + 1) * self.train)
    }

    /// With the Newton estimates of some examples.
    #[must_use]
    pub fn with_newton(self, newton: Option<NewtonChanges>) -> Self {
        Self { newton, ..self }
    }

    /// With what is known of a linear model in closed form.
    #[must_use]
    pub fn with_closed_form(self, closed_form: Option<ClosedFormTable>) -> Self {
        Self {
            closed_form,
            ..self
        }
    }

    /// What is known of a linear model in closed form.
    pub fn closed_form(&self) -> Option<&ClosedFormTable> {
        self.closed_form.as_ref()
    }

    /// The Newton estimates, if there are any.
    pub fn newton(&self) -> Option<&NewtonChanges> {
        self.newton.as_ref()
    }

    /// How far the scores in row `row` can be from those of the exact solution, if that is known.
    pub fn bounds(&self, row: usize) -> Option<&[f64]> {
        let bounds = self.bounds.as_ref()?;
        bounds.get(row * self.train..(row + 1) * self.train)
    }

    /// What they are written as.
    pub fn float(&self) -> Float {
        self.float
    }

    /// The queries' test indices, one a row, or those of the one row that is of their mean.
    pub fn queries(&self) -> &[usize] {
        &self.queries
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        if self.mean { 1 } else { self.queries.len() }
    }

    /// The test example that row `row` is of; none if it is of the mean.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn query(&self, row: usize) -> Option<usize> {
        (!self.mean).then(|| self.queries[row])
    }

    /// Number of training examples.
    pub fn train(&self) -> usize {
        self.train
    }

    /// The scores of the query in row `row`, one for each training example.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        assert!(row < self.rows(), "row {row} of scores does not exist");
        &self.values[row * self.train..][..self.train]
    }

    /// Up to `k` examples with the most positive scores of a row and up to `k` with the most
    /// negative. Equal scores come in the order of the examples; a zero is neither.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn strongest(&self, row: usize, k: usize) -> Strongest {
        let [positive, negative] = strongest(self.row(row), k).map(|side| {
            let scored = |(train, score)| Scored { train, score };
            side.into_iter().map(scored).collect()
        });
        Strongest { positive, negative }
    }

    /// `scores.safetensors`: `scores` f32 or f64 `[queries, train]`, or `[1, train]` for the mean over the queries,
    /// of scores that are sampled `standard_errors` of the same shape, `queries` i64 `[queries]` (test indices), the training examples' targets, in classification as `labels` i64
    /// `[train]` and in a regression as `targets` f64 `[train]` (none of sequences), and where examples stand:
    /// `train_file` i64 `[train]` and `query_file` i64 `[queries]` count in the list of files from 0, and `train_line`
    /// and `query_line` (or `_index`, `_record`, `_row`, as [`At`](super::At) counts) are the places in them, left out
    /// if each example has a file.
    ///
    /// The metadata hold [`Measure::sign`](super::Measure::sign) as `sign`, the seed as `seed`, what is measured as
    /// `measure`, what it is in as `unit`, what it was multiplied by as `factor`, of how many test examples it is the
    /// mean as `mean_over`, if it is one, the [`Unit`](super::Unit) as `loss_factor` and `output_factor`, and as lists
    /// in JSON the files as `files` and the classes' names as `classes`, and, where the source has names for examples,
    /// these as `train_ids` and `query_ids`.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many labels or places as examples.
    pub fn to_safetensors(
        &self,
        examples: &ExampleInfo,
        seed: u64,
    ) -> Result<Vec<u8>, OutputError> {
        examples.check(self.train)?;
        let labels = &examples.labels;
        let (dtype, scores) = self.bytes(&self.values);
        let errors = self.standard_errors.as_ref();
        let errors = errors.map(|errors| self.bytes(errors).1);
        let queries: Vec<u8> = self
            .queries
            .iter()
            .flat_map(|&query| (query as i64).to_le_bytes())
            .collect();
        let targets: Option<(_, _, Vec<u8>)> = match labels {
            Labels::Classes { of, .. } => {
                let of = of.iter().flat_map(|x| x.to_le_bytes());
                Some(("labels", Dtype::I64, of.collect()))
            }
            Labels::Values(values) => {
                let values = values.iter().flat_map(|x| x.to_le_bytes());
                Some(("targets", Dtype::F64, values.collect()))
            }
            Labels::Tokens { .. } => None,
        };
        let asked = self.queries.iter().map(|&query| examples.query(query));
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let names = [
            ("train_ids", ids(&examples.train)),
            ("query_ids", ids(asked.iter().copied())),
        ];
        let mut files = Files::default();
        let places = [
            ("train", files.columns(&examples.train)),
            ("query", files.columns(asked)),
        ];

        let refused = |error| OutputError::encode(Self::FILE, error);
        let asked = self.queries.len();
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(refused);
        let named = |name: &str, view| (name.to_string(), view);
        let mut tensors = vec![
            named(
                "scores",
                view(dtype, vec![self.rows(), self.train], &scores)?,
            ),
            named("queries", view(Dtype::I64, vec![asked], &queries)?),
        ];
        if let Some((name, kind, targets)) = &targets {
            tensors.push(named(name, view(*kind, vec![self.train], targets)?));
        }
        if let Some(errors) = &errors {
            let errors = view(dtype, vec![self.rows(), self.train], errors)?;
            tensors.push(named("standard_errors", errors));
        }
        for (part, columns) in &places {
            for (column, bytes) in columns {
                let shape = vec![bytes.len() / size_of::<i64>()];
                let name = format!("{part}_{column}");
                tensors.push((name, view(Dtype::I64, shape, bytes)?));
            }
        }
        let mut metadata = metadata(examples, seed, &files)?;
        for (key, ids) in names {
            let ids = ids.map(|it| serde_json::to_string(&it)).transpose();
            let ids = ids.map_err(|error| OutputError::encode(Self::FILE, error))?;
            metadata.extend(ids.map(|ids| (key.to_owned(), ids)));
        }
        serialize(tensors, Some(metadata)).map_err(refused)
    }

    /// Numbers as scores are written.
    fn bytes(&self, numbers: &[f64]) -> (Dtype, Vec<u8>) {
        match self.float {
            Float::F32 => {
                let single = numbers.iter().map(|&x| x as f32);
                (Dtype::F32, single.flat_map(f32::to_le_bytes).collect())
            }
            Float::F64 => {
                let double = numbers.iter().copied();
                (Dtype::F64, double.flat_map(f64::to_le_bytes).collect())
            }
        }
    }
}

/// What a reader has to know of the numbers.
fn metadata(
    examples: &ExampleInfo,
    seed: u64,
    files: &Files,
) -> Result<HashMap<String, String>, OutputError> {
    let json = |list: &[String]| {
        serde_json::to_string(list).map_err(|error| OutputError::encode(ScoreRecord::FILE, error))
    };
    let unit = &examples.unit;
    let mut metadata = vec![
        ("sign", examples.measure.sign()),
        ("seed", seed.to_string()),
        ("measure", examples.measure.name.clone()),
        ("unit", examples.measure.unit.clone()),
        ("factor", brief(examples.measure.factor)),
        ("loss_factor", brief(unit.loss_factor)),
        ("output_factor", brief(unit.output_factor)),
        ("files", json(&files.names)?),
    ];
    let mean_over = examples.measure.mean_over;
    metadata.extend(mean_over.map(|examples| ("mean_over", examples.to_string())));
    if let Labels::Classes { names, .. } = &examples.labels {
        metadata.push(("classes", json(names)?));
    }
    let named = |(key, value): (&str, String)| (key.to_string(), value);
    Ok(metadata.into_iter().map(named).collect())
}
