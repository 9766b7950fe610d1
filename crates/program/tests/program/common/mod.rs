//! What the tests of typed functions share: data in f64 on flex.
#![allow(dead_code)]

use backdraft_program::Tensors;
use burn::{
    Tensor,
    module::{Module, ModuleMapper, Param},
    tensor::{DType, Device, TensorData},
};

pub fn device() -> Device {
    Device::flex()
}

/// Distinct numbers in (-1, 1).
pub fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64 + 1.0) * (seed + 1.7)).sin())
        .collect()
}

pub fn tensor<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (&device(), DType::F64),
    )
}

/// A tensor of distinct numbers.
pub fn some<const D: usize>(shape: [usize; D], seed: f64) -> Tensor<D> {
    tensor(&numbers(shape.iter().product(), seed), shape)
}

pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// All differentiable elements.
pub fn flat(value: &impl Tensors) -> Vec<f64> {
    host(value.ravel().unwrap())
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[track_caller]
pub fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let (error, scale) = (dot(&difference, &difference).sqrt(), dot(b, b).sqrt());
    assert!(scale > 0.0, "nothing to compare with");
    assert!(
        error <= tolerance * scale,
        "relative error {:e}",
        error / scale
    );
}

/// The gradient of `f` in the coordinates of `x`, by central differences. Truncation `h^2` and rounding `1e-16 / h` are
/// about 1e-10 for functions of the order of 1.
pub fn central<X: Tensors>(f: impl Fn(X) -> f64, x: &X) -> Vec<f64> {
    let flat = flat(x);
    let h = 1e-5;
    (0..flat.len())
        .map(|i| {
            let at = |sign: f64| {
                let mut flat = flat.clone();
                flat[i] += sign * h;
                let len = flat.len();
                f(x.unravel(tensor(&flat, [len])).unwrap())
            };
            (at(1.0) - at(-1.0)) / (2.0 * h)
        })
        .collect()
}

/// The module with its parameters in f64.
pub fn double<M: Module>(module: M) -> M {
    struct Double;
    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(DType::F64))
        }
    }
    module.map(&mut Double)
}
