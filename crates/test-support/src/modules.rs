//! Modules with parameters that are the same everywhere, and what is read of modules.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Gradients, Tensor, TensorData},
};

use crate::tensors::{host, random};

/// The module with weights in f64 that are the same everywhere, between -1/2 and 1/2; running variances positive.
pub fn double<M: Module>(module: M) -> M {
    struct Double {
        seed: u64,
        path: Vec<String>,
    }

    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.seed += 1;
            let least = match self.path.last() {
                Some(name) if name == "running_var" => 1.0,
                _ => 0.0,
            };
            param.map(|tensor| random(tensor.dims(), self.seed) * 0.5 + least)
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.into());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }

    module.map(&mut Double {
        seed: 1_000,
        path: Vec::new(),
    })
}

/// A module without training behaviour, whose parameters are tracked: for Burn's own gradients of what the engine
/// differentiates.
pub fn tracked<M: Module>(module: &M) -> M {
    struct Trainable(Vec<ParamId>);

    impl ModuleVisitor for Trainable {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if param.val().is_require_grad() {
                self.0.push(param.id);
            }
        }
    }

    impl ModuleMapper for Trainable {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match self.0.contains(&param.id) {
                true => param.map(|tensor| Tensor::from_inner(tensor).require_grad()),
                false => param,
            }
        }
    }

    let mut trainable = Trainable(Vec::new());
    module.valid().train().visit(&mut trainable);
    module.valid().map(&mut trainable)
}

/// Burn's own gradients of the parameters that are tracked, as a flat vector; zeros where what was differentiated does
/// not depend on one.
pub fn flat_gradients<M: Module>(module: &M, gradients: &Gradients) -> Vec<f64> {
    struct Collect<'a>(&'a Gradients, Vec<f64>);

    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            if tensor.is_require_grad() {
                match tensor.grad(self.0) {
                    Some(gradient) => self.1.extend(host(gradient)),
                    None => self.1.extend(vec![0.0; tensor.shape().num_elements()]),
                }
            }
        }
    }

    let mut collect = Collect(gradients, Vec::new());
    module.visit(&mut collect);
    collect.1
}

/// Every tensor of numbers, running statistics included, as it is.
pub fn parameters<M: Module>(module: &M) -> Vec<TensorData> {
    struct Collect(Vec<TensorData>);

    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data());
        }
    }

    let mut collect = Collect(Vec::new());
    module.visit(&mut collect);
    collect.0
}
