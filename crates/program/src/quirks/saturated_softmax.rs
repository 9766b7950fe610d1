//! Softmax and log-softmax under reverse mode, where a class has almost all of the probability.
//!
//! - Fault: burn-autodiff takes them apart, maximum included, and takes away almost all of a gradient at such a class.
//!   Burn 0.22.0 and 0.22.1.
//! - Way round: the rules of backdraft-forward.
//! - It may go when `of_softmax` in `crates/program/tests/program/saturation.rs` passes without it. No test tells by
//!   itself.

use backdraft_forward::parts::{Majority, deviation};
use burn_backend::{
    Backend,
    ops::{ActivationOps, FloatTensorOps},
    tensor::FloatTensor,
};
use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use super::slopes::{Inner, Reverse, with_pull};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

/// Runs `op` if it is one of these.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    let OperationIr::Activation(op) = op else {
        return None;
    };
    let value = match op {
        Activation::Softmax(d) => softmax(e.float(&d.input), d.axis),
        Activation::Softmin(d) => softmax(Reverse::float_neg(e.float(&d.input)), d.axis),
        Activation::LogSoftmax(d) => log_softmax(e.float(&d.input), d.axis),
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

/// Softmax `y` along `dim`, which pulls `g` back to `y (g - sum g y)`: the matrix is symmetric.
fn softmax(x: FloatTensor<Reverse>, dim: usize) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = Inner::softmax(x, dim);
        (y.clone(), move |g| {
            Inner::float_mul(y.clone(), deviation::<Inner>(y.clone(), g, dim))
        })
    })
}

/// Log-softmax along `dim`, which pulls `g` back to `g - p sum g` with `p` the softmax.
fn log_softmax(x: FloatTensor<Reverse>, dim: usize) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = Inner::log_softmax(x.clone(), dim);
        (y, move |g| {
            of_log_softmax::<Inner>(Inner::softmax(x.clone(), dim), g, dim)
        })
    })
}

/// `g - p sum g`. At a class with most of the probability that would take from `g` almost all of it; there it is
/// `g (1 - p) - p (sum of the other g)`, with the sum of the other probabilities for `1 - p`.
fn of_log_softmax<B: Backend>(p: FloatTensor<B>, g: FloatTensor<B>, dim: usize) -> FloatTensor<B> {
    let majority = Majority::<B>::of(p.clone(), dim);
    let (p_major, g_major) = (majority.element(p.clone()), majority.element(g.clone()));
    let without = |x, element: &FloatTensor<B>| majority.add(x, B::float_neg(element.clone()));
    let (p, g) = (without(p, &p_major), without(g, &g_major));
    let (p_others, g_others) = (
        B::float_sum_dim(p.clone(), dim),
        B::float_sum_dim(g.clone(), dim),
    );
    let total = B::float_add(g_others.clone(), g_major.clone());
    let others = B::float_sub(g, B::float_mul(p, total));
    let major = B::float_sub(
        B::float_mul(g_major, p_others),
        B::float_mul(p_major, g_others),
    );
    majority.add(others, major)
}
