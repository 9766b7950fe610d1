//! Training on real data, and training that must fail.

use std::thread;

use backdraft_models::data::{Split, Targets, cancer, digits, read_csv};
use backdraft_models::{
    Architecture, Network, Objective, Optimizer, Schedule, TrainConfig, TrainError, Zoo, ZooConfig,
    evaluate, outputs, to_dtype, train,
};
use backdraft_test_support::{norm, shared_data};
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

/// All parameters, in the order of the module.
fn parameters<M: Module>(model: &M) -> Vec<f64> {
    let tensors = backdraft_test_support::parameters(model);
    tensors.iter().flat_map(|data| data.iter::<f64>()).collect()
}

/// The gradient of a one-output linear model's cost, written out: `1/N sum_i slope(y_i, t_i) (x_i, 1) + decay theta`.
fn gradient(theta: &[f64], split: &Split, slope: fn(f64, f64) -> f64, decay: f64) -> Vec<f64> {
    let mut gradient: Vec<f64> = theta.iter().map(|weight| decay * weight).collect();
    for row in 0..split.rows {
        let x: Vec<f64> = split
            .row(row)
            .iter()
            .map(|&x| f64::from(x))
            .chain([1.0])
            .collect();
        let y: f64 = x.iter().zip(theta).map(|(x, weight)| x * weight).sum();
        let t = match &split.targets {
            Targets::Classes(classes) => classes[row] as f64,
            Targets::Values(values) => f64::from(values[row]),
            Targets::Tokens { .. } => panic!("one target each was expected"),
        };
        for (g, x) in gradient.iter_mut().zip(x) {
            *g += slope(y, t) * x / split.rows as f64;
        }
    }
    gradient
}

fn sigmoid_slope(y: f64, t: f64) -> f64 {
    1.0 / (1.0 + (-y).exp()) - t
}

fn square_slope(y: f64, t: f64) -> f64 {
    y - t
}

/// `y = 2 a - b + 0.5` on a grid of forty points.
fn line() -> Split {
    let points: Vec<[f32; 2]> = (0..40)
        .map(|i| [(i % 8) as f32 / 4.0 - 1.0, (i / 8) as f32 / 2.0 - 1.0])
        .collect();
    Split {
        rows: 40,
        columns: 2,
        features: points.concat(),
        targets: Targets::Values(points.iter().map(|[a, b]| 2.0 * a - b + 0.5).collect()),
        origin: (0..40).collect(),
        weights: None,
    }
}

fn linear(seed: u64) -> Zoo {
    let config = backdraft_models::LogisticRegressionConfig::new(2, 1).with_seed(seed);
    ZooConfig::LogisticRegression(config).init(&Device::flex())
}

#[test]
fn lbfgs_reaches_its_tolerance_on_cancer() {
    let data = cancer();
    let model = ZooConfig::preset(Architecture::LogisticRegression, &data).init(&Device::flex());
    let model = to_dtype(model, DType::F64);
    for weight_decay in [1e-1, 1e-2, 1e-3, 1e-4] {
        let config = TrainConfig {
            weight_decay,
            ..TrainConfig::preset(Architecture::LogisticRegression, &data)
        };
        let Optimizer::Lbfgs { tolerance } = config.optimizer else {
            panic!("logistic regression is trained by L-BFGS")
        };
        let trained = train(
            model.clone(),
            &data.train,
            data.task.objective(),
            &config,
            |_| {},
        )
        .unwrap();
        let theta = parameters(&trained.model);
        let gradient = gradient(&theta, &data.train, sigmoid_slope, weight_decay);
        // Rounding of 456 terms of order 1 in two orders of summation.
        let rounding = 1e-14;
        assert!(
            norm(&gradient) <= tolerance + rounding,
            "{weight_decay}: {}",
            norm(&gradient)
        );
        assert!((norm(&gradient) - trained.gradient_norm.unwrap()).abs() < rounding);
    }
}

