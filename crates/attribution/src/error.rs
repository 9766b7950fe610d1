//! What can go wrong with an attribution.

use backdraft_curvature::CurvatureError;
use backdraft_influence::{ResponseError, SolveError, bayes::BayesError};
use burn::tensor::TensorReadError;

use crate::{ScoreStoreError, StoreError};

/// Error of an attribution.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttributionError {
    /// The network, the loss or the measurement could not be differentiated or run.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// The settings of a solver make no sense, or it could not be made ready.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A query's system could not be solved.
    #[error("query {query}: {source}")]
    Query {
        /// The query, counted from 0.
        query: usize,
        /// Why.
        source: SolveError,
    },
    /// A response could not be computed.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A posterior could not be sampled.
    #[error(transparent)]
    Bayes(#[from] BayesError),
    /// No response could be found to hold scores against.
    #[error(
        "none of the {removals} responses could be found; the first, to the removal of example {example}: {reason}"
    )]
    Unverified {
        /// How many were asked for.
        removals: usize,
        /// The first example.
        example: usize,
        /// Why there is none.
        reason: String,
    },
    /// The store of a verification failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store of scores failed.
    #[error(transparent)]
    ScoreStore(#[from] ScoreStoreError),
    /// An example that there is not.
    #[error("example {index} does not exist: the training data hold {len}, counted from 0")]
    Index {
        /// The index.
        index: usize,
        /// Number of training examples.
        len: usize,
    },
    /// A query that there is not.
    #[error("query {query} does not exist: there are {len}, counted from 0")]
    NoSuchQuery {
        /// The index.
        query: usize,
        /// Number of queries.
        len: usize,
    },
    /// A group that there is not.
    #[error("group {group} does not exist: there are {len}, counted from 0")]
    NoSuchGroup {
        /// The index.
        group: usize,
        /// Number of groups.
        len: usize,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl AttributionError {
    /// The same of a query, where it is told by its row of scores, of which a query has so many.
    pub(crate) fn of_query(self, rows: usize) -> Self {
        match self {
            Self::Query { query, source } => Self::Query {
                query: query / rows,
                source,
            },
            other => other,
        }
    }
}
