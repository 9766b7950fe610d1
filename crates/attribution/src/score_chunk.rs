//! Scores of many queries, some at a time.

use backdraft_curvature::{Cost, IntoRows};
use backdraft_influence::{Inverse, Solution, SolveError, SolveInfo, scores_many};
use burn::tensor::Tensor;
use serde_json::Value;

use crate::{AttributionError, Influence, Measurement, ScoreStore, score_store::StoredQuery};

/// Vectors as long as the parameters that a query of a chunk has at most, beside what a solver's own memory is for: its
/// gradient, that as a right-hand side, its solution, and that in a matrix with the others' and as the program reads it.
const VECTORS: usize = 5;

/// Numbers that a score of a chunk takes on the host: read back, in its unit, and rounded as it is written.
const COPIES: usize = 3;

/// How many queries are gone through at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkConfig {
    /// Most bytes for the vectors and the scores of a chunk of queries; what solves their systems has a memory of its
    /// own ([`ConjugateGradientConfig::memory`](backdraft_influence::ConjugateGradientConfig)).
    pub memory: usize,
    /// Most queries of a chunk.
    pub queries: usize,
}

impl Default for ChunkConfig {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            queries: 128,
        }
    }
}

impl ChunkConfig {
    /// Queries of a chunk for so many parameters, in numbers of `size` bytes, and training examples: at least one.
    pub fn rows(&self, parameters: usize, size: usize, examples: usize) -> usize {
        let each = Self::bytes(parameters, size, examples).max(1);
        (self.memory / each).clamp(1, self.queries.max(1))
    }

    /// Bytes that a query of a chunk takes at most.
    pub fn bytes(parameters: usize, size: usize, examples: usize) -> usize {
        let vectors = VECTORS.saturating_mul(parameters).saturating_mul(size);
        vectors.saturating_add(examples.saturating_mul(size + COPIES * size_of::<f64>()))
    }
}

/// The scores of some queries.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreChunk {
    /// `[queries, examples]`, row by row: the predicted change of what is measured of the query when the training
    /// example is removed, `m(without) - m(with)`, in the units of `m`, factor `1/N` included.
    pub values: Vec<f64>,
    /// How each query's system was solved.
    pub solves: Vec<SolveInfo>,
}

impl ScoreChunk {
    /// Of the queries in these `rows`, whose measured quantities are the losses of `measured`, or of the mean over all
    /// of them; `inverse` is that of the damped curvature of `train`. `settle` is given each row with what came of its
    /// system, and takes it or not: one that is not solved to the tolerance has its best solution in the error.
    ///
    /// # Errors
    /// Those of `settle`; what fails for all.
    pub fn of<E: From<AttributionError>>(
        train: &Cost,
        (measured, mean): (&Cost, bool),
        rows: &[usize],
        inverse: &dyn Inverse,
        mut settle: impl FnMut(usize, Result<Solution, SolveError>) -> Result<Solution, E>,
    ) -> Result<Self, E> {
        let gradient = |&row: &usize| match mean {
            true => measured.gradient(),
            false => measured.select(&[row])?.gradient(),
        };
        let gradients: Result<Vec<_>, _> = rows.iter().map(gradient).collect();
        let gradients = gradients.map_err(AttributionError::from)?;
        let found = inverse
            .solve_many(gradients)
            .map_err(AttributionError::from)?;
        let (mut solutions, mut solves) = (Vec::new(), Vec::new());
        for (&row, found) in rows.iter().zip(found) {
            let solution = settle(row, found)?;
            solutions.push(solution.vector);
            solves.push(solution.info);
        }
        let values = match solutions.is_empty() {
            true => Vec::new(),
            false => values(train, Tensor::stack(solutions, 0))?,
        };
        Ok(Self { values, solves })
    }
}

/// The scores by the solutions, `[k, dim]`, row by row.
fn values(train: &Cost, solutions: Tensor<2>) -> Result<Vec<f64>, AttributionError> {
    let values = scores_many(train, solutions)?;
    Ok(values.flatten::<1>(0, 1).try_into_vec_as::<f64>()?)
}

impl Influence {
    /// Appends the scores of all training examples for what is measured of the queries `inputs` to `store`, as
    /// [`scores`](Self::scores) has them times the store's scale, some at a time: neither all solutions nor all scores
    /// are ever held. `ids` are the names of the rows; those of which the store has scores are left out, so that a run
    /// that was stopped goes on, and one with further queries computes these alone.
    ///
    /// Each row is solved for to the tolerance; in which numbers depends, within that, on which others of its chunk are
    /// solved for with it.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for another number of names than of rows, or a store of another number of
    /// examples; [`AttributionError::Query`] for a query that is not solved to the tolerance;
    /// [`AttributionError::ScoreStore`]; otherwise as [`scores`](Self::scores). Chunks that were finished are stored.
    pub fn store_scores<I: AsRef<str>>(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
        ids: &[I],
        store: &mut ScoreStore,
        config: &ChunkConfig,
    ) -> Result<(), AttributionError> {
        let measured = measurement.cost(&self.train, inputs.rows())?;
        let mean = measurement.is_mean();
        let count = if mean { 1 } else { measured.len() };
        let refuse = |name, problem| Err(AttributionError::Setting { name, problem });
        if ids.len() != count {
            let problem = format!("are {}, one for each of {count} rows is needed", ids.len());
            return refuse("ids", problem);
        }
        let (found, examples) = (store.index().examples, self.train.len());
        if found != examples {
            let problem = format!("has scores of {found} training examples, where {examples} are");
            return refuse("store", problem);
        }
        let size = self.matrix().dtype().size();
        let at_once = config.rows(self.matrix().dim(), size, examples);
        let inverse = self.solver().prepare(self.matrix())?;
        let all: Vec<usize> = (0..count).collect();
        for rows in all.chunks(at_once) {
            let open = |row: &&usize| store.place(ids[**row].as_ref()).is_none();
            let rows: Vec<usize> = rows.iter().filter(open).copied().collect();
            if rows.is_empty() {
                continue;
            }
            let settle = |query, found: Result<Solution, SolveError>| {
                found.map_err(|source| AttributionError::Query { query, source })
            };
            let found = ScoreChunk::of(&self.train, (&measured, mean), &rows, &*inverse, settle)?;
            let queries = rows.iter().zip(&found.solves);
            let queries = queries.map(|(&row, info)| stored(ids[row].as_ref(), info));
            let queries: Vec<StoredQuery> = queries.collect();
            let scale = store.index().scale;
            let values: Vec<f64> = found.values.iter().map(|score| scale * score).collect();
            store.append(&queries, &values)?;
        }
        Ok(())
    }
}

/// A query with how its system was solved.
fn stored(id: &str, info: &SolveInfo) -> StoredQuery {
    let mut query = StoredQuery::new(id);
    let details = [
        ("residual", Value::from(info.true_residual)),
        ("iterations", Value::from(info.iterations)),
    ];
    let details = details.map(|(name, value)| (name.to_owned(), value));
    query.details.extend(details);
    query
}
