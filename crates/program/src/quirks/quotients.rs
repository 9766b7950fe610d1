//! Quotients and logarithms under reverse mode, of small and of large numbers.
//!
//! - Fault: burn-autodiff's gradients of `div` and `recip` take the square of the divisor, that of `log` a reciprocal:
//!   they overflow, or are zero, where the slope is an ordinary number. Burn 0.22.0 and 0.22.1.
//! - Way round: the slopes by a division, and by the result.
//! - It may go when `burn_still_squares_divisors` in `crates/program/tests/program/saturation.rs` fails.

use backdraft_forward::parts;
use burn_backend::{ops::FloatTensorOps, tensor::FloatTensor};
use burn_ir::{FloatOperationIr as Float, NumericOperationIr as Numeric, OperationIr};

use super::slopes::{Inner, InnerTensor, Reverse, by_result, with_pull, with_pulls};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

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
    op: fn(InnerTensor) -> InnerTensor,
) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = op(x.clone());
        // By a division: the reciprocal of a small number overflows where the quotient does not.
        let pull = move |g| {
            let x = match shift == 0.0 {
                true => x.clone(),
                false => Inner::float_add_scalar(x.clone(), shift.into()),
            };
            Inner::float_div(g, x)
        };
        (y, pull)
    })
}

/// `lhs / rhs`, whose gradients are `g / rhs` and `-(g / rhs) y`: the square of `rhs` overflows, or is zero, where the
/// quotient `y` is an ordinary number.
fn quotient(lhs: FloatTensor<Reverse>, rhs: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    with_pulls(lhs, rhs, |lhs, rhs| {
        let y = Inner::float_div(lhs, rhs.clone());
        let (divisor, quotient) = (rhs.clone(), y.clone());
        let by_divisor = move |g| {
            let slope = Inner::float_mul(Inner::float_div(g, rhs.clone()), quotient.clone());
            Inner::float_neg(slope)
        };
        (y, move |g| Inner::float_div(g, divisor.clone()), by_divisor)
    })
}
