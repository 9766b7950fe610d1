//! Conjugate gradients.

use backdraft_curvature::{BatchOperator, Cost, Damped, Model, SquaredError};
use backdraft_influence::{
    ConjugateGradient, ConjugateGradientConfig, Direct, Solution, SolveError, Solver,
};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor},
};

use super::operators::{Gram, Spectrum, distance, host, residual, unconverged, uniform, vector};

fn cg(config: ConjugateGradientConfig) -> ConjugateGradient {
    config.init().unwrap()
}

#[test]
fn cg_and_direct_agree() {
    // Condition number about 1e3: residuals of 1e-12 leave 1e-9 of error.
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let b = uniform(40, 2);
    let tight = cg(ConjugateGradientConfig {
        tolerance: Some(1e-12),
        ..Default::default()
    });
    let by_cg = tight.solve(&operator, b.clone()).unwrap();
    let by_direct = Direct::default().solve(&operator, b.clone()).unwrap();
    assert!(distance(&by_cg.vector, &by_direct.vector) < 1e-8);
    assert!(by_direct.info.true_residual < 1e-13);

    for solution in [&by_cg, &by_direct] {
        let info = &solution.info;
        assert!(info.converged);
        let fresh = residual(&operator, &solution.vector, &b);
        assert!((fresh - info.true_residual).abs() < 1e-14, "{info:?}");
    }
    assert_eq!(by_cg.info.residuals[0], 1.0);
    assert!(by_cg.info.residuals.last().unwrap() <= &1e-12);
    assert_eq!(by_direct.info.products, 41.0);
}

#[test]
fn cg_converges_in_f32_and_ignores_the_scale_of_the_right_hand_side() {
    let values: Vec<f64> = (0..50).map(|i| 1.0 + 99.0 * i as f64 / 49.0).collect();
    let operator = Spectrum::new(&values, DType::F32);
    for scale in [1e-30, 1.0, 1e30] {
        // The squares of the first and last do not fit f32.
        let b = uniform(50, 6).cast(DType::F32) * scale;
        let solution = ConjugateGradient::default()
            .solve(&operator, b.clone())
            .unwrap();
        assert_eq!(solution.vector.dtype(), DType::F32);
        assert!(residual(&operator, &solution.vector, &b) <= 1.01e-5);
    }
}

#[test]
fn cg_says_what_it_reached_when_iterations_run_out() {
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let b = uniform(40, 2);
    let (solution, remedy) = unconverged(
        cg(ConjugateGradientConfig {
            max_iterations: Some(7),
            ..Default::default()
        })
        .solve(&operator, b.clone()),
    );
    let info = &solution.info;
    assert!(remedy.contains("max_iterations"));
    assert!(!info.converged && info.true_residual > info.tolerance);
    assert_eq!((info.iterations, info.products), (7, 8.0));
    // At the start and after every iteration; in f64 the recursion is still true after seven.
    assert_eq!(info.residuals.len(), 8);
    let fresh = residual(&operator, &solution.vector, &b);
    assert!((fresh - info.true_residual).abs() < 1e-12);
    assert!((info.residuals[7] - fresh).abs() < 1e-10);
}

#[test]
fn cg_gives_the_same_iterates_however_often_it_looks() {
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let solve = |check_every, max_iterations| {
        let config = ConjugateGradientConfig {
            check_every,
            max_iterations: Some(max_iterations),
            ..Default::default()
        };
        unconverged(cg(config).solve(&operator, uniform(40, 2))).0
    };
    let (often, seldom) = (solve(1, 11), solve(100, 11));
    assert_eq!(host(&often.vector), host(&seldom.vector));
    assert_eq!(often.info, seldom.info);
}

#[test]
fn cg_survives_iterations_past_the_exact_solution() {
    // One distinct eigenvalue: exact after one iteration, with a vanished residual in all that follow.
    let operator = Spectrum::new(&[2.0; 30], DType::F32);
    let b = vector(&[1.0; 30]).cast(DType::F32);
    let eager = cg(ConjugateGradientConfig {
        check_every: 20,
        ..Default::default()
    });
    let solution = eager.solve(&operator, b).unwrap();
    assert!(
        host(&solution.vector)
            .iter()
            .all(|x| (x - 0.5).abs() < 1e-6)
    );
    assert_eq!(solution.info.residuals.len(), 2);
}

