//! LiSSA.

use backdraft_curvature::Damped;
use backdraft_curvature::to_dense;
use backdraft_influence::{
    ConjugateGradient, Direct, Lissa, LissaConfig, Scale, Solution, SolveError, Solver,
};
use burn::tensor::DType;

use super::operators::{Gram, Spectrum, distance, host, residual, unconverged, uniform, vector};

fn lissa(config: LissaConfig) -> Lissa {
    config.init().unwrap()
}

#[test]
fn lissa_with_all_examples_is_the_neumann_series() {
    let operator = Damped::new(Gram::new(40, 10, 14), 0.1);
    let b = uniform(10, 15);
    let exact = Direct::default().solve(&operator, b.clone()).unwrap();
    let solution = lissa(LissaConfig {
        depth: 400,
        batch_size: 40,
        tolerance: 1e-6,
        ..Default::default()
    })
    .solve(&operator, b.clone())
    .unwrap();
    assert!(distance(&solution.vector, &exact.vector) < 1e-6);
    // Ten repeats of the same would be one: one power iteration, one recursion, one residual.
    assert_eq!(solution.info.iterations, 400);
    assert_eq!(solution.info.products, 20.0 + 400.0 + 1.0);
    let fresh = residual(&operator, &solution.vector, &b);
    assert!((fresh - solution.info.true_residual).abs() < 1e-12);
}

#[test]
fn lissa_tends_to_the_cg_solution() {
    let operator = Damped::new(Gram::new(200, 10, 16), 0.1);
    let b = uniform(10, 17);
    let exact = ConjugateGradient::default()
        .solve(&operator, b.clone())
        .unwrap()
        .vector;
    let solve = |depth, repeats| {
        lissa(LissaConfig {
            depth,
            repeats,
            scale: Scale::Fixed(8.0),
            batch_size: 8,
            seed: 18,
            tolerance: f64::INFINITY,
        })
        .solve(&operator, b.clone())
        .unwrap()
    };
    // Depth removes the bias, (1 - lambda / scale)^depth; repeats the noise, one over their square root.
    let deeper = [5, 20, 80].map(|depth| distance(&solve(depth, 20).vector, &exact));
    assert!(deeper.is_sorted_by(|a, b| a > b), "{deeper:?}");
    let more = [1, 16, 256].map(|repeats| distance(&solve(320, repeats).vector, &exact));
    assert!(more.is_sorted_by(|a, b| a > b), "{more:?}");
    assert!(more[2] < 0.02, "{more:?}");
    let last = solve(320, 4);
    assert_eq!(last.info.residuals.len(), 4);
    assert_eq!(last.info.products, 4.0 * (320.0 * 8.0 / 200.0 + 1.0));
    let fresh = residual(&operator, &last.vector, &b);
    assert!((fresh - last.info.true_residual).abs() < 1e-12);
}

#[test]
fn lissa_is_a_function_of_its_seed() {
    let operator = Damped::new(Gram::new(100, 10, 19), 0.1);
    let solve = |seed, repeats| {
        let config = LissaConfig {
            depth: 60,
            repeats,
            batch_size: 4,
            seed,
            tolerance: f64::INFINITY,
            ..Default::default()
        };
        host(
            &lissa(config)
                .solve(&operator, uniform(10, 20))
                .unwrap()
                .vector,
        )
    };
    assert_eq!(solve(1, 3), solve(1, 3));
    assert_ne!(solve(1, 3), solve(2, 3));
    // Repeats differ from each other.
    assert_ne!(solve(1, 1), solve(1, 2));
}

#[test]
fn lissa_that_misses_its_tolerance_says_so() {
    let operator = Damped::new(Gram::new(100, 10, 19), 0.1);
    let config = LissaConfig {
        depth: 5,
        ..Default::default()
    };
    let (solution, remedy) = unconverged(lissa(config).solve(&operator, uniform(10, 20)));
    assert!(solution.info.true_residual > 0.1 && !solution.info.converged);
    assert!(remedy.contains("raise depth"));
}

#[test]
fn lissa_divergence_is_detected_and_its_advice_works() {
    let operator = Damped::new(Gram::new(100, 10, 21), 0.1);
    let solve = |scale, batch_size| {
        lissa(LissaConfig {
            depth: 2_000,
            batch_size,
            scale: Scale::Fixed(scale),
            tolerance: 0.5,
            ..Default::default()
        })
        .solve(&operator, uniform(10, 22))
    };
    for batch_size in [8, 100] {
        let error = solve(0.1, batch_size).unwrap_err();
        let SolveError::Diverged { suggested, .. } = error else {
            panic!("{error:?}");
        };
        let message = error.to_string();
        assert!(
            message.contains("try") && message.contains("scale"),
            "{message}"
        );
        assert!(suggested > 0.1 && suggested < 10.0, "{suggested}");
        solve(suggested, batch_size).unwrap();
    }
    // Overflow between two looks.
    assert!(matches!(solve(1e-9, 8), Err(SolveError::Diverged { .. })));
    // No scale helps against a negative eigenvalue, and the message says so.
    let error = lissa(LissaConfig::default())
        .solve(
            &Spectrum::new(&[1.0, 0.5, -0.2], DType::F64),
            uniform(3, 23),
        )
        .unwrap_err();
    assert!(matches!(error, SolveError::Diverged { .. }));
    assert!(error.to_string().contains("negative eigenvalues"));
}

