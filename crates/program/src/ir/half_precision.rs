//! Float types of 16 bits.

use burn_backend::DType;

/// A float type of 16 bits for matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// IEEE's: 11 significant bits. Factors are scaled so that their largest element is 1, which costs a pass over
    /// each.
    F16,
    /// Brain floating point: 8 significant bits, and the range of 32 bits.
    BF16,
}

impl Half {
    /// The type of the elements.
    pub fn dtype(self) -> DType {
        match self {
            Self::F16 => DType::F16,
            Self::BF16 => DType::BF16,
        }
    }
}
