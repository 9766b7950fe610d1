//! Products of a tensor's elements under reverse mode, with a factor of zero.
//!
//! - Fault: burn-autodiff's gradients of `prod`, `prod_dim` and `cumprod` divide by the factors, and put constants
//!   where one is zero: right once, and wrong when differentiated again. Burn 0.22.0 and 0.22.1.
//! - Way round: products by multiplication alone.
//! - It may go when `of_products` and `of_running_products` in `crates/program/tests/program/zeros.rs` pass without it.
//!   No test tells by itself.

use backdraft_forward::parts;
use burn_backend::{Shape, ops::FloatTensorOps};
use burn_ir::{NumericOperationIr as Numeric, OperationIr};

use super::slopes::Reverse;
use crate::ir::{environment::Env, error::ProgramError, value::Value};

/// Runs `op` if it is a product of a tensor's elements.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    match op {
        OperationIr::NumericFloat(_, Numeric::Prod(d)) => {
            let x = e.float(&d.input);
            let flat = Reverse::float_reshape(x, Shape::new([d.input.shape.num_elements()]));
            Some(Ok(Value::Float(parts::prod_dim::<Reverse>(flat, 0))))
        }
        OperationIr::NumericFloat(_, Numeric::ProdDim(d)) => {
            let x = e.float(&d.input);
            Some(Ok(Value::Float(parts::prod_dim::<Reverse>(x, d.axis))))
        }
        OperationIr::NumericFloat(_, Numeric::CumProd(d)) => {
            let x = e.float(&d.input);
            Some(Ok(Value::Float(parts::cumprod::<Reverse>(x, d.axis))))
        }
        _ => None,
    }
}
