//! Every model of the zoo, small and in f64: gradients against Burn's own, derivatives along a vector and products with
//! the curvature matrices against central differences and gradients of single examples, and the products' symmetry.

use std::thread;

use backdraft::curvature::{
    AnyLoss, BinaryCrossEntropy, Cost, CrossEntropy, LinearOperator, Loss, Model, SquaredError,
    TokenCrossEntropy,
};
use backdraft::models::{
    self, Activation, AlexNetConfig, AutoencoderConfig, LeNetConfig, LogisticRegressionConfig,
    MlpConfig, ResNet20Config, TransformerConfig, Vgg13Config, Zoo, ZooConfig, to_dtype,
};
use backdraft_test_support::{
    dot, flat_gradients, host, numbers, random, relative_error, tensor, tracked, vector,
};
use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

fn integers<const D: usize>(shape: [usize; D], below: i64, seed: u64) -> Tensor<D, Int> {
    let values = numbers(shape.iter().product(), seed);
    let values = values
        .iter()
        .map(|x| ((x + 1.0) / 2.0 * below as f64) as i64);
    Tensor::from_data(TensorData::new(values.collect(), shape), &Device::flex())
}

/// A model, some examples and a loss.
struct Row<L: Loss> {
    module: Zoo,
    /// Rows of numbers, whatever the model reads.
    inputs: Tensor<2>,
    loss: L,
    targets: L::Targets,
    /// Step of the central differences: short enough that no rectifier or pool changes its mind.
    step: f64,
}

