//! Programs whose matrix products are computed in 16 bits.

use burn_backend::DType;

use crate::{
    ir::{error::ProgramError, program::Program},
    run::interpreter,
    trace::record::record,
};

/// A float type of 16 bits for matrix products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// IEEE's: 11 significant bits. Factors are scaled so that their largest element is 1, which costs a pass over each.
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

impl Program {
    /// The same function with its matrix products of 32 bits computed in `half`: both factors and the product are rounded to it,
    /// all else stays as it is (convolutions too). Each product is then off by about the type's precision, 5e-4 or 4e-3, times the
    /// size of its terms. Faster on devices that have units for such products. Transform a program before this, not after: what is
    /// differentiated should be exact.
    ///
    /// # Errors
    /// [`ProgramError::Unsupported`] for an operation that cannot be replayed.
    pub fn with_products(&self, half: Half) -> Result<Self, ProgramError> {
        record(&self.settings, &self.inputs(), |device, inputs| {
            let constants = interpreter::constants(self, device);
            interpreter::replay_in(Some(half), self, device, inputs, &constants)
        })?
        .named(self.names.clone())
        .simplify()
    }
}
