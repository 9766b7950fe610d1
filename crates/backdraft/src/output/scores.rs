//! The scores of a run, all of them and the strongest.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::Serialize;

use super::{Kind, Labels, OutputError};

/// What a score's sign and size mean, as written into every file of scores.
pub const SIGN_CONVENTION: &str = "predicted change of the query's loss when the training example \
    is removed, loss(without) - loss(with), to first order, the factor 1/N included; positive: \
    removing the example raises the loss, it helped; negative: it harmed";

/// Scores of every training example for every query.
///
/// Each is `loss(without) - loss(with)` as predicted; see [`SIGN_CONVENTION`].
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    queries: Vec<usize>,
    train: usize,
    values: Vec<f32>,
}

/// A training example and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Index of the training example.
    pub train: usize,
    /// Predicted change of the query's loss without it.
    pub score: f32,
}

/// The training examples that matter most to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Strongest {
    /// Those with the most positive scores, the greatest first.
    pub helpful: Vec<Scored>,
    /// Those with the most negative scores, the least first.
    pub harmful: Vec<Scored>,
}

impl Scores {
    /// Name of the file of all scores in a run's folder.
    pub const FILE: &str = "scores.safetensors";
    /// Name of the table of the strongest.
    pub const TOP_FILE: &str = "top.csv";

    /// Scores `values`, `[queries, train]` in row-major order, of the test examples `queries`.
    ///
    /// # Errors
    /// [`OutputError::Length`] if the counts disagree, [`OutputError::NotFinite`] naming the first
    /// score that is NaN or infinite.
    pub fn new(queries: Vec<usize>, train: usize, values: Vec<f32>) -> Result<Self, OutputError> {
        OutputError::check_len("scores", queries.len() * train, values.len())?;
        if let Some(at) = values.iter().position(|score| !score.is_finite()) {
            return Err(OutputError::NotFinite {
                query: queries[at / train],
                train: at % train,
            });
        }
        Ok(Self {
            queries,
            train,
            values,
        })
    }

    /// The queries' test indices, one a row.
    pub fn queries(&self) -> &[usize] {
        &self.queries
    }

    /// Number of training examples.
    pub fn train(&self) -> usize {
        self.train
    }

    /// The scores of the query in row `row`, one for each training example.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        assert!(
            row < self.queries.len(),
            "row {row} of scores does not exist"
        );
        &self.values[row * self.train..][..self.train]
    }

    /// Up to `k` examples with the most positive scores of a row and up to `k` with the most
    /// negative. Equal scores come in the order of the examples; a zero is neither.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn strongest(&self, row: usize, k: usize) -> Strongest {
        let mut ranked: Vec<Scored> = self
            .row(row)
            .iter()
            .enumerate()
            .map(|(train, &score)| Scored { train, score })
            .collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
        let helpful = ranked.iter().take(k).take_while(|it| it.score > 0.0);
        let helpful = helpful.copied().collect();
        ranked.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.train.cmp(&b.train)));
        ranked.truncate(k);
        ranked.retain(|it| it.score < 0.0);
        Strongest {
            helpful,
            harmful: ranked,
        }
    }

    /// `scores.safetensors`: `scores` f32 `[queries, train]`, `queries` i64 `[queries]` (test
    /// indices) and, in classification, `labels` i64 `[train]`; the metadata hold
    /// [`SIGN_CONVENTION`] as `sign` and the seed as `seed`.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many labels as training examples.
    pub fn to_safetensors(&self, labels: &Labels, seed: u64) -> Result<Vec<u8>, OutputError> {
        OutputError::check_len("labels", self.train, labels.len())?;
        let scores: Vec<u8> = self.values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let queries: Vec<u8> = self
            .queries
            .iter()
            .flat_map(|&query| (query as i64).to_le_bytes())
            .collect();
        let classes: Vec<u8> = match labels {
            Labels::Classes { of, .. } => of.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Labels::Values(_) => Vec::new(),
        };

        let refused = |error| OutputError::encode(Self::FILE, error);
        let rows = self.queries.len();
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(refused);
        let mut tensors = vec![
            ("scores", view(Dtype::F32, vec![rows, self.train], &scores)?),
            ("queries", view(Dtype::I64, vec![rows], &queries)?),
        ];
        if let Labels::Classes { of, .. } = labels {
            tensors.push(("labels", view(Dtype::I64, vec![of.len()], &classes)?));
        }
        let metadata = HashMap::from([
            ("sign".to_string(), SIGN_CONVENTION.to_string()),
            ("seed".to_string(), seed.to_string()),
        ]);
        serialize(tensors, Some(metadata)).map_err(refused)
    }

    /// `top.csv`: for each query up to `k` helpful and up to `k` harmful examples, the strongest
    /// first, as `query,rank,kind,train,label,score`; ranks count from 1 within a kind.
    ///
    /// # Errors
    /// [`OutputError::Length`] if there are not as many labels as training examples.
    pub fn to_csv(&self, labels: &Labels, k: usize) -> Result<Vec<u8>, OutputError> {
        #[derive(Serialize)]
        struct Row<'a> {
            query: usize,
            rank: usize,
            kind: Kind,
            train: usize,
            label: &'a str,
            score: f32,
        }
        OutputError::check_len("labels", self.train, labels.len())?;
        let refused = |reason: String| OutputError::encode(Self::TOP_FILE, reason);
        let mut table = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(Vec::new());
        table
            .write_record(["query", "rank", "kind", "train", "label", "score"])
            .map_err(|error| refused(error.to_string()))?;
        for (row, &query) in self.queries.iter().enumerate() {
            let Strongest { helpful, harmful } = self.strongest(row, k);
            for (kind, side) in [(Kind::Helpful, helpful), (Kind::Harmful, harmful)] {
                for (place, Scored { train, score }) in side.into_iter().enumerate() {
                    let label = labels.get(train).map(|it| labels.text(it));
                    table
                        .serialize(Row {
                            query,
                            rank: place + 1,
                            kind,
                            train,
                            label: &label.unwrap_or_default(),
                            score,
                        })
                        .map_err(|error| refused(error.to_string()))?;
                }
            }
        }
        table
            .into_inner()
            .map_err(|error| refused(error.to_string()))
    }
}
