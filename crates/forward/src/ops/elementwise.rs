//! Nonlinear elementwise functions of one tensor.

use std::f64::consts::PI;

use burn_backend::tensor::{FloatTensor, IntTensor};
use burn_backend::{Backend, Scalar};

use crate::rules::{bool_dtype, by_input, by_output, shifted};
use crate::{DualTensor, parts};

/// `(1/x)' = -(1/x)^2`.
pub(super) fn recip<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_output(x, B::float_recip, parts::reciprocal_tangent::<B>)
}

/// `exp' = exp`.
pub(super) fn exp<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_output(x, B::float_exp, B::float_mul)
}

/// `log'(x) = 1/x`.
pub(super) fn log<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_log, |x, t| B::float_div(t, x))
}

/// `log1p'(x) = 1/(1 + x)`.
pub(super) fn log1p<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_log1p, |x, t| {
        B::float_div(t, B::float_add_scalar(x, 1.0.into()))
    })
}

/// `sqrt' = 1/(2 sqrt)`.
pub(super) fn sqrt<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_output(x, B::float_sqrt, parts::root_tangent::<B>)
}

/// `abs' = sign`, zero at zero.
pub(super) fn abs<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_abs, |x, t| B::float_mul(B::float_sign(x), t))
}

/// `x^p` for a constant `p`, computed by `op`: `p x^(p-1)`.
pub(super) fn power<B: Backend>(
    x: DualTensor<B>,
    exponent: Scalar,
    op: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let p = exponent.elem::<f64>();
    if p == 0.0 {
        return DualTensor::constant(op(x.primal));
    }
    if p == 1.0 {
        return shifted(x, op);
    }
    by_input(x, op, |x, t| {
        // An integer exponent stays one: negative bases have no other powers.
        let slope = match exponent.try_as_integer().map(Scalar::elem::<i64>) {
            Some(2) => x,
            Some(p) => B::float_powi_scalar(x, (p - 1).into()),
            None => B::float_powf_scalar(x, (p - 1.0).into()),
        };
        B::float_mul(B::float_mul_scalar(slope, p.into()), t)
    })
}

/// `x^n` for a tensor of integers `n`: `n x^(n-1)`, zero where `n = 0` whatever `x` is.
pub(super) fn powi<B: Backend>(x: DualTensor<B>, n: IntTensor<B>) -> DualTensor<B> {
    by_input(
        x,
        |x| B::float_powi(x, n.clone()),
        |x, t| B::float_mul(parts::integer_power_slope::<B>(x, n.clone()), t),
    )
}

/// `clamp'` is one from bound to bound, the bounds included, and zero outside.
pub(super) fn clamp<B: Backend>(
    x: DualTensor<B>,
    min: Option<Scalar>,
    max: Option<Scalar>,
    op: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    by_input(x, op, |x, t| clamped::<B>(x, min, max, t))
}

/// The tangent `t` where `x` lies from `min` to `max`, zero elsewhere.
pub(super) fn clamped<B: Backend>(
    x: FloatTensor<B>,
    min: Option<Scalar>,
    max: Option<Scalar>,
    t: FloatTensor<B>,
) -> FloatTensor<B> {
    let dtype = bool_dtype::<B>(&x);
    let t = match max {
        Some(max) => {
            let above = B::float_greater_elem(x.clone(), max, dtype);
            B::float_mask_fill(t, above, 0.0.into())
        }
        None => t,
    };
    match min {
        Some(min) => B::float_mask_fill(t, B::float_lower_elem(x, min, dtype), 0.0.into()),
        None => t,
    }
}

/// `sin' = cos`.
pub(super) fn sin<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_sin, |x, t| B::float_mul(B::float_cos(x), t))
}

/// `cos' = -sin`.
pub(super) fn cos<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_cos, |x, t| {
        B::float_neg(B::float_mul(B::float_sin(x), t))
    })
}

/// `tan' = 1 + tan^2`.
pub(super) fn tan<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_output(x, B::float_tan, |y, t| {
        B::float_add(t.clone(), B::float_mul(square::<B>(y), t))
    })
}

/// `sinh' = cosh`.
pub(super) fn sinh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_sinh, |x, t| B::float_mul(B::float_cosh(x), t))
}

/// `cosh' = sinh`.
pub(super) fn cosh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_cosh, |x, t| B::float_mul(B::float_sinh(x), t))
}

/// `tanh'(x) = 1/cosh(x)^2`.
pub(super) fn tanh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_tanh, |x, t| {
        B::float_mul(parts::tanh_slope::<B>(x), t)
    })
}

/// `asin'(x) = 1/sqrt(1 - x^2)`.
pub(super) fn asin<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_asin, |x, t| {
        B::float_div(t, B::float_sqrt(parts::one_minus_square::<B>(x)))
    })
}

/// `acos' = -asin'`.
pub(super) fn acos<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_acos, |x, t| {
        B::float_neg(B::float_div(
            t,
            B::float_sqrt(parts::one_minus_square::<B>(x)),
        ))
    })
}

/// `atan'(x) = 1/(1 + x^2)`.
pub(super) fn atan<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_atan, |x, t| {
        B::float_div(t, B::float_add_scalar(square::<B>(x), 1.0.into()))
    })
}

/// `asinh'(x) = 1/sqrt(x^2 + 1)`.
pub(super) fn asinh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_asinh, |x, t| {
        let root = B::float_sqrt(B::float_add_scalar(square::<B>(x), 1.0.into()));
        B::float_div(t, root)
    })
}

/// `acosh'(x) = 1/sqrt(x^2 - 1)`.
pub(super) fn acosh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_acosh, |x, t| {
        B::float_div(t, B::float_sqrt(parts::square_minus_one::<B>(x)))
    })
}

/// `atanh'(x) = 1/(1 - x^2)`.
pub(super) fn atanh<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_atanh, |x, t| {
        B::float_div(t, parts::one_minus_square::<B>(x))
    })
}

/// `erf'(x) = 2/sqrt(pi) exp(-x^2)`.
pub(super) fn erf<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    by_input(x, B::float_erf, |x, t| {
        let bell = B::float_exp(B::float_neg(square::<B>(x)));
        let slope = B::float_mul_scalar(bell, (2.0 / PI.sqrt()).into());
        B::float_mul(slope, t)
    })
}

pub(super) fn square<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul(x.clone(), x)
}
