//! What operations with a slope of their own under reverse mode share.

use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_backend::{Shape, TensorMetadata, ops::FloatTensorOps, tensor::FloatTensor};
use burn_capture::CaptureBackend;

type Inner = CaptureBackend;
type Reverse = Autodiff<Inner>;
type Tensor = FloatTensor<Inner>;

/// The function `op`, whose `tangent` is one of its result and the tangent that comes in.
pub(super) fn by_result(
    x: FloatTensor<Reverse>,
    op: fn(Tensor) -> Tensor,
    tangent: fn(Tensor, Tensor) -> Tensor,
) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = op(x);
    match ByResult
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((output.clone(), tangent), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct ByResult;

impl Backward<Inner, 1> for ByResult {
    type State = (Tensor, fn(Tensor, Tensor) -> Tensor);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (y, tangent) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| tangent(y, g));
    }
}

/// `gradient`, summed over what an operand of shape `shape` was repeated along.
pub(super) fn summed_to(gradient: Tensor, shape: &Shape) -> Tensor {
    (0..shape.num_dims()).fold(gradient, |gradient, dim| {
        match shape[dim] == 1 && gradient.shape()[dim] != 1 {
            true => Inner::float_sum_dim(gradient, dim),
            false => gradient,
        }
    })
}
