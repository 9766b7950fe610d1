//! Matrix products in the order that suits processors.

use std::collections::HashMap;

use burn_backend::Shape;
use burn_ir::{
    BaseOperationIr as Base, FloatOperationIr, MatmulOpIr, OperationIr, SwapDimsOpIr, TensorId,
    TensorIr,
};

use crate::ir::{error::ProgramError, program::Program};

/// A left factor counts as flat if it has at most this share of the right one's rows and columns.
const FLAT: usize = 4;

impl Program {
    /// The same function with some matrix products written as their transposes: `a w'`, with `a` much flatter than `w`,
    /// as `(w a')'`. Both transposes are views, but what a processor rearranges on its way into the product is now the
    /// small factor and not the large one. With 32 to 128 rows against a matrix of 1024 x 1024, that is half to nine
    /// tenths of the time.
    pub(crate) fn matmul_layout(self) -> Result<Self, ProgramError> {
        let mut next = self.uses.len() as u64;
        let mut transposed: HashMap<TensorId, TensorIr> = HashMap::new();
        let mut operations = Vec::with_capacity(self.operations.len());
        for op in &self.operations {
            if let OperationIr::BaseFloat(Base::SwapDims(d)) = op
                && d.input.shape.num_dims() == 2
                && d.dim1 != d.dim2
            {
                transposed.insert(d.out.id, d.input.clone());
            }
            let OperationIr::Float(dtype, FloatOperationIr::Matmul(d)) = op else {
                operations.push(op.clone());
                continue;
            };
            let Some(w) = transposed
                .get(&d.rhs.id)
                .filter(|_| is_flat(&d.lhs, &d.rhs))
            else {
                operations.push(op.clone());
                continue;
            };
            let mut fresh = |like: &TensorIr| {
                next += 1;
                let shape = Shape::new([like.shape[1], like.shape[0]]);
                TensorIr::uninit(TensorId::new(next - 1), shape, like.dtype)
            };
            let (lhs, product) = (fresh(&d.lhs), fresh(&d.out));
            operations.push(swap(&d.lhs, &lhs));
            let flipped = MatmulOpIr {
                lhs: w.clone(),
                rhs: lhs,
                out: product.clone(),
            };
            operations.push(OperationIr::Float(
                *dtype,
                FloatOperationIr::Matmul(flipped),
            ));
            operations.push(swap(&product, &d.out));
        }
        let values = self.constant_values();
        let names = self.names;
        Self::renumber(self.settings, self.inputs, operations, self.outputs, values)?
            .named(names)
            .simplify()
    }
}

fn is_flat(lhs: &TensorIr, rhs: &TensorIr) -> bool {
    lhs.shape.num_dims() == 2 && FLAT * lhs.shape[0] <= rhs.shape[0].min(rhs.shape[1])
}

fn swap(input: &TensorIr, out: &TensorIr) -> OperationIr {
    OperationIr::BaseFloat(Base::SwapDims(SwapDimsOpIr {
        input: input.clone(),
        out: out.clone(),
        dim1: 0,
        dim2: 1,
    }))
}
