//! Weights of classes, and losses that are not the task's own: the costs that training and curvature see.

use backdraft_curvature::{Cost, LinearOperator, Model};
use backdraft_models::data::{
    ClassWeights, ClassWeightsError, Dataset, Split, Targets, cancer, digits,
};
use backdraft_models::{
    Architecture, MlpConfig, Objective, TrainConfig, Zoo, ZooConfig, evaluate, per_example_losses,
    to_dtype, train, weights::WeightsRecord,
};
use backdraft_test_support::{
    assert_close, host, norm, numbers, parameters, relative_error, vector,
};
use burn::tensor::{DType, Device};

/// Some digits, of three classes.
fn some(dataset: Dataset, classes: i64, rows: usize) -> Dataset {
    let Targets::Classes(labels) = &dataset.train.targets else {
        panic!("classes")
    };
    let chosen: Vec<usize> = (0..dataset.train.rows)
        .filter(|&row| labels[row] < classes)
        .take(rows)
        .collect();
    Dataset {
        train: dataset.train.select(&chosen),
        ..dataset
    }
}

/// The same examples, each as often as its class counts, and without weights.
fn repeated(split: &Split, times: impl Fn(i64) -> usize) -> Split {
    let Targets::Classes(labels) = &split.targets else {
        panic!("classes")
    };
    let rows = labels.iter().enumerate();
    let rows: Vec<usize> = rows
        .flat_map(|(row, &class)| vec![row; times(class)])
        .collect();
    Split {
        weights: None,
        ..split.select(&rows)
    }
}

fn cost(model: &Zoo, split: &Split, objective: Objective) -> Cost {
    let device = Device::flex();
    let place = (&device, DType::F64);
    let traced = Model::new(model, Zoo::forward).unwrap();
    let (inputs, targets) = (split.inputs(place), objective.targets(split, place));
    Cost::of_any(traced, objective.loss(split), inputs, targets).unwrap()
}

/// The gradient and a Gauss-Newton product of a cost, each times `factor`.
fn derivatives(cost: &Cost, factor: f64) -> [Vec<f64>; 2] {
    let v = vector(&numbers(cost.model().dim(), 5));
    let product = cost.gauss_newton().apply(v).unwrap();
    [cost.gradient().unwrap(), product].map(|it| host(it * factor))
}

fn double(config: ZooConfig) -> Zoo {
    to_dtype(config.init(&Device::flex()), DType::F64)
}

#[test]
fn weighted_examples_are_repeated_ones() {
    for (mut data, classes) in [(some(digits(), 10, 60), 10), (cancer(), 2)] {
        let times = |class: i64| 1 + class as usize % 3;
        let names = data.task.classes().to_vec();
        let named =
            (0..classes).map(|class: i64| (names[class as usize].clone(), times(class) as f64));
        let plain = data.train.clone();
        data.weigh(&ClassWeights::Named(named.collect())).unwrap();
        let repeated = repeated(&plain, times);
        let config = MlpConfig::new(data.train.columns, data.task.outputs()).with_hidden(vec![5]);
        let model = double(ZooConfig::Mlp(config));
        let objective = data.objective();
        let factor = plain.rows as f64 / repeated.rows as f64;
        let weighted = derivatives(&cost(&model, &data.train, objective), factor);
        let expected = derivatives(&cost(&model, &repeated, objective), 1.0);
        for (found, expected) in weighted.iter().zip(&expected) {
            assert!(
                relative_error(found, expected) < 1e-10,
                "{}",
                relative_error(found, expected)
            );
        }
        // What is measured is of the same cost, and test losses are as they are.
        let [mean, other] =
            [&data.train, &repeated].map(|part| evaluate(&model, part, objective).loss);
        assert!((mean * factor - other).abs() < 1e-12 * other);
        let unweighted = Split {
            weights: None,
            ..data.test.clone()
        };
        assert_eq!(
            per_example_losses(&model, &data.test, objective),
            per_example_losses(&model, &unweighted, objective)
        );
    }
}

#[test]
fn weighted_training_is_training_on_repeated_examples() {
    let mut data = cancer();
    let plain = data.train.clone();
    data.weigh(&ClassWeights::Named(vec![("malignant".to_owned(), 3.0)]))
        .unwrap();
    assert_eq!(data.class_weights.as_deref(), Some(&[3.0, 1.0][..]));
    let repeated = repeated(&plain, |class| if class == 0 { 3 } else { 1 });
    let config = TrainConfig::preset(Architecture::LogisticRegression, &data);
    let factor = plain.rows as f64 / repeated.rows as f64;
    let decay = config.weight_decay;
    let model = || double(ZooConfig::preset(Architecture::LogisticRegression, &data));
    let trained = |split: &Split, weight_decay: f64| -> Vec<f64> {
        let config = TrainConfig {
            weight_decay,
            ..config.clone()
        };
        let trained = train(model(), split, data.objective(), &config, |_| {}).unwrap();
        let tensors = parameters(&trained.model);
        tensors.iter().flat_map(|it| it.iter::<f64>()).collect()
    };
    let (found, expected) = (
        trained(&data.train, decay),
        trained(&repeated, factor * decay),
    );
    // Gradients below 1e-10, curvature above the weight decay of 1e-2.
    let apart: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
    assert!(norm(&apart) < 4e-8, "{}", norm(&apart));
    let unweighted = trained(&plain, decay);
    assert!(relative_error(&unweighted, &found) > 1e-2);
}

