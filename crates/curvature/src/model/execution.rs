//! How a network's programs are run: where, in which precision, recorded or not, in how much memory.

use backdraft_program::{Compiled, DispatchTensor, Half, LinearMap, Program};
use burn::tensor::Device;

use super::Model;
use crate::{CurvatureError, Rows};

impl Model {
    /// The same network on another device, with its parameters and constants copied there.
    ///
    /// # Errors
    /// [`CurvatureError::Device`] if they cannot be read.
    pub fn to_device(&self, device: &Device) -> Result<Self, CurvatureError> {
        let moved = |tensor: &DispatchTensor| -> Result<DispatchTensor, CurvatureError> {
            let rows = Rows::from(tensor.clone()).to_device(device)?;
            Ok(rows.into_dispatch())
        };
        let fixed = self.fixed.iter();
        let fixed = fixed.map(|(place, tensor)| Ok((*place, moved(tensor)?)));
        Ok(Self {
            tensors: self.tensors.iter().map(moved).collect::<Result<_, _>>()?,
            fixed: fixed.collect::<Result<_, CurvatureError>>()?,
            device: device.clone(),
            ..self.clone()
        })
    }

    /// The same network with the matrix products of all that is computed of it in 16 bits, forward and backward, if its
    /// own type is F32; everything else stays in 32 bits
    /// ([`Program::with_products`](backdraft_program::Program::with_products)). Compare a product or two with those of
    /// the network as it is: the error depends on the network.
    #[must_use]
    pub fn with_products(self, half: Half) -> Self {
        Self {
            products: Some(half),
            ..self
        }
    }

    /// What matrix products are computed in, if not in the parameters' type.
    pub fn products(&self) -> Option<Half> {
        self.products
    }

    /// The same network, all whose programs are recorded on devices that can:
    /// [`Compiled::recorded`](backdraft_program::Compiled::recorded) says what that means, and that meanwhile no other
    /// thread may compute on the device.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self {
            recorded: true,
            ..self
        }
    }

    /// The same network, all whose programs get by with `bytes` of results of operations at once where they can, by
    /// computing values of the forward pass again in the reverse pass (gradient checkpointing): 0 asks for as little
    /// memory as can be had. The results have the same bits, for one more forward pass at most: a third more arithmetic
    /// for a gradient, a fifth for a Gauss-Newton product. [`Program::recompute`](backdraft_program::Program::recompute)
    /// says how, and [`Program::peak_bytes`](backdraft_program::Program::peak_bytes) what counts: of one batch, whose
    /// size is the other thing to change where memory is what lacks
    /// ([`Cost::with_batch_size`](crate::Cost::with_batch_size)). Operators of the network keep nothing between products
    /// then, unless [`Curvature::with_memory`](crate::Curvature::with_memory) tells them to.
    #[must_use]
    pub fn recomputing(self, bytes: usize) -> Self {
        Self {
            recomputing: Some(bytes),
            ..self
        }
    }

    /// Whether values are computed again rather than kept: [`recomputing`](Self::recomputing).
    pub fn recomputes(&self) -> bool {
        self.recomputing.is_some()
    }

    /// `program` as this network's programs are to be run; `varying` inputs are those that are tangents.
    pub(crate) fn compile(
        &self,
        program: Program,
        varying: &[usize],
    ) -> Result<Compiled, CurvatureError> {
        let program = self.bind(program, varying)?;
        Ok(match self.recorded {
            true => program.recorded(),
            false => program,
        })
    }

    /// The same, never recorded.
    pub(crate) fn bind(
        &self,
        program: Program,
        varying: &[usize],
    ) -> Result<Compiled, CurvatureError> {
        let program = program.compile(&self.device);
        Ok(match self.recomputing {
            Some(bytes) => program.recomputing(varying, bytes)?,
            None => program,
        })
    }

    /// `program` in what depends on its last input and what does not, to be run as [`compile`](Self::compile) says.
    pub(crate) fn linearize(&self, program: &Program) -> Result<LinearMap, CurvatureError> {
        let last = program.inputs().len() - 1;
        let mut map = program.linearize(&[last])?.compile(&self.device);
        if let Some(bytes) = self.recomputing {
            map = map.recomputing(bytes);
        }
        Ok(match self.recorded {
            true => map.recorded(),
            false => map,
        })
    }
}
