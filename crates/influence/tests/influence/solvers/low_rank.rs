//! Solvers that know some eigenvalues: sketches that grow, and Krylov spaces of one vector.

use backdraft_curvature::Damped;
use backdraft_influence::{
    ConjugateGradientConfig, Direct, Growth, LanczosConfig, NystroemConfig, Preconditioner,
    SolveError, Solver,
};
use burn::tensor::DType;

use super::{
    block::{Counted, many},
    operators::{Gram, Spectrum, distance, residual, uniform},
};

fn lanczos(rank: usize, complement: bool) -> LanczosConfig {
    LanczosConfig {
        rank,
        complement,
        ..Default::default()
    }
}

/// The Krylov space of as many steps as there are dimensions is all of them.
#[test]
fn all_of_a_krylov_space_is_exact_and_less_tells_its_residual() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let b = uniform(10, 7);
    let exact = Direct::default().solve(&operator, b.clone()).unwrap();
    let found = |config: LanczosConfig| {
        let found = config.init().unwrap().solve(&operator, b.clone()).unwrap();
        let fresh = residual(&operator, &found.vector, &b);
        assert!((fresh - found.info.true_residual).abs() < 1e-12);
        found
    };
    for complement in [true, false] {
        let full = found(lanczos(10, complement));
        assert!(distance(&full.vector, &exact.vector) < 1e-10);
        assert_eq!(full.info.products, 11.0);
    }
    let few = found(lanczos(3, true));
    assert_eq!((few.info.solver, few.info.products), ("lanczos", 7.0));
    assert!(few.info.true_residual > 1e-3);
}

/// Of a matrix with few large eigenvalues, among many that are none: with the complement almost all is known, without
/// it almost nothing of what the inverse is largest in.
#[test]
fn the_complement_is_what_the_inverse_is_large_in() {
    let large = [90.0, 70.0, 50.0, 30.0, 10.0];
    let values: Vec<f64> = (0..100)
        .map(|i| large.get(i).copied().unwrap_or(1e-4))
        .collect();
    let spectrum = Spectrum::new(&values, DType::F64);
    let operator = Damped::new(&spectrum, 0.1);
    let b = uniform(100, 3);
    let of = |complement| {
        let config = LanczosConfig {
            steps: Some(12),
            ..lanczos(5, complement)
        };
        let solution = config.init().unwrap().solve(&operator, b.clone());
        solution.unwrap().info.true_residual
    };
    // What is not known of an eigenvalue is 1e-4 of 0.1.
    assert!(of(true) < 2e-3, "{}", of(true));
    assert!(of(false) > 0.9, "{}", of(false));
}

#[test]
fn krylov_spaces_precondition() {
    let values: Vec<f64> = (0..200)
        .map(|i| {
            if i < 12 {
                100.0 + 50.0 * f64::from(i)
            } else {
                0.01 / f64::from(i)
            }
        })
        .collect();
    let spectrum = Spectrum::new(&values, DType::F64);
    let operator = Damped::new(&spectrum, 0.1);
    let counted = Counted::new(&operator);
    let mut products = Vec::new();
    for preconditioner in [
        Preconditioner::None,
        Preconditioner::Lanczos(lanczos(12, true)),
        Preconditioner::Lanczos(lanczos(12, false)),
    ] {
        let config = ConjugateGradientConfig {
            preconditioner,
            ..Default::default()
        };
        let solver = config.init().unwrap();
        let inverse = solver.prepare(&counted).unwrap();
        let before = counted.vectors.get();
        for b in many(200, 3, 60) {
            let found = inverse.solve(b.clone()).unwrap();
            assert!(residual(&operator, &found.vector, &b) <= 1.01e-10);
        }
        products.push(counted.vectors.get() - before);
    }
    assert!(products[1] < products[0], "{products:?}");
    // What a solver leaves out, no preconditioner may.
    assert_eq!(products[1], products[2]);
}

/// Eigenvalues fall by half from one to the next, so that a sketch of a few is enough; or not at all, so that none is.
#[test]
fn sketches_grow_while_it_pays() {
    let rank = |values: &[f64], growth: Option<Growth>, damping: f64| {
        let spectrum = Spectrum::new(values, DType::F64);
        let operator = Damped::new(&spectrum, damping);
        let counted = Counted::new(&operator);
        let config = NystroemConfig {
            rank: 8,
            growth,
            ..Default::default()
        };
        let solver = config.init().unwrap();
        let inverse = solver.prepare(&counted).unwrap();
        let found = inverse.solve(uniform(values.len(), 1)).unwrap();
        let made = counted.vectors.get();
        assert_eq!(found.info.products, made as f64);
        (
            made - 1,
            inverse.describe().unwrap(),
            found.info.true_residual,
        )
    };
    let falling: Vec<f64> = (0..256)
        .map(|i| 1e3 * 10f64.powf(-f64::from(i) / 12.0))
        .collect();
    let (fixed, _, rough) = rank(&falling, None, 1e-2);
    let (grown, told, near) = rank(&falling, Some(Growth::default()), 1e-2);
    assert_eq!(fixed, 8);
    assert!((32..=128).contains(&grown), "{told}");
    assert!(near < 0.5 * rough, "{near} {rough}");
    assert!(told.contains("effective dimension 5"), "{told}");
    // Little damping, more directions: and never more than is allowed.
    let (more, ..) = rank(&falling, Some(Growth::default()), 1e-4);
    assert!(more >= grown);
    let least = Growth {
        most: 16,
        ..Growth::default()
    };
    assert_eq!(rank(&falling, Some(least), 1e-2).0, 16);
    let level: Vec<f64> = (0..256).map(|i| 1.0 + 1e-3 * f64::from(i)).collect();
    assert_eq!(rank(&level, Some(Growth::default()), 1.0).0, 8);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let setting = |error: Option<SolveError>| match error {
        Some(SolveError::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(setting(lanczos(0, true).init().err()), "rank");
    let config = LanczosConfig {
        steps: Some(5),
        ..lanczos(6, true)
    };
    assert_eq!(setting(config.init().err()), "steps");
    let config = NystroemConfig {
        growth: Some(Growth {
            most: 10,
            queries: 0,
        }),
        ..Default::default()
    };
    assert_eq!(setting(config.init().err()), "queries");
    let operator = Spectrum::new(&[1.0, 2.0], DType::F64);
    let solver = LanczosConfig::default().init().unwrap();
    let error = solver.prepare(&operator).err().unwrap();
    assert!(matches!(error, SolveError::NotSketched { .. }), "{error}");
}
