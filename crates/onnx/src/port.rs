//! What a network reads and returns.

use std::fmt;

/// An input or output of a network, as its file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxPort {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub element: OnnxElement,
    /// Its axes, the first of which is the batch; none if the file does not tell.
    pub shape: Vec<OnnxDim>,
}

/// What an input or output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxElement {
    /// Floating-point numbers in 16 bits, which are computed with in 32.
    F16,
    /// Floating-point numbers in 32 bits.
    F32,
    /// Floating-point numbers in 64 bits.
    F64,
    /// Whole numbers, such as token ids.
    Int,
    /// True or false.
    Bool,
    /// Something else: text, or a sequence or map.
    Other,
}

impl OnnxElement {
    /// Of ONNX's number for an element type.
    pub(crate) fn of(data_type: i64) -> Self {
        match data_type {
            1 => Self::F32,
            11 => Self::F64,
            10 | 16 => Self::F16,
            2..=7 | 12 | 13 => Self::Int,
            9 => Self::Bool,
            _ => Self::Other,
        }
    }

    /// Whether a number says what it is.
    pub(crate) fn is_number(self) -> bool {
        self != Self::Other
    }

    /// Whether it is one of floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

/// The length of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnnxDim {
    /// Always the same.
    Fixed(usize),
    /// Any, with the name that the file gives it, which may be empty.
    Free(String),
}

impl fmt::Display for OnnxDim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Free(name) if name.is_empty() => f.write_str("?"),
            Self::Free(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for OnnxPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<_> = self.shape.iter().map(OnnxDim::to_string).collect();
        write!(f, "{} [{}]", self.name, shape.join(", "))
    }
}
