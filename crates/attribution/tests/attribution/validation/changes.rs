//! Actual and predicted changes are those that are computed densely.

use backdraft_attribution::{
    Estimator, Minimize, PredictionQuality, SolverConfig,
    evaluate::{Refit, ValidationConfig},
};
use backdraft_influence::{DiagonalConfig, DirectConfig, KfacConfig, response::Stop};
use backdraft_test_support::{dot, solve, vector};

use super::{
    POINTS, config, done, estimators, evaluation, minimum,
    softmax::{CLASSES, DIM, Known, L2, N},
    untrained,
};

/// What is left of gradients below 1e-10, times condition numbers of a hundred.
const TOLERANCE: f64 = 1e-8;

#[test]
fn changes_and_exact_estimators_are_those_computed_densely() {
    let known = Known::new();
    let (cost, query) = known.costs();
    let evaluation = evaluation().init(&cost, &untrained).unwrap();
    let found = evaluation.validate(&query, &config()).unwrap();
    let influence = known.influence();
    let mut order: Vec<usize> = (0..N).collect();
    order.sort_by(|&a, &b| influence[b].abs().total_cmp(&influence[a].abs()));
    assert_eq!(found.points, order[..POINTS]);
    assert_eq!(
        (found.changes.len(), found.failed.len(), found.left),
        (POINTS, 0, 0)
    );
    assert!((found.before - known.tests.loss(known.query, &known.trained)).abs() < TOLERANCE);
    for it in &found.changes {
        let expected = known.actual(it.example);
        assert!(
            (it.change - expected).abs() < TOLERANCE,
            "{} {expected}",
            it.change
        );
        // What is said of it holds, but for the rounding of losses.
        assert!((it.change - expected).abs() <= it.error.unwrap() + 1e-14);
        // From a sketch of all of so small a matrix: the influence estimate, and some steps more.
        assert!(it.steps.unwrap() <= 10, "{it:?}");
        assert!(it.error.unwrap() < 1e-4 * it.change.abs(), "{it:?}");
    }
    for exact in [0, 1, 11] {
        let prediction = done(&found, exact);
        for (&point, predicted) in found.points.iter().zip(&prediction.predicted) {
            let (predicted, expected) = (predicted.unwrap(), influence[point]);
            assert!(
                (predicted - expected).abs() < 1e-10,
                "{predicted} {expected}"
            );
        }
        let quality = PredictionQuality::of(&found.pairs(prediction));
        assert!(quality.pearson.unwrap() > 0.999, "{quality:?}");
        assert!(quality.spearman.unwrap() > 0.99, "{quality:?}");
        assert!((quality.slope.unwrap() - 1.0).abs() < 0.1, "{quality:?}");
        assert_eq!(prediction.overlap, Some(1.0));
        assert!(prediction.residual.unwrap() < 1e-8);
    }
    // LiSSA's scale is told.
    assert!(done(&found, 2).scale.unwrap() > 0.0);
    assert!(
        [0, 1, 3, 11]
            .iter()
            .all(|&it| done(&found, it).scale.is_none())
    );
    // An approximation is one.
    for rough in 2..11 {
        let prediction = done(&found, rough);
        let apart = found.points.iter().zip(&prediction.predicted);
        let apart = apart.map(|(&i, it)| (it.unwrap() - influence[i]).abs());
        assert!(apart.fold(0.0, f64::max) > 1e-5, "{rough}");
        assert_eq!(
            prediction.residual.is_none(),
            [3, 10].contains(&rough),
            "{rough}"
        );
    }
}