#[test]
fn batches_do_not_change_what_lbfgs_minimises() {
    let data = cancer();
    let whole = TrainConfig::preset(Architecture::LogisticRegression, &data);
    let parts = TrainConfig {
        batch_size: 100,
        ..whole.clone()
    };
    let model = ZooConfig::preset(Architecture::LogisticRegression, &data).init(&Device::flex());
    let model = to_dtype(model, DType::F64);
    let [a, b] = [whole, parts].map(|config| {
        let trained = train(
            model.clone(),
            &data.train,
            data.task.objective(),
            &config,
            |_| {},
        );
        parameters(&trained.unwrap().model)
    });
    // Both gradients are below 1e-10 and the curvature above the weight decay of 1e-2.
    let apart: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    assert!(norm(&apart) < 2e-8, "{}", norm(&apart));
}

#[test]
fn lbfgs_finds_the_least_squares_solution() {
    let split = line();
    let config = TrainConfig {
        weight_decay: 0.0,
        ..TrainConfig::preset(Architecture::LogisticRegression, &cancer())
    };
    let model = to_dtype(linear(3), DType::F64);
    let trained = train(model, &split, Objective::SquaredError, &config, |_| {}).unwrap();
    let theta = parameters(&trained.model);
    // The least curvature of this grid is above 0.3, so a gradient of 1e-10 means an error below 1e-9.
    for (found, exact) in theta.iter().zip([2.0, -1.0, 0.5]) {
        assert!((found - exact).abs() < 1e-9, "{theta:?}");
    }
    assert!(norm(&gradient(&theta, &split, square_slope, 0.0)) < 2e-10);
}

#[test]
fn a_32_bit_model_gets_the_rounded_64_bit_solution() {
    let data = cancer();
    let config = TrainConfig::preset(Architecture::LogisticRegression, &data);
    let single = ZooConfig::preset(Architecture::LogisticRegression, &data).init(&Device::flex());
    let double = to_dtype(single.clone(), DType::F64);
    let objective = data.task.objective();
    let single = train(single, &data.train, objective, &config, |_| {}).unwrap();
    let double = train(double, &data.train, objective, &config, |_| {}).unwrap();
    let rounded: Vec<f64> = parameters(&double.model)
        .iter()
        .map(|&weight| f64::from(weight as f32))
        .collect();
    assert_eq!(parameters(&single.model), rounded);
}

#[test]
fn lbfgs_says_when_it_has_not_converged() {
    let data = cancer();
    let config = TrainConfig {
        epochs: 20,
        weight_decay: 0.0,
        ..TrainConfig::preset(Architecture::LogisticRegression, &data)
    };
    let model = ZooConfig::preset(Architecture::LogisticRegression, &data).init(&Device::flex());
    let error = train(model, &data.train, data.task.objective(), &config, |_| {}).unwrap_err();
    assert!(matches!(
        error,
        TrainError::NotConverged { evaluations, gradient_norm, tolerance, .. }
            if evaluations >= 20 && gradient_norm > tolerance
    ));
    assert!(
        error.to_string().contains("raise the weight decay"),
        "{error}"
    );
}

#[test]
fn one_step_of_sgd_is_the_formula() {
    let split = line();
    let (rate, decay) = (0.1, 0.25);
    let config = TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        learning_rate: rate,
        schedule: Schedule::Constant,
        batch_size: split.rows,
        epochs: 2,
        weight_decay: decay,
        seed: 5,
    };
    let model = to_dtype(linear(1), DType::F64);
    let start = parameters(&model);
    let trained = train(model, &split, Objective::SquaredError, &config, |_| {}).unwrap();

    let first = gradient(&start, &split, square_slope, decay);
    let middle: Vec<f64> = start
        .iter()
        .zip(&first)
        .map(|(w, g)| w - rate * g)
        .collect();
    let second = gradient(&middle, &split, square_slope, decay);
    for (index, found) in parameters(&trained.model).into_iter().enumerate() {
        let velocity = 0.9 * first[index] + second[index];
        let expected = middle[index] - rate * velocity;
        // Rounding of forty terms of order 1 in two orders of summation.
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
    assert_eq!(trained.history.len(), 2);
}

