//! Softmax and log-softmax under reverse mode, differentiated from their outputs, the way backdraft-forward does it; Burn's reverse
//! mode takes them apart, maximum included.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_backend::{Backend, tensor::FloatTensor};

/// Softmax along `dim`.
pub(super) fn softmax<B: Backend>(
    x: FloatTensor<Autodiff<B>>,
    dim: usize,
) -> FloatTensor<Autodiff<B>> {
    by_output::<B, _>(x, Softmax, dim, B::softmax)
}

/// Log-softmax along `dim`.
pub(super) fn log_softmax<B: Backend>(
    x: FloatTensor<Autodiff<B>>,
    dim: usize,
) -> FloatTensor<Autodiff<B>> {
    by_output::<B, _>(x, LogSoftmax, dim, B::log_softmax)
}

/// An operation along `dim` whose gradient `rule` computes from the output.
fn by_output<B, R>(
    x: FloatTensor<Autodiff<B>>,
    rule: R,
    dim: usize,
    op: impl FnOnce(FloatTensor<B>, usize) -> FloatTensor<B>,
) -> FloatTensor<Autodiff<B>>
where
    B: Backend,
    R: Backward<B, 1, State = (FloatTensor<B>, usize)>,
{
    let (x, node) = x.into_parts();
    let output = op(x, dim);
    match rule
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((output.clone(), dim), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Softmax;

#[derive(Debug)]
struct LogSoftmax;

/// `y (g - sum g y)`.
impl<B: Backend> Backward<B, 1> for Softmax {
    type State = (FloatTensor<B>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (y, dim) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |g| {
            let mean = B::float_sum_dim(B::float_mul(g.clone(), y.clone()), dim);
            B::float_mul(y, B::float_sub(g, mean))
        });
    }
}

/// `g - exp(y) sum g`, with the sum negated rather than the product: it is smaller.
impl<B: Backend> Backward<B, 1> for LogSoftmax {
    type State = (FloatTensor<B>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (y, dim) = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |g| {
            let sum = B::float_neg(B::float_sum_dim(g.clone(), dim));
            B::float_add(g, B::float_mul(B::float_exp(y), sum))
        });
    }
}
