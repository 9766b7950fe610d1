//! Bind a program to a device in the form that suits it.

use burn::tensor::Device;

use crate::{ir::program::Program, run::compiled::Compiled};

impl Program {
    /// The program with its constants on `device`, ready to be run often, and its matrix products in the order that
    /// suits the device.
    pub fn compile(self, device: &Device) -> Compiled {
        let program = self.matmul_layout().and_then(Self::merge_convolutions);
        program
            .expect("only the form of products changes")
            .bind(device)
    }
}
