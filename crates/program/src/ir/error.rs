//! What can go wrong between a user's function and its derivative's value.

use std::fmt::Debug;

use burn_backend::DType;

use crate::ir::{error_location::ErrorLocation, operation::name, spec::Spec};

/// Error of tracing, transforming or running a program.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// An operation that programs cannot replay, or that has no derivative rule here.
    #[error("the operation `{operation}`{} is not supported: {reason}", placed(.place))]
    Unsupported {
        /// The operation's name in Burn.
        operation: String,
        /// What is missing.
        reason: &'static str,
        /// Where it was met, if inputs have names ([`Program::trace_named`](crate::Program::trace_named)).
        place: Option<ErrorLocation>,
    },
    /// The function could not be recorded.
    #[error("the function could not be traced: {0}")]
    Trace(String),
    /// The function panicked while it was recorded: it was given shapes or values that it does not take.
    #[error("the function panicked while it was traced{}: {message}{}", placed(.place), at(.location))]
    Panicked {
        /// The panic's text, in one line.
        message: String,
        /// Its file and line, if they are the user's own.
        location: Option<String>,
        /// After which named input it happened, if inputs have names.
        place: Option<ErrorLocation>,
    },
    /// The function computes with floats, or ints, of different types at once, which Burn does not convert.
    #[error(
        "the function computes with {} at once{}: cast one to the type of the other (`.cast(..)`)",
        named(.types), placed(.place)
    )]
    MixedTypes {
        /// The types.
        types: Vec<DType>,
        /// Where they meet, if inputs have names.
        place: Option<ErrorLocation>,
    },
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
    /// The program computes tensors of a type that the device does not have.
    #[error(
        "the device has no {dtype:?}: trace the program with the default types of the device that it runs on (`Device::settings`), \
         from inputs of types that it has"
    )]
    Type {
        /// The type.
        dtype: DType,
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
    /// A derivative was asked for with respect to no float tensor at all.
    #[error(
        "there is nothing to differentiate by: the argument holds no float tensor, or all are constant"
    )]
    NothingToDifferentiate,
    /// A gradient was asked for of a function with more than one number as result.
    #[error(
        "only a function of one number has a gradient, and this one returned {found}: sum it, or take its Jacobian"
    )]
    NotScalar {
        /// The result's shape and type.
        found: Box<Spec>,
    },
    /// A tangent that does not fit the argument, or a cotangent that does not fit the result.
    #[error("tensor {index} of the vector is {found}, and what it belongs to is {expected}")]
    Vector {
        /// Position among the float tensors, from 0.
        index: usize,
        /// Shape and type of the argument's tensor (of a tangent) or the result's (of a cotangent).
        expected: Box<Spec>,
        /// The tensor's shape and type.
        found: Box<Spec>,
    },
    /// A tangent or cotangent with a wrong number of float tensors.
    #[error("the vector holds {found} float tensors, and what it belongs to {expected}")]
    VectorLength {
        /// Float tensors of the argument or result.
        expected: usize,
        /// Float tensors of the vector.
        found: usize,
    },
    /// Tensors that cannot be laid out as one flat vector, or a flat vector that does not fit them.
    #[error("{0}")]
    Flat(String),
}

impl ProgramError {
    /// Of an operation that the interpreter does not know, or not in the types at hand.
    pub(crate) fn not_replayed(operation: &impl Debug) -> Self {
        Self::Unsupported {
            operation: name(operation),
            reason: "programs cannot replay it",
            place: None,
        }
    }

    /// Says where an unsupported operation was met, or the function failed, unless that is known.
    pub(crate) fn at(self, find: impl FnOnce() -> Option<ErrorLocation>) -> Self {
        match self.place() {
            None => self.moved(find()),
            Some(_) => self,
        }
    }

    /// Where in the function it was met, if that is known.
    pub fn place(&self) -> Option<&ErrorLocation> {
        match self {
            Self::Unsupported { place, .. }
            | Self::Panicked { place, .. }
            | Self::MixedTypes { place, .. } => place.as_ref(),
            _ => None,
        }
    }

    /// The same error, met at another place, if it is one that has a place.
    #[must_use]
    pub fn moved(mut self, to: Option<ErrorLocation>) -> Self {
        if let Self::Unsupported { place, .. }
        | Self::Panicked { place, .. }
        | Self::MixedTypes { place, .. } = &mut self
        {
            *place = to;
        }
        self
    }
}

fn at(location: &Option<String>) -> String {
    match location {
        Some(location) => format!(" (at {location})"),
        None => String::new(),
    }
}

fn named(types: &[DType]) -> String {
    let types: Vec<_> = types.iter().map(|dtype| format!("{dtype:?}")).collect();
    types.join(" and ")
}

fn placed(place: &Option<ErrorLocation>) -> String {
    match place {
        Some(place) => format!(" ({place})"),
        None => String::new(),
    }
}