#[test]
fn cg_admits_that_f32_allows_no_more() {
    // Condition number 1e5: the product's own rounding, about 1e-7 ||A|| ||s||, is far above 1e-6 ||b||.
    let values: Vec<f64> = (0..60)
        .map(|i| 10f64.powf(-5.0 * i as f64 / 59.0))
        .collect();
    let operator = Spectrum::new(&values, DType::F32);
    let b = uniform(60, 7).cast(DType::F32);
    let (solution, remedy) = unconverged(
        cg(ConjugateGradientConfig {
            tolerance: Some(1e-6),
            max_iterations: Some(100_000),
            ..Default::default()
        })
        .solve(&operator, b.clone()),
    );
    let info = &solution.info;
    assert!(remedy.contains("rounding in F32"), "{remedy}");
    assert!(*info.residuals.last().unwrap() <= 1e-6);
    assert!(
        info.true_residual > 1e-6 && info.true_residual < 0.1,
        "{info:?}"
    );
    let fresh = residual(&operator, &solution.vector, &b);
    assert!(
        (fresh / info.true_residual - 1.0).abs() < 0.3,
        "{fresh} {info:?}"
    );
}

#[test]
fn cg_starts_warm() {
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let b = uniform(40, 2);
    let solver = ConjugateGradient::default();
    let cold = solver.solve(&operator, b.clone()).unwrap();
    let warm = solver
        .solve_from(&operator, b.clone(), cold.vector.clone())
        .unwrap();
    assert_eq!((warm.info.iterations, warm.info.products), (0, 1.0));
    let near = solver
        .solve_from(&operator, b, cold.vector.clone() * 1.001)
        .unwrap();
    assert!(near.info.converged && near.info.residuals[0] < 2e-3);
    assert!(distance(&near.vector, &cold.vector) < 1e-6);
    assert!(matches!(
        solver.solve_from(&operator, uniform(40, 2), uniform(39, 2)),
        Err(SolveError::Dimension {
            what: "the start",
            expected: 40,
            found: 39
        })
    ));
}

