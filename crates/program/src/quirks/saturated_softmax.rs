//! Softmax and log-softmax under reverse mode, where a class has almost all of the probability.
//!
//! - Fault: burn-autodiff takes them apart, maximum included, and takes away almost all of a gradient at such a class.
//!   Burn 0.22.0 and 0.22.1.
//! - Way round: the rules of backdraft-forward.
//! - It may go when `of_softmax` in `crates/program/tests/program/saturation.rs` passes without it. No test tells by
//!   itself.

use backdraft_forward::parts::{Majority, deviation};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_backend::{Backend, ops::FloatTensorOps, tensor::FloatTensor};
use burn_capture::CaptureBackend;
use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use crate::ir::{environment::Env, error::ProgramError, value::Value};

type Reverse = Autodiff<CaptureBackend>;

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

/// Softmax along `dim`.
fn softmax<B: Backend>(x: FloatTensor<Autodiff<B>>, dim: usize) -> FloatTensor<Autodiff<B>> {
    let (x, node) = x.into_parts();
    let output = B::softmax(x, dim);
    match Softmax
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((output.clone(), dim), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

/// Log-softmax along `dim`.
fn log_softmax<B: Backend>(x: FloatTensor<Autodiff<B>>, dim: usize) -> FloatTensor<Autodiff<B>> {
    let (x, node) = x.into_parts();
    let output = B::log_softmax(x.clone(), dim);
    match LogSoftmax
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x, dim), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Softmax;

#[derive(Debug)]
struct LogSoftmax;

/// `y (g - sum g y)`: the matrix is symmetric.
impl<B: Backend> Backward<B, 1> for Softmax {
    type State = (FloatTensor<B>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (y, dim) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |g| {
            B::float_mul(y.clone(), deviation::<B>(y, g, dim))
        });
    }
}

/// `g - p sum g` with `p` the softmax.
impl<B: Backend> Backward<B, 1> for LogSoftmax {
    type State = (FloatTensor<B>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, dim) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |g| {
            of_log_softmax::<B>(B::softmax(x, dim), g, dim)
        });
    }
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
