//! A layer in a network, on some inputs.

use std::sync::Once;

use backdraft_curvature::{Model, RowKind, Rows};
use burn::{
    Tensor,
    module::{Module, ModuleMapper, Param, ParamId},
    tensor::{DType, Device, FloatDType, TensorData},
};

use backdraft_test_support::{flat_gradients, matrix, numbers, random};

/// Examples of every row.
pub const N: usize = 5;

/// Outputs of every row: what the layer gives is projected on so many numbers.
pub const OUTPUTS: usize = 3;

/// What Burn's own reverse mode makes of cotangents `[N, OUTPUTS]`: the flat gradient.
type Pullback = dyn Fn(&[f64]) -> Vec<f64>;

/// A network with the layer in question, and inputs for it.
pub struct Row {
    pub name: String,
    pub model: Model,
    pub inputs: Rows,
    /// What the module gives when Burn runs it, `[N, OUTPUTS]`.
    pub outputs: Tensor<2>,
    /// Burn's own reverse mode, where it is right.
    pub burn: Option<Box<Pullback>>,
    pub tolerance: Tolerance,
}

/// Largest relative errors.
#[derive(Clone, Copy)]
pub struct Tolerance {
    /// Against central differences of fourth order: truncation is h^4, rounding 1e-16 / h.
    pub differences: f64,
    /// Against the same sums in another order.
    pub rounding: f64,
    /// Against the outputs that Burn computes.
    pub outputs: f64,
    /// Against Burn's own reverse mode.
    pub burn: f64,
    /// Step of the differences.
    pub step: f64,
}

impl Row {
    /// `module` as it is, with parameters made up, through `forward`: `[N, ..]` to `[N, ..]`.
    pub fn new<M, K, F, const D: usize, const E: usize>(
        name: &str,
        module: M,
        inputs: Tensor<D, K>,
        forward: F,
    ) -> Self
    where
        M: Module + Sync + 'static,
        K: RowKind,
        F: Fn(&M, Tensor<D, K>) -> Tensor<E> + Send + Sync + 'static,
    {
        let module = filled(module);
        let forward = std::sync::Arc::new(move |module: &M, x| projected(forward(module, x)));
        let burn = {
            let (module, inputs, forward) = (module.clone(), inputs.clone(), forward.clone());
            move |cotangents: &[f64]| {
                // Statistics stay frozen, as they are in a model.
                let module = module.valid().train();
                let outputs = forward(&module, inputs.clone());
                let weights = Tensor::from_inner(matrix(cotangents, OUTPUTS));
                flat_gradients(&module, &(outputs * weights).sum().backward())
            }
        };
        let outputs = forward(&module.valid(), inputs.clone());
        let model = Model::new(&module, move |module: &M, x| forward(module, x)).unwrap();
        Self {
            name: name.into(),
            model,
            inputs: inputs.into(),
            outputs,
            burn: Some(Box::new(burn)),
            tolerance: Tolerance {
                differences: 1e-9,
                rounding: 1e-12,
                outputs: 1e-12,
                burn: 1e-12,
                step: 1e-4,
            },
        }
    }

    /// The same row where Burn's own gradient has a relative error up to `tolerance`.
    pub fn burn_within(mut self, tolerance: f64) -> Self {
        self.tolerance.burn = tolerance;
        self
    }

    /// The same row where Burn's own reverse mode cannot be compared with.
    pub fn without_burn(self) -> Self {
        Self { burn: None, ..self }
    }

    /// The same row with an operation that Burn does in f32 whatever the type of the parameters, and programs do not.
    pub fn burn_in_f32(mut self) -> Self {
        (self.tolerance.outputs, self.tolerance.burn) = (1e-6, 1e-6);
        self
    }

    /// The same row with a division by a number, whose reciprocal Burn's reverse mode takes in f32.
    pub fn burn_divides_in_f32(self) -> Self {
        self.burn_within(1e-7)
    }

    /// The same row with a part that is cast to f32.
    pub fn in_f32(mut self) -> Self {
        self.tolerance = Tolerance {
            differences: 1e-4,
            rounding: 1e-6,
            outputs: 1e-6,
            burn: 1e-6,
            step: 1e-2,
        };
        self
    }

    /// The same row at a point so close to a kink that differences must be small, and so less exact.
    pub fn near_a_kink(mut self) -> Self {
        (self.tolerance.step, self.tolerance.differences) = (1e-6, 1e-8);
        self
    }

    /// The same row without central differences.
    pub fn without_differences(mut self) -> Self {
        self.tolerance.differences = f64::INFINITY;
        self
    }
}

/// The device of all tests, with f64 for whatever a module creates without saying of which type.
pub fn device() -> Device {
    static CONFIGURED: Once = Once::new();
    CONFIGURED.call_once(|| {
        let mut device = Device::flex();
        device.configure(FloatDType::F64).expect("nothing ran yet");
        let _ = device.autodiff().configure(FloatDType::F64);
    });
    Device::flex()
}

/// Numbers in (-1, 1) of a shape.
pub fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let device = device();
    random(shape, seed).to_device(&device)
}

/// Inputs of [`N`] examples of a shape `[N, ..]`.
pub fn inputs<const D: usize>(mut shape: [usize; D]) -> Tensor<D> {
    shape[0] = N;
    tensor(shape, 61)
}

/// The module with numbers instead of its initial values, so that nothing is zero, one or random.
fn filled<M: Module>(module: M) -> M {
    #[derive(Default)]
    struct Fill {
        /// In the order in which they came; shared ones once.
        known: Vec<ParamId>,
        path: Vec<String>,
    }
    impl ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let known = self.known.iter().position(|id| *id == param.id);
            let place = known.unwrap_or(self.known.len());
            if known.is_none() {
                self.known.push(param.id);
            }
            let positive = self.path.last().is_some_and(|name| name == "running_var");
            param.map(|old| {
                let new = tensor(old.dims(), 71 + place as u64) * 0.8;
                if positive { new + 1.0 } else { new }
            })
        }

        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.push(name.into());
        }

        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.pop();
        }
    }
    module.map(&mut Fill::default())
}

/// Every example's outputs times a fixed matrix: `[N, OUTPUTS]`.
fn projected<const D: usize>(outputs: Tensor<D>) -> Tensor<2> {
    let (dims, device) = (outputs.dims(), outputs.device());
    let width = dims[1..].iter().product();
    let data = TensorData::new(numbers(width * OUTPUTS, 62), [width, OUTPUTS]);
    let matrix = Tensor::<2>::from_data(data, (&device, DType::F64));
    outputs.reshape([dims[0], width]).matmul(matrix)
}