#[test]
fn automatic_scale_exceeds_the_batches() {
    let gram = Gram::new(100, 6, 24);
    let longest = gram
        .rows
        .clone()
        .square()
        .sum_dim(1)
        .max()
        .into_scalar::<f64>();
    let operator = Damped::new(gram, 0.5);
    let scale = |batch_size| {
        let config = LissaConfig {
            depth: 500,
            batch_size,
            tolerance: f64::INFINITY,
            ..Default::default()
        };
        let solution = lissa(config).solve(&operator, uniform(6, 25)).unwrap();
        solution.info.scale.unwrap()
    };
    // With all examples: twice the largest eigenvalue, which lies between trace / dim and trace.
    let matrix = to_dense(&operator).unwrap();
    let trace: f64 = (0..6).map(|i| matrix[7 * i]).sum();
    let (all, one) = (scale(100), scale(1));
    assert!(all > trace / 3.0 && all <= 2.0 * trace, "{all}");
    // The matrix of one example has the eigenvalue |x|^2 + damping, far above the full matrix's.
    assert!(one > longest + 0.5 && one > 2.0 * all, "{one} {all}");
}

#[test]
fn the_scale_is_told_without_a_solve() {
    let operator = Damped::new(Gram::new(100, 10, 19), 0.1);
    let config = |scale| LissaConfig {
        scale,
        batch_size: 8,
        tolerance: f64::INFINITY,
        ..Default::default()
    };
    let solver = lissa(config(Scale::Auto));
    let found = solver.solve(&operator, uniform(10, 20)).unwrap();
    assert_eq!(Some(solver.scale(&operator).unwrap()), found.info.scale);
    let fixed = lissa(config(Scale::Fixed(7.5)));
    assert_eq!(fixed.scale(&operator).unwrap(), 7.5);
}

#[test]
fn right_hand_sides_together_are_solved_as_if_alone() {
    let operator = Damped::new(Gram::new(100, 10, 19), 0.1);
    let rhs = || {
        vec![
            uniform(10, 20),
            uniform(10, 21) * 0.0,
            uniform(10, 22) * 1e3,
        ]
    };
    for (batch_size, tolerance) in [(8, f64::INFINITY), (8, 1e-6), (100, 0.1)] {
        let solver = lissa(LissaConfig {
            depth: 120,
            repeats: 3,
            batch_size,
            tolerance,
            ..Default::default()
        });
        let ready = solver.prepare(&operator).unwrap();
        let together = ready.solve_many(rhs()).unwrap();
        assert_eq!(together.len(), 3);
        let reached = |found: Result<Solution, SolveError>| match found {
            Ok(solution) => solution,
            Err(SolveError::NotConverged { solution, .. }) => *solution,
            Err(error) => panic!("{error}"),
        };
        for (rhs, found) in rhs().into_iter().zip(together) {
            let (alone, found) = (reached(ready.solve(rhs)), reached(found));
            assert_eq!(host(&alone.vector), host(&found.vector));
            assert_eq!(alone.info, found.info);
        }
        assert!(ready.solve_many(Vec::new()).unwrap().is_empty());
    }
}

/// A right-hand side along an eigenvector that the scale is too small for diverges; its neighbours do not.
#[test]
fn one_that_fails_does_not_stop_the_others() {
    // Eigenvalues 1/3, 4/3 and 100/3 of the unit vectors, without any rounding between them.
    let rows = [1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 10.0];
    let operator = Gram {
        rows: vector(&rows).reshape([3, 3]),
    };
    let along = |i: usize| {
        let mut values = [0.0; 3];
        values[i] = 1.0;
        vector(&values)
    };
    let solver = lissa(LissaConfig {
        depth: 300,
        scale: Scale::Fixed(4.0),
        ..Default::default()
    });
    let nan = vector(&[f64::NAN, 0.0, 0.0]);
    let rhs = vec![along(2), along(0), nan, vector(&[1.0]), along(1)];
    let ready = solver.prepare(&operator).unwrap();
    let found = ready.solve_many(rhs).unwrap();
    assert!(matches!(found[0], Err(SolveError::Diverged { .. })));
    assert!(matches!(found[2], Err(SolveError::NotFinite { .. })));
    assert!(matches!(found[3], Err(SolveError::Dimension { .. })));
    for (place, eigenvector, inverse) in [(1, 0, 3.0), (4, 1, 0.75)] {
        let solution = found[place].as_ref().unwrap();
        let expected = along(eigenvector) * inverse;
        // (1 - 1/12)^300 is 5e-12.
        assert!(distance(&solution.vector, &expected) < 1e-10);
    }
}
