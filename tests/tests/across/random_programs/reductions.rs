//! Steps that compute an element from several.

use burn::tensor::activation;

use super::steps::{Step, fit};

pub(crate) fn steps<const D: usize>() -> Vec<Step<D>> {
    vec![
        |c, there| c.tensor(there).sum_dim(c.below(D)) * 0.3,
        |c, there| c.tensor(there).mean_dim(c.below(D)),
        |c, there| c.tensor(there).max_dim(c.below(D)),
        |c, there| c.tensor(there).min_dim(c.below(D)),
        |c, there| c.tensor(there).max_abs_dim(c.below(D)),
        |c, there| c.tensor(there).tanh().prod_dim(c.below(D)),
        |c, there| c.tensor(there).var_bias(c.below(D)),
        |c, there| c.tensor(there).cumsum(c.below(D)) * 0.5,
        |c, there| c.tensor(there).tanh().cumprod(c.below(D)),
        |c, there| c.tensor(there).sort(c.below(D)),
        |c, there| activation::log_softmax(c.tensor(there), D - 1) * 0.5,
        |c, there| activation::log_softmax(c.tensor(there), c.below(D)) * 0.5,
        |c, there| activation::softmax(c.tensor(there), c.below(D)),
        |c, there| {
            let x = c.tensor(there);
            let dim = c.below(D);
            let mean = x.clone().mean_dim(dim);
            let centred = x - mean;
            let variance = centred.clone().square().mean_dim(dim);
            centred / (variance + 0.3).sqrt()
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
        |c, there| {
            let x = c.tensor(there);
            let dims = x.dims();
            let y = c.fitting(there, |other| {
                other[D - 1] == dims[D - 1] && fit(&other[..D - 2], &dims[..D - 2])
            });
            x.clone().matmul(y.unwrap_or(x).transpose()) * 0.4
        },
    ]
}