#[test]
fn the_mlp_learns_digits() {
    let data = digits();
    let config = TrainConfig::preset(Architecture::Mlp, &data);
    let model = ZooConfig::preset(Architecture::Mlp, &data).init(&Device::flex());
    let mut last = None;
    let trained = train(
        model,
        &data.train,
        data.task.objective(),
        &config,
        |progress| last = Some(*progress),
    )
    .unwrap();
    let test = evaluate(&trained.model, &data.test, data.task.objective());
    assert!(test.accuracy.unwrap() >= 0.95, "{test:?}");
    let last = last.unwrap();
    assert_eq!((last.step, last.epoch), (last.steps, last.epochs));
    assert_eq!(
        last.steps,
        config.epochs * data.train.rows.div_ceil(config.batch_size)
    );
    assert_eq!(trained.history.len(), config.epochs);
    assert!(trained.history.last() < trained.history.first());
    assert!(
        trained
            .model
            .devices()
            .iter()
            .all(|device| !device.is_autodiff())
    );
}

#[test]
fn adam_learns_digits() {
    let data = digits();
    let config = TrainConfig {
        optimizer: Optimizer::Adam,
        learning_rate: 0.003,
        epochs: 20,
        ..TrainConfig::preset(Architecture::Mlp, &data)
    };
    let model = ZooConfig::preset(Architecture::Mlp, &data).init(&Device::flex());
    let trained = train(model, &data.train, data.task.objective(), &config, |_| {}).unwrap();
    let test = evaluate(&trained.model, &data.test, data.task.objective());
    assert!(test.accuracy.unwrap() >= 0.93, "{test:?}");
}

#[test]
fn the_mlp_learns_concrete() {
    let Some(path) = shared_data("uci/concrete.csv") else {
        return;
    };
    let data = read_csv(&path, Some("compressive_strength")).unwrap();
    let [linear, mlp] = [Architecture::LogisticRegression, Architecture::Mlp].map(|model| {
        let config = TrainConfig::preset(model, &data);
        let model = ZooConfig::preset(model, &data).init(&Device::flex());
        let trained = train(model, &data.train, data.task.objective(), &config, |_| {}).unwrap();
        evaluate(&trained.model, &data.test, data.task.objective())
            .r2
            .unwrap()
    });
    // A linear fit explains about 0.6 of the variance of concrete strength, a small network more than 0.85.
    assert!((0.5..0.7).contains(&linear), "{linear}");
    assert!(mlp > 0.85, "{mlp}");
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let run = |seed: u64| {
        thread::spawn(move || {
            let data = digits();
            let config = TrainConfig {
                epochs: 2,
                seed,
                ..TrainConfig::preset(Architecture::Mlp, &data)
            };
            let model = ZooConfig::preset(Architecture::Mlp, &data)
                .with_seed(seed)
                .init(&Device::flex());
            let trained = train(model, &data.train, data.task.objective(), &config, |_| {});
            let trained = trained.unwrap();
            (outputs(&trained.model, &data.test), trained.history)
        })
    };
    // At the same time, as a shared generator would show.
    let [a, b, c] = [run(7), run(7), run(8)].map(|thread| thread.join().unwrap());
    assert_eq!(a, b);
    assert_ne!(a, c);
}

