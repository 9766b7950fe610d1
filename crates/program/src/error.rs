//! What can go wrong between a user's function and its derivative's value.

use crate::Spec;

/// Error of tracing, transforming or running a program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// An operation that programs cannot replay, or that has no derivative rule here.
    #[error("the operation `{operation}` is not supported: {reason}")]
    Unsupported {
        /// The operation's name in Burn.
        operation: String,
        /// What is missing.
        reason: &'static str,
    },
    /// The function could not be recorded.
    #[error("the function could not be traced: {0}")]
    Trace(String),
    /// A program was given a wrong number of tensors.
    #[error("the program takes {expected} inputs and was given {found}")]
    Arity {
        /// Number of the program's inputs.
        expected: usize,
        /// Number of tensors given.
        found: usize,
    },
    /// A tensor does not fit the input it was given for.
    #[error("input {index} is {expected}, and was given {found}")]
    Input {
        /// Position among the inputs, from 0.
        index: usize,
        /// The input's shape and type.
        expected: Box<Spec>,
        /// The tensor's shape and type.
        found: Box<Spec>,
    },
    /// A derivative was asked for with respect to something that has none.
    #[error("no derivative with respect to input {index}: {reason}")]
    NotDifferentiable {
        /// Position among the inputs, from 0.
        index: usize,
        /// Why not.
        reason: &'static str,
    },
    /// An output that a derivative cannot be taken of.
    #[error("output {index} has no derivative: {reason}")]
    Output {
        /// Position among the outputs, from 0.
        index: usize,
        /// Why not.
        reason: &'static str,
    },
    /// A program cannot be vectorized as asked.
    #[error("the program cannot be vectorized: {0}")]
    Vectorize(String),
}
