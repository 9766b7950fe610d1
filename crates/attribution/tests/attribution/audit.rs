//! Wrong labels through the front door. In f64 on flex.

use backdraft_attribution::{
    AttributionError, AuditBy, AuditTargets, Influence, InfluenceConfig, Measurement, NewtonConfig,
    audit::Suggestion,
};
use backdraft_curvature::{CrossEntropy, SquaredError};
use backdraft_test_support::{assert_close, classes, double, host, matrix, random};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

const N: usize = 12;
const INPUTS: usize = 3;

fn forward(net: &Linear, x: Tensor<2>) -> Tensor<2> {
    net.forward(x)
}

fn net(outputs: usize) -> Linear {
    double(LinearConfig::new(INPUTS, outputs).init(&Device::flex()))
}

/// At any parameters: one Newton step from there without the example is its ridge regression about them.
fn least_squares() -> (Influence, Vec<f64>) {
    let targets = random([N, 1], 3);
    let data = (random([N, INPUTS], 2), targets.clone());
    let config = InfluenceConfig::new().with_damping(0.05);
    let influence = config.init(&net(1), forward, SquaredError, data).unwrap();
    (influence, host(targets))
}

#[test]
fn of_least_squares_answers_without_an_example_are_exact() {
    let (influence, targets) = least_squares();
    let left_out = influence.left_out(&NewtonConfig::default()).unwrap();
    assert_eq!((left_out.width, left_out.len()), (1, N));
    for (z, target) in targets.iter().enumerate() {
        // Residuals grow by 1 / (1 - leverage), where nothing but the damping holds the parameters.
        let (output, without) = (
            left_out.outputs_of(z)[0],
            left_out.outputs_without(z).unwrap()[0],
        );
        let leverage = left_out.leverages[z].largest();
        let grown = (output - target) / (1.0 - leverage);
        assert!((without - target - grown).abs() < 1e-10);
    }
    let nothing = None::<(&Measurement, Tensor<2>)>;
    let values = AuditTargets::Values(targets.clone());
    let audit = influence
        .audit(&values, nothing, &NewtonConfig::default())
        .unwrap();
    let order = audit.order(AuditBy::LeftOut);
    let residual = |z: usize| (left_out.outputs_without(z).unwrap()[0] - targets[z]).abs();
    assert!(
        order
            .windows(2)
            .all(|it| residual(it[0]) >= residual(it[1]))
    );
    assert!(audit.examples.iter().all(|it| it.score.is_none()));
    assert_eq!(audit.suspicions(AuditBy::Harm), vec![None; N]);
    let losses = host(influence.train().losses().unwrap());
    let found: Vec<f64> = audit.examples.iter().map(|it| it.loss).collect();
    assert_close(&found, &losses, 1e-14);
}

#[test]
fn a_label_that_its_neighbours_contradict_is_found() {
    // Two heaps of points, and one point of the first among those of the second.
    let x: Vec<f64> = (0..N)
        .flat_map(|i| {
            let side = if i < N / 2 { -1.0 } else { 1.0 };
            [side, 0.1 * i as f64, side * 0.3]
        })
        .collect();
    let mut labels: Vec<i64> = (0..N).map(|i| i64::from(i >= N / 2)).collect();
    labels[9] = 0;
    let data = (matrix(&x, INPUTS), classes(&labels));
    let config = InfluenceConfig::new().with_damping(0.01);
    let start = config.init(&net(2), forward, CrossEntropy, data).unwrap();
    // Near the optimum of the labels as they are.
    let mut cost = start.train().clone();
    for _ in 0..60 {
        let step = cost.gradient().unwrap() * 2.0;
        cost = cost.at(cost.model().theta().clone() - step).unwrap();
    }
    let influence = config.over(cost).unwrap();
    let targets = AuditTargets::Classes(labels.iter().map(|&it| it as usize).collect());
    let harm = Measurement::loss(classes(&[0, 1])).mean();
    let queries = || matrix(&[-1.0, 0.2, -0.3, 1.0, 0.8, 0.3], INPUTS);
    let audit = influence
        .audit(&targets, Some((&harm, queries())), &NewtonConfig::default())
        .unwrap();
    for by in AuditBy::ALL {
        assert_eq!(audit.order(by)[0], 9, "{by:?}");
    }
    let found = &audit.examples[9];
    assert!(
        matches!(found.suggestion, Some(Suggestion::Class { class: 1, probability }) if probability > 0.8)
    );
    assert_eq!(found.other_class(0).map(|it| it.0), Some(1));
    assert!(found.left_out_margin.unwrap() < found.margin && found.score.unwrap() < 0.0);
    let scores = influence.scores(&harm, queries()).unwrap();
    assert_close(
        &audit
            .examples
            .iter()
            .map(|it| it.score.unwrap())
            .collect::<Vec<_>>(),
        &scores.of(0).unwrap(),
        1e-10,
    );
}

#[test]
fn targets_that_do_not_belong_are_refused() {
    let (influence, _) = least_squares();
    let refused = |targets: AuditTargets| {
        let nothing = None::<(&Measurement, Tensor<2>)>;
        influence
            .audit(&targets, nothing, &NewtonConfig::default())
            .unwrap_err()
    };
    for (targets, words) in [
        (
            AuditTargets::Values(vec![1.0; N - 1]),
            "are 11, of 12 examples",
        ),
        (
            AuditTargets::Classes(vec![2; N]),
            "class 2, and there are 2",
        ),
    ] {
        let error = refused(targets);
        assert!(matches!(
            error,
            AttributionError::Setting {
                name: "targets",
                ..
            }
        ));
        assert!(error.to_string().contains(words), "{error}");
    }
}
