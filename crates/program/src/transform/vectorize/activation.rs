//! Activations and the operations of their reverse passes.

use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use crate::transform::vectorize::vectorizer::{Role, Vectorizer};

impl Vectorizer {
    pub(super) fn activation(&mut self, d: &Activation) {
        let mut d = d.clone();
        if let Activation::Softmax(d) | Activation::LogSoftmax(d) | Activation::Softmin(d) = &mut d
        {
            d.axis += 1;
        }
        // Backends need not broadcast in these.
        self.apply(&OperationIr::Activation(d), &[Role::Lead]);
    }
}
