//! The fixtures, and what they hold.

use std::{collections::BTreeMap, path::PathBuf};

use backdraft_curvature::{Cost, LinearOperator, Loss, Model};
use backdraft_onnx::OnnxModel;
use backdraft_test_support::{assert_close, host};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};

/// A network, and what its makers compute of it in f64.
pub struct Fixture {
    pub model: OnnxModel,
    /// Shapes and numbers by name.
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
    /// What the network computes in.
    pub dtype: DType,
}

/// The file of a fixture.
pub fn path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    folder.join(name)
}

impl Fixture {
    pub fn load(name: &str) -> Self {
        let model = OnnxModel::load(path(&format!("{name}.onnx")), &Device::flex()).unwrap();
        let bytes = std::fs::read(path(&format!("{name}.safetensors"))).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            let numbers = match view.dtype() {
                Dtype::F64 => {
                    let parts = view.data().as_chunks::<8>().0;
                    parts.iter().map(|&part| f64::from_le_bytes(part)).collect()
                }
                Dtype::I64 => {
                    let parts = view.data().as_chunks::<8>().0;
                    parts
                        .iter()
                        .map(|&part| i64::from_le_bytes(part) as f64)
                        .collect()
                }
                other => panic!("{other:?}"),
            };
            (name.to_owned(), (view.shape().to_vec(), numbers))
        });
        let dtype = match name.contains("f64") || name == "sklearn_three_classes" {
            true => DType::F64,
            false => DType::F32,
        };
        Self {
            model,
            tensors: tensors.collect(),
            dtype,
        }
    }

    pub fn numbers(&self, name: &str) -> &[f64] {
        &self.tensors[name].1
    }

    pub fn shape(&self, name: &str) -> &[usize] {
        &self.tensors[name].0
    }

    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, numbers) = &self.tensors[name];
        let data = TensorData::new(numbers.clone(), shape.clone());
        Tensor::from_data(data, (&Device::flex(), self.dtype))
    }

    pub fn ints<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        let (shape, numbers) = &self.tensors[name];
        let numbers: Vec<i64> = numbers.iter().map(|&n| n as i64).collect();
        Tensor::from_data(TensorData::new(numbers, shape.clone()), &Device::flex())
    }

    /// How far off results may be, relative to their norm.
    pub fn tolerance(&self) -> f64 {
        match self.dtype {
            DType::F64 => 1e-10,
            _ => 1e-6,
        }
    }

    /// The cost of its examples, for a network that returns rows.
    pub fn cost<L: Loss>(&self, loss: L, targets: L::Targets) -> Cost {
        let model = Model::new(&self.model, |it: &OnnxModel, x: Tensor<2>| it.forward(x));
        let cost = Cost::new(model.unwrap(), loss, self.tensor::<2>("inputs"), targets);
        // In batches of another size than it was exported with.
        cost.unwrap().with_batch_size(3).unwrap()
    }

    /// What stands in the file for each parameter of `cost`, one after the other.
    fn all(&self, cost: &Cost, kind: &str) -> Vec<f64> {
        let parameters = cost.model().parameters().iter();
        let all = parameters.flat_map(|it| {
            let name = format!("{kind}.{}", it.name);
            assert_eq!(self.shape(&name), it.shape.as_slice(), "{name}");
            self.numbers(&name).to_vec()
        });
        all.collect()
    }

    /// Holds outputs, gradient and products to those of the file.
    #[track_caller]
    pub fn check(&self, cost: &Cost) {
        let tolerance = self.tolerance();
        let outputs = self.model.forward(self.tensor("inputs"));
        assert_close(&host(outputs), self.numbers("outputs"), tolerance);
        assert_close(
            &host(cost.gradient().unwrap()),
            &self.all(cost, "gradient"),
            tolerance,
        );
        let sines = cost.model().parameters().iter().flat_map(|it| {
            let count = it.shape.num_elements();
            (1..=count).map(|n| (n as f64).sin())
        });
        let sines: Vec<f64> = sines.collect();
        let v = || {
            let data = TensorData::new(sines.clone(), [sines.len()]);
            Tensor::<1>::from_data(data, (&Device::flex(), self.dtype))
        };
        let product = cost.gauss_newton().apply(v()).unwrap();
        assert_close(&host(product), &self.all(cost, "gauss_newton"), tolerance);
        let product = cost.hessian().apply(v()).unwrap();
        assert_close(&host(product), &self.all(cost, "hessian"), tolerance);
        // Nothing of the file is left out.
        let listed = self
            .tensors
            .keys()
            .filter(|name| name.starts_with("gradient."));
        assert_eq!(listed.count(), cost.model().parameters().len());
    }
}
