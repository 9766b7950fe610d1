//! Logarithms of probabilities, to within rounding however near one those are, and so their gradients by Burn's reverse
//! mode.

use burn::backend::{Backend, Dispatch};
use burn::tensor::{Device, Int, Tensor, activation};

/// `log softmax` along the last dimension.
///
/// Burn's own (0.22) is `d - log(sum exp d)` with the distance `d` from the largest logit, which adds the one: the rest
/// of the sum is lost where it is below the precision of one.
pub(crate) fn log_softmax<const D: usize>(logits: Tensor<D>) -> Tensor<D> {
    let (last, shape) = (D - 1, logits.shape());
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

/// `log sigmoid`.
pub(crate) fn log_sigmoid<const D: usize>(logits: Tensor<D>) -> Tensor<D> {
    // Burn's derivative (0.22) takes one away from `1 + exp(-|x|)` everywhere but on burn-flex.
    if Dispatch::name(logits.device().as_dispatch()).contains("flex") {
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
    if !loses_small(&x.device()) {
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

/// Whether Burn (0.22) computes `log1p(x)` as the logarithm of `1 + x`: on graphics devices.
fn loses_small(device: &Device) -> bool {
    Dispatch::name(device.as_dispatch()).contains("cube")
}
