//! The front door, against closed forms in f64.

use backdraft_attribution::{
    AttributionError, Influence, InfluenceConfig, Matrix, Measurement, SelfInfluenceConfig,
    SolverConfig, VerifyConfig,
};
use backdraft_curvature::{CrossEntropy, CurvatureError, SquaredError};
use backdraft_influence::{
    DirectConfig, DualConfig, Kfac, LissaConfig, SolveError, Solver, self_influence,
};
use backdraft_test_support::{assert_close, classes, matrix, solve};
use burn::{
    config::Config,
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

const DAMPING: f64 = 0.05;
/// The systems are well conditioned.
const ROUNDING: f64 = 1e-12;
const WEIGHTS: [f64; 3] = [0.3, -0.2, 0.7];
const X: [f64; 5] = [1.0, -0.5, 2.0, 0.3, -1.2];
const CLASSES: [i64; 5] = [2, 0, 1, 2, 0];

/// `outputs = x weights`, one input.
fn net(weights: &[f64]) -> Linear {
    let config = LinearConfig::new(1, weights.len()).with_bias(false);
    let mut net = config.init(&Device::flex());
    net.weight = net.weight.map(|_| matrix(weights, weights.len()));
    net.valid()
}

fn forward(net: &Linear, x: Tensor<2>) -> Tensor<2> {
    net.forward(x)
}

fn exact() -> InfluenceConfig {
    InfluenceConfig::new()
        .with_damping(DAMPING)
        .with_solver(SolverConfig::Direct(DirectConfig::default()))
}

fn influence(config: &InfluenceConfig) -> Influence {
    let data = (matrix(&X, 1), classes(&CLASSES));
    config
        .init(&net(&WEIGHTS), forward, CrossEntropy, data)
        .unwrap()
}

fn softmax(y: &[f64]) -> Vec<f64> {
    let sum: f64 = y.iter().map(|y| y.exp()).sum();
    y.iter().map(|y| y.exp() / sum).collect()
}

/// The scores for a query `x` of a measurement with the gradient `slope` in the outputs.
fn expected(x: f64, slope: &[f64]) -> Vec<f64> {
    let n = X.len() as f64;
    let mut a = vec![vec![0.0; 3]; 3];
    let mut gradients = Vec::new();
    for (x, class) in X.iter().zip(CLASSES) {
        let p = softmax(&WEIGHTS.map(|w| w * x));
        for i in 0..3 {
            for j in 0..3 {
                let same = if i == j { p[i] } else { 0.0 };
                a[i][j] += x * x * (same - p[i] * p[j]) / n;
            }
        }
        let hot = |k: usize| if k as i64 == class { 1.0 } else { 0.0 };
        gradients.push((0..3).map(|k| x * (p[k] - hot(k))).collect::<Vec<f64>>());
    }
    for (i, row) in a.iter_mut().enumerate() {
        row[i] += DAMPING;
    }
    let s = solve(a, slope.iter().map(|slope| slope * x).collect());
    let along = |g: &Vec<f64>| g.iter().zip(&s).map(|(g, s)| g * s).sum::<f64>() / n;
    gradients.iter().map(along).collect()
}

#[test]
fn every_measurement_has_its_closed_form() {
    let influence = influence(&exact());
    let query = 0.8;
    let y = WEIGHTS.map(|w| w * query);
    let p = softmax(&y);
    let others = softmax(&[y[0], y[2]]);
    let slopes = [
        (Measurement::loss(classes(&[1])), [p[0], p[1] - 1.0, p[2]]),
        (Measurement::output(2), [0.0, 0.0, 1.0]),
        (
            Measurement::margin(classes(&[1])),
            [-others[0], 1.0, -others[1]],
        ),
        (
            Measurement::probability(classes(&[1])),
            [-p[1] * p[0], p[1] * (1.0 - p[1]), -p[1] * p[2]],
        ),
        (
            Measurement::of(|y: Tensor<2>| y.square().sum_dim(1).squeeze_dim(1)),
            y.map(|y| 2.0 * y),
        ),
    ];
    for (measurement, slope) in slopes {
        let scores = influence.scores(&measurement, matrix(&[query], 1)).unwrap();
        assert_close(&scores.of(0).unwrap(), &expected(query, &slope), ROUNDING);
        assert!(scores.solves()[0].converged);
    }
}

/// A query that the network is sure of keeps its scores: the margin's slope is that of logits, however sure.
#[test]
fn sure_queries_keep_their_digits() {
    let influence = influence(&exact());
    let query = 60.0;
    let y = WEIGHTS.map(|w| w * query);
    let others = softmax(&[0.0, y[1] - y[0]]);
    let slope = [-others[0], -others[1], 1.0];
    let measurement = Measurement::margin(classes(&[2]));
    let scores = influence.scores(&measurement, matrix(&[query], 1)).unwrap();
    assert_close(&scores.of(0).unwrap(), &expected(query, &slope), ROUNDING);
}

#[test]
fn many_queries_or_their_mean() {
    let influence = influence(&exact());
    let queries = || matrix(&[0.8, -1.5, 0.1], 1);
    let targets = || classes(&[1, 0, 2]);
    let each = influence
        .scores(&Measurement::loss(targets()), queries())
        .unwrap();
    assert_eq!(each.values().dims(), [3, 5]);
    let mean = influence
        .scores(&Measurement::loss(targets()).mean(), queries())
        .unwrap();
    assert_eq!(mean.values().dims(), [1, 5]);
    let rows: Vec<_> = (0..3).map(|query| each.of(query).unwrap()).collect();
    let averaged: Vec<f64> = (0..5)
        .map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / 3.0)
        .collect();
    assert_close(&mean.of(0).unwrap(), &averaged, ROUNDING);

    let [positive, negative] = each.strongest(1, 2).unwrap();
    assert!(positive.iter().all(|it| it.1 > 0.0) && negative.iter().all(|it| it.1 < 0.0));
    assert!(positive.is_sorted_by(|a, b| a.1 >= b.1));
    assert_eq!(each.group(&[0, 3]).unwrap()[2], rows[2][0] + rows[2][3]);
}

