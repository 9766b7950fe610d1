//! What can go wrong on the command line.

use std::io;

use backdraft_curvature::CurvatureError;
use backdraft_influence::{
    ResponseError, SolveError,
    bayes::BayesError,
    path::{FlowError, PathError},
    unlearn::UnlearnError,
};
use backdraft_models::{
    OnnxError, OnnxUnsuited, TrainError, UnknownModel, Unsuited,
    data::{CellProblem, DataError, DataProblem, NoiseError, TableProblem},
    quote,
    weights::WeightsError,
};

use backdraft::{
    attribution::{
        AttributionError, EvaluateError, RetrainError, ScoreStoreError, StoreError,
        valuation::ValuationError,
    },
    comparison::ComparisonError,
    illustration::IllustrationError,
};
use backdraft_report::OutputError;

/// Error of a command: one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The data could not be read.
    #[error("{}{}", .0, options_of(.0))]
    Data(DataError),
    /// There is no such model.
    #[error("--model: {0}")]
    Model(#[from] UnknownModel),
    /// The model cannot read the data.
    #[error(transparent)]
    Unsuited(#[from] Unsuited),
    /// An ONNX file could not be read.
    #[error("--onnx: {0}")]
    Onnx(#[from] OnnxError),
    /// Its network cannot read the data.
    #[error("--onnx: {0}")]
    OnnxUnsuited(#[from] OnnxUnsuited),
    /// Labels that cannot be made wrong.
    #[error("{option}: {source}")]
    Noise {
        /// The option.
        option: &'static str,
        /// Why not.
        source: NoiseError,
    },
    /// A query that is not in the test set.
    #[error("--queries {index}: there is no such test example, {name} holds {len}, counted from 0")]
    Query {
        /// The index asked for.
        index: usize,
        /// The data set's name.
        name: String,
        /// Number of test examples.
        len: usize,
    },
    /// An option whose value makes no sense.
    #[error("{option} {problem}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The device cannot be used here.
    #[error("--device {name}: {reason}")]
    Device {
        /// The device asked for.
        name: &'static str,
        /// Why it cannot be used, and what to do.
        reason: String,
    },
    /// The run could not be written.
    #[error(transparent)]
    Output(OutputError),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A system could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A response function could not be computed.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A path could not be followed.
    #[error(transparent)]
    Path(PathError),
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// A descent, or what is certified of it, could not be computed.
    #[error(transparent)]
    Unlearn(UnlearnError),
    /// An attribution could not be made.
    #[error(transparent)]
    Attribution(AttributionError),
    /// The store of scores failed.
    #[error("--store-scores: {0}")]
    ScoreStore(#[from] ScoreStoreError),
    /// An evaluation could not be made.
    #[error(transparent)]
    Evaluate(EvaluateError),
    /// Values could not be found.
    #[error(transparent)]
    Valuation(ValuationError),
    /// No part of an experiment came to its end.
    #[error("all {count} {parts} failed, the first at {stage}: {reason}")]
    Experiment {
        /// Number of parts.
        count: usize,
        /// What they are.
        parts: &'static str,
        /// Where the first ended.
        stage: String,
        /// Why it ended.
        reason: String,
    },
    /// A gradient flow could not be followed.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// An illustration could not be computed.
    #[error(transparent)]
    Illustration(#[from] IllustrationError),
    /// Devices could not be compared.
    #[error(transparent)]
    Comparison(#[from] ComparisonError),
    /// Devices are further apart than rounding explains.
    #[error(
        "{above} of {count} errors are above their bounds, marked with `!`: if the device's driver is a new one, results on it are \
         not to be trusted; if all are slightly above, try another --seed, for a rectifier may stand at its kink"
    )]
    Apart {
        /// How many.
        above: usize,
        /// Of how many.
        count: usize,
    },
    /// The device's memory did not suffice.
    #[error(
        "the device's memory did not suffice for {examples} examples at once: try {option} {}{}",
        (.examples / 2).max(1),
        if *.resumes { "; the same command with it goes on from its last checkpoint" } else { "" }
    )]
    Memory {
        /// The option that takes fewer.
        option: &'static str,
        /// Examples at once, now.
        examples: usize,
        /// Whether there are checkpoints.
        resumes: bool,
    },
    /// The device failed while it computed.
    #[error("the device failed: {0}")]
    Execution(String),
    /// Weights could not be read from a file.
    #[error("--weights {0}{hint}", hint = hint(.0))]
    Load(#[from] WeightsError),
    /// What was measured is no number.
    #[error(
        "the loss of example {example} of the {part} part (counted from 0) is {loss}: the network's outputs are beyond what its numbers \
         can hold; lower the learning rate, or standardise the inputs"
    )]
    NotFinite {
        /// The part of the data.
        part: &'static str,
        /// The first such example.
        example: usize,
        /// Its loss.
        loss: f64,
    },
    /// Standard output did not take everything.
    #[error(
        "standard output did not take everything ({0}); what was computed and has a folder is in it"
    )]
    Unsaid(&'static io::Error),
    /// The weights could not be put into a file's format.
    #[error("the weights could not be encoded: {0}")]
    Weights(String),
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        match error {
            DataError {
                path,
                problem: DataProblem::Table(TableProblem::TargetNeeded { columns }),
            } => Self::Option {
                option: "--target",
                problem: format!(
                    "is missing: name the column of {} to predict, one of {}",
                    quote::path(&path),
                    quote::list(&columns)
                ),
            },
            error => Self::Data(error),
        }
    }
}

