//! Deformable convolution, composed of operations that have derivatives of every order.
//!
//! - Fault: burn-autodiff's reverse pass of it has no derivative of its own, and burn-flex computes it in f32 whatever
//!   the type. Burn 0.22.1.
//! - Way round: samples are gathered, weighted and multiplied by the kernel as a matrix.
//! - It may go when reverse mode can be differentiated: `layers_without_a_reverse_mode_on_every_device` in
//!   `tests/tests/across/gpu.rs` then passes without it. No test tells by itself.

use burn_backend::{
    Backend, Scalar, Shape, Slice, TensorData, TensorMetadata, get_or_init_device_settings,
    ops::DeformConvOptions,
    tensor::{BoolTensor, Device, FloatTensor, IntTensor},
};

/// The convolution of `x`, `[batch, channels_in, height, width]`, sampled bilinearly at moved positions, with zeros
/// outside (Zhu et al. 2018, "Deformable ConvNets v2").
pub(crate) fn deform_conv2d<B: Backend>(
    x: FloatTensor<B>,
    offset: FloatTensor<B>,
    weight: FloatTensor<B>,
    mask: Option<FloatTensor<B>>,
    bias: Option<FloatTensor<B>>,
    options: DeformConvOptions<2>,
    device: &Device<B>,
) -> FloatTensor<B> {
    let [batch, channels_in, height, width] = sizes(&x.shape());
    let [channels_out, _, kernel_h, kernel_w] = sizes(&weight.shape());
    let [_, _, out_h, out_w] = sizes(&offset.shape());
    let (kernel, positions) = (kernel_h * kernel_w, out_h * out_w);
    let (groups, samples) = (options.offset_groups, kernel * positions);
    let reshape = |t, shape: &[usize]| B::float_reshape(t, Shape::from(shape.to_vec()));

    // Where each sample is taken: `[batch, offset_groups, samples]`.
    let offset = reshape(offset, &[batch, groups, kernel, 2, positions]);
    let place = |axis: usize| {
        let mut part = [batch, groups, kernel, 2, positions].map(|size| Slice::from(0..size));
        part[3] = Slice::from(axis..axis + 1);
        let moved = reshape(
            B::float_slice(offset.clone(), &part),
            &[batch, groups, samples],
        );
        let grid = grid(axis, [kernel_h, kernel_w], [out_h, out_w], &options);
        let grid = TensorData::new(grid, [1, 1, samples]).convert_dtype(moved.dtype());
        B::float_add(moved, B::float_from_data(grid, device))
    };
    let planes = reshape(x, &[batch, groups, channels_in / groups, height * width]);
    let coordinates = [(place(0), height), (place(1), width)];
    let mut sampled = samples_of::<B>(
        planes,
        coordinates.map(|(at, len)| Coordinates::new(at, len)),
    );
    if let Some(mask) = mask {
        let mask = reshape(mask, &[batch, groups, 1, samples]);
        let mask = B::float_expand(mask, sampled.shape());
        sampled = B::float_mul(sampled, mask);
    }

    // One matrix product a group of weights.
    let groups = options.weight_groups;
    let (rows, inner) = (channels_out / groups, channels_in / groups * kernel);
    let columns = reshape(sampled, &[batch, groups, inner, positions]);
    let weight = reshape(weight, &[1, groups, rows, inner]);
    let weight = B::float_expand(weight, Shape::new([batch, groups, rows, inner]));
    let out = reshape(
        B::float_matmul(weight, columns),
        &[batch, channels_out, out_h, out_w],
    );
    match bias {
        Some(bias) => B::float_add(out, reshape(bias, &[1, channels_out, 1, 1])),
        None => out,
    }
}

/// The `planes`, `[batch, offset_groups, channels, height * width]`, at some coordinates, as the weighted sum of the
/// four neighbours: `[batch, offset_groups, channels, samples]`.
fn samples_of<B: Backend>(
    planes: FloatTensor<B>,
    [vertical, horizontal]: [Coordinates<B>; 2],
) -> FloatTensor<B> {
    let [batch, groups, channels, _] = sizes(&planes.shape());
    let samples = vertical.below.shape()[2];
    let (one, all) = (
        Shape::new([batch, groups, 1, samples]),
        Shape::new([batch, groups, channels, samples]),
    );
    let neighbour = |(down, right)| {
        let (row, column) = (vertical.neighbour(down), horizontal.neighbour(right));
        let index = B::int_add(B::int_mul_scalar(row.0, horizontal.length.into()), column.0);
        let index = B::int_expand(B::int_reshape(index, one.clone()), all.clone());
        let weight = B::float_reshape(B::float_mul(row.1, column.1), one.clone());
        let values = B::float_gather(3, planes.clone(), index);
        B::float_mul(values, B::float_expand(weight, all.clone()))
    };
    let neighbours = [(false, false), (false, true), (true, false), (true, true)];
    let sum = neighbours.into_iter().map(neighbour).reduce(B::float_add);
    sum.expect("there are four neighbours")
}

fn sizes(shape: &Shape) -> [usize; 4] {
    std::array::from_fn(|i| shape[i])
}

/// The undisturbed coordinate of every sample along `axis`, by kernel element and then output position.
fn grid(
    axis: usize,
    kernel: [usize; 2],
    out: [usize; 2],
    options: &DeformConvOptions<2>,
) -> Vec<f64> {
    let mut grid = Vec::with_capacity(kernel.iter().chain(&out).product());
    for k in 0..kernel[0] * kernel[1] {
        let k = [k / kernel[1], k % kernel[1]][axis];
        for o in 0..out[0] * out[1] {
            let o = [o / out[1], o % out[1]][axis];
            let start = o * options.stride[axis] + k * options.dilation[axis];
            grid.push(start as f64 - options.padding[axis] as f64);
        }
    }
    grid
}

/// Coordinates along one axis: the cell below each and how far into the next it lies.
struct Coordinates<B: Backend> {
    below: FloatTensor<B>,
    fraction: FloatTensor<B>,
    length: i64,
}

impl<B: Backend> Coordinates<B> {
    fn new(place: FloatTensor<B>, length: usize) -> Self {
        let below = B::float_floor(place.clone());
        Self {
            fraction: B::float_sub(place, below.clone()),
            below,
            length: length as i64,
        }
    }

    /// The cell at or after each coordinate, and its weight: zero outside.
    fn neighbour(&self, after: bool) -> (IntTensor<B>, FloatTensor<B>) {
        let (cell, weight) = if after {
            (
                B::float_add_scalar(self.below.clone(), 1.0.into()),
                self.fraction.clone(),
            )
        } else {
            let rest = B::float_neg(self.fraction.clone());
            (self.below.clone(), B::float_add_scalar(rest, 1.0.into()))
        };
        let last = Scalar::from(self.length as f64 - 1.0);
        let settings = get_or_init_device_settings::<B>(&cell.device());
        let outside = |mask: BoolTensor<B>, weight| B::float_mask_fill(weight, mask, 0.0.into());
        let before = B::float_lower_elem(cell.clone(), 0.0.into(), settings.bool_dtype);
        let past = B::float_greater_elem(cell.clone(), last, settings.bool_dtype);
        let weight = outside(past, outside(before, weight));
        let cell = B::float_clamp(cell, 0.0.into(), last);
        (B::float_into_int(cell, settings.int_dtype), weight)
    }
}