/// With the curvature that is left without the example, `(H - 1/N H_z)^-1 1/N g_z`, the size is right where influence
/// is too small.
#[test]
fn newton_estimates_are_those_computed_densely() {
    let known = Known::new();
    let (cost, query) = known.costs();
    let evaluation = evaluation().init(&cost, &untrained).unwrap();
    let found = evaluation.validate(&query, &config()).unwrap();
    let last = found.estimators.len() - 1;
    assert!(found.estimators[last].newton && !found.estimators[0].newton);
    let (newton, direct) = (done(&found, last), done(&found, 0));
    let of_query = known.tests.gradient(known.query, &known.trained);
    for (&point, predicted) in found.points.iter().zip(&newton.predicted) {
        let mut weights = [1.0; N];
        weights[point] = 0.0;
        let (hessian, _) = known.problem.curved(&weights, &known.trained);
        let gradient = known.problem.gradient(point, &known.trained);
        let expected = dot(&solve(hessian, of_query.clone()), &gradient) / N as f64;
        assert!((predicted.unwrap() - expected).abs() < 1e-10);
    }
    let [newton, direct] = [newton, direct].map(|it| {
        let pairs = found.pairs(it);
        let apart = pairs
            .iter()
            .map(|(predicted, actual)| (predicted - actual).abs());
        (apart.fold(0.0, f64::max), PredictionQuality::of(&pairs))
    });
    assert!(newton.0 < direct.0, "{newton:?} {direct:?}");
    let off = |quality: PredictionQuality| (quality.slope.unwrap() - 1.0).abs();
    assert!(off(newton.1) < off(direct.1), "{newton:?} {direct:?}");
}

#[test]
fn the_outer_product_and_parameters_alone_are_those_computed_densely() {
    let known = Known::new();
    let (cost, query) = known.costs();
    let all = estimators();
    let scores = |place: usize| all[place].scores(&cost, &query, 0.0).unwrap().values[0].clone();
    let gradients: Vec<_> = (0..N)
        .map(|i| known.problem.gradient(i, &known.trained))
        .collect();
    let of_query = known.tests.gradient(known.query, &known.trained);
    let mut outer = vec![vec![0.0; DIM]; DIM];
    for (a, row) in outer.iter_mut().enumerate() {
        row[a] = L2;
        for (b, sum) in row.iter_mut().enumerate() {
            *sum += gradients.iter().map(|g| g[a] * g[b]).sum::<f64>() / N as f64;
        }
    }
    let s = solve(outer, of_query.clone());
    let (hessian, _) = known.problem.curved(&[1.0; N], &known.trained);
    let biases: Vec<Vec<f64>> = hessian[DIM - CLASSES..]
        .iter()
        .map(|row| row[DIM - CLASSES..].to_vec())
        .collect();
    let last = solve(biases, of_query[DIM - CLASSES..].to_vec());
    let (outer, biases, products) = (scores(3), scores(5), scores(10));
    for (i, g) in gradients.iter().enumerate() {
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        };
        close(outer[i], dot(g, &s) / N as f64);
        close(biases[i], dot(&g[DIM - CLASSES..], &last) / N as f64);
        close(products[i], dot(g, &of_query) / N as f64);
    }
    let whole = Estimator::new("all", SolverConfig::default()).only(["weight", "bias"]);
    let refused = whole.scores(&cost, &query, 0.0).unwrap_err().to_string();
    assert!(refused.contains("all that the network has"), "{refused}");
}

/// The minimum is one: whatever stands in for the inverse, and from wherever the training begins.
#[test]
fn a_refit_does_not_depend_on_how_it_is_come_to() {
    let (cost, query) = Known::new().costs();
    let stop = Stop {
        tolerance: 1e-11,
        decrease: 0.0,
        max_steps: 1_000,
    };
    let minimize = Minimize::new(&cost, |_| vector(&[0.3; DIM]), stop).unwrap();
    let evaluation = evaluation().init(&cost, &minimize).unwrap();
    let ways = [
        config().refit,
        minimum(SolverConfig::Direct(DirectConfig::default())),
        minimum(SolverConfig::Diagonal(DiagonalConfig::default())),
        minimum(SolverConfig::Kfac(KfacConfig::default())),
        Refit::Training,
    ];
    let found = ways.map(|refit| {
        let config = ValidationConfig {
            points: 12,
            estimators: estimators()[..1].to_vec(),
            newton: Vec::new(),
            refit,
        };
        evaluation.validate(&query, &config).unwrap()
    });
    for other in &found[1..] {
        assert_eq!(other.points, found[0].points);
        for (one, other) in found[0].changes.iter().zip(&other.changes) {
            let errors: f64 = [one.error, other.error].into_iter().flatten().sum();
            let apart = (one.change - other.change).abs();
            // What is left of the trainings' gradients is not told.
            assert!(apart <= errors + 1e-9, "{one:?} {other:?}");
        }
    }
    assert!(found[4].changes.iter().all(|it| it.error.is_none()));
}
