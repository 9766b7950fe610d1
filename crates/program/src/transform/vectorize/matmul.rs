//! Matrix products.

use burn_ir::{FloatOperationIr, IntOperationIr, MatmulOpIr, OperationIr};

use crate::transform::vectorize::{
    fold::Fold,
    vectorizer::{Operand, Vectorizer},
};

/// Columns of right factors up to which these are put side by side: products with fewer columns than the registers of
/// a matrix product hold are slow, and moving wider ones costs more than it gains.
const NARROW: usize = 32;

impl Vectorizer {
    pub(super) fn matmul(&mut self, d: &MatmulOpIr, wrap: &dyn Fn(MatmulOpIr) -> OperationIr) {
        let (lhs, rhs) = (self.operand(&d.lhs), self.operand(&d.rhs));
        let out = self.product(&lhs, &rhs, wrap);
        self.bind(&d.out, out);
    }

    /// `lhs @ rhs`, with axes of size one in front where the ranks differ.
    pub(super) fn product(
        &mut self,
        lhs: &Operand,
        rhs: &Operand,
        wrap: &dyn Fn(MatmulOpIr) -> OperationIr,
    ) -> Operand {
        if lhs.mapped && !rhs.mapped && is_matrix(rhs) {
            return self.rows_product(lhs, rhs, wrap);
        }
        if rhs.mapped && !lhs.mapped && is_matrix(lhs) && last_two(rhs)[1] <= NARROW {
            return self.columns_product(lhs, rhs, wrap);
        }
        let rank = lhs.shape().len().max(rhs.shape().len());
        let mapped = lhs.mapped || rhs.mapped;
        let (lhs, rhs) = match mapped {
            true => (self.broadcast(lhs, rank), self.broadcast(rhs, rank)),
            false => (lhs.tensor.clone(), rhs.tensor.clone()),
        };
        let id = self.fresh();
        let op = MatmulOpIr::create(lhs, rhs, || id);
        let tensor = op.out.clone();
        self.push(wrap(op));
        Operand { tensor, mapped }
    }

    /// One right matrix for all: one product with more rows.
    fn rows_product(
        &mut self,
        lhs: &Operand,
        rhs: &Operand,
        wrap: &dyn Fn(MatmulOpIr) -> OperationIr,
    ) -> Operand {
        let mut shape = lhs.tensor.shape.to_vec();
        let [inner, columns] = last_two(rhs);
        let rows = shape[..shape.len() - 1].iter().product();
        let left = self.reshape(&lhs.tensor, vec![rows, inner]);
        let right = self.reshape(&rhs.tensor, vec![inner, columns]);
        let id = self.fresh();
        let op = MatmulOpIr::create(left, right, || id);
        let out = op.out.clone();
        self.push(wrap(op));
        *shape.last_mut().expect("a matrix has two axes") = columns;
        Operand::mapped(self.reshape(&out, shape))
    }

    /// One left matrix for all, and narrow ones on the right: one product with all their columns.
    fn columns_product(
        &mut self,
        lhs: &Operand,
        rhs: &Operand,
        wrap: &dyn Fn(MatmulOpIr) -> OperationIr,
    ) -> Operand {
        let right = self.fold(&rhs.tensor, Fold::at(rhs.shape().len() - 1));
        let left = match lhs.shape().len() < rhs.shape().len() {
            true => {
                let mut shape = vec![1; rhs.shape().len() - lhs.shape().len()];
                shape.extend_from_slice(lhs.shape());
                self.expand(&lhs.tensor, shape)
            }
            false => lhs.tensor.clone(),
        };
        let id = self.fresh();
        let op = MatmulOpIr::create(left, right, || id);
        let out = op.out.clone();
        self.push(wrap(op));
        let (mut shape, columns) = (out.shape.to_vec(), out.shape.rank() - 1);
        shape[columns] = last_two(rhs)[1];
        Operand::mapped(self.unfold(&out, &shape, Fold::at(columns)))
    }
}

/// Whether all axes but the last two are of size one.
fn is_matrix(operand: &Operand) -> bool {
    let shape = operand.shape();
    shape.len() >= 2 && shape[..shape.len() - 2].iter().all(|&size| size == 1)
}

fn last_two(operand: &Operand) -> [usize; 2] {
    let shape = operand.shape();
    [shape[shape.len() - 2], shape[shape.len() - 1]]
}

/// A product of matrices of ints.
pub(super) fn integer_product(d: MatmulOpIr) -> OperationIr {
    OperationIr::Int(IntOperationIr::Matmul(d))
}

/// A product of matrices of floats.
pub(super) fn float_product(d: MatmulOpIr) -> OperationIr {
    OperationIr::Float(d.out.dtype, FloatOperationIr::Matmul(d))
}
