//! Steps that put elements elsewhere.

use std::array;

use burn::tensor::{IndexingUpdateOp, Tensor, ops::PadMode, s};

use super::steps::{Step, indices};

pub(crate) fn steps<const D: usize>() -> Vec<Step<D>> {
    vec![
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
        |c, there| c.tensor(there).flip([c.below(D) as isize]),
        |c, there| c.tensor(there).repeat_dim(c.below(D), 2),
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let start = c.below(x.dims()[dim]);
            x.narrow(dim, start, 1)
        },
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            x.slice_dim(dim, s![..;2])
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
        |c, there| {
            let x = c.tensor(there);
            let dims = x.dims();
            let y = c.fitting(there, |other| (0..D).all(|i| other[i] <= dims[i]));
            let y = y.unwrap_or(x.clone());
            let ranges = y.dims().map(|len| 0..len);
            x.slice_assign(ranges, y)
        },
        |c, there| {
            let x = c.tensor(there);
            let padding = [(0, c.below(2)), (c.below(3), 1)];
            let mode = [PadMode::Constant(0.3), PadMode::Edge][c.below(2)];
            let mut all = [(0, 0); D];
            all[D - 2..].copy_from_slice(&padding);
            x.pad(all, mode)
        },
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
            let indices = indices(c, x.dims(), x.dims()[dim], &x.device());
            let y = c.fitting(there, |dims| dims == x.dims());
            let y = y.unwrap_or(x.clone()) * 0.3;
            x.scatter(dim, indices, y, IndexingUpdateOp::Add)
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
            let dim = c.below(D);
            let below = x.dims()[dim];
            let indices = indices(c, [below], below, &x.device());
            let y = c.fitting(there, |dims| dims == x.dims());
            let y = y.unwrap_or(x.clone()) * 0.3;
            x.select_assign(dim, indices, y, IndexingUpdateOp::Add)
        },
    ]
}
