//! Logarithms of probabilities near one, and their derivatives where Burn computes at once and differentiates itself.
//!
//! - Fault: those of [`log_softmax`](super::log_softmax), [`log_sigmoid`](super::log_sigmoid) and
//!   [`log1p`](super::log1p), and the derivatives of all but burn-flex, which take one away from `1 + exp(-|x|)`. Burn
//!   0.22.0 and 0.22.1.
//! - Way round: formulas of which Burn's derivatives are right too. A trace keeps Burn's functions, whose own ways
//!   round are cheaper.
//! - They may go with those files.

use burn::{
    backend::DispatchDevice,
    tensor::{Int, Tensor, activation},
};

use super::device::{is_cube, is_flex};

/// `log softmax` along the last dimension, and its derivative by any means, to within rounding however near one a
/// probability is.
pub fn log_softmax<const D: usize>(logits: Tensor<D>) -> Tensor<D> {
    let (last, shape) = (D - 1, logits.shape());
    if is_traced(&logits) {
        return activation::log_softmax(logits, last);
    }
    let likeliest = logits.clone().argmax(last).expand(shape.clone());
    let mut along = [1; D];
    along[last] = shape[last];
    let places = Tensor::<1, Int>::arange(0..shape[last] as i64, &logits.device());
    let likeliest = places.reshape(along).expand(shape).equal(likeliest);
    // By a mask, not looked up: on graphics devices, lookups of one element a row may be another row's (Burn 0.22).
    let largest = logits.clone().mask_fill(likeliest.clone().bool_not(), 0.0);
    // The likeliest class has no distance from itself: what its logit does, it does through the others, and no digits
    // cancel.
    let distance = (logits - largest.sum_dim(last)).mask_fill(likeliest.clone(), 0.0);
    let others = distance.clone().exp().mask_fill(likeliest, 0.0);
    distance - log1p(others.sum_dim(last))
}

/// `log sigmoid`, and its derivative by any means, to within rounding however near one the probability is.
pub fn log_sigmoid<const D: usize>(logits: Tensor<D>) -> Tensor<D> {
    if is_traced(&logits) || is_flex(&computing(&logits)) {
        return activation::log_sigmoid(logits);
    }
    // The smaller of `x` and zero, less `log(1 + exp(-|x|))`, with no kink at zero.
    let positive = logits.clone().greater_elem(0.0);
    let below = logits.clone().mask_fill(positive.clone(), 0.0);
    let distance = logits.clone().mask_where(positive, -logits);
    below - log1p(distance.exp())
}

/// `log(1 + x)` for `x` from zero on.
fn log1p<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if !is_cube(&computing(&x)) {
        return x.log1p();
    }
    // `2 atanh(s)` by its series, which for `x` up to 1/2 ends below the precision of 32 bits.
    let s = x.clone() / (x.clone() + 2.0);
    let square = s.clone().square();
    let series = (0..7).rev().fold(square.ones_like() / 15.0, |sum, k| {
        sum * square.clone() + 1.0 / f64::from(2 * k + 1)
    });
    let large = x.clone().greater_elem(0.5);
    (series * s * 2.0).mask_where(large, x.log1p())
}

fn is_traced<const D: usize>(tensor: &Tensor<D>) -> bool {
    matches!(computing(tensor), DispatchDevice::Capture(_))
}

/// The tensor's device without Burn's reverse mode.
fn computing<const D: usize>(tensor: &Tensor<D>) -> DispatchDevice {
    tensor.device().without_autodiff().as_dispatch().clone()
}
