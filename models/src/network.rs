//! What training and evaluation need of a module.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use crate::named_tensor::{replace, tensors};

/// A module that training and evaluation can run: one matrix in, one matrix out.
pub trait Network: Module {
    /// From inputs `[batch, inputs]` to outputs `[batch, outputs]`.
    ///
    /// A row of inputs is an example as a [`Split`](crate::data::Split) keeps it: the columns of a table; the pixels of
    /// a picture, channel by channel; or the tokens of a sequence, as whole numbers. For a sequence, a row of outputs
    /// holds the logits of all places, one place after the other.
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2>;

    /// Examples in one forward pass of an evaluation: bounds memory.
    fn batch(&self) -> usize {
        1024
    }
}

/// The same module with every floating-point parameter and running statistic cast to `dtype`, without autodiff. Clones
/// of the module stay as they are.
pub fn to_dtype<M: Module>(module: M, dtype: DType) -> M {
    replace(module.valid(), |tensor| Some(tensor.value.cast(dtype)))
}

/// Whether a device computes in 64 bits. Graphics drivers may claim so and yet have sums and products only; their
/// exponentials are then far off, without any error.
pub fn computes_in_f64(device: &Device) -> bool {
    if !device.supports_dtype(DType::F64) {
        return false;
    }
    let one = Tensor::<1>::from_data([1.0_f64], (device, DType::F64));
    let e: f64 = one.exp().into_scalar();
    (e - std::f64::consts::E).abs() < 1e-12
}

/// Device, without autodiff, and element type of a module's first floating-point parameter.
///
/// # Panics
///
/// If the module has no such parameter.
pub(crate) fn placement<M: Module>(module: &M) -> (Device, DType) {
    let first = tensors(module).into_iter().next();
    let value = first.expect("a model has parameters").value;
    (value.device(), value.dtype())
}

/// 0 if every parameter and running statistic of a module is a finite number, else NaN; on its device, in its element
/// type.
///
/// # Panics
///
/// If the module has no floating-point parameter.
pub(crate) fn zero_if_finite<M: Module>(module: &M) -> Tensor<1> {
    // An infinite number times 0 is none.
    let zeros = tensors(module).into_iter().map(|it| (it.value * 0.0).sum());
    let zero = zeros.reduce(|sum, zero| sum + zero);
    zero.expect("a model has parameters")
}
