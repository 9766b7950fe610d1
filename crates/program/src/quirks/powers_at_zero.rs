//! Powers and roots under reverse mode, at zero.
//!
//! - Fault: burn-autodiff's gradient of `powf` is not a number at `0^0`, and by the exponent at any base of zero; nor
//!   is that of a root of zero where nothing moves it. Burn 0.22.0 and 0.22.1.
//! - Way round: the slopes that backdraft-forward takes.
//! - It may go when `burn_still_has_no_slope_at_zero`, below, fails.

use backdraft_forward::parts;
use burn_backend::{
    ops::FloatTensorOps,
    tensor::{FloatTensor, IntTensor},
};
use burn_ir::{FloatOperationIr as Float, NumericOperationIr as Numeric, OperationIr};

use super::slopes::{Inner, Reverse, by_result, with_pull, with_pulls};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

/// Runs `op` if it is a power or a root.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    let value = match op {
        OperationIr::Float(_, Float::Sqrt(d)) => by_result(
            e.float(&d.input),
            Inner::float_sqrt,
            parts::root_tangent::<Inner>,
        ),
        OperationIr::Float(_, Float::Powf(d)) => power(e.float(&d.lhs), e.float(&d.rhs)),
        OperationIr::NumericFloat(_, Numeric::Powi(d)) => {
            integer_power(e.float(&d.lhs), e.int(&d.rhs))
        }
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

/// `lhs^rhs`.
fn power(lhs: FloatTensor<Reverse>, rhs: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    with_pulls(lhs, rhs, |lhs, rhs| {
        let power = Inner::float_powf(lhs.clone(), rhs.clone());
        let (base, result) = (lhs.clone(), power.clone());
        let by_base = move |g| {
            let slope = parts::power_slope::<Inner>(lhs.clone(), rhs.clone());
            Inner::float_mul(g, slope)
        };
        let by_exponent = move |g| {
            let slope = parts::exponent_slope::<Inner>(base.clone(), result.clone());
            Inner::float_mul(g, slope)
        };
        (power, by_base, by_exponent)
    })
}

/// `x^n` for integers `n`.
fn integer_power(x: FloatTensor<Reverse>, n: IntTensor<Inner>) -> FloatTensor<Reverse> {
    with_pull(x, |x| {
        let y = Inner::float_powi(x.clone(), n.clone());
        let slope = move || parts::integer_power_slope::<Inner>(x.clone(), n.clone());
        (y, move |g| Inner::float_mul(g, slope()))
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor as Typed};

    /// When this fails, the way round is no longer needed.
    #[test]
    fn burn_still_has_no_slope_at_zero() {
        let device = Device::flex().autodiff();
        let zero = || Typed::<1>::from_floats([0.0], &device).require_grad();
        let (base, exponent) = (zero(), zero());
        let gradients = base.clone().powf(exponent.clone()).backward();
        for x in [base, exponent] {
            let slope = x.grad(&gradients).unwrap().into_scalar::<f32>();
            assert!(!slope.is_finite(), "{slope}");
        }
        // Nothing moves this root: it is multiplied by zero.
        let x = zero();
        let gradients = (x.clone().sqrt() * 0.0).backward();
        assert!(x.grad(&gradients).unwrap().into_scalar::<f32>().is_nan());
    }
}
