//! Programs whose matrix products are computed in 16 bits.

use crate::{
    ir::{error::ProgramError, half_precision::Half, program::Program},
    run::{capture::record, interpreter},
};

impl Program {
    /// The same function with its matrix products of 32 bits computed in `half`: both factors and the product are
    /// rounded to it, all else stays as it is (convolutions too). Each product is then off by about the type's
    /// precision, 5e-4 or 4e-3, times the size of its terms. Faster on devices that have units for such products.
    /// Transform a program before this, not after: what is differentiated should be exact.
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
