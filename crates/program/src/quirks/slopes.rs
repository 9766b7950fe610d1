//! Operations with a reverse pass of their own.

use std::{fmt, sync::Arc};

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, binary, unary},
};
use burn_backend::{Shape, TensorMetadata, ops::FloatTensorOps, tensor::FloatTensor};
use burn_capture::CaptureBackend;

/// The backend that reverse mode runs on when a program is differentiated, and its tensors.
pub(crate) type Inner = CaptureBackend;
pub(crate) type InnerTensor = FloatTensor<Inner>;

/// Reverse mode.
pub(crate) type Reverse = Autodiff<Inner>;

/// From a gradient of what an operation gave to that of what it was given.
#[derive(Clone)]
struct Pull(Arc<dyn Fn(InnerTensor) -> InnerTensor + Send + Sync>);

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pull")
    }
}

/// What `op` makes of `x`, with how it pulls a gradient of it back.
pub(crate) fn with_pull<F>(
    x: FloatTensor<Reverse>,
    op: impl FnOnce(InnerTensor) -> (InnerTensor, F),
) -> FloatTensor<Reverse>
where
    F: Fn(InnerTensor) -> InnerTensor + Send + Sync + 'static,
{
    let (x, node) = x.into_parts();
    let (y, pull) = op(x);
    match Pulled
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(Pull(Arc::new(pull)), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

#[derive(Debug)]
struct Pulled;

impl Backward<Inner, 1> for Pulled {
    type State = Pull;

    fn backward(self, ops: Ops<Pull, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let Pull(pull) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, &*pull);
    }
}

/// What `op` makes of `lhs` and `rhs`, which may be repeated along dimensions of size one, with how it pulls a gradient
/// of it back to each.
pub(super) fn with_pulls<F, G>(
    lhs: FloatTensor<Reverse>,
    rhs: FloatTensor<Reverse>,
    op: impl FnOnce(InnerTensor, InnerTensor) -> (InnerTensor, F, G),
) -> FloatTensor<Reverse>
where
    F: Fn(InnerTensor) -> InnerTensor + Send + Sync + 'static,
    G: Fn(InnerTensor) -> InnerTensor + Send + Sync + 'static,
{
    let ((lhs, left), (rhs, right)) = (lhs.into_parts(), rhs.into_parts());
    let (to_left, to_right) = (lhs.shape(), rhs.shape());
    let (y, pull_left, pull_right) = op(lhs, rhs);
    let pulls = [
        Pull(Arc::new(move |g| summed_to(pull_left(g), &to_left))),
        Pull(Arc::new(move |g| summed_to(pull_right(g), &to_right))),
    ];
    match PulledApart
        .prepare::<NoCheckpointing>([left, right])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(pulls, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

#[derive(Debug)]
struct PulledApart;

impl Backward<Inner, 2> for PulledApart {
    type State = [Pull; 2];

    fn backward(self, ops: Ops<[Pull; 2], 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [Pull(left), Pull(right)] = ops.state;
        binary::<Inner, _, _>(ops.parents, ops.node, grads, &*left, &*right);
    }
}

/// The function `op`, whose `tangent` is one of its result and the tangent that comes in.
pub(super) fn by_result(
    x: FloatTensor<Reverse>,
    op: fn(InnerTensor) -> InnerTensor,
    tangent: fn(InnerTensor, InnerTensor) -> InnerTensor,
) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = op(x);
        (y.clone(), move |g| tangent(y.clone(), g))
    })
}

/// `gradient`, summed over what an operand of shape `shape` was repeated along.
fn summed_to(gradient: InnerTensor, shape: &Shape) -> InnerTensor {
    (0..shape.num_dims()).fold(gradient, |gradient, dim| {
        match shape[dim] == 1 && gradient.shape()[dim] != 1 {
            true => Inner::float_sum_dim(gradient, dim),
            false => gradient,
        }
    })
}
