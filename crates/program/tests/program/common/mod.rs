//! Functions of tensors and modules: their elements, and their differences.

use backdraft_program::Tensors;
use backdraft_test_support::{host, vector};
use burn::{
    Tensor,
    module::{Module, ModuleMapper, Param},
    tensor::DType,
};

/// All differentiable elements.
pub fn flat(value: &impl Tensors) -> Vec<f64> {
    host(value.ravel().unwrap())
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
                f(x.unravel(vector(&flat)).unwrap())
            };
            (at(1.0) - at(-1.0)) / (2.0 * h)
        })
        .collect()
}

/// The module with its parameters in f64, as they are.
pub fn widened<M: Module>(module: M) -> M {
    struct Widen;
    impl ModuleMapper for Widen {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(DType::F64))
        }
    }
    module.map(&mut Widen)
}
