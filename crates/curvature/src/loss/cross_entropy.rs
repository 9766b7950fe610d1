//! Softmax cross-entropy.

use backdraft_program::log_softmax;
use burn::{
    Tensor,
    tensor::{Int, Shape, activation},
};

use super::{
    Loss,
    check::{a_class, no_class, reject},
    shapes::classes,
};
use crate::CurvatureError;

/// Softmax cross-entropy: `-log softmax(y)_t` for a class `t`. Output Hessian `diag(p) - p p'` with `p = softmax(y)`.
/// All to within rounding, however near one a probability is.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl Loss for CrossEntropy {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, _targets: &[Shape]) -> Result<(), String> {
        classes(outputs)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        let log_p = log_softmax(outputs);
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
    ) -> Option<Tensor<2>> {
        Some(softmax_curvature(outputs, tangents))
    }

    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_product(outputs, targets, tangents)
    }

    fn hessian_root(
        &self,
        outputs: Tensor<2>,
        _targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(softmax_root(outputs, vectors))
    }

    fn check(&self, targets: &Tensor<1, Int>, outputs: usize) -> Result<(), CurvatureError> {
        reject("target", targets, no_class(targets, outputs), || {
            a_class(outputs)
        })
    }

    fn is_convex(&self) -> bool {
        true
    }
}

/// `(diag(p) - p p') v` with `p = softmax(y)`, row by row.
///
/// That is the same for `v` and `v - c`. With `c` the element at a class of more than half of the probability, what is
/// left is sums over the other classes, and no difference of numbers that round to the same.
pub(super) fn softmax_curvature(outputs: Tensor<2>, tangents: Tensor<2>) -> Tensor<2> {
    let p = activation::softmax(outputs, 1);
    let likeliest = p.clone().argmax(1);
    let minor = p.clone().gather(1, likeliest.clone()).lower_equal_elem(0.5);
    let origin = tangents.clone().gather(1, likeliest).mask_fill(minor, 0.0);
    let tangents = tangents - origin;
    let mean = (p.clone() * tangents.clone()).sum_dim(1);
    p * (tangents - mean)
}

/// `(diag(r) - p r') v` with `p = softmax(y)` and `r` the roots of `p`, row by row: a square root of `diag(p) - p p'`,
/// as `r' r = 1`.
pub(super) fn softmax_root(outputs: Tensor<2>, vectors: Tensor<2>) -> Tensor<2> {
    let p = activation::softmax(outputs, 1);
    let scaled = p.clone().sqrt() * vectors;
    scaled.clone() - p * scaled.sum_dim(1)
}
