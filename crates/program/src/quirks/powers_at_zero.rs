//! Powers and roots under reverse mode, at zero.
//!
//! - Fault: burn-autodiff's gradient of `powf` is not a number at `0^0`, and by the exponent at any base of zero; nor
//!   is that of a root of zero where nothing moves it. Burn 0.22.0 and 0.22.1.
//! - Way round: the slopes that backdraft-forward takes.
//! - It may go when `burn_still_has_no_slope_at_zero`, below, fails.

use backdraft_forward::parts;
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, binary, unary},
};
use burn_backend::{
    TensorMetadata,
    ops::FloatTensorOps,
    tensor::{FloatTensor, IntTensor},
};
use burn_capture::CaptureBackend;
use burn_ir::{FloatOperationIr as Float, NumericOperationIr as Numeric, OperationIr};

use super::slopes::{by_result, summed_to};
use crate::ir::{environment::Env, error::ProgramError, value::Value};

type Inner = CaptureBackend;
type Reverse = Autodiff<Inner>;
type Tensor = FloatTensor<Inner>;

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
    let ((lhs, left), (rhs, right)) = (lhs.into_parts(), rhs.into_parts());
    let output = Inner::float_powf(lhs.clone(), rhs.clone());
    match Power
        .prepare::<NoCheckpointing>([left, right])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((lhs, rhs, output.clone()), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct Power;

impl Backward<Inner, 2> for Power {
    type State = (Tensor, Tensor, Tensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (lhs, rhs, power) = ops.state;
        let (base, shapes) = (lhs.clone(), (lhs.shape(), rhs.shape()));
        binary::<Inner, _, _>(
            ops.parents,
            ops.node,
            grads,
            |g| {
                let slope = parts::power_slope::<Inner>(lhs, rhs);
                summed_to(Inner::float_mul(g, slope), &shapes.0)
            },
            |g| {
                let slope = parts::exponent_slope::<Inner>(base, power);
                summed_to(Inner::float_mul(g, slope), &shapes.1)
            },
        );
    }
}

/// `x^n` for integers `n`.
fn integer_power(x: FloatTensor<Reverse>, n: IntTensor<Inner>) -> FloatTensor<Reverse> {
    let (x, node) = x.into_parts();
    let output = Inner::float_powi(x.clone(), n.clone());
    match IntegerPower
        .prepare::<NoCheckpointing>([node])
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((x, n), output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

#[derive(Debug)]
struct IntegerPower;

impl Backward<Inner, 1> for IntegerPower {
    type State = (Tensor, IntTensor<Inner>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, n) = ops.state;
        unary::<Inner, _>(ops.parents, ops.node, grads, |g| {
            let shape = x.shape();
            let slope = parts::integer_power_slope::<Inner>(x, n);
            summed_to(Inner::float_mul(g, slope), &shape)
        });
    }
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
