//! Models of the zoo that compute values again in place of keeping them: the same bits in less memory.

use backdraft::curvature::{
    AnyLoss, BatchFunction, BatchOperator, Cost, CrossEntropy, Curvature, LinearOperator, Model,
    TokenCrossEntropy,
};
use backdraft::models::{MlpConfig, ResNet20Config, TransformerConfig, Zoo, ZooConfig, to_dtype};
use backdraft::program::Program;
use backdraft_test_support::{numbers, tensor};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use std::sync::Arc;

const EXAMPLES: usize = 6;

fn integers<const D: usize>(shape: [usize; D], below: usize, seed: u64) -> Tensor<D, Int> {
    let values = numbers(shape.iter().product(), seed).into_iter();
    let values: Vec<i64> = values
        .map(|x| ((x + 1.0) / 2.0 * below as f64) as i64)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// A curvature matrix of a cost.
type Matrix = fn(&Cost) -> Curvature;

/// A cost without recomputation, and with it.
struct Pair {
    name: String,
    plain: Cost,
    less: Cost,
    dtype: DType,
}

fn pair<const D: usize>(
    name: &str,
    config: ZooConfig,
    loss: Arc<dyn AnyLoss>,
    inputs: Tensor<2>,
    targets: Tensor<D, Int>,
    dtype: DType,
) -> Pair {
    let module = to_dtype(config.init(&Device::flex()), dtype);
    let cost = |model: Model| {
        let inputs = inputs.clone().cast(dtype);
        let cost = Cost::of_any(model, loss.clone(), inputs, targets.clone()).unwrap();
        // Two batches, the last short.
        cost.with_batch_size(4).unwrap()
    };
    let model = Model::new(&module, Zoo::forward).unwrap();
    Pair {
        name: format!("{name}, {dtype:?}"),
        plain: cost(model.clone()),
        less: cost(model.recomputing(0)),
        dtype,
    }
}

impl Pair {
    fn same<const D: usize>(&self, what: &str, f: impl Fn(&Cost) -> Tensor<D>) {
        let [plain, less] = [&self.plain, &self.less].map(|cost| f(cost).into_data());
        assert!(plain == less, "{}: {what}", self.name);
    }

    fn vectors(&self, count: usize) -> Tensor<2> {
        let shape = [count, self.plain.model().dim()];
        tensor(&numbers(shape[0] * shape[1], 5), shape).cast(self.dtype)
    }

    fn vector(&self) -> Tensor<1> {
        self.vectors(1).squeeze_dim(0)
    }

    fn bits(&self) {
        let (v, vs) = (self.vector(), self.vectors(3));
        self.same("gradient", |cost| cost.gradient().unwrap());
        self.same("gradients", |cost| cost.gradients().unwrap());
        self.same("gradients' norms", |cost| cost.gradient_norms().unwrap());
        self.same("outputs along", |cost| {
            let (y, dy) = cost.outputs_along(v.clone()).unwrap();
            Tensor::cat(vec![y, dy], 1)
        });
        self.same("scores", |cost| {
            cost.directional_derivatives(v.clone()).unwrap()
        });
        let matrices: [(&str, Matrix); 3] = [
            ("Gauss-Newton", Cost::gauss_newton),
            ("Hessian", Cost::hessian),
            ("empirical Fisher", Cost::empirical_fisher),
        ];
        for (what, matrix) in matrices {
            self.same(what, |cost| {
                matrix(cost).with_memory(0).apply(v.clone()).unwrap()
            });
            self.same(what, |cost| {
                let product = matrix(cost).apply_batch(&[1, 4, 2], v.clone());
                product.unwrap()
            });
            // Several are one after another, so that each has the bits of one alone.
            let several = matrix(&self.less).apply_many(vs.clone()).unwrap();
            for row in 0..3 {
                let one = vs.clone().narrow(0, row, 1).squeeze_dim(0);
                let one = matrix(&self.plain).apply(one).unwrap();
                let found = several.clone().narrow(0, row, 1).squeeze_dim::<1>(0);
                assert!(
                    found.into_data() == one.into_data(),
                    "{}: {what} of several",
                    self.name
                );
            }
        }
        let along = self.less.directional_derivatives_many(vs.clone()).unwrap();
        let one = self.plain.directional_derivatives(v).unwrap();
        let found = along.narrow(0, 0, 1).squeeze_dim::<1>(0);
        assert!(found.into_data() == one.into_data(), "{}", self.name);
    }

    /// Peaks before and after, in bytes.
    fn peaks(&self, program: impl Fn(&Cost) -> Program) -> [usize; 2] {
        [&self.plain, &self.less].map(|cost| program(cost).peak_bytes())
    }

    /// Each takes at most the share `most` of what it took.
    fn memory(&self, most: [f64; 3]) {
        let peaks = [
            self.peaks(|cost| cost.program(BatchFunction::GRADIENT).unwrap()),
            self.peaks(|cost| cost.gauss_newton().program().unwrap()),
            self.peaks(|cost| cost.hessian().program().unwrap()),
        ];
        for ([before, after], most) in peaks.into_iter().zip(most) {
            println!("{}: {before} bytes, then {after}", self.name);
            assert!(
                (after as f64) < most * before as f64,
                "{}: {before} bytes, then {after}",
                self.name
            );
        }
    }
}

fn mlp(dtype: DType) -> Pair {
    let config = MlpConfig::new(4, 3).with_hidden(vec![5; 12]);
    pair(
        "mlp",
        ZooConfig::Mlp(config),
        Arc::new(CrossEntropy),
        tensor(&numbers(EXAMPLES * 4, 1), [EXAMPLES, 4]),
        integers([EXAMPLES], 3, 2),
        dtype,
    )
}

fn resnet(dtype: DType) -> Pair {
    let config = ResNet20Config::new()
        .with_channels(2)
        .with_height(7)
        .with_width(7)
        .with_widths([3, 4, 5])
        .with_outputs(3);
    let inputs = 2 * 7 * 7;
    pair(
        "resnet20",
        ZooConfig::ResNet20(config),
        Arc::new(CrossEntropy),
        tensor(&numbers(EXAMPLES * inputs, 3), [EXAMPLES, inputs]),
        integers([EXAMPLES], 3, 4),
        dtype,
    )
}

fn transformer(layers: usize, dtype: DType) -> Pair {
    let config = TransformerConfig::new()
        .with_vocabulary(11)
        .with_length(7)
        .with_layers(layers)
        .with_width(8)
        .with_hidden(16);
    pair(
        "transformer",
        ZooConfig::Transformer(config),
        Arc::new(TokenCrossEntropy::default()),
        integers([EXAMPLES, 7], 11, 5).float(),
        integers([EXAMPLES, 7], 11, 6),
        dtype,
    )
}

#[test]
fn of_a_perceptron() {
    for dtype in [DType::F32, DType::F64] {
        mlp(dtype).bits();
    }
}

#[test]
fn of_a_network_with_batch_norm() {
    for dtype in [DType::F32, DType::F64] {
        resnet(dtype).bits();
    }
}

#[test]
fn of_a_transformer() {
    for dtype in [DType::F32, DType::F64] {
        transformer(2, dtype).bits();
    }
}

#[test]
fn memory_falls() {
    resnet(DType::F32).memory([0.6; 3]);
    transformer(6, DType::F32).memory([0.6; 3]);
}
