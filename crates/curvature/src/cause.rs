//! What makes a result NaN or infinite.

use std::fmt;

use burn::tensor::DType;

/// Where a NaN or an infinity in a result comes from, as far as a second look tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// A parameter of the model.
    Parameter {
        /// Its tensor's name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// An element of the vector that was given.
    Vector {
        /// Its position.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The first example that has one by itself.
    Example {
        /// Its index.
        index: usize,
        /// The first of what belongs to it that has one: `an input`, `a target`, `an output`, `the loss` or
        /// `a derivative`.
        part: &'static str,
        /// Its value.
        value: f64,
    },
    /// No example by itself: their sum overflows.
    Overflow {
        /// The float type.
        dtype: DType,
    },
    /// Nothing is known.
    Unknown,
}

impl Cause {
    /// The same of examples that are counted from `start`.
    pub(crate) fn counted_from(self, start: usize) -> Self {
        match self {
            Self::Example { index, part, value } => Self::Example {
                index: index + start,
                part,
                value,
            },
            other => other,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, value } => write!(f, "the parameter `{name}` holds {value}"),
            Self::Vector { index, value } => write!(f, "element {index} of the vector is {value}"),
            Self::Example { index, part, value } => {
                write!(
                    f,
                    "{part} of example {index} is {value}, the first such example"
                )
            }
            Self::Overflow { dtype } => write!(
                f,
                "each example by itself is finite, and what they add up to overflows {dtype:?}"
            ),
            Self::Unknown => {
                f.write_str("the parameters, the data or the vector hold NaN or overflow")
            }
        }
    }
}
