//! The same program for many arguments.

use burn_ir::{IntOperationIr, OperationIr, TensorIr};

use crate::{
    ir::{error::ProgramError, program::Program},
    transform::vectorize::{
        matmul::integer_product,
        vectorizer::{Role, Vectorizer},
    },
};

impl Program {
    /// The program for `size` values of the inputs `mapped` at once, with one value of the others:
    ///
    /// ```text
    /// (x_1 .. x_n) -> (y_1 .. y_m),   x_i: [size, ..] for i in mapped,   y_j: [size, ..] for all j
    /// ```
    ///
    /// Row `k` of the outputs is the program's result for row `k` of the mapped inputs, up to the order in which
    /// numbers are added. All outputs have the new axis 0, also those that depend on no mapped input: they are
    /// repeated. This is JAX's `vmap` with the axes 0 or `None`.
    ///
    /// What depends on no mapped input is computed once; values that depend on one take `size` times the memory. The
    /// rest becomes fewer and larger operations: matrix products of `size` left factors with one right factor become
    /// one product, convolutions take the new axis in their batch, channels or groups, and elementwise operations and
    /// those along an axis just get one axis more. Computed row by row, and joined, are
    ///
    /// - `gather_nd` from mapped tensors and `scatter_nd`,
    /// - deformable convolutions with mapped weights,
    /// - operations that this crate does not know.
    ///
    /// All rows of a Jacobian in one pass of reverse mode:
    ///
    /// ```
    /// use backdraft_program::{Program, Spec};
    /// use burn::tensor::{DType, Device, Tensor};
    ///
    /// let device = Device::flex();
    /// let cubes = Program::trace(&device.settings(), &[Spec::new([3], DType::F32)], |inputs| {
    ///     let x = Tensor::<1>::from_dispatch(inputs[0].clone());
    ///     Ok(vec![(x.clone() * x.clone() * x).into_dispatch()])
    /// })?;
    ///
    /// // (x, cotangent) -> (y, gradient), for three cotangents.
    /// let rows = cubes.vjp(&[0])?.vmap(&[1], 3)?;
    /// let x = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &device);
    /// let units = Tensor::<2>::eye(3, &device);
    /// let outputs = rows.call(vec![x.into_dispatch(), units.into_dispatch()])?;
    /// let jacobian = Tensor::<2>::from_dispatch(outputs[1].clone());
    /// let entries = jacobian.into_data().try_into_vec::<f32>().unwrap();
    /// assert_eq!(entries, [3.0, 0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0, 27.0]);
    /// # Ok::<(), backdraft_program::ProgramError>(())
    /// ```
    ///
    /// # Errors
    /// [`ProgramError::Vectorize`] if `size` is zero, or if `mapped` names an input twice or one that does not exist.
    pub fn vmap(&self, mapped: &[usize], size: usize) -> Result<Self, ProgramError> {
        if size == 0 {
            return Err(ProgramError::Vectorize(
                "the new axis would be empty: ask for at least one value".into(),
            ));
        }
        for (position, &index) in mapped.iter().enumerate() {
            let problem = match self.inputs.len() {
                count if index >= count => format!("the program has {count}, counted from 0"),
                _ if mapped[..position].contains(&index) => "it is named twice".into(),
                _ => continue,
            };
            return Err(ProgramError::Vectorize(format!(
                "input {index} cannot be mapped: {problem}"
            )));
        }
        let mut vectorizer = Vectorizer::new(self, size);
        let mut inputs = self.inputs.clone();
        for &i in mapped {
            inputs[i] = vectorizer.map(&self.inputs[i]);
        }
        for op in &self.operations {
            vectorizer.operation(op);
        }
        let outputs: Vec<TensorIr> = self
            .outputs
            .iter()
            .map(|tensor| vectorizer.lead(tensor))
            .collect();
        let (operations, constants) = vectorizer.finish();
        let program = Self::renumber(self.settings, inputs, operations, outputs, constants)?;
        program.named(self.names.clone()).simplify()
    }
}

impl Vectorizer {
    /// Adds what computes the results of `op` for all values of its operands.
    pub(super) fn operation(&mut self, op: &OperationIr) {
        if !op.inputs().any(|tensor| self.is_mapped(tensor)) {
            return self.copy(op);
        }
        match op {
            OperationIr::BaseFloat(d) => self.base(op, d, OperationIr::BaseFloat),
            OperationIr::BaseInt(d) => self.base(op, d, OperationIr::BaseInt),
            OperationIr::BaseBool(d) => self.base(op, d, OperationIr::BaseBool),
            OperationIr::NumericFloat(dtype, d) => {
                self.numeric(d, |d| OperationIr::NumericFloat(*dtype, d));
            }
            OperationIr::NumericInt(dtype, d) => {
                self.numeric(d, |d| OperationIr::NumericInt(*dtype, d));
            }
            OperationIr::Float(dtype, d) => self.float(op, *dtype, d),
            OperationIr::Int(IntOperationIr::Matmul(d)) => self.matmul(d, &integer_product),
            OperationIr::Int(_) | OperationIr::Bool(_) => self.apply(op, &[Role::Broadcast]),
            OperationIr::Activation(d) => self.activation(d),
            OperationIr::Module(d) => self.module(op, d),
            OperationIr::Init(_)
            | OperationIr::Custom(_)
            | OperationIr::Drop(_)
            | OperationIr::Distributed(_) => self.unroll(op),
        }
    }
}
