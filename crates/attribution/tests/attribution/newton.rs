//! Newton estimates through the front door, against least squares and each other. In f64 on flex.

use backdraft_attribution::{
    Influence, InfluenceConfig, Matrix, Measurement, NewtonConfig, NewtonOutcome, SolverConfig,
    VerifyConfig,
};
use backdraft_curvature::{CrossEntropy, SquaredError};
use backdraft_influence::DirectConfig;
use backdraft_test_support::{assert_close, classes, double, matrix, random};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

const N: usize = 12;
const INPUTS: usize = 3;
const DAMPING: f64 = 0.05;

fn config() -> InfluenceConfig {
    InfluenceConfig::new()
        .with_damping(DAMPING)
        .with_solver(SolverConfig::Direct(DirectConfig::default()))
}

fn forward(net: &Linear, x: Tensor<2>) -> Tensor<2> {
    net.forward(x)
}

fn net(outputs: usize) -> Linear {
    double(LinearConfig::new(INPUTS, outputs).init(&Device::flex()))
}

fn least_squares(matrix: Matrix) -> Influence {
    let data = (random([N, INPUTS], 2), random([N, 1], 3));
    let config = config().with_matrix(matrix);
    config.init(&net(1), forward, SquaredError, data).unwrap()
}

fn softmax() -> Influence {
    let labels = classes(&[0, 1, 2, 2, 1, 0, 0, 1, 2, 1, 1, 0]);
    let data = (random([N, INPUTS], 2) * 2.0, labels);
    config().init(&net(3), forward, CrossEntropy, data).unwrap()
}

/// The proximal Bregman objective of a linear network under squared errors is quadratic: one Newton step is its
/// minimum, and an output is linear in the weights.
#[test]
fn for_least_squares_they_are_the_response() {
    let influence = least_squares(Matrix::GaussNewton);
    let queries = matrix(&[1.0, -0.7, 0.2, 0.4, 0.3, -0.9], INPUTS);
    let scores = influence.scores(&Measurement::output(0), queries).unwrap();
    let config = VerifyConfig::new().with_removals(6);
    let found = influence.verify(&scores, &config).unwrap();
    let newton = found.newton().unwrap();
    assert_eq!((newton.pairs, found.removed.len()), (found.pairs.len(), 6));
    for pair in &found.pairs {
        // Responses are minimised to a gradient of 1e-4 of the one at their start.
        let error = (pair.newton.unwrap() - pair.found).abs();
        assert!(error < 1e-3 * pair.found.abs().max(1e-3), "{pair:?}");
    }
    assert!((newton.slope.unwrap() - 1.0).abs() < 1e-3, "{newton:?}");
    // What influence leaves out: one over one less the leverage.
    assert!(found.slope().unwrap() > 1.05, "{:?}", found.slope());
}

#[test]
fn all_at_once_or_one_by_one() {
    let influence = softmax();
    let queries = || matrix(&[1.0, -0.7, 0.2, 0.4, 0.3, -0.9], INPUTS);
    let measurement = Measurement::margin(classes(&[0, 2]));
    let scores = influence.scores(&measurement, queries()).unwrap();
    let removals: Vec<usize> = (0..N).collect();
    let single = influence.newton(&scores, &removals).unwrap();
    let (all, method) = influence
        .newton_scores(&measurement, queries(), &NewtonConfig::default())
        .unwrap();
    assert_eq!(method, "exact, through a dense matrix of 12 x 12");
    let (leverages, _) = influence.leverages(&NewtonConfig::default()).unwrap();
    assert_eq!(leverages, all.leverages);
    for row in 0..2 {
        let one: Vec<f64> = single.iter().map(|it| it.change(row).unwrap()).collect();
        let values: Vec<f64> = all.values[row].iter().map(|it| it.unwrap()).collect();
        assert_close(&values, &one, 1e-10);
    }
    for (prediction, all) in single.iter().zip(&leverages) {
        let NewtonOutcome::Done {
            leverage: Some(leverage),
            ..
        } = &prediction.outcome
        else {
            panic!("{prediction:?}");
        };
        assert!((leverage.largest() - all.largest()).abs() < 1e-10);
    }
    // Where the dense matrix is over its limit, the larger one serves, each is solved for, or EK-FAC says about the same.
    let mut config = NewtonConfig::default();
    config.direct.limit = 11;
    for (memory, expected) in [
        (1 << 20, "exact, through a kernel matrix of 36 x 36"),
        (1, "exact, 36 systems solved"),
    ] {
        config.dual.memory = memory;
        let (solved, method) = influence
            .newton_scores(&measurement, queries(), &config)
            .unwrap();
        assert_eq!(method, expected);
        for (solved, all) in solved.values.iter().zip(&all.values) {
            let of = |row: &[Option<f64>]| row.iter().map(|it| it.unwrap()).collect::<Vec<_>>();
            assert_close(&of(solved), &of(all), 1e-10);
        }
    }
    config.solved = 35;
    let (approximate, method) = influence
        .newton_scores(&measurement, queries(), &config)
        .unwrap();
    assert!(method.starts_with("approximate, by EK-FAC"), "{method}");
    let of = |scores: &[Option<f64>]| scores.iter().map(|it| it.unwrap()).collect::<Vec<_>>();
    let pearson =
        backdraft_influence::statistics::pearson(&of(&approximate.values[0]), &of(&all.values[0]));
    assert!(pearson.unwrap() > 0.9, "{pearson:?}");
    assert_ne!(approximate.values, all.values);
}

#[test]
fn the_mean_over_queries_is_one_row() {
    let influence = softmax();
    let queries = || matrix(&[1.0, -0.7, 0.2, 0.4, 0.3, -0.9], INPUTS);
    let measurement = || Measurement::loss(classes(&[0, 2]));
    let each = influence.scores(&measurement(), queries()).unwrap();
    let mean = influence.scores(&measurement().mean(), queries()).unwrap();
    let [each, mean] = [&each, &mean].map(|it| influence.newton(it, &[4]).unwrap().remove(0));
    let average = 0.5 * (each.change(0).unwrap() + each.change(1).unwrap());
    assert!((mean.change(0).unwrap() / average - 1.0).abs() < 1e-10);
    assert_eq!(mean.change(1), None);
}

/// With the Hessian, whose parts are no sums of squares: for a linear network its Gauss-Newton matrix.
#[test]
fn the_hessian_takes_a_solve_a_removal() {
    let queries = || random([2, INPUTS], 9);
    let [hessian, gauss_newton] = [Matrix::Hessian, Matrix::GaussNewton].map(|kind| {
        let influence = least_squares(kind);
        let scores = influence
            .scores(&Measurement::output(0), queries())
            .unwrap();
        influence.newton(&scores, &[1, 7]).unwrap()
    });
    for (a, b) in hessian.iter().zip(&gauss_newton) {
        for row in 0..2 {
            let (a, b) = (a.change(row).unwrap(), b.change(row).unwrap());
            assert!((a / b - 1.0).abs() < 1e-10);
        }
        let NewtonOutcome::Done { leverage: None, .. } = a.outcome else {
            panic!("{a:?}");
        };
    }
}