/// The options by which a user answers to what is wrong with data, behind the sentence that says it.
fn options_of(error: &DataError) -> &'static str {
    let DataProblem::Table(problem) = &error.problem else {
        return "";
    };
    match problem {
        TableProblem::TooManyCategories { .. } => " (--ignore, --id, --categorical)",
        TableProblem::Dates { .. } => " (--ignore)",
        TableProblem::Cell { problem, .. } | TableProblem::RowCell { problem, .. } => match problem
        {
            CellProblem::NotANumber { .. } => " (--ignore, --categorical)",
            CellProblem::DecimalComma { .. } | CellProblem::Missing { .. } => " (--categorical)",
            CellProblem::NameAmongNumbers { .. } => " (--task)",
            CellProblem::NotAPart { .. } | CellProblem::NotFinite { .. } => "",
        },
        _ => "",
    }
}

impl From<OutputError> for CliError {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Exists { path } => Self::Option {
                option: "--out",
                problem: format!(
                    "{} holds an earlier run; replace it with --overwrite, or choose another folder",
                    quote::path(&path)
                ),
            },
            error => Self::Output(error),
        }
    }
}

impl From<EvaluateError> for CliError {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::AllFailed {
                count,
                stage,
                reason,
            } => Self::Experiment {
                count,
                parts: "removals",
                stage: stage.to_string(),
                reason,
            },
            EvaluateError::Response(error)
            | EvaluateError::Retrain(RetrainError::Response(error)) => error.into(),
            EvaluateError::Solve(error) => error.into(),
            EvaluateError::Curvature(error) => error.into(),
            EvaluateError::Store(error) => error.into(),
            EvaluateError::Retrain(RetrainError::Broken(error)) => match error.downcast() {
                Ok(error) => Self::Train(*error),
                Err(error) => Self::Evaluate(RetrainError::Broken(error).into()),
            },
            error => Self::Evaluate(error),
        }
    }
}

impl From<UnlearnError> for CliError {
    fn from(error: UnlearnError) -> Self {
        match error {
            UnlearnError::Solve(error) => Self::Solve(*error),
            UnlearnError::Curvature(error) => error.into(),
            error => Self::Unlearn(error),
        }
    }
}

impl From<AttributionError> for CliError {
    fn from(error: AttributionError) -> Self {
        match error {
            AttributionError::Response(error) => error.into(),
            AttributionError::Solve(error) => error.into(),
            AttributionError::Curvature(error) => error.into(),
            AttributionError::Store(error) => error.into(),
            AttributionError::ScoreStore(error) => error.into(),
            AttributionError::Bayes(BayesError::Curvature(error)) => error.into(),
            error => Self::Attribution(error),
        }
    }
}

impl From<ValuationError> for CliError {
    fn from(error: ValuationError) -> Self {
        match error {
            ValuationError::Curvature(error) => error.into(),
            ValuationError::Store(error) => error.into(),
            error => Self::Valuation(error),
        }
    }
}

impl From<PathError> for CliError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Response(error) => error.into(),
            error => Self::Path(error),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Other(error) => match error.downcast() {
                Ok(own) => *own,
                Err(error) => Self::Evaluate(StoreError::Other(error).into()),
            },
            error => Self::Evaluate(error.into()),
        }
    }
}

impl CliError {
    /// Whether nothing came of one value of a sweep by it, while others may go well.
    pub(super) fn concerns_one_value(&self) -> bool {
        matches!(
            self,
            Self::Train(_) | Self::Solve(_) | Self::Response(_) | Self::Experiment { .. }
        )
    }

    /// This error, as a store of the library hands it on.
    pub(super) fn in_store(self) -> StoreError {
        StoreError::Other(Box::new(self))
    }

    /// The process's exit code: 2 where the input was wrong, 1 where the computation failed.
    pub fn code(&self) -> u8 {
        match self {
            Self::Data(_)
            | Self::Model(_)
            | Self::Unsuited(_)
            | Self::Onnx(_)
            | Self::OnnxUnsuited(_)
            | Self::Noise { .. }
            | Self::Load(_)
            | Self::Query { .. }
            | Self::Option { .. }
            | Self::Device { .. } => 2,
            Self::Output(OutputError::NotFinite { .. })
            | Self::ScoreStore(ScoreStoreError::NotFinite { .. }) => 1,
            Self::ScoreStore(_) => 2,
            Self::Output(_) => 2,
            // Settings out of range, or a checkpoint that does not fit.
            Self::Train(TrainError::Config { .. } | TrainError::Checkpoint(_)) => 2,
            Self::Flow(FlowError::Setting { .. })
            | Self::Illustration(
                IllustrationError::Setting { .. } | IllustrationError::Precision,
            ) => 2,
            Self::Attribution(AttributionError::Bayes(BayesError::Setting { .. })) => 2,
            Self::Train(_)
            | Self::Solve(_)
            | Self::Response(_)
            | Self::Flow(_)
            | Self::Illustration(_)
            | Self::Path(_)
            | Self::Curvature(_)
            | Self::Unlearn(_)
            | Self::Attribution(_)
            | Self::Evaluate(_)
            | Self::Valuation(_)
            | Self::Experiment { .. }
            | Self::Comparison(_)
            | Self::Apart { .. }
            | Self::Memory { .. }
            | Self::Execution(_)
            | Self::NotFinite { .. }
            | Self::Unsaid(_)
            | Self::Weights(_) => 1,
        }
    }
}

/// Where the rules go that a mismatch asks for.
fn hint(error: &WeightsError) -> &'static str {
    match error {
        WeightsError::Mismatch { .. } => "; such rules are given with --map",
        WeightsError::Collision { .. } => ", given with --map",
        _ => "",
    }
}
