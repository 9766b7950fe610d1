//! What is measured: all outputs at once, networks of one logit, and what examples do to themselves.

use backdraft_attribution::{
    AttributionError, Influence, InfluenceConfig, Measurement, SelfInfluenceConfig, SolverConfig,
    VerifyConfig, verify::PairKind,
};
use backdraft_curvature::{BinaryCrossEntropy, CrossEntropy, CurvatureError};
use backdraft_influence::{DirectConfig, DualConfig};
use backdraft_test_support::{assert_close, classes, dot, double, matrix, random};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig, Relu},
    tensor::{Device, Tensor},
};

const DAMPING: f64 = 0.1;
/// Of dense solves of well-conditioned systems.
const ROUNDING: f64 = 1e-11;
const N: usize = 9;
const OUTPUTS: usize = 3;
const CLASSES: [i64; N] = [2, 0, 1, 2, 0, 1, 1, 0, 2];

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    relu: Relu,
    second: Linear,
}

impl Net {
    fn new(outputs: usize) -> Self {
        let device = Device::flex();
        double(Self {
            first: LinearConfig::new(2, 4).init(&device),
            relu: Relu::new(),
            second: LinearConfig::new(4, outputs).init(&device),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second
            .forward(self.relu.forward(self.first.forward(x)))
    }
}

fn exact() -> InfluenceConfig {
    InfluenceConfig::new()
        .with_damping(DAMPING)
        .with_solver(SolverConfig::Direct(DirectConfig::default()))
}

fn inputs() -> Tensor<2> {
    random([N, 2], 11)
}

fn influence() -> Influence {
    let data = (inputs(), classes(&CLASSES));
    exact()
        .init(&Net::new(OUTPUTS), Net::forward, CrossEntropy, data)
        .unwrap()
}

/// A network of one logit, of classes 0 and 1.
fn binary() -> (Influence, Vec<i64>) {
    let labels: Vec<i64> = CLASSES.iter().map(|class| class % 2).collect();
    let targets: Vec<f64> = labels.iter().map(|class| *class as f64).collect();
    let data = (inputs(), matrix(&targets, 1));
    let influence = exact().init(&Net::new(1), Net::forward, BinaryCrossEntropy, data);
    (influence.unwrap(), labels)
}

fn rows(influence: &Influence, measurement: &Measurement, x: Tensor<2>) -> Vec<Vec<f64>> {
    let scores = influence.scores(measurement, x).unwrap();
    let count = scores.values().dims()[0];
    (0..count).map(|row| scores.of(row).unwrap()).collect()
}

#[test]
fn all_outputs_are_each_of_them() {
    let influence = influence();
    let queries = || random([2, 2], 5);
    let scores = influence
        .scores(&Measurement::outputs(), queries())
        .unwrap();
    assert_eq!(scores.values().dims(), [2 * OUTPUTS, N]);
    assert_eq!((scores.outputs(), scores.solves().len()), (OUTPUTS, 6));
    for output in 0..OUTPUTS {
        let one = influence
            .scores(&Measurement::output(output), queries())
            .unwrap();
        assert_eq!(one.outputs(), 1);
        for query in 0..2 {
            let found = scores.of(query * OUTPUTS + output).unwrap();
            assert_close(&found, &one.of(query).unwrap(), ROUNDING);
        }
    }
    // One number a row is verified, as it is predicted.
    let verified = influence
        .verify(&scores, &VerifyConfig::new().with_removals(4))
        .unwrap();
    assert!(verified.pairs.iter().any(|pair| pair.row == 5));
    assert!(verified.pearson().unwrap() > 0.9);
    let known = |kind| {
        matches!(
            kind,
            PairKind::Raising | PairKind::Lowering | PairKind::Random
        )
    };
    assert!(verified.pairs.iter().all(|pair| known(pair.kind)));

    let mean = rows(&influence, &Measurement::outputs().mean(), queries());
    let all = rows(&influence, &Measurement::outputs(), queries());
    let averaged: Vec<f64> = (0..N)
        .map(|i| all.iter().map(|row| row[i]).sum::<f64>() / all.len() as f64)
        .collect();
    assert_eq!(mean.len(), 1);
    assert_close(&mean[0], &averaged, ROUNDING);
}

/// `y` is the logit of class 1 against 0 of class 0: the margin of class 1 is `y`, its probability `sigmoid(y)`.
#[test]
fn a_single_logit_has_margins_and_probabilities_of_two_classes() {
    let (influence, _) = binary();
    let queries = || random([2, 2], 5);
    let logit = rows(&influence, &Measurement::output(0), queries());
    let y = influence
        .train()
        .with_examples(queries(), matrix(&[0.0, 0.0], 1));
    let y: Vec<f64> = y.unwrap().outputs().unwrap().into_data().iter().collect();
    for class in [0, 1] {
        let sign = 2.0 * class as f64 - 1.0;
        let margin = Measurement::margin(classes(&[class; 2]));
        let margin = rows(&influence, &margin, queries());
        let probability = Measurement::probability(classes(&[class; 2]));
        let probability = rows(&influence, &probability, queries());
        for query in 0..2 {
            let p = 1.0 / (1.0 + (-y[query]).exp());
            let times =
                |factor: f64| -> Vec<f64> { logit[query].iter().map(|it| factor * it).collect() };
            assert_close(&margin[query], &times(sign), ROUNDING);
            assert_close(&probability[query], &times(sign * p * (1.0 - p)), ROUNDING);
        }
    }
    let refused = influence.scores(&Measurement::margin(classes(&[0, 2])), queries());
    assert!(matches!(
        refused.err(),
        Some(AttributionError::Curvature(CurvatureError::Target {
            example: 1,
            ..
        }))
    ));
}

/// Against the gradients of each example and the dense inverse, which [`Influence::scores`] is held to elsewhere.
#[test]
fn self_influence_is_of_whatever_is_measured() {
    let influence = influence();
    let chosen = [7, 2, 0];
    let pick = |values: &[i64]| -> Vec<i64> { chosen.iter().map(|&i| values[i]).collect() };
    let own = pick(&CLASSES);
    let x = || inputs().select(0, classes(&[7, 2, 0]));
    for measurement in [
        Measurement::loss(classes(&own)),
        Measurement::margin(classes(&own)),
        Measurement::probability(classes(&own)),
        Measurement::output(1),
        Measurement::of(|y: Tensor<2>| y.square().sum_dim(1).squeeze_dim(1)),
    ] {
        let found = influence.self_influence_of(&measurement, &chosen).unwrap();
        let scores = rows(&influence, &measurement, x());
        let expected: Vec<f64> = chosen.iter().zip(&scores).map(|(&i, row)| row[i]).collect();
        assert_close(&found, &expected, ROUNDING);
    }
    // Every output of the first, then of the second.
    let found = influence
        .self_influence_of(&Measurement::outputs(), &chosen)
        .unwrap();
    let scores = rows(&influence, &Measurement::outputs(), x());
    let expected: Vec<f64> = (0..chosen.len() * OUTPUTS)
        .map(|row| scores[row][chosen[row / OUTPUTS]])
        .collect();
    assert_close(&found, &expected, ROUNDING);
    // Outputs move either way, and the loss up: along its slopes, which are those of the outputs and `p - onehot`.
    assert!(found.iter().any(|it| *it > 0.0) && found.iter().any(|it| *it < 0.0));
    let loss = influence.self_influence(&chosen).unwrap();
    let outputs = influence
        .train()
        .select(&chosen)
        .unwrap()
        .output_gradients()
        .unwrap();
    let slopes: Vec<f64> = outputs.into_data().iter().collect();
    for (place, loss) in loss.iter().enumerate() {
        let range = place * OUTPUTS..(place + 1) * OUTPUTS;
        let along = dot(&slopes[range.clone()], &found[range]);
        assert!(
            *loss > 0.0 && (along - loss).abs() < ROUNDING,
            "{along} {loss}"
        );
    }
}

#[test]
fn self_influence_of_all_on_what_is_measured_says_how_it_was_found() {
    let influence = influence();
    let margin = Measurement::margin(classes(&CLASSES));
    let all: Vec<usize> = (0..N).collect();
    let expected = influence.self_influence_of(&margin, &all).unwrap();
    let none = DualConfig {
        memory: 1,
        ..Default::default()
    };
    let dense = SelfInfluenceConfig {
        dual: none.clone(),
        ..Default::default()
    };
    let small = DirectConfig {
        limit: 1,
        ..Default::default()
    };
    let solved = SelfInfluenceConfig {
        direct: small.clone(),
        ..dense.clone()
    };
    let approximate = SelfInfluenceConfig {
        dual: none,
        direct: small,
        solved: 0,
        top: 3,
        ..Default::default()
    };
    for (config, exact) in [
        (SelfInfluenceConfig::default(), N),
        (dense, N),
        (solved, N),
        (approximate, 3),
    ] {
        let found = influence.self_influences_of(&margin, &config).unwrap();
        assert_eq!(
            found.exact.iter().filter(|it| **it).count(),
            exact,
            "{}",
            found.method
        );
        for (i, exact) in found.exact.iter().enumerate() {
            let error = (found.values[i] - expected[i]).abs();
            assert!(
                !exact || error <= 1e-10 * expected[i].abs(),
                "{}: {i}",
                found.method
            );
        }
    }
    let mean = influence.self_influence_of(&margin.clone().mean(), &all);
    assert!(matches!(
        mean.err(),
        Some(AttributionError::Setting {
            name: "measurement",
            ..
        })
    ));
    let outputs =
        influence.self_influences_of(&Measurement::outputs(), &SelfInfluenceConfig::default());
    assert!(outputs.err().unwrap().to_string().contains("one of them"));
    let fewer = influence.self_influence_of(&Measurement::margin(classes(&[0])), &[1, 2]);
    assert!(matches!(
        fewer.err(),
        Some(AttributionError::Curvature(CurvatureError::Examples {
            inputs: 2,
            targets: 1
        }))
    ));
    assert_eq!(
        influence.self_influence_of(&margin, &[]).unwrap(),
        Vec::<f64>::new()
    );
}
