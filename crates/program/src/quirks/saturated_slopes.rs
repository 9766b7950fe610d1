//! Elementwise functions under reverse mode, where burn-autodiff's rule loses digits or is not a number, with the slopes that
//! backdraft-forward takes.

use backdraft_forward::parts;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, binary, unary},
};
use burn_backend::{
    Shape, TensorMetadata,
    ops::{ActivationOps, FloatTensorOps},
    tensor::{FloatTensor, IntTensor},
};
use burn_capture::CaptureBackend;
use burn_ir::{
    ActivationOperationIr as Activation, FloatOperationIr as Float, NumericOperationIr as Numeric,
    OperationIr,
};

use crate::{
    ir::{error::ProgramError, value::Value},
    run::interpreter::Env,
};

type Inner = CaptureBackend;
type Reverse = Autodiff<Inner>;
type Tensor = FloatTensor<Inner>;

/// Runs `op` if it is such a function.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    let value = match op {
        OperationIr::Activation(op) => match op {
            Activation::Sigmoid(d) => sloped(
                e.float(&d.input),
                Inner::sigmoid,
                parts::sigmoid_slope::<Inner>,
            ),
            Activation::LogSigmoid(d) => sloped(
                e.float(&d.input),
                Inner::log_sigmoid,
                parts::log_sigmoid_slope::<Inner>,
            ),
            _ => return None,
        },
        OperationIr::Float(_, op) => match op {
            Float::Tanh(d) => sloped(
                e.float(&d.input),
                Inner::float_tanh,
                parts::tanh_slope::<Inner>,
            ),
            Float::Sqrt(d) => root(e.float(&d.input)),
            Float::ArcSin(d) => sloped(e.float(&d.input), Inner::float_asin, arc_sine_slope),
            Float::ArcCos(d) => sloped(e.float(&d.input), Inner::float_acos, |x| {
                Inner::float_neg(arc_sine_slope(x))
            }),
            Float::ArcCosh(d) => sloped(e.float(&d.input), Inner::float_acosh, |x| {
                let square = parts::square_minus_one::<Inner>(x);
                Inner::float_recip(Inner::float_sqrt(square))
            }),
            Float::ArcTanh(d) => sloped(e.float(&d.input), Inner::float_atanh, |x| {
                Inner::float_recip(parts::one_minus_square::<Inner>(x))
            }),
            Float::Powf(d) => power(e.float(&d.lhs), e.float(&d.rhs)),
            _ => return None,
        },
        OperationIr::NumericFloat(_, Numeric::Powi(d)) => {
            integer_power(e.float(&d.lhs), e.int(&d.rhs))
        }
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

fn arc_sine_slope(x: Tensor) -> Tensor {
    Inner::float_recip(Inner::float_sqrt(parts::one_minus_square::<Inner>(x)))
}

/// The function `op` with the derivative `slope`.
fn sloped(
    x: FloatTensor<Reverse>,
    op: fn(Tensor) -> Tensor,
    slope: fn(Tensor) -> Tensor,
) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = op(x.clone());
    match Sloped
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x, slope), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Sloped;

impl Backward<Inner, 1> for Sloped {
    type State = (Tensor, fn(Tensor) -> Tensor);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, slope) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| {
            Inner::float_mul(g, slope(x))
        });
    }
}

/// The square root.
fn root(x: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = Inner::float_sqrt(x);
    match Root
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(output.clone(), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Root;

impl Backward<Inner, 1> for Root {
    type State = Tensor;

    fn backward(self, ops: Ops<Tensor, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let y = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| {
            parts::root_tangent::<Inner>(y, g)
        });
    }
}

/// `lhs^rhs`.
fn power(lhs: FloatTensor<Reverse>, rhs: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    let ((lhs, left), (rhs, right)) = (lhs.into_parts(), rhs.into_parts());
    let output = Inner::float_powf(lhs.clone(), rhs.clone());
    match Power
        .prepare::<NoCheckpointing>([left, right])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((lhs, rhs, output.clone()), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Power;

impl Backward<Inner, 2> for Power {
    type State = (Tensor, Tensor, Tensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (lhs, rhs, power) = ops.state;
        let (base, shapes) = (lhs.clone(), (lhs.shape(), rhs.shape()));
        binary::<Inner, _, _>(
            ops.parents,
            ops.node,
            grads,
            |g| {
                let slope = parts::power_slope::<Inner>(lhs, rhs);
                summed_to(Inner::float_mul(g, slope), &shapes.0)
            },
            |g| {
                let slope = parts::exponent_slope::<Inner>(base, power);
                summed_to(Inner::float_mul(g, slope), &shapes.1)
            },
        );
    }
}

/// `x^n` for integers `n`.
fn integer_power(x: FloatTensor<Reverse>, n: IntTensor<Inner>) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = Inner::float_powi(x.clone(), n.clone());
    match IntegerPower
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x, n), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct IntegerPower;

impl Backward<Inner, 1> for IntegerPower {
    type State = (Tensor, IntTensor<Inner>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, n) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| {
            let shape = x.shape();
            let slope = parts::integer_power_slope::<Inner>(x, n);
            summed_to(Inner::float_mul(g, slope), &shape)
        });
    }
}

/// `gradient`, summed over what an operand of shape `shape` was repeated along.
fn summed_to(gradient: Tensor, shape: &Shape) -> Tensor {
    (0..shape.num_dims()).fold(gradient, |gradient, dim| {
        match shape[dim] == 1 && gradient.shape()[dim] != 1 {
            true => Inner::float_sum_dim(gradient, dim),
            false => gradient,
        }
    })
}
