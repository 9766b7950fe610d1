//! What can go wrong while a curvature product is built or applied.

use burn::tensor::TensorReadError;

/// Error of a curvature operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurvatureError {
    /// The model, the loss or their derivatives could not be traced, transformed or run.
    #[error(transparent)]
    Program(#[from] backdraft_program::ProgramError),
    /// A module without the parameters that its curvature needs.
    #[error("{0}")]
    Parameters(String),
    /// Inputs of another number of tensors than the model reads.
    #[error("an input has {found} tensors, and the model reads {expected}")]
    Inputs {
        /// What the model reads.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// The Fisher matrix of a loss that is not known as the negative log-likelihood of a distribution.
    #[error(
        "the loss names no distribution of targets to take the Fisher matrix of: use the Gauss-Newton matrix or the empirical \
         Fisher matrix, or implement `Loss::fisher_product`"
    )]
    NoDistribution,
    /// A batch could not be read.
    #[error("a batch of examples could not be read: {0}")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A pass over streamed examples did not hold as many as promised.
    #[error("a pass over the data gave {found} examples where {expected} were promised")]
    Count {
        /// The number promised.
        expected: usize,
        /// The number read before the difference was noticed.
        found: usize,
    },
    /// A vector whose length is not the operator's dimension.
    #[error("the vector has {found} elements, the operator {expected}")]
    Dimension {
        /// The operator's dimension (number of parameters).
        expected: usize,
        /// The vector's length.
        found: usize,
    },
    /// Inputs and targets with a different number of examples, or none at all.
    #[error(
        "inputs hold {inputs} examples and targets {targets}: they must agree and not be empty"
    )]
    Examples {
        /// Rows of the inputs.
        inputs: usize,
        /// Rows of the targets.
        targets: usize,
    },
    /// Examples that cannot be divided into equal parts.
    #[error(
        "{examples} examples do not make {parts} equal parts, one for each parameter vector: fill the shorter ones up with examples \
         of weight zero (`Weighted`)"
    )]
    Parts {
        /// Number of examples.
        examples: usize,
        /// Number of parts.
        parts: usize,
    },
    /// An example index past the end of the data.
    #[error("example {index} does not exist: the data hold {len}, counted from 0")]
    Index {
        /// The offending index.
        index: usize,
        /// Number of examples.
        len: usize,
    },
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Device(#[from] TensorReadError),
    /// A product or loss came out NaN or infinite.
    #[error("{what} is not finite: the parameters, the data or the vector hold NaN or overflow")]
    NotFinite {
        /// What was being computed.
        what: &'static str,
    },
}