#[test]
fn balanced_classes_count_alike() {
    let mut data = cancer();
    data.weigh(&ClassWeights::Balanced).unwrap();
    let Targets::Classes(labels) = &data.train.targets else {
        panic!("classes")
    };
    let weights = data.train.weights.clone().unwrap();
    let mut sums = [0.0; 2];
    for (&class, &weight) in labels.iter().zip(&weights) {
        sums[class as usize] += f64::from(weight);
    }
    assert_close(&sums, &[data.train.rows as f64 / 2.0; 2], 1e-6);
    assert!(data.test.weights.iter().flatten().all(|&it| it == 1.0));
    // They go where examples go, and labels that change take the weight of the new class.
    assert_eq!(
        data.train.select(&[5, 3]).weights.unwrap(),
        [weights[5], weights[3]]
    );
    let of = data.class_weights.clone().unwrap();
    data.corrupt_labels(0.2, 1).unwrap();
    let Targets::Classes(labels) = &data.train.targets else {
        panic!("classes")
    };
    let expected: Vec<f32> = labels.iter().map(|&class| of[class as usize]).collect();
    assert_eq!(data.train.weights.as_deref(), Some(expected.as_slice()));
    // And are kept with weights of a network.
    assert_eq!(WeightsRecord::of(&data, None).class_weights, Some(of));

    let named = |name: &str, weight: f64| ClassWeights::Named(vec![(name.to_owned(), weight)]);
    let mut data = cancer();
    for (asked, problem) in [
        (
            named("malign", 2.0),
            "there is no class `malign`; the classes are malignant, benign",
        ),
        (named("benign", 0.0), "the weight of `benign` is 0"),
        (named("benign", f64::NAN), "the weight of `benign` is NaN"),
        (named("benign", 1e300), "the weight of `benign` is inf"),
        (
            ClassWeights::Each(vec![1.0; 3]),
            "3 weights are given for 2 classes",
        ),
    ] {
        let error = data.weigh(&asked).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    data.train.targets = Targets::Values(vec![0.0; data.train.rows]);
    assert!(matches!(
        data.weigh(&ClassWeights::Balanced),
        Err(ClassWeightsError::NoClasses { .. })
    ));
}

/// Counts whose rate grows with the input, and one that is far out.
fn counts() -> Split {
    let x: Vec<f32> = (0..40).map(|row| row as f32 / 20.0 - 1.0).collect();
    let mut values: Vec<f32> = x.iter().map(|x| (1.0 + x).exp().round()).collect();
    values[3] = 60.0;
    Split {
        rows: 40,
        columns: 1,
        features: x,
        targets: Targets::Values(values),
        origin: (0..40).collect(),
        weights: None,
    }
}

/// The gradient at the trained parameters, written out: the mean of `slope(y, t) (x, 1)`.
#[test]
fn other_losses_are_trained_to_their_minimum() {
    let split = counts();
    let config = TrainConfig {
        weight_decay: 0.0,
        ..TrainConfig::preset(Architecture::LogisticRegression, &cancer())
    };
    let Targets::Values(values) = &split.targets else {
        panic!("numbers")
    };
    for objective in [
        Objective::Poisson,
        Objective::Huber { delta: 0.5 },
        Objective::Huber { delta: 1e6 },
    ] {
        let slope = |y: f64, t: f64| match objective {
            Objective::Poisson => y.exp() - t,
            Objective::Huber { delta } => (y - t).clamp(-delta, delta),
            _ => unreachable!(),
        };
        let config_of = backdraft_models::LogisticRegressionConfig::new(1, 1);
        let model = double(ZooConfig::LogisticRegression(config_of));
        let trained = train(model, &split, objective, &config, |_| {}).unwrap();
        let tensors = parameters(&trained.model);
        let theta: Vec<f64> = tensors.iter().flat_map(|it| it.iter::<f64>()).collect();
        let mut gradient = [0.0; 2];
        for (x, t) in split.features.iter().zip(values) {
            let (x, t) = (f64::from(*x), f64::from(*t));
            let slope = slope(theta[0] * x + theta[1], t) / 40.0;
            gradient[0] += slope * x;
            gradient[1] += slope;
        }
        assert!(norm(&gradient) < 1e-9, "{objective:?}: {gradient:?}");
        let cost = cost(&trained.model, &split, objective);
        let apart = host(cost.gradient().unwrap());
        let apart: Vec<f64> = apart.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        assert!(norm(&apart) < 1e-12, "{objective:?}: {apart:?}");
        let metrics = evaluate(&trained.model, &split, objective);
        assert!(metrics.loss.is_finite() && metrics.r2.is_some_and(f64::is_finite));
        if objective == (Objective::Huber { delta: 1e6 }) {
            // Half the squared error, whatever the residual.
            let squared = evaluate(&trained.model, &split, Objective::SquaredError);
            assert!((metrics.loss - squared.loss).abs() < 1e-12 * squared.loss);
        }
    }
}
