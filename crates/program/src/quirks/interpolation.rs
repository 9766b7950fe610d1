//! Interpolation as matrix products.
//!
//! - Fault: Burn's reverse pass of it knows few modes, on burn-ndarray and graphics devices only the nearest neighbour.
//!   Burn 0.22.1.
//! - Way round: the matrices that resize rows and columns, which are what Burn makes of unit vectors.
//! - It may go when `burn_still_does_not_resize_backwards` in `tests/tests/across/gpu.rs` fails.

use burn_backend::{
    Backend, DType, Shape, TensorData, TensorMetadata,
    ops::{InterpolateMode, InterpolateOptions},
    tensor::{Device, FloatTensor},
};

/// The planes of `x`, `[batch, channels, height, width]`, resized to `size`. Every mode treats rows and columns apart,
/// so that the result is `A x B'` with the matrices that resize columns and rows.
pub(crate) fn interpolate<B: Backend>(
    x: FloatTensor<B>,
    size: [usize; 2],
    options: InterpolateOptions,
    device: &Device<B>,
) -> FloatTensor<B> {
    if matches!(options.mode, InterpolateMode::Nearest) {
        return B::interpolate(x, size, options);
    }
    let shape = x.shape();
    let (planes, height, width) = (shape[0] * shape[1], shape[2], shape[3]);
    let dtype = x.dtype();
    let matrix = |from, to, axis| matrix::<B>(from, to, axis, &options, dtype, device);

    let rows = B::float_reshape(x, Shape::new([planes * height, width]));
    let wide = B::float_matmul(rows, matrix(width, size[1], 1));
    let wide = B::float_reshape(wide, Shape::new([planes, height, size[1]]));
    let down = B::float_swap_dims(matrix(height, size[0], 0), 0, 1);
    let down = B::float_reshape(down, Shape::new([1, size[0], height]));
    let down = B::float_expand(down, Shape::new([planes, size[0], height]));
    let resized = B::float_matmul(down, wide);
    B::float_reshape(resized, Shape::new([shape[0], shape[1], size[0], size[1]]))
}

/// What becomes of unit vectors along `axis`: `[from, to]`.
fn matrix<B: Backend>(
    from: usize,
    to: usize,
    axis: usize,
    options: &InterpolateOptions,
    dtype: DType,
    device: &Device<B>,
) -> FloatTensor<B> {
    let unit = |i: usize| f64::from(i / from == i % from);
    let units: Vec<f64> = (0..from * from).map(unit).collect();
    let (mut shape, mut size) = ([from, 1, 1, 1], [1, 1]);
    (shape[2 + axis], size[axis]) = (from, to);
    let units = TensorData::new(units, shape).convert_dtype(dtype);
    let resized = B::interpolate(B::float_from_data(units, device), size, options.clone());
    B::float_reshape(resized, Shape::new([from, to]))
}