/// Each example's score for its own loss.
#[test]
fn self_influence_of_all_examples_says_how_it_was_found() {
    let influence = influence(&exact());
    let expected = influence.self_influence(&[0, 1, 2, 3, 4]).unwrap();
    let kfac = Kfac::default();
    let kfac = kfac.prepare(influence.matrix()).unwrap();
    let approximate = self_influence(influence.train(), &*kfac, &[0, 1, 2, 3, 4]).unwrap();
    // That says something: the approximation is off by more than the tolerance.
    assert!((approximate[0] / expected[0] - 1.0).abs() > 1e-3);
    let none = DualConfig {
        memory: 1,
        ..Default::default()
    };
    let small = DirectConfig {
        limit: 1,
        ..Default::default()
    };
    let dim = influence.matrix().dim();
    let dense = format!("exact, through a dense matrix of {dim} x {dim}");
    let ways = [
        (SelfInfluenceConfig::default(), &*dense),
        (
            SelfInfluenceConfig {
                direct: small.clone(),
                ..Default::default()
            },
            "exact, through a kernel matrix of 15 x 15",
        ),
        (
            SelfInfluenceConfig {
                dual: none.clone(),
                direct: small.clone(),
                ..Default::default()
            },
            "exact, 5 systems solved",
        ),
        (
            SelfInfluenceConfig {
                dual: none,
                direct: small,
                solved: 0,
                top: 2,
                ..Default::default()
            },
            "EK-FAC, and exact for the 2 largest",
        ),
    ];
    for (config, method) in ways {
        let found = influence.self_influences(&config).unwrap();
        assert_eq!(found.method, method);
        let exact = found.exact.iter().filter(|exact| **exact).count();
        assert_eq!(exact, if method.starts_with("EK") { 2 } else { 5 });
        for (i, exact) in found.exact.iter().enumerate() {
            let expected = if *exact { expected[i] } else { approximate[i] };
            let error = (found.values[i] - expected).abs();
            assert!(error <= 1e-10 * expected, "{method}: {i}");
        }
    }
}

/// Of more examples than are solved for at once, by what the first of them have learnt.
#[test]
fn self_influence_of_many_is_exact() {
    let numbers = |count: usize, seed: f64| -> Vec<f64> {
        let wave = (0..count).map(|i| ((i as f64 + 1.0) * (seed + 2.3)).sin());
        wave.collect()
    };
    let config = LinearConfig::new(40, 3).with_bias(false);
    let mut net = config.init(&Device::flex());
    net.weight = net.weight.map(|_| matrix(&numbers(120, 0.2), 3));
    let labels: Vec<i64> = (0..150).map(|i| i % 3).collect();
    let of = |config: &InfluenceConfig| {
        let data = (matrix(&numbers(6_000, 0.7), 40), classes(&labels));
        let influence = config.init(&net.clone().valid(), forward, CrossEntropy, data);
        let all: Vec<usize> = (0..150).collect();
        influence.unwrap().self_influence(&all).unwrap()
    };
    let solved = of(&InfluenceConfig::new().with_damping(DAMPING));
    // Each is solved to 1e-10.
    assert_close(&solved, &of(&exact()), 1e-8);
}

#[test]
fn self_influence_is_the_diagonal() {
    let influence = influence(&exact());
    let all = influence
        .scores(&Measurement::loss(classes(&CLASSES)), matrix(&X, 1))
        .unwrap();
    let own: Vec<f64> = (0..5).map(|i| all.of(i).unwrap()[i]).collect();
    assert_close(
        &influence.self_influence(&[0, 1, 2, 3, 4]).unwrap(),
        &own,
        ROUNDING,
    );
}

