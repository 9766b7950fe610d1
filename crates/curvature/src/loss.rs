//! Losses with the exact Hessian in their outputs.

use burn::{
    Tensor,
    tensor::{Int, activation},
};

use crate::{RowKind, Rows};

/// Targets of a batch: one or several tensors with one row an example.
pub trait Targets: Clone {
    /// The tensors, in order.
    fn into_rows(self) -> Vec<Rows>;

    /// The inverse of [`into_rows`](Self::into_rows): takes its tensors from the front of `rows`.
    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self;
}

impl<const D: usize, K: RowKind> Targets for Tensor<D, K> {
    fn into_rows(self) -> Vec<Rows> {
        vec![self.into()]
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        let rows = rows
            .next()
            .expect("targets are given as they were taken apart");
        Tensor::from_dispatch(rows.into_tensor())
    }
}

impl<A: Targets, B: Targets> Targets for (A, B) {
    fn into_rows(self) -> Vec<Rows> {
        [self.0.into_rows(), self.1.into_rows()].concat()
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        (A::from_rows(rows), B::from_rows(rows))
    }
}

/// The loss of one example, as a function of the network's outputs for it.
///
/// Written in ordinary tensor operations: it is traced and differentiated like the network itself.
pub trait Loss: Clone + 'static {
    /// What the outputs of a batch are compared with.
    type Targets: Targets;

    /// The loss of every example: `[batch]`, from outputs `[batch, outputs]`.
    fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1>;

    /// The product of every example's output Hessian with `tangents`: `[batch, outputs]`. The Hessian is that of
    /// [`per_example`](Self::per_example), unscaled, and must be positive semi-definite for a Gauss-Newton matrix to be so.
    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Tensor<2>;
}

/// Softmax cross-entropy: `-log softmax(y)_t` for a class `t`. Output Hessian `diag(p) - p p'` with `p = softmax(y)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl Loss for CrossEntropy {
    type Targets = Tensor<1, Int>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        let log_p = activation::log_softmax(outputs, 1);
        let [batch] = targets.dims();
        -log_p
            .gather(1, targets.reshape([batch, 1]))
            .reshape([batch])
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        _targets: Tensor<1, Int>,
        tangents: Tensor<2>,
    ) -> Tensor<2> {
        let p = activation::softmax(outputs, 1);
        let weighted = p.clone() * tangents;
        let mean = weighted.clone().sum_dim(1);
        weighted - p * mean
    }
}

/// Binary cross-entropy with a logit: `log(1 + exp(y)) - t y`, summed over the outputs, for targets in `[0, 1]`. Output Hessian
/// `diag(p (1 - p))` with `p = sigmoid(y)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropy;

impl Loss for BinaryCrossEntropy {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let softplus = -activation::log_sigmoid(-outputs.clone());
        (softplus - targets * outputs).sum_dim(1).squeeze_dim(1)
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Tensor<2> {
        let p = activation::sigmoid(outputs.clone());
        let q = activation::sigmoid(-outputs);
        p * q * tangents
    }
}

/// Squared error: `1/2 ||y - t||^2`. Output Hessian `I`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredError;

impl Loss for SquaredError {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let error = outputs - targets;
        (error.clone() * error).sum_dim(1).squeeze_dim(1) * 0.5
    }

    fn hessian_product(
        &self,
        _outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Tensor<2> {
        tangents
    }
}
