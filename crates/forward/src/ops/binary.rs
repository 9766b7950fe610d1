//! Functions of two tensors that are not linear in each, and sums. All broadcast.

use burn_backend::tensor::FloatTensor;
use burn_backend::{Backend, TensorMetadata};

use super::elementwise::square;
use crate::rules::expand_to;
use crate::{DualTensor, parts};

/// `lhs + rhs`.
pub(super) fn add<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    let primal = B::float_add(lhs.primal, rhs.primal);
    let tangent = match (lhs.tangent, rhs.tangent) {
        (Some(dlhs), Some(drhs)) => Some(B::float_add(dlhs, drhs)),
        (Some(t), None) | (None, Some(t)) => Some(expand_to::<B>(t, primal.shape())),
        (None, None) => None,
    };
    DualTensor::join(primal, tangent)
}

/// `lhs - rhs`.
pub(super) fn sub<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    let primal = B::float_sub(lhs.primal, rhs.primal);
    let tangent = match (lhs.tangent, rhs.tangent) {
        (Some(dlhs), Some(drhs)) => Some(B::float_sub(dlhs, drhs)),
        (Some(dlhs), None) => Some(expand_to::<B>(dlhs, primal.shape())),
        (None, Some(drhs)) => Some(expand_to::<B>(B::float_neg(drhs), primal.shape())),
        (None, None) => None,
    };
    DualTensor::join(primal, tangent)
}

/// `y = lhs / rhs`: `(dlhs - y drhs) / rhs`.
pub(super) fn div<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    by_rule(lhs, rhs, B::float_div, |_, rhs, y, dlhs, drhs| {
        let numerator = match (dlhs, drhs) {
            (Some(dlhs), Some(drhs)) => B::float_sub(dlhs, B::float_mul(y, drhs)),
            (Some(dlhs), None) => dlhs,
            (None, Some(drhs)) => B::float_neg(B::float_mul(y, drhs)),
            (None, None) => return None,
        };
        Some(B::float_div(numerator, rhs))
    })
}

/// `lhs - floor(lhs / rhs) rhs`: `dlhs - floor(lhs / rhs) drhs`.
pub(super) fn remainder<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    by_rule(lhs, rhs, B::float_remainder, |lhs, rhs, y, dlhs, drhs| {
        let wrapped = drhs.map(|drhs| B::float_mul(B::float_floor(B::float_div(lhs, rhs)), drhs));
        match (dlhs, wrapped) {
            (Some(dlhs), Some(wrapped)) => Some(B::float_sub(dlhs, wrapped)),
            (Some(dlhs), None) => Some(expand_to::<B>(dlhs, y.shape())),
            (None, wrapped) => wrapped.map(B::float_neg),
        }
    })
}

/// `y = lhs^rhs`: `rhs lhs^(rhs-1) dlhs + y log(lhs) drhs`, where a zero base contributes nothing
/// through the exponent.
pub(super) fn powf<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    by_rule(lhs, rhs, B::float_powf, |lhs, rhs, y, dlhs, drhs| {
        let by_base = dlhs.map(|dlhs| {
            let slope = parts::power_slope::<B>(lhs.clone(), rhs);
            B::float_mul(slope, dlhs)
        });
        let by_exponent = drhs.map(|drhs| B::float_mul(parts::exponent_slope::<B>(lhs, y), drhs));
        sum::<B>(by_base, by_exponent)
    })
}

/// `atan2(y, x)`: `(x dy - y dx) / (x^2 + y^2)`.
pub(super) fn atan2<B: Backend>(y: DualTensor<B>, x: DualTensor<B>) -> DualTensor<B> {
    by_rule(y, x, B::float_atan2, |y, x, _, dy, dx| {
        let turn = match (dy, dx) {
            (Some(dy), Some(dx)) => {
                B::float_sub(B::float_mul(x.clone(), dy), B::float_mul(y.clone(), dx))
            }
            (Some(dy), None) => B::float_mul(x.clone(), dy),
            (None, Some(dx)) => B::float_neg(B::float_mul(y.clone(), dx)),
            (None, None) => return None,
        };
        let square = B::float_add(square::<B>(x), square::<B>(y));
        Some(B::float_div(turn, square))
    })
}

/// `h = sqrt(lhs^2 + rhs^2)`: `(lhs dlhs + rhs drhs) / h`.
pub(super) fn hypot<B: Backend>(lhs: DualTensor<B>, rhs: DualTensor<B>) -> DualTensor<B> {
    by_rule(lhs, rhs, B::float_hypot, |lhs, rhs, h, dlhs, drhs| {
        let along = sum::<B>(
            dlhs.map(|dlhs| B::float_mul(lhs, dlhs)),
            drhs.map(|drhs| B::float_mul(rhs, drhs)),
        );
        along.map(|along| B::float_div(along, h))
    })
}

/// An operation whose `rule` maps (lhs, rhs, output, lhs' tangent, rhs' tangent) to the output's
/// tangent.
fn by_rule<B: Backend>(
    lhs: DualTensor<B>,
    rhs: DualTensor<B>,
    op: impl FnOnce(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
    rule: impl FnOnce(
        FloatTensor<B>,
        FloatTensor<B>,
        FloatTensor<B>,
        Option<FloatTensor<B>>,
        Option<FloatTensor<B>>,
    ) -> Option<FloatTensor<B>>,
) -> DualTensor<B> {
    if lhs.tangent.is_none() && rhs.tangent.is_none() {
        return DualTensor::constant(op(lhs.primal, rhs.primal));
    }
    let primal = op(lhs.primal.clone(), rhs.primal.clone());
    let tangent = rule(
        lhs.primal,
        rhs.primal,
        primal.clone(),
        lhs.tangent,
        rhs.tangent,
    );
    DualTensor::join(primal, tangent)
}

/// The sum of two contributions of the output's shape.
fn sum<B: Backend>(
    lhs: Option<FloatTensor<B>>,
    rhs: Option<FloatTensor<B>>,
) -> Option<FloatTensor<B>> {
    match (lhs, rhs) {
        (Some(lhs), Some(rhs)) => Some(B::float_add(lhs, rhs)),
        (lhs, rhs) => lhs.or(rhs),
    }
}
