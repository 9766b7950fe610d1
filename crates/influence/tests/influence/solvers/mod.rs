//! Solvers against each other and against dense matrices, on flex; here what holds for all of them.

mod block;
mod cg;
mod choice;
mod diagonal;
mod direct;
mod lissa;
mod low_rank;
mod operators;
mod path;
mod recycled;
mod statistics;
mod structured;

use backdraft_curvature::Damped;
use backdraft_influence::{
    ConjugateGradient, ConjugateGradientConfig, Direct, Inverse, Lissa, LissaConfig, Scale,
    SolveError, Solver,
};
use burn::tensor::DType;

use operators::{Gram, Spectrum, distance, host, residual, uniform, vector};

#[test]
fn solvers_work_as_trait_objects_and_reuse_their_preparation() {
    let operator = Damped::new(Gram::new(50, 12, 3), 0.1);
    let solvers: [Box<dyn Solver>; 3] = [
        Box::new(ConjugateGradient::default()),
        Box::new(Direct::default()),
        Box::new(Lissa::default()),
    ];
    let factor = Direct::default();
    let factor = factor.factor(&operator).unwrap();
    for solver in solvers {
        let prepared = solver.prepare(&operator).unwrap();
        for seed in [4, 5] {
            let b = uniform(12, seed);
            let solution = prepared.solve(b.clone()).unwrap();
            let info = &solution.info;
            assert!(residual(&operator, &solution.vector, &b) <= info.tolerance);
            let again = solver.solve(&operator, b.clone()).unwrap();
            assert_eq!(host(&again.vector), host(&solution.vector), "{info:?}");
            let exact = factor.solve(b).unwrap();
            assert!(distance(&solution.vector, &exact.vector) < 0.2, "{info:?}");
        }
    }
}

#[test]
fn zero_has_the_solution_zero_at_no_cost() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let solvers: [Box<dyn Solver>; 3] = [
        Box::new(ConjugateGradient::default()),
        Box::new(Direct::default()),
        Box::new(Lissa::default()),
    ];
    for solver in solvers {
        let solution = solver.solve(&operator, vector(&[0.0; 10])).unwrap();
        assert_eq!(host(&solution.vector), [0.0; 10]);
        assert!(solution.info.converged);
        assert_eq!(solution.info.true_residual, 0.0);
        assert_eq!(solution.info.products, 0.0);
    }
}

#[test]
fn bad_right_hand_sides_are_refused() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let solvers: [Box<dyn Solver>; 3] = [
        Box::new(ConjugateGradient::default()),
        Box::new(Direct::default()),
        Box::new(Lissa::default()),
    ];
    for solver in solvers {
        let solve = |b| solver.solve(&operator, b).unwrap_err();
        assert!(matches!(
            solve(uniform(9, 27)),
            SolveError::Dimension {
                expected: 10,
                found: 9,
                ..
            }
        ));
        assert!(matches!(
            solve(uniform(10, 27).cast(DType::F32)),
            SolveError::Placement { .. }
        ));
        let mut values = [1.0; 10];
        values[3] = f64::NAN;
        assert!(matches!(
            solve(vector(&values)),
            SolveError::NotFinite { .. }
        ));
    }
}

#[test]
fn operators_that_yield_nan_are_named() {
    let rows = uniform(40, 28) * f64::INFINITY;
    let operator = Gram {
        rows: rows.reshape([10, 4]),
    };
    let fixed_scale = LissaConfig {
        scale: Scale::Fixed(1.0),
        ..Default::default()
    };
    let solvers: [Box<dyn Solver>; 4] = [
        Box::new(ConjugateGradient::default()),
        Box::new(Direct::default()),
        Box::new(Lissa::default()),
        Box::new(fixed_scale.init().unwrap()),
    ];
    for solver in solvers {
        let error = solver.solve(&operator, uniform(4, 29)).unwrap_err();
        assert!(matches!(error, SolveError::NotFinite { .. }), "{error}");
    }
}

#[test]
fn settings_without_sense_are_refused() {
    let setting = |error: Option<SolveError>| match error {
        Some(SolveError::Setting { name, .. }) => name,
        other => panic!("expected Setting, got {other:?}"),
    };
    for tolerance in [0.0, -1.0, 1.0, f64::NAN] {
        let config = ConjugateGradientConfig {
            tolerance: Some(tolerance),
            ..Default::default()
        };
        assert_eq!(setting(config.init().err()), "tolerance");
    }
    let config = ConjugateGradientConfig {
        check_every: 0,
        ..Default::default()
    };
    assert_eq!(setting(config.init().err()), "check_every");
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = LissaConfig {
            scale: Scale::Fixed(scale),
            ..Default::default()
        };
        assert_eq!(setting(config.init().err()), "scale");
    }
    let config = LissaConfig {
        depth: 0,
        ..Default::default()
    };
    assert_eq!(setting(config.init().err()), "depth");
    // What only the operator's float type can tell.
    let operator = Spectrum::new(&[1.0, 2.0], DType::F32);
    let config = ConjugateGradientConfig {
        tolerance: Some(1e-9),
        ..Default::default()
    };
    let solver = config.init().unwrap();
    let b = uniform(2, 30).cast(DType::F32);
    assert_eq!(setting(solver.solve(&operator, b).err()), "tolerance");
    let zero = Spectrum::new(&[0.0, 0.0], DType::F64);
    assert_eq!(
        setting(Lissa::default().solve(&zero, uniform(2, 31)).err()),
        "scale"
    );
}
