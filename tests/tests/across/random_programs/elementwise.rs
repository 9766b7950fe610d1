//! Steps that compute each element by itself, of one tensor or of two that fit.

use burn::tensor::{Tensor, activation};

use super::{
    choices::Choices,
    steps::{Step, fit},
};

pub(crate) fn steps<const D: usize>() -> Vec<Step<D>> {
    vec![
        |c, there| c.tensor(there).tanh(),
        |c, there| -c.tensor(there),
        |c, there| activation::relu(c.tensor(there)),
        |c, there| activation::sigmoid(c.tensor(there)),
        |c, there| activation::gelu(c.tensor(there)),
        |c, there| activation::silu(c.tensor(there)),
        |c, there| activation::log_sigmoid(c.tensor(there)) * 0.5,
        |c, there| activation::softplus(c.tensor(there), 2.0),
        |c, there| activation::leaky_relu(c.tensor(there), 0.1),
        |c, there| activation::elu(c.tensor(there), 0.7),
        |c, there| activation::hard_sigmoid(c.tensor(there), 0.2, 0.5),
        |c, there| c.tensor(there).sin() + 0.5,
        |c, there| c.tensor(there).erf(),
        |c, there| c.tensor(there).abs().log1p(),
        |c, there| (c.tensor(there).square() + 0.5).sqrt(),
        |c, there| (c.tensor(there).abs() + 0.5).recip(),
        |c, there| (c.tensor(there).tanh() + 1.5).powf_scalar(1.3),
        |c, there| c.tensor(there).tanh().powi_scalar(3),
        |c, there| c.tensor(there).clamp(-0.6, 0.7),
        |c, there| {
            let x = c.tensor(there);
            (x.clone() * 0.5).exp().log() + x * 0.25
        },
        |c, there| {
            let x = c.tensor(there);
            let mask = x.clone().greater_elem(0.137);
            x.mask_fill(mask, 0.5)
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
            x / (y.abs() + 1.0)
        },
        |c, there| {
            let [x, y] = pair(c, there);
            (x.tanh() + 1.5).powf(y.tanh())
        },
        |c, there| {
            let [x, y] = pair(c, there);
            x.max_pair(y)
        },
        |c, there| {
            let [x, y] = pair(c, there);
            x.min_pair(y)
        },
        |c, there| {
            let x = c.tensor(there);
            let y = c.fitting(there, |dims| dims == x.dims());
            let mask = x.clone().lower_elem(0.137);
            x.clone().mask_where(mask, y.unwrap_or(x))
        },
    ]
}

fn pair<const D: usize>(c: &mut Choices, there: &[Tensor<D>]) -> [Tensor<D>; 2] {
    let x = c.tensor(there);
    let dims = x.dims();
    let y = c.fitting(there, |other| fit(&other, &dims));
    [x.clone(), y.unwrap_or(x)]
}
