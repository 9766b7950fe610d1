//! Linear layers and their reverse passes, as matrix products where the weight is mapped.

use burn_ir::{
    LinearOpIr, LinearWeightBackwardOpIr, LinearXBackwardOpIr, ModuleOperationIr as Module,
    OperationIr, TensorIr,
};

use crate::transform::vectorize::{
    matmul::float_product,
    vectorizer::{Operand, Role, Vectorizer},
};

impl Vectorizer {
    pub(super) fn linear(&mut self, d: &LinearOpIr) {
        let mapped = |tensor: &TensorIr| self.is_mapped(tensor);
        if !mapped(&d.weight) && !d.bias.as_ref().is_some_and(mapped) {
            let op = OperationIr::Module(Module::Linear(d.clone()));
            let roles = match d.bias {
                Some(_) => vec![Role::Lead, Role::Shared, Role::Shared, Role::Lead],
                None => vec![Role::Lead, Role::Shared, Role::Lead],
            };
            return self.apply(&op, &roles);
        }
        let (x, weight) = (self.rows_of(&d.x), self.operand(&d.weight));
        let out = self.product(&x, &weight, &float_product);
        self.bind(&d.out, out);
        if let Some(bias) = &d.bias {
            let (product, bias) = (self.operand(&d.out), self.operand(bias));
            let rank = d.out.shape.rank();
            let lhs = self.broadcast(&product, rank);
            let rhs = self.broadcast(&bias, rank);
            let sum = self.sum(lhs, rhs);
            self.bind(&d.out, sum);
        }
    }

    pub(super) fn linear_x_backward(&mut self, d: &LinearXBackwardOpIr) {
        if !self.is_mapped(&d.weight) {
            let op = OperationIr::Module(Module::LinearXBackward(d.clone()));
            return self.apply(&op, &[Role::Shared, Role::Lead]);
        }
        let (grad, weight) = (self.rows_of(&d.output_grad), self.operand(&d.weight));
        let weight = self.transpose(weight);
        let out = self.product(&grad, &weight, &float_product);
        self.bind(&d.out, out);
    }

    pub(super) fn linear_weight_backward(&mut self, d: &LinearWeightBackwardOpIr) {
        let (x, grad) = (self.rows_of(&d.x), self.rows_of(&d.output_grad));
        let x = self.transpose(x);
        let out = self.product(&x, &grad, &float_product);
        self.bind(&d.out, out);
    }

    /// The original's `tensor` as a matrix, its last axis the columns.
    fn rows_of(&mut self, tensor: &TensorIr) -> Operand {
        let Operand { tensor, mapped } = self.operand(tensor);
        let (size, columns) = (tensor.shape.num_elements(), tensor.shape.last().copied());
        let columns = columns.unwrap_or(1);
        let rows = size / columns.max(1);
        let shape = match mapped {
            true => vec![self.size, rows / self.size, columns],
            false => vec![rows, columns],
        };
        let tensor = self.reshape(&tensor, shape);
        Operand { tensor, mapped }
    }

    fn transpose(&mut self, matrix: Operand) -> Operand {
        let axes = match matrix.mapped {
            true => vec![0, 2, 1],
            false => vec![1, 0],
        };
        let tensor = self.permute(&matrix.tensor, axes);
        Operand { tensor, ..matrix }
    }
}
