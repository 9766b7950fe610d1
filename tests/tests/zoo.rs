//! Every model of the zoo, small and in f64: gradients against Burn's own, products with the curvature matrices against central
//! differences, and their symmetry.

use backdraft::curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, LinearOperator, Loss, Model, RowKind, SquaredError,
    TokenCrossEntropy,
};
use backdraft::models::{
    self, Activation, AlexNet, AlexNetConfig, Autoencoder, AutoencoderConfig, LeNet, LeNetConfig,
    LogisticRegression, LogisticRegressionConfig, Mlp, MlpConfig, ResNet20, ResNet20Config,
    Transformer, TransformerConfig, Vgg13, Vgg13Config, to_dtype,
};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Device, Gradients, Int, Tensor, TensorData};

/// Numbers in (-1, 1) that look random and are the same everywhere.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let data = TensorData::new(numbers(shape.iter().product(), seed), shape);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

fn vector(values: &[f64]) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

fn integers<const D: usize>(shape: [usize; D], below: i64, seed: u64) -> Tensor<D, Int> {
    let values = numbers(shape.iter().product(), seed);
    let values = values
        .iter()
        .map(|x| ((x + 1.0) / 2.0 * below as f64) as i64);
    Tensor::from_data(TensorData::new(values.collect(), shape), &Device::flex())
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `|a - b| / |b|` in the Euclidean norm.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    (dot(&difference, &difference) / dot(b, b)).sqrt()
}

/// A module without training behaviour, whose parameters are tracked: for Burn's own gradients of what the engine differentiates.
fn tracked<M: Module>(module: &M) -> M {
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

/// Burn's own gradients as a flat vector.
fn flat<M: Module>(module: &M, gradients: &Gradients) -> Vec<f64> {
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

/// A row of the table.
struct Row<M, const D: usize, K: RowKind, L: Loss> {
    module: M,
    forward: fn(&M, Tensor<D, K>) -> Tensor<2>,
    inputs: Tensor<D, K>,
    loss: L,
    targets: L::Targets,
    /// Step of the central differences: short enough that no rectifier or pool changes its mind.
    step: f64,
}

impl<M: Module + 'static, const D: usize, K: RowKind, L: Loss> Row<M, D, K, L> {
    fn check(self, name: &str) {
        let module = to_dtype(self.module, DType::F64);
        let model = Model::new(&module, self.forward).unwrap();
        // Off the initial weights: with biases of zero, rectifiers stand at their kinks wherever a picture has its frame of zeros.
        let theta = model.theta() + vector(&numbers(model.dim(), 70)) * 0.05;
        let module = model.write(module, theta);
        let model = Model::new(&module, self.forward).unwrap();
        assert_eq!(model.dim(), models::trainable_parameters(&module), "{name}");
        let cost = Cost::new(
            model,
            self.loss.clone(),
            self.inputs.clone(),
            self.targets.clone(),
        );
        // Two batches, the last short.
        let cost = cost.unwrap().with_batch_size(2);
        let dim = cost.model().dim();

        let reference = tracked(&module);
        let outputs = (self.forward)(&reference, self.inputs);
        let mean = self.loss.per_example(outputs, self.targets).mean();
        let expected = flat(&reference, &mean.backward());
        let gradient = host(cost.gradient().unwrap());
        assert!(apart(&gradient, &expected) < 1e-12, "{name}: gradient");

        let theta = host(cost.model().theta());
        let moved = |v: &[f64], step: f64| {
            let theta: Vec<f64> = theta.iter().zip(v).map(|(t, v)| t + step * v).collect();
            cost.at(vector(&theta)).unwrap()
        };
        let central = |v: &[f64], f: &dyn Fn(&Cost<L>) -> Vec<f64>| -> Vec<f64> {
            let (there, back) = (f(&moved(v, self.step)), f(&moved(v, -self.step)));
            let pairs = there.iter().zip(&back);
            pairs.map(|(a, b)| (a - b) / (2.0 * self.step)).collect()
        };
        let (u, v) = (numbers(dim, 71), numbers(dim, 72));

        // Truncation goes with the step squared, rounding with 1e-16 over the step.
        let (hessian, matrix) = (cost.hessian(), cost.gauss_newton());
        let hv = host(hessian.apply(vector(&v)).unwrap());
        let expected = central(&v, &|cost| host(cost.gradient().unwrap()));
        let error = apart(&hv, &expected);
        assert!(error < 1e-6, "{name}: Hessian off by {error:.1e}");

        // u'Gv = 1/N sum over i of (J u)' H (J v), the Jacobian by central differences.
        let gv = host(matrix.apply(vector(&v)).unwrap());
        let along = |v: &[f64]| {
            let values = central(v, &|cost| host(cost.outputs().unwrap()));
            let shape = cost.outputs().unwrap().dims();
            Tensor::<2>::from_data(
                TensorData::new(values, shape),
                (&Device::flex(), DType::F64),
            )
        };
        let targets = cost.targets().unwrap();
        for other in [&u, &v] {
            let product = self
                .loss
                .hessian_product(cost.outputs().unwrap(), targets.clone(), along(&v))
                .unwrap();
            let expected = host((along(other) * product).sum())[0] / cost.len() as f64;
            let found = dot(other, &gv);
            // Of the size of the product, not of this one component of it.
            let scale = (dot(&gv, &gv) * dot(other, other)).sqrt();
            assert!(
                (found - expected).abs() < 1e-7 * scale,
                "{name}: Gauss-Newton {found} {expected}"
            );
        }
        assert!(dot(&v, &gv) >= 0.0, "{name}: v'Gv < 0");

        for (kind, av, au) in [
            ("Hessian", &hv, host(hessian.apply(vector(&u)).unwrap())),
            ("Gauss-Newton", &gv, host(matrix.apply(vector(&u)).unwrap())),
        ] {
            let (uav, vau) = (dot(&u, av), dot(&v, &au));
            let scale = (dot(av, av) * dot(&u, &u)).sqrt();
            assert!(
                (uav - vau).abs() < 1e-13 * scale,
                "{name}: {kind} is not symmetric: {uav} {vau}"
            );
        }
    }
}

const CLASSES: i64 = 3;

fn classified<M, const D: usize>(
    module: M,
    forward: fn(&M, Tensor<D>) -> Tensor<2>,
    inputs: Tensor<D>,
) -> Row<M, D, burn::tensor::Float, CrossEntropy> {
    let targets = integers([inputs.dims()[0]], CLASSES, 31);
    Row {
        module,
        forward,
        inputs,
        loss: CrossEntropy,
        targets,
        step: if D == 4 { 1e-8 } else { 1e-6 },
    }
}

/// The module after some passes in training, so that its running statistics are not those of the beginning.
fn warmed<M: Module>(module: M, forward: fn(&M, Tensor<4>) -> Tensor<2>, side: usize) -> M {
    let training = module.train();
    for seed in 0..5 {
        let pictures = tensor([4, 2, side, side], 90 + seed) * 2.0 + 0.5;
        forward(&training, pictures.cast(DType::F32));
    }
    training.valid()
}

#[test]
fn regressions() {
    let config = LogisticRegressionConfig::new(4, CLASSES as usize);
    let module = config.init(&Device::flex());
    classified(module, LogisticRegression::forward, tensor([5, 4], 1)).check("lr");
}

#[test]
fn perceptrons() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
        let config = MlpConfig::new(4, CLASSES as usize)
            .with_hidden(vec![6, 5, 4])
            .with_activation(activation);
        let module = config.init(&Device::flex());
        classified(module, Mlp::forward, tensor([5, 4], 1)).check(&format!("mlp, {activation:?}"));
    }
    let module = MlpConfig::new(4, 1)
        .with_hidden(vec![6])
        .init(&Device::flex());
    let row = Row {
        module,
        forward: Mlp::forward,
        inputs: tensor([5, 4], 1),
        loss: SquaredError,
        targets: tensor([5, 1], 2),
        step: 1e-6,
    };
    row.check("mlp, regression");
}

