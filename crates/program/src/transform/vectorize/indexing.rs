//! Reading and writing at positions that are data.

use burn_backend::{TensorData, tensor::IndexingUpdateOp};
use burn_ir::{
    BaseOperationIr as Base, BinaryOpIr, GatherOpIr, NumericOperationIr, OperationIr,
    SelectAssignOpIr, SelectOpIr, TensorIr,
};

use crate::transform::vectorize::{
    fold::Fold,
    vectorizer::{Operand, Role, Vectorizer},
};

impl Vectorizer {
    pub(super) fn gather(&mut self, d: &GatherOpIr, wrap: fn(Base) -> OperationIr) {
        if self.is_mapped(&d.tensor) {
            let mut d = d.clone();
            d.dim += 1;
            return self.apply(&wrap(Base::Gather(d)), &[Role::Lead]);
        }
        // One table for all: more positions in it.
        let folded = Role::Folded(Fold::at(d.dim));
        self.apply(
            &wrap(Base::Gather(d.clone())),
            &[Role::Shared, folded, folded],
        );
    }

    pub(super) fn select(&mut self, d: &SelectOpIr, wrap: fn(Base) -> OperationIr) {
        let (tensor, indices) = (self.operand(&d.tensor), self.operand(&d.indices));
        let out = self.selected(&tensor, d.dim, &indices, wrap);
        self.bind(&d.out, out);
    }

    /// The slices `indices` of `tensor` along `dim`.
    pub(super) fn selected(
        &mut self,
        tensor: &Operand,
        dim: usize,
        indices: &Operand,
        wrap: fn(Base) -> OperationIr,
    ) -> Operand {
        let create = |this: &mut Self, tensor: TensorIr, dim, indices| {
            let id = this.fresh();
            let op = SelectOpIr::create(tensor, dim, indices, || id);
            let out = op.out.clone();
            this.push(wrap(Base::Select(op)));
            out
        };
        if !indices.mapped {
            let axis = dim + usize::from(tensor.mapped);
            let out = create(self, tensor.tensor.clone(), axis, indices.tensor.clone());
            let mapped = tensor.mapped;
            return Operand {
                tensor: out,
                mapped,
            };
        }
        let mut shape = tensor.shape().to_vec();
        let (positions, table) = self.positions(tensor, dim, indices);
        let out = create(self, table, dim, positions);
        shape[dim] = indices.shape()[0];
        Operand::mapped(self.unfold(&out, &shape, Fold::at(dim)))
    }

    /// Mapped indices into `dim` of `tensor` as indices into one table, and the table.
    fn positions(
        &mut self,
        tensor: &Operand,
        dim: usize,
        indices: &Operand,
    ) -> (TensorIr, TensorIr) {
        let count = self.size * indices.shape()[0];
        if !tensor.mapped {
            let positions = self.reshape(&indices.tensor, vec![count]);
            return (positions, tensor.tensor.clone());
        }
        let positions = self.offset(&indices.tensor, tensor.shape()[dim]);
        let positions = self.reshape(&positions, vec![count]);
        (positions, self.fold(&tensor.tensor, Fold::at(dim)))
    }

    /// `indices + k stride` for value `k`; `indices` has the new axis and one other.
    fn offset(&mut self, indices: &TensorIr, stride: usize) -> TensorIr {
        let offsets = (0..self.size).map(|k| (k * stride) as i64).collect();
        let data = TensorData::new::<i64, _>(offsets, [self.size, 1]);
        let rhs = self.constant(data.convert_dtype(indices.dtype));
        let id = self.fresh();
        let add = BinaryOpIr::create(indices.clone(), rhs, || id);
        let out = add.out.clone();
        self.push(OperationIr::NumericInt(
            out.dtype,
            NumericOperationIr::Add(add),
        ));
        out
    }

    pub(super) fn select_assign(&mut self, d: &SelectAssignOpIr, wrap: fn(Base) -> OperationIr) {
        let indices = self.operand(&d.indices);
        let tensor = self.lead(&d.tensor);
        let value = self.lead(&d.value);
        let out = self.select_assigned(tensor, d.dim, &indices, value, d.update, wrap);
        self.bind(&d.out, Operand::mapped(out));
    }

    /// `tensor` with `value` at the slices `indices` along `dim`. Tensor and value have the new axis.
    pub(super) fn select_assigned(
        &mut self,
        tensor: TensorIr,
        dim: usize,
        indices: &Operand,
        value: TensorIr,
        update: IndexingUpdateOp,
        wrap: fn(Base) -> OperationIr,
    ) -> TensorIr {
        let create = |this: &mut Self, tensor, dim, indices, value| {
            let id = this.fresh();
            let op = SelectAssignOpIr::create(tensor, dim, indices, value, update, || id);
            let out = op.out.clone();
            this.push(wrap(Base::SelectAssign(op)));
            out
        };
        if !indices.mapped {
            return create(self, tensor, dim + 1, indices.tensor.clone(), value);
        }
        let (fold, shape) = (Fold::at(dim), tensor.shape[1..].to_vec());
        let (positions, table) = self.positions(&Operand::mapped(tensor), dim, indices);
        let value = self.fold(&value, fold);
        let out = create(self, table, dim, positions, value);
        self.unfold(&out, &shape, fold)
    }
}
