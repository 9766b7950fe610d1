//! Steps on tensors of any number of dimensions.

use std::array;

use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};

use crate::choices::Choices;

/// Makes a tensor of those that are there. Numbers stay below ten or so where those are.
pub(crate) type Step<const D: usize> = fn(&mut Choices, &[Tensor<D>]) -> Tensor<D>;

/// The steps for any number of dimensions from two on; the simplest are first.
pub(crate) fn steps<const D: usize>() -> Vec<Step<D>> {
    vec![
        |c, there| c.tensor(there).tanh(),
        |c, there| -c.tensor(there),
        |c, there| activation::relu(c.tensor(there)),
        |c, there| activation::sigmoid(c.tensor(there)),
        |c, there| {
            let x = c.tensor(there);
            (x.clone() * 0.5).exp().log() + x * 0.25
        },
        |c, there| {
            let [x, y] = pair(c, there);
            (x + y) * 0.7
        },
        |c, there| {
            let [x, y] = pair(c, there);
            x - y
        },
        |c, there| {
            let [x, y] = pair(c, there);
            (x * y).tanh()
        },
        |c, there| {
            let [x, y] = pair(c, there);
            x.max_pair(y)
        },
        |c, there| {
            let x = c.tensor(there);
            let mask = x.clone().greater_elem(0.137);
            x.mask_fill(mask, 0.5)
        },
        |c, there| {
            let x = c.tensor(there);
            let y = c.fitting(there, |dims| dims == x.dims());
            let mask = x.clone().lower_elem(0.137);
            x.clone().mask_where(mask, y.unwrap_or(x))
        },
        |c, there| c.tensor(there).sum_dim(c.below(D)) * 0.3,
        |c, there| c.tensor(there).mean_dim(c.below(D)),
        |c, there| c.tensor(there).max_dim(c.below(D)),
        |c, there| activation::log_softmax(c.tensor(there), D - 1) * 0.5,
        |c, there| activation::softmax(c.tensor(there), c.below(D)),
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let mean = x.clone().mean_dim(dim);
            let centred = x - mean;
            let variance = centred.clone().square().mean_dim(dim);
            centred / (variance + 0.3).sqrt()
        },
        |c, there| c.tensor(there).swap_dims(c.below(D), c.below(D)),
        |c, there| {
            let x = c.tensor(there);
            let mut axes: [usize; D] = array::from_fn(|i| i);
            (1..D).for_each(|i| axes.swap(i, c.below(i + 1)));
            x.permute(axes.map(|axis| axis as isize))
        },
        |c, there| {
            let x = c.tensor(there);
            let mut dims = x.dims();
            dims.reverse();
            x.reshape(dims)
        },
        |c, there| {
            let x = c.tensor(there);
            let mut dims = x.dims();
            dims.rotate_left(1);
            x.reshape(dims)
        },
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let start = c.below(x.dims()[dim]);
            x.narrow(dim, start, 1)
        },
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let dims = x.dims();
            let y = c.fitting(there, |other| {
                (0..D).all(|i| i == dim || other[i] == dims[i])
            });
            let both = Tensor::cat(vec![x.clone(), y.unwrap_or(x)], dim);
            both.narrow(dim, c.below(2), dims[dim])
        },
        |c, there| c.tensor(there).flip([c.below(D) as isize]),
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let mut dims = x.dims();
            let below = dims[dim];
            dims[dim] = [1, below, below.div_ceil(2)][c.below(3)];
            let indices = indices(c, dims, below, &x.device());
            x.gather(dim, indices)
        },
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let largest = x.clone().argmax(dim);
            x.gather(dim, largest)
        },
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let below = x.dims()[dim];
            let count = [1, below, 5][c.below(3)];
            let indices = indices(c, [count], below, &x.device());
            x.select(dim, indices)
        },
        |c, there| {
            let x = c.tensor(there);
            let dims = x.dims();
            let y = c.fitting(there, |other| {
                other[D - 2] == dims[D - 1] && fit(&other[..D - 2], &dims[..D - 2])
            });
            match y {
                Some(y) => x.matmul(y) * 0.4,
                None => x.clone().matmul(x.transpose()) * 0.4,
            }
        },
    ]
}

/// Whether such tensors can be added.
pub(crate) fn fit(a: &[usize], b: &[usize]) -> bool {
    let mut dims = a.iter().zip(b);
    dims.all(|(a, b)| a == b || *a == 1 || *b == 1)
}

fn pair<const D: usize>(c: &mut Choices, there: &[Tensor<D>]) -> [Tensor<D>; 2] {
    let x = c.tensor(there);
    let dims = x.dims();
    let y = c.fitting(there, |other| fit(&other, &dims));
    [x.clone(), y.unwrap_or(x)]
}

/// Indices of this shape into a dimension of `below`.
pub(crate) fn indices<const D: usize>(
    c: &mut Choices,
    dims: [usize; D],
    below: usize,
    device: &Device,
) -> Tensor<D, Int> {
    let start = c.below(below);
    let count: usize = dims.iter().product();
    let indices = (0..count).map(|i| ((start + i * i) % below) as i32);
    let data = TensorData::new(indices.collect::<Vec<_>>(), dims);
    Tensor::from_data(data, (device, DType::I32))
}