#[test]
fn autoencoders() {
    let config = AutoencoderConfig::new().with_widths(vec![6, 5, 3]);
    let pixels = tensor([5, 6], 3) * 0.5 + 0.5;
    let row = Row {
        module: config.init(&Device::flex()),
        forward: Autoencoder::forward,
        inputs: pixels.clone(),
        loss: BinaryCrossEntropy,
        targets: pixels,
        step: 1e-5,
    };
    row.check("autoencoder");
}

#[test]
fn lenets() {
    let config = LeNetConfig::new()
        .with_channels(2)
        .with_height(9)
        .with_width(10)
        .with_outputs(CLASSES as usize);
    let module = config.init(&Device::flex());
    classified(module, LeNet::forward, tensor([3, 2, 9, 10], 4)).check("lenet");
}

#[test]
fn alexnets() {
    let config = AlexNetConfig::new()
        .with_channels(2)
        .with_height(12)
        .with_width(12)
        .with_widths([3, 4, 5, 4, 3])
        .with_outputs(CLASSES as usize);
    let module = config.init(&Device::flex());
    classified(module, AlexNet::forward, tensor([3, 2, 12, 12], 5)).check("alexnet");
}

#[test]
fn vggs() {
    let config = Vgg13Config::new()
        .with_channels(2)
        .with_height(8)
        .with_width(8)
        .with_widths([2, 3, 3, 4, 4])
        .with_outputs(CLASSES as usize);
    let module = warmed(config.init(&Device::flex()), Vgg13::forward, 8);
    classified(module, Vgg13::forward, tensor([3, 2, 8, 8], 6)).check("vgg13");
}

#[test]
fn residual_networks() {
    let config = ResNet20Config::new()
        .with_channels(2)
        .with_height(7)
        .with_width(7)
        .with_widths([2, 3, 5])
        .with_outputs(CLASSES as usize);
    let module = warmed(config.init(&Device::flex()), ResNet20::forward, 7);
    classified(module, ResNet20::forward, tensor([3, 2, 7, 7], 7)).check("resnet20");
}

#[test]
fn transformers() {
    let config = TransformerConfig::new()
        .with_vocabulary(7)
        .with_length(6)
        .with_width(4)
        .with_hidden(5);
    let row = Row {
        module: config.init(&Device::flex()),
        forward: Transformer::forward,
        inputs: integers([3, 5], 7, 8),
        loss: TokenCrossEntropy::default(),
        targets: integers([3, 5], 7, 9),
        // The layers' normalisation divides by the small initial vectors, so third derivatives are large.
        step: 1e-6,
    };
    row.check("transformer");
}