impl<L: Loss> Row<L> {
    fn check(self, name: &str) {
        let module = to_dtype(self.module, DType::F64);
        let model = Model::new(&module, Zoo::forward).unwrap();
        // Off the initial weights: with biases of zero, rectifiers stand at their kinks wherever a picture has its
        // frame of zeros.
        let theta = model.theta() + vector(&numbers(model.dim(), 70)) * 0.05;
        let module = model.write(module, theta).unwrap();
        let model = Model::new(&module, Zoo::forward).unwrap();
        assert_eq!(model.dim(), models::trainable_parameters(&module), "{name}");
        let cost = Cost::new(
            model,
            self.loss.clone(),
            self.inputs.clone(),
            self.targets.clone(),
        );
        // Two batches, the last short.
        let cost = cost.unwrap().with_batch_size(2).unwrap();
        let dim = cost.model().dim();

        let reference = tracked(&module);
        let outputs = reference.forward(self.inputs);
        let mean = self.loss.per_example(outputs, self.targets).mean();
        let expected = flat_gradients(&reference, &mean.backward());
        let gradient = host(cost.gradient().unwrap());
        assert!(
            relative_error(&gradient, &expected) < 1e-12,
            "{name}: gradient"
        );

        let theta = host(cost.model().theta());
        let moved = |v: &[f64], step: f64| {
            let theta: Vec<f64> = theta.iter().zip(v).map(|(t, v)| t + step * v).collect();
            cost.at(vector(&theta)).unwrap()
        };
        let central = |v: &[f64], f: &dyn Fn(&Cost) -> Vec<f64>| -> Vec<f64> {
            let (there, back) = (f(&moved(v, self.step)), f(&moved(v, -self.step)));
            let pairs = there.iter().zip(&back);
            pairs.map(|(a, b)| (a - b) / (2.0 * self.step)).collect()
        };
        let (u, v) = (numbers(dim, 71), numbers(dim, 72));

        // Truncation goes with the step squared, rounding with 1e-16 over the step.
        let (outputs, jv) = cost.outputs_along(vector(&v)).unwrap();
        let plain = host(cost.outputs().unwrap());
        assert!(
            relative_error(&host(outputs), &plain) < 1e-14,
            "{name}: outputs"
        );
        let expected = central(&v, &|cost| host(cost.outputs().unwrap()));
        let error = relative_error(&host(jv.clone()), &expected);
        assert!(
            error < 1e-6,
            "{name}: outputs along a vector off by {error:.1e}"
        );

        let scores = host(cost.directional_derivatives(vector(&v)).unwrap());
        let expected = central(&v, &|cost| host(cost.losses().unwrap()));
        let error = relative_error(&scores, &expected);
        assert!(error < 1e-6, "{name}: scores off by {error:.1e}");
        let slopes = cost.output_gradients().unwrap();
        let expected = host((slopes * jv).sum_dim(1));
        assert!(relative_error(&scores, &expected) < 1e-12, "{name}: scores");

        // The examples' gradients one by one.
        let gradients: Vec<Vec<f64>> = (0..cost.len())
            .map(|i| host(cost.select(&[i]).unwrap().gradient().unwrap()))
            .collect();
        let expected: Vec<f64> = gradients.iter().map(|g| dot(g, &v)).collect();
        assert!(
            relative_error(&scores, &expected) < 1e-11,
            "{name}: scores by gradients"
        );
        let mut expected = vec![0.0; dim];
        for gradient in &gradients {
            let along = dot(gradient, &v) / cost.len() as f64;
            expected
                .iter_mut()
                .zip(gradient)
                .for_each(|(sum, g)| *sum += along * g);
        }
        let fisher = host(cost.empirical_fisher().apply(vector(&v)).unwrap());
        let error = relative_error(&fisher, &expected);
        assert!(error < 1e-11, "{name}: empirical Fisher off by {error:.1e}");

        let (hessian, matrix) = (cost.hessian(), cost.gauss_newton());
        let hv = host(hessian.apply(vector(&v)).unwrap());
        let expected = central(&v, &|cost| host(cost.gradient().unwrap()));
        let error = relative_error(&hv, &expected);
        assert!(error < 1e-6, "{name}: Hessian off by {error:.1e}");

        // u'Gv = 1/N sum over i of (J u)' H (J v), the Jacobian by central differences.
        let gv = host(matrix.apply(vector(&v)).unwrap());
        let along = |v: &[f64]| {
            let values = central(v, &|cost| host(cost.outputs().unwrap()));
            let shape = cost.outputs().unwrap().dims();
            tensor::<2>(&values, shape)
        };
        let targets = cost.targets().unwrap();
        for other in [&u, &v] {
            let product = self
                .loss
                .hessian_times(cost.outputs().unwrap(), &targets, along(&v))
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

const CLASSES: usize = 3;

fn init(config: ZooConfig) -> Zoo {
    config.init(&Device::flex())
}

fn classified(module: Zoo, inputs: Tensor<2>, step: f64) -> Row<CrossEntropy> {
    let targets = integers([inputs.dims()[0]], CLASSES as i64, 31);
    Row {
        module,
        inputs,
        loss: CrossEntropy,
        targets,
        step,
    }
}

/// Five rows of four columns.
fn table() -> Tensor<2> {
    random([5, 4], 1)
}

/// The module after some passes in training, so that its running statistics are not those of the beginning.
fn warmed(module: Zoo, inputs: usize) -> Zoo {
    let training = module.train();
    for seed in 0..5 {
        let pictures = random([4, inputs], 90 + seed) * 2.0 + 0.5;
        training.forward(pictures.cast(DType::F32));
    }
    training.valid()
}

fn mlp(activation: Activation) -> ZooConfig {
    ZooConfig::Mlp(
        MlpConfig::new(4, CLASSES)
            .with_hidden(vec![6, 5, 4])
            .with_activation(activation),
    )
}

/// A model, which of its kind, and its check by name.
type Entry = (models::Architecture, &'static str, fn(&str));

/// All models, some with several losses or activations.
fn rows() -> Vec<Entry> {
    use models::Architecture as It;
    vec![
        (It::LogisticRegression, "classes", |name| {
            let config = LogisticRegressionConfig::new(4, CLASSES);
            let module = init(ZooConfig::LogisticRegression(config));
            classified(module, table(), 1e-6).check(name);
        }),
        (It::LogisticRegression, "two classes", |name| {
            let config = LogisticRegressionConfig::new(4, 1);
            let row = Row {
                module: init(ZooConfig::LogisticRegression(config)),
                inputs: table(),
                loss: BinaryCrossEntropy,
                targets: integers([5, 1], 2, 32).float().cast(DType::F64),
                step: 1e-6,
            };
            row.check(name);
        }),
        (It::Mlp, "relu", |name| {
            classified(init(mlp(Activation::Relu)), table(), 1e-6).check(name);
        }),
        (It::Mlp, "tanh", |name| {
            classified(init(mlp(Activation::Tanh)), table(), 1e-6).check(name);
        }),
        (It::Mlp, "gelu", |name| {
            classified(init(mlp(Activation::Gelu)), table(), 1e-6).check(name);
        }),
        (It::Mlp, "regression", |name| {
            let config = MlpConfig::new(4, 1).with_hidden(vec![6]);
            let row = Row {
                module: init(ZooConfig::Mlp(config)),
                inputs: table(),
                loss: SquaredError,
                targets: random([5, 1], 2),
                step: 1e-6,
            };
            row.check(name);
        }),
        (It::Autoencoder, "", |name| {
            let config = AutoencoderConfig::new().with_widths(vec![6, 5, 3]);
            let pixels = random([5, 6], 3) * 0.5 + 0.5;
            let row = Row {
                module: init(ZooConfig::Autoencoder(config)),
                inputs: pixels.clone(),
                loss: BinaryCrossEntropy,
                targets: pixels,
                step: 1e-5,
            };
            row.check(name);
        }),
        (It::LeNet, "", |name| {
            let config = LeNetConfig::new()
                .with_channels(2)
                .with_height(9)
                .with_width(10)
                .with_outputs(CLASSES);
            let module = init(ZooConfig::LeNet(config));
            classified(module, random([3, 2 * 9 * 10], 4), 1e-8).check(name);
        }),
        (It::AlexNet, "", |name| {
            let config = AlexNetConfig::new()
                .with_channels(2)
                .with_height(12)
                .with_width(12)
                .with_widths([3, 4, 5, 4, 3])
                .with_outputs(CLASSES);
            let module = init(ZooConfig::AlexNet(config));
            classified(module, random([3, 2 * 12 * 12], 5), 1e-8).check(name);
        }),
        (It::Vgg13, "", |name| {
            let config = Vgg13Config::new()
                .with_channels(2)
                .with_height(8)
                .with_width(8)
                .with_widths([2, 3, 3, 4, 4])
                .with_outputs(CLASSES);
            let inputs = random([3, 2 * 8 * 8], 6);
            let module = warmed(init(ZooConfig::Vgg13(config)), 2 * 8 * 8);
            classified(module, inputs, 1e-8).check(name);
        }),
        (It::ResNet20, "", |name| {
            let config = ResNet20Config::new()
                .with_channels(2)
                .with_height(7)
                .with_width(7)
                .with_widths([2, 3, 5])
                .with_outputs(CLASSES);
            let inputs = random([3, 2 * 7 * 7], 7);
            let module = warmed(init(ZooConfig::ResNet20(config)), 2 * 7 * 7);
            classified(module, inputs, 1e-8).check(name);
        }),
        (It::Transformer, "", |name| {
            let config = TransformerConfig::new()
                .with_vocabulary(7)
                .with_length(6)
                .with_width(4)
                .with_hidden(5);
            let row = Row {
                module: init(ZooConfig::Transformer(config)),
                inputs: integers([3, 5], 7, 8).float().cast(DType::F64),
                loss: TokenCrossEntropy::default(),
                targets: integers([3, 5], 7, 9),
                // The layers' normalisation divides by the small initial vectors, so third derivatives are large.
                step: 1e-6,
            };
            row.check(name);
        }),
    ]
}

#[test]
fn every_model_has_its_derivatives() {
    let rows = rows();
    let mut found: Vec<models::Architecture> = rows.iter().map(|(model, ..)| *model).collect();
    found.dedup();
    assert_eq!(found, models::Architecture::ALL);

    let failed: Vec<String> = thread::scope(|scope| {
        let checks: Vec<_> = rows
            .into_iter()
            .map(|(model, variant, check)| {
                let name = format!("{} {variant}", model.name()).trim_end().to_owned();
                let named = name.clone();
                (name, scope.spawn(move || check(&named)))
            })
            .collect();
        let failed = checks.into_iter().filter_map(|(name, check)| {
            // The thread has told its own failure.
            check.join().is_err().then_some(name)
        });
        failed.collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}");
}