#[test]
fn divergence_is_an_error() {
    let data = digits();
    for learning_rate in [1e3, 1e30] {
        let config = TrainConfig {
            learning_rate,
            ..TrainConfig::preset(Architecture::Mlp, &data)
        };
        let model = ZooConfig::preset(Architecture::Mlp, &data).init(&Device::flex());
        let error = train(model, &data.train, data.task.objective(), &config, |_| {}).unwrap_err();
        let TrainError::Diverged { epoch, step, .. } = error else {
            panic!("{error}")
        };
        assert!(epoch == 1 && (2..=45).contains(&step), "{error}");
        assert!(
            error.to_string().contains("lower the learning rate"),
            "{error}"
        );
    }
    // Least squares explode to NaN.
    let config = TrainConfig {
        learning_rate: 10.0,
        epochs: 1000,
        ..TrainConfig::preset(Architecture::Mlp, &data)
    };
    let error = train(linear(0), &line(), Objective::SquaredError, &config, |_| {}).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn a_last_step_that_diverges_is_measured() {
    // Each is made by one step alone, whose loss before it says nothing: to infinity, to what is no number, and to what
    // is merely huge.
    let data = digits();
    for learning_rate in [1e38, 1e25, 1e6] {
        let config = TrainConfig {
            optimizer: Optimizer::Sgd { momentum: 0.0 },
            schedule: Schedule::Constant,
            learning_rate,
            epochs: 1,
            batch_size: data.train.rows,
            ..TrainConfig::preset(Architecture::Mlp, &data)
        };
        let model = ZooConfig::preset(Architecture::Mlp, &data).init(&Device::flex());
        let error = train(model, &data.train, data.task.objective(), &config, |_| {}).unwrap_err();
        let TrainError::Diverged {
            epoch: 1,
            step: 1,
            loss,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert!(loss.is_nan() || loss > 1e3, "{learning_rate}: {loss}");
    }
}

#[test]
fn ending_higher_than_it_began_is_divergence() {
    let split = line();
    // The bias has a curvature of 1: at this rate it goes 1.4 times as far beyond its optimum in each step.
    let run = |epochs| {
        let config = TrainConfig {
            optimizer: Optimizer::Sgd { momentum: 0.0 },
            learning_rate: 2.4,
            schedule: Schedule::Constant,
            batch_size: split.rows,
            epochs,
            weight_decay: 0.0,
            seed: 5,
        };
        let model = to_dtype(linear(1), DType::F64);
        train(model, &split, Objective::SquaredError, &config, |_| {})
    };
    let first = run(1).unwrap().history[0];
    let mut seen = 0;
    for epochs in 2..14 {
        match run(epochs) {
            Ok(trained) => assert!(trained.history.iter().all(|&loss| loss < 20.0 * first)),
            Err(TrainError::Diverged { loss, step, .. }) => {
                assert_eq!(step, epochs);
                assert!(loss > 2.0 * first, "{loss} {first}");
                // Far from what stops it on the way.
                seen += usize::from(loss < 100.0 * first);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(seen > 0);
}

#[test]
fn settings_are_checked() {
    let valid = TrainConfig::preset(Architecture::Mlp, &digits());
    type Case = (&'static str, fn(&mut TrainConfig));
    let cases: [Case; 8] = [
        ("learning rate", |config| config.learning_rate = 0.0),
        ("learning rate", |config| config.learning_rate = f64::NAN),
        ("batch size", |config| config.batch_size = 0),
        ("epochs", |config| config.epochs = 0),
        ("weight decay", |config| config.weight_decay = -1.0),
        ("weight decay", |config| config.weight_decay = f64::INFINITY),
        ("momentum", |config| {
            config.optimizer = Optimizer::Sgd { momentum: 1.0 }
        }),
        ("tolerance", |config| {
            config.optimizer = Optimizer::Lbfgs { tolerance: 0.0 }
        }),
    ];
    for (name, spoil) in cases {
        let mut config = valid.clone();
        spoil(&mut config);
        let error =
            train(linear(0), &line(), Objective::SquaredError, &config, |_| {}).unwrap_err();
        assert!(
            matches!(error, TrainError::Config { setting, .. } if setting == name),
            "{name}: {error}"
        );
    }
    let none = line().select(&[]);
    let error = train(linear(0), &none, Objective::SquaredError, &valid, |_| {}).unwrap_err();
    assert_eq!(error, TrainError::NoExamples);
}

#[test]
fn any_module_can_be_trained() {
    /// A proportion without an intercept.
    #[derive(Module, Debug)]
    struct Proportion {
        factor: Param<Tensor<2>>,
    }

    impl Network for Proportion {
        fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
            inputs.matmul(self.factor.val())
        }
    }

    let split = line();
    let factor = Param::from_data([[0.0], [0.0]], &Device::flex());
    let config = TrainConfig {
        weight_decay: 0.0,
        ..TrainConfig::preset(Architecture::LogisticRegression, &cancer())
    };
    let trained = train(
        Proportion { factor },
        &split,
        Objective::SquaredError,
        &config,
        |_| {},
    )
    .unwrap();
    assert_eq!(parameters(&trained.model).len(), 2);
    let metrics = evaluate(&trained.model, &split, Objective::SquaredError);
    assert!(metrics.r2.unwrap() > 0.5, "{metrics:?}");
}