/// Least squares: what the first order leaves out is a few hundredths of a change.
#[test]
fn scores_hold_against_responses() {
    let x: Vec<f64> = (0..40).map(|i| ((i * 7 % 13) as f64 - 6.0) / 5.0).collect();
    let t: Vec<f64> = x
        .iter()
        .enumerate()
        .map(|(i, x)| 0.4 * x + ((i * 5 % 11) as f64 - 5.0) / 20.0)
        .collect();
    let minimum =
        x.iter().zip(&t).map(|(x, t)| x * t).sum::<f64>() / x.iter().map(|x| x * x).sum::<f64>();
    for (kind, trained) in [
        (Matrix::GaussNewton, minimum),
        (Matrix::Hessian, minimum),
        (Matrix::Fisher, minimum),
        // Away from the minimum the proximal response trains on, whatever is removed.
        (Matrix::Hessian, minimum + 0.005),
    ] {
        let config = exact().with_matrix(kind);
        let data = (matrix(&x, 1), matrix(&t, 1));
        let influence = config
            .init(&net(&[trained]), forward, SquaredError, data)
            .unwrap();
        let queries = matrix(&[1.0, -0.7], 1);
        let measurement = Measurement::loss(matrix(&[0.9, 0.2], 1));
        let scores = influence.scores(&measurement, queries).unwrap();
        let config = VerifyConfig::new().with_removals(8);
        let verified = influence.verify(&scores, &config).unwrap();
        assert_eq!((verified.removed.len(), verified.failed.len()), (8, 0));
        let pearson = verified.pearson().unwrap();
        assert!(pearson > 0.99, "{kind:?} at {trained}: {pearson}");
        let again = influence.verify(&scores, &config).unwrap();
        assert_eq!(verified.removed, again.removed);
        assert_eq!(verified.pairs, again.pairs);
    }
}

#[test]
fn settings_come_back_from_a_file() {
    let lissa = LissaConfig {
        depth: 7,
        ..Default::default()
    };
    for solver in [SolverConfig::default(), SolverConfig::Lissa(lissa)] {
        let config = InfluenceConfig::new()
            .with_matrix(Matrix::EmpiricalFisher)
            .with_solver(solver);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("influence.json");
        config.save(&path).unwrap();
        assert_eq!(InfluenceConfig::load(&path).unwrap(), config);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let x = || matrix(&[0.5], 1);
    let error = |measurement: Measurement, x: Tensor<2>| {
        influence(&exact()).scores(&measurement, x).err().unwrap()
    };
    let text = error(Measurement::output(3), x()).to_string();
    assert!(
        text.contains("output 3") && text.contains("there are 3"),
        "{text}"
    );
    assert!(matches!(
        error(Measurement::loss(classes(&[0, 1])), x()),
        AttributionError::Curvature(CurvatureError::Examples { .. })
    ));
    assert!(matches!(
        error(Measurement::loss(matrix(&[1.0], 1)), x()),
        AttributionError::Curvature(CurvatureError::TargetTensor { .. })
    ));
    assert!(matches!(
        error(Measurement::margin(classes(&[3])), x()),
        AttributionError::Curvature(CurvatureError::Target { .. })
    ));
    assert!(matches!(
        error(Measurement::output(0), matrix(&[f64::NAN], 1)),
        AttributionError::Curvature(CurvatureError::NotFinite { .. })
    ));

    let data = || (matrix(&X, 1), classes(&CLASSES));
    for damping in [-1.0, f64::NAN, f64::INFINITY] {
        let config = exact().with_damping(damping);
        let found = config.init(&net(&WEIGHTS), forward, CrossEntropy, data());
        assert!(matches!(
            found.err(),
            Some(AttributionError::Setting {
                name: "damping",
                ..
            })
        ));
    }
    let scores = influence(&exact())
        .scores(&Measurement::output(0), x())
        .unwrap();
    assert!(matches!(
        scores.group(&[9]),
        Err(AttributionError::Index { index: 9, len: 5 })
    ));
    assert!(scores.group(&[1, 1]).is_err() && scores.of(1).is_err());
    let none = VerifyConfig::new().with_removals(0);
    assert!(influence(&exact()).verify(&scores, &none).is_err());
}

/// A system that is not solved says which query's.
#[test]
fn unsolved_queries_are_named() {
    let shallow = LissaConfig {
        depth: 1,
        repeats: 1,
        tolerance: 1e-12,
        ..Default::default()
    };
    let config = exact().with_solver(SolverConfig::Lissa(shallow));
    let found = influence(&config).scores(&Measurement::output(0), matrix(&[0.5], 1));
    assert!(matches!(
        found.err(),
        Some(AttributionError::Query {
            query: 0,
            source: SolveError::NotConverged { .. }
        })
    ));
}
