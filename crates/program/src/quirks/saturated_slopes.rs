//! Elementwise functions under reverse mode, at the ends of their range.
//!
//! - Fault: burn-autodiff differentiates `tanh`, `sigmoid`, `log_sigmoid`, `asin`, `acos`, `atanh` and `acosh` by `1 -
//!   y^2`, `y (1 - y)` and `1 - x^2`, differences of which nothing is left there. Burn 0.22.0 and 0.22.1.
//! - Way round: the slopes that backdraft-forward takes.
//! - It may go when `burn_still_loses_the_ends` in `crates/program/tests/program/saturation.rs` fails at the slopes.

use backdraft_forward::parts;
use burn_backend::{
    ops::{ActivationOps, FloatTensorOps},
    tensor::FloatTensor,
};
use burn_ir::{ActivationOperationIr as Activation, FloatOperationIr as Float, OperationIr};

use super::slopes::{Inner, InnerTensor, Reverse, with_pull};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

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
            _ => return None,
        },
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

fn arc_sine_slope(x: InnerTensor) -> InnerTensor {
    Inner::float_recip(Inner::float_sqrt(parts::one_minus_square::<Inner>(x)))
}

/// The function `op` with the derivative `slope`.
fn sloped(
    x: FloatTensor<Reverse>,
    op: fn(InnerTensor) -> InnerTensor,
    slope: fn(InnerTensor) -> InnerTensor,
) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = op(x.clone());
        (y, move |g| Inner::float_mul(g, slope(x.clone())))
    })
}
