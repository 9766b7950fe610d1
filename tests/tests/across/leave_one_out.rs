//! Influence scores against what they predict: retraining without the example, on a convex problem.

use backdraft::{
    curvature::{BinaryCrossEntropy, Cost, Model},
    influence::{
        DirectConfig, Solver, parameter_change, scores, self_influence,
        statistics::{pearson, slope},
    },
    models::{
        Architecture, Network, Objective, TrainConfig, Zoo, ZooConfig,
        data::{self, Split},
        per_example_losses, to_dtype, train,
    },
};
use burn::tensor::{DType, Device};

const OBJECTIVE: Objective = Objective::BinaryCrossEntropyWithLogits;

fn fit(split: &Split, config: &TrainConfig) -> Zoo {
    let device = Device::flex();
    let start = ZooConfig::preset(Architecture::LogisticRegression, &data::cancer()).init(&device);
    let start = to_dtype(start, DType::F64);
    train(start, split, OBJECTIVE, config, |_| {})
        .unwrap()
        .model
}

fn losses(module: &impl Network, split: &Split) -> Vec<f64> {
    per_example_losses(module, split, OBJECTIVE)
}

/// The changes of the five highest test losses when every tenth example is removed: predicted and by retraining.
fn compare(full: &Split, weight_decay: f64) -> (Vec<f64>, Vec<f64>) {
    let dataset = data::cancer();
    let preset = TrainConfig::preset(Architecture::LogisticRegression, &dataset);
    let config = TrainConfig {
        weight_decay,
        ..preset
    };
    let test = &dataset.test;
    let module = fit(full, &config);
    let before = losses(&module, test);
    let mut queries: Vec<usize> = (0..test.rows).collect();
    queries.sort_by(|&a, &b| before[b].total_cmp(&before[a]));
    queries.truncate(5);

    let place = (&Device::flex(), DType::F64);
    let model = Model::new(&module, Zoo::forward).unwrap();
    let cost = Cost::new(
        model,
        BinaryCrossEntropy,
        full.inputs(place),
        full.values(place),
    )
    .unwrap();
    let tests = cost
        .with_examples(test.inputs(place), test.values(place))
        .unwrap();
    // The L2 term is part of the cost: it adds its coefficient to the Hessian's diagonal.
    let hessian = cost.hessian().damped(weight_decay);
    let solver = DirectConfig::default().init().unwrap();
    let ready = solver.prepare(&hessian).unwrap();
    let gradients: Vec<_> = queries
        .iter()
        .map(|&query| tests.select(&[query]).unwrap().gradient().unwrap())
        .collect();
    let predicted: Vec<Vec<f64>> = gradients
        .iter()
        .map(|gradient| {
            let solution = ready.solve(gradient.clone()).unwrap().vector;
            scores(&cost, solution)
                .unwrap()
                .into_data()
                .iter::<f64>()
                .collect()
        })
        .collect();

    // The same prediction from the removed example's side: <grad L_query, delta theta>.
    let delta = parameter_change(&cost, &*ready, 10).unwrap();
    for (scores, gradient) in predicted.iter().zip(&gradients) {
        let change: f64 = (gradient.clone() * delta.clone()).sum().into_scalar();
        assert!((change - scores[10]).abs() < 1e-12 * scores[10].abs().max(1e-6));
    }
    let own = self_influence(&cost, &*ready, &[0, 10]).unwrap();
    assert!(own.iter().all(|&score| score > 0.0), "{own:?}");

    let (mut x, mut y) = (Vec::new(), Vec::new());
    for removed in (0..dataset.train.rows).step_by(10) {
        // Without the example, the others keep their weight 1/N.
        let n = full.rows as f64;
        let weight_decay = weight_decay * n / (n - 1.0);
        let retrained = fit(
            &full.without(removed),
            &TrainConfig {
                weight_decay,
                ..config.clone()
            },
        );
        let after = losses(&retrained, test);
        for (scores, &query) in predicted.iter().zip(&queries) {
            x.push(scores[removed]);
            y.push(after[query] - before[query]);
        }
    }
    (x, y)
}

#[test]
fn scores_predict_leave_one_out_retraining_of_logistic_regression() {
    let train = data::cancer().train;
    let copies: Vec<usize> = (0..5 * train.rows).map(|i| i % train.rows).collect();
    let copied = train.select(&copies);
    // What is left of the slope is of second order: an example that weighs 1/N moves the curvature too, by about its
    // leverage. It shrinks with a stronger L2 term, and with the example's weight: here one of five copies.
    for (split, weight_decay, bound) in [
        (&train, 0.01, 0.1),
        (&train, 0.1, 0.05),
        (&copied, 0.01, 0.02),
    ] {
        let (x, y) = compare(split, weight_decay);
        let (correlation, slope) = (pearson(&x, &y).unwrap(), slope(&x, &y).unwrap());
        println!(
            "N {}, L2 {weight_decay}: Pearson {correlation:.5}, slope {slope:.4}",
            split.rows
        );
        assert!(correlation >= 0.99, "Pearson {correlation}");
        assert!((slope - 1.0).abs() <= bound, "slope {slope}");
    }
}
