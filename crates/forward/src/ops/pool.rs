//! Pooling by maximum.

use burn_backend::tensor::{FloatTensor, IntTensor};
use burn_backend::{Backend, Shape, TensorMetadata};

/// The tangents at `indices`, which count the elements of each plane `[batch, channel]` of the input.
pub(super) fn taken<B: Backend>(tangent: FloatTensor<B>, indices: IntTensor<B>) -> FloatTensor<B> {
    let (from, to) = (tangent.shape(), indices.shape());
    let tangent = B::float_reshape(tangent, planes(&from));
    let indices = B::int_reshape(indices, planes(&to));
    B::float_reshape(B::float_gather(1, tangent, indices), to)
}

/// One row a plane: backends are quickest at gathering in two dimensions.
fn planes(shape: &Shape) -> Shape {
    let rest = shape.iter().skip(2).product();
    Shape::new([shape[0] * shape[1], rest])
}
