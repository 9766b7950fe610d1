//! What can go wrong in a valuation.

use backdraft_curvature::CurvatureError;
use burn::tensor::TensorReadError;

use crate::{RetrainError, StoreError};

/// Error of a valuation. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValuationError {
    /// A game without players, or a measured part without examples.
    #[error("there are no {what}: give at least one")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// More players than their coalitions can be gone through.
    #[error(
        "{players} players have 2^{players} coalitions, and the limit is {most} players: take fewer, put them into groups, or \
         estimate values from permutations"
    )]
    TooManyPlayers {
        /// How many there are.
        players: usize,
        /// The most.
        most: usize,
    },
    /// More neighbours than examples.
    #[error("{neighbours} nearest neighbours are asked for among {examples} examples: take fewer")]
    Neighbours {
        /// The neighbours asked for.
        neighbours: usize,
        /// The training examples.
        examples: usize,
    },
    /// Nothing to tell apart.
    #[error(
        "all {examples} training examples are of class {class}, so that there is nothing to learn: take examples of several classes"
    )]
    OneClass {
        /// The training examples.
        examples: usize,
        /// Their class.
        class: usize,
    },
    /// Another number of values than of what they belong to.
    #[error("{what} are {found}, and must be {expected}")]
    Length {
        /// Which values.
        what: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// NaN or infinity among what values are computed from.
    #[error("{what} of example {example} holds NaN or infinity: leave the example out, or mend it")]
    Input {
        /// What holds it.
        what: &'static str,
        /// The example, counted from 0.
        example: usize,
    },
    /// A performance that is no number.
    #[error(
        "the performance of a coalition of {members} of {players} players is {value}: lower the learning rate, or measure something \
         that is defined for every network"
    )]
    NotFinite {
        /// The members of the coalition.
        members: usize,
        /// All players.
        players: usize,
        /// The performance.
        value: f64,
    },
    /// A setting, or an argument, that makes no sense.
    #[error("`{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A coalition that could not be trained on.
    #[error("training on {members} of {players} players: {source}")]
    Training {
        /// The members of the coalition.
        members: usize,
        /// All players.
        players: usize,
        /// Why.
        source: RetrainError,
    },
    /// A network could not be run or differentiated.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl ValuationError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }

    /// That `what` are as many as there must be.
    pub(super) fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        match expected == found {
            true => Ok(()),
            false => Err(Self::Length {
                what,
                expected,
                found,
            }),
        }
    }
}
