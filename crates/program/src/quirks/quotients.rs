//! Quotients and logarithms under reverse mode, of small and of large numbers.
//!
//! - Fault: burn-autodiff's gradients of `div` and `recip` take the square of the divisor, that of `log` a reciprocal:
//!   they overflow, or are zero, where the slope is an ordinary number. Burn 0.22.0 and 0.22.1.
//! - Way round: the slopes by a division, and by the result.
//! - It may go when `burn_still_squares_divisors` in `crates/program/tests/program/saturation.rs` fails.

use backdraft_forward::parts;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, binary, unary},
};
use burn_backend::{Shape, TensorMetadata, ops::FloatTensorOps, tensor::FloatTensor};
use burn_capture::CaptureBackend;
use burn_ir::{FloatOperationIr as Float, NumericOperationIr as Numeric, OperationIr};

use super::slopes::{by_result, summed_to};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

type Inner = CaptureBackend;
type Reverse = Autodiff<Inner>;
type Tensor = FloatTensor<Inner>;

/// Runs `op` if it is a quotient or a logarithm.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    let value = match op {
        OperationIr::Float(_, Float::Recip(d)) => by_result(
            e.float(&d.input),
            Inner::float_recip,
            parts::reciprocal_tangent::<Inner>,
        ),
        OperationIr::Float(_, Float::Log(d)) => logarithm(e.float(&d.input), 0.0, Inner::float_log),
        OperationIr::Float(_, Float::Log1p(d)) => {
            logarithm(e.float(&d.input), 1.0, Inner::float_log1p)
        }
        OperationIr::NumericFloat(_, Numeric::Div(d)) => quotient(e.float(&d.lhs), e.float(&d.rhs)),
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

/// The logarithm of `x + shift`, computed by `op`.
fn logarithm(
    x: FloatTensor<Reverse>,
    shift: f64,
    op: fn(Tensor) -> Tensor,
) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = op(x.clone());
    match Logarithm
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x, shift), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Logarithm;

/// By a division: the reciprocal of a small number overflows where the quotient does not.
impl Backward<Inner, 1> for Logarithm {
    type State = (Tensor, f64);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, shift) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| {
            let x = match shift == 0.0 {
                true => x,
                false => Inner::float_add_scalar(x, shift.into()),
            };
            Inner::float_div(g, x)
        });
    }
}

/// `lhs / rhs`.
fn quotient(lhs: FloatTensor<Reverse>, rhs: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    let ((lhs, left), (rhs, right)) = (lhs.into_parts(), rhs.into_parts());
    let shapes = (lhs.shape(), rhs.shape());
    let output = Inner::float_div(lhs, rhs.clone());
    match Quotient
        .prepare::<NoCheckpointing>([left, right])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((rhs, output.clone(), shapes), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Quotient;

/// `g / rhs` and `-(g / rhs) y`: the square of `rhs` overflows, or is zero, where the quotient `y` is an ordinary
/// number.
impl Backward<Inner, 2> for Quotient {
    type State = (Tensor, Tensor, (Shape, Shape));

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (rhs, y, shapes) = ops.state;
        let divisor = rhs.clone();
        binary::<Inner, _, _>(
            ops.parents,
            ops.node,
            grads,
            |g| summed_to(Inner::float_div(g, divisor), &shapes.0),
            |g| {
                let slope = Inner::float_mul(Inner::float_div(g, rhs), y);
                summed_to(Inner::float_neg(slope), &shapes.1)
            },
        );
    }
}
