//! Activation functions and the operations of their reverse passes.

use std::f64::consts::PI;

use burn_backend::ops::ActivationOps;
use burn_backend::tensor::FloatTensor;
use burn_backend::{Backend, Scalar};

use super::elementwise::{clamped, square};
use super::indexing::choose;
use crate::rules::{bool_dtype, by_input, by_output, linear_beside, product_rule};
use crate::{Dual, DualTensor, parts};

impl<B: Backend> ActivationOps<Self> for Dual<B> {
    fn leaky_relu(tensor: FloatTensor<Self>, negative_slope: Scalar) -> FloatTensor<Self> {
        by_input(
            tensor,
            |x| B::leaky_relu(x, negative_slope),
            |x, t| {
                let dtype = bool_dtype::<B>(&x);
                let negative = B::float_lower_elem(x, 0.0.into(), dtype);
                let scaled = B::float_mul_scalar(t.clone(), negative_slope);
                B::float_mask_where(t, negative, scaled)
            },
        )
    }

    fn relu(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        by_output(tensor, B::relu, B::relu_backward)
    }

    // Where the output is zero the gradient stops; the output's own tangent changes nothing.
    fn relu_backward(output: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        linear_beside(output, grad, B::relu_backward)
    }

    fn gelu(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        by_input(tensor, B::gelu, B::gelu_backward)
    }

    fn prelu(tensor: FloatTensor<Self>, alpha: FloatTensor<Self>) -> FloatTensor<Self> {
        if tensor.tangent.is_none() && alpha.tangent.is_none() {
            return DualTensor::constant(B::prelu(tensor.primal, alpha.primal));
        }
        let primal = B::prelu(tensor.primal.clone(), alpha.primal.clone());
        let dtype = bool_dtype::<B>(&primal);
        let negative = B::float_lower_elem(tensor.primal.clone(), 0.0.into(), dtype);
        let positive_part = tensor.tangent.clone();
        let negative_part = product_rule(tensor, alpha, B::float_mul);
        let tangent = choose::<B>(positive_part, negative, negative_part, &primal);
        DualTensor::join(primal, tangent)
    }

    // gelu''(x) = phi(x) (2 - x^2), with phi the standard normal density.
    fn gelu_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        elementwise_backward(x, grad, B::gelu_backward, |x, grad_dx| {
            let square = square::<B>(x);
            let bell = B::float_exp(B::float_mul_scalar(square.clone(), (-0.5).into()));
            let density = B::float_mul_scalar(bell, (1.0 / (2.0 * PI).sqrt()).into());
            let curvature = B::float_add_scalar(B::float_neg(square), 2.0.into());
            B::float_mul(B::float_mul(density, curvature), grad_dx)
        })
    }

    fn sigmoid(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = tensor.primal.clone();
        by_output(tensor, B::sigmoid, |y, t| {
            let slope = B::float_mul(y, parts::log_sigmoid_slope::<B>(x));
            B::float_mul(slope, t)
        })
    }

    // With y the output: (y (1 - y))' = 1 - 2y.
    fn sigmoid_backward(output: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        elementwise_backward(output, grad, B::sigmoid_backward, |y, grad_dy| {
            let slope = B::float_add_scalar(B::float_mul_scalar(y, (-2.0).into()), 1.0.into());
            B::float_mul(slope, grad_dy)
        })
    }

    fn hard_sigmoid(tensor: FloatTensor<Self>, alpha: Scalar, beta: Scalar) -> FloatTensor<Self> {
        by_input(
            tensor,
            |x| B::hard_sigmoid(x, alpha, beta),
            |x, t| {
                let line = B::float_add_scalar(B::float_mul_scalar(x, alpha), beta);
                let slope = B::float_mul_scalar(t, alpha);
                clamped::<B>(line, Some(0.0.into()), Some(1.0.into()), slope)
            },
        )
    }

    fn log_sigmoid(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        by_input(tensor, B::log_sigmoid, |x, t| {
            B::float_mul(parts::log_sigmoid_slope::<B>(x), t)
        })
    }

    // log_sigmoid'' = -sigmoid'.
    fn log_sigmoid_backward(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        elementwise_backward(x, grad, B::log_sigmoid_backward, |x, grad_dx| {
            B::float_neg(B::float_mul(parts::sigmoid_slope::<B>(x), grad_dx))
        })
    }

    fn softmax(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        by_output(
            tensor,
            |x| B::softmax(x, dim),
            |y, t| B::float_mul(y.clone(), parts::deviation::<B>(y, t, dim)),
        )
    }

    fn log_softmax(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        // The exponential of the output would have the output's rounding in it.
        by_input(
            tensor,
            |x| B::log_softmax(x, dim),
            |x, t| parts::deviation::<B>(B::softmax(x, dim), t, dim),
        )
    }

    // The softmax of the negated input.
    fn softmin(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        by_output(
            tensor,
            |x| B::softmin(x, dim),
            |y, t| {
                let t = B::float_neg(t);
                B::float_mul(y.clone(), parts::deviation::<B>(y, t, dim))
            },
        )
    }
}

/// `f'(x) grad`, computed by `op`: linear in the gradient, and `second` maps (x, grad dx) to
/// `f''(x) grad dx`.
fn elementwise_backward<B: Backend>(
    x: DualTensor<B>,
    grad: DualTensor<B>,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
    second: impl FnOnce(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let Some(dx) = x.tangent else {
        return linear_beside(x, grad, op);
    };
    let primal = op(x.primal.clone(), grad.primal.clone());
    let curved = second(x.primal.clone(), B::float_mul(grad.primal, dx));
    let tangent = match grad.tangent {
        Some(dgrad) => B::float_add(op(x.primal, dgrad), curved),
        None => curved,
    };
    DualTensor::new(primal, tangent)
}