#[test]
fn negative_curvature_is_named() {
    let operator = Spectrum::new(&[3.0, 2.0, 1.0, -0.5], DType::F64);
    let b = vector(&[1.0, 2.0, -1.0, 0.5]);
    let error = ConjugateGradient::default()
        .solve(&operator, b.clone())
        .unwrap_err();
    assert!(error.to_string().contains("raise the damping"));
    let SolveError::NegativeCurvature {
        curvature,
        solution,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert!((-0.5..0.0).contains(&curvature));
    assert_the_best(&operator, &b, &solution);
    // Damped beyond the negative eigenvalue, it solves.
    ConjugateGradient::default()
        .solve(&Damped::new(&operator, 1.0), b.clone())
        .unwrap();
    assert!(matches!(
        Direct::default().solve(&operator, b),
        Err(SolveError::NotPositiveDefinite { .. })
    ));
}

/// Residuals of ill-conditioned systems rise and fall. A solution whose residual has risen again by the time it is
/// looked at is not taken for solved.
#[test]
fn cg_looks_at_the_residual_it_returns() {
    let values: Vec<f64> = (0..80)
        .map(|i| 10_f64.powf(-5.0 + 6.0 * i as f64 / 79.0))
        .collect();
    let operator = Spectrum::new(&values, DType::F64);
    let (mut risen, loose) = (0, 0.1);
    for seed in 0..20 {
        let b = uniform(80, seed);
        let solver = cg(ConjugateGradientConfig {
            tolerance: Some(loose),
            ..Default::default()
        });
        let info = solver.solve(&operator, b.clone()).unwrap().info;
        assert!(info.converged && info.true_residual <= loose, "{info:?}");
        // One product at the end, for the true residual: no second start was needed.
        assert_eq!(info.products, info.iterations as f64 + 1.0);
        let early = info.residuals.iter().position(|it| *it <= loose);
        risen += usize::from(early.is_some_and(|it| it + 1 < info.residuals.len()));
    }
    assert!(risen > 0, "no residual rose again: the test tests nothing");
}

/// The solution handed out with an error is no worse than nothing, and its residual is its own.
fn assert_the_best(operator: &Spectrum, b: &Tensor<1>, solution: &Solution) {
    let info = &solution.info;
    assert!(!info.converged && info.true_residual <= 1.0, "{info:?}");
    let fresh = residual(operator, &solution.vector, b);
    let error = (fresh - info.true_residual).abs();
    assert!(error < 0.2 * fresh, "{fresh} {info:?}");
}

/// With eigenvalues of both signs, and near 0, iterates go anywhere. Whatever ends them, the best is handed out: with
/// more iterations it is never worse.
#[test]
fn cg_that_fails_hands_out_its_best_iterate() {
    let (mut indefinite, mut spent) = (0, 0);
    for (seed, dtype) in [
        (1, DType::F32),
        (2, DType::F64),
        (3, DType::F32),
        (4, DType::F64),
    ] {
        let mut values: Vec<f64> = (1..=20).map(f64::from).collect();
        values[3] = -1e-9;
        values[7] = -1e-12;
        let operator = Spectrum::new(&values, dtype);
        let b = uniform(20, seed).cast(dtype);
        let mut before = 1.0;
        for max_iterations in 1..=40 {
            let solver = cg(ConjugateGradientConfig {
                max_iterations: Some(max_iterations),
                check_every: 7,
                ..Default::default()
            });
            let solution = match solver.solve(&operator, b.clone()) {
                Err(SolveError::NegativeCurvature { solution, .. }) => {
                    indefinite += 1;
                    solution
                }
                Err(SolveError::NotConverged { solution, .. }) => {
                    spent += 1;
                    solution
                }
                other => panic!("{other:?}"),
            };
            assert_the_best(&operator, &b, &solution);
            let now = solution.info.true_residual;
            assert!(now <= 1.5 * before, "{max_iterations}: {now} {before}");
            before = before.min(now);
        }
        assert!(before < 0.9, "{before}");
    }
    assert!(indefinite > 0 && spent > 0, "{indefinite} {spent}");
}

#[test]
fn advice_is_given_in_the_words_of_the_matrix_and_its_type() {
    // One weight for each of two inputs that are the same: the matrix is singular.
    let x = vector(&[1.0, 1.0, 2.0, 2.0, -1.0, -1.0]).reshape([3, 2]);
    let t = vector(&[1.0, 2.0, 0.0]).reshape([3, 1]);
    for dtype in [DType::F32, DType::F64] {
        let layer = LinearConfig::new(2, 1).with_bias(false);
        let mut layer: Linear = layer.init(&Device::flex());
        layer.weight = layer
            .weight
            .map(|_| vector(&[0.1, 0.2]).reshape([2, 1]).cast(dtype));
        let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
        let cost = Cost::new(
            model,
            SquaredError,
            x.clone().cast(dtype),
            t.clone().cast(dtype),
        );
        let cost = cost.unwrap();
        let said = |operator: &dyn BatchOperator| {
            let found = Direct::default().solve(operator, vector(&[1.0, -1.0]).cast(dtype));
            found.unwrap_err().to_string()
        };
        let text = said(&cost.gauss_newton());
        assert!(
            text.contains("the Gauss-Newton matrix has no negative eigenvalue"),
            "{text}"
        );
        assert!(!text.contains("Hessian"), "{text}");
        assert_eq!(
            text.contains("compute in F64"),
            dtype == DType::F32,
            "{text}"
        );
        let text = said(&cost.hessian());
        assert!(text.contains("use the Gauss-Newton matrix"), "{text}");
        let text = said(&cost.fisher().damped(0.0));
        assert!(text.contains("the Fisher matrix"), "{text}");
    }
}
