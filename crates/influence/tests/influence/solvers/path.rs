//! Several dampings from one Krylov space.

use backdraft_curvature::{Damped, LinearOperator};
use backdraft_influence::{
    ConjugateGradientConfig, Direct, Inverse, NystroemConfig, Preconditioner, Solution, SolveError,
};
use burn::tensor::{DType, Tensor};

use super::{
    block::{Counted, many, solve_many, spread},
    operators::{Gram, Spectrum, distance, host, residual, uniform, vector},
};

const DAMPINGS: [f64; 4] = [10.0, 1.0, 0.3, 0.1];

fn path(
    config: ConjugateGradientConfig,
    operator: &dyn LinearOperator,
    rhs: &[Tensor<1>],
    dampings: &[f64],
) -> Vec<Vec<Solution>> {
    let solver = config.init().unwrap();
    let found = solver.solve_path(operator, rhs.to_vec(), dampings).unwrap();
    assert_eq!(found.len(), dampings.len());
    let solutions = found.into_iter().map(|of_damping| {
        assert_eq!(of_damping.len(), rhs.len());
        of_damping.into_iter().collect::<Result<_, _>>().unwrap()
    });
    solutions.collect()
}

#[test]
fn every_damping_agrees_with_the_direct_solver() {
    let gram = Gram::new(60, 20, 1);
    let rhs = many(20, 6, 30);
    let config = ConjugateGradientConfig {
        tolerance: Some(1e-12),
        ..Default::default()
    };
    for (found, damping) in path(config, &gram, &rhs, &DAMPINGS).iter().zip(DAMPINGS) {
        let operator = Damped::new(&gram, damping);
        let exact = Direct::default();
        let exact = exact.factor(&operator).unwrap();
        for (found, b) in found.iter().zip(&rhs) {
            let info = &found.info;
            assert!(info.converged && info.true_residual <= 1e-12, "{info:?}");
            let fresh = residual(&operator, &found.vector, b);
            assert!((fresh - info.true_residual).abs() < 1e-14, "{info:?}");
            let exact = exact.solve(b.clone()).unwrap();
            let off = distance(&found.vector, &exact.vector);
            assert!(off < 1e-10, "{damping}: {off}");
        }
    }
}

/// The products of the least damping, and one for the true residual of each other.
#[test]
fn a_path_takes_one_product_more_for_each_damping() {
    let operator = spread(DType::F64);
    let rhs = many(200, 8, 40);
    let least = Counted::new(Damped::new(&operator, 0.1));
    for found in solve_many(Default::default(), &least, &rhs) {
        found.unwrap();
    }
    let counted = Counted::new(&operator);
    let found = path(Default::default(), &counted, &rhs, &DAMPINGS);
    assert_eq!(counted.vectors.get(), least.vectors.get() + 3 * 8);
    for (found, damping) in found.iter().zip(DAMPINGS) {
        let operator = Damped::new(&operator, damping);
        for (found, b) in found.iter().zip(&rhs) {
            assert!(residual(&operator, &found.vector, b) <= 1.01e-10);
        }
    }
    let products = found[0][0].info.products;
    assert_eq!(products, found[3][0].info.products);
}

/// Products of a matrix whose largest eigenvalue is a thousand times the least are known to 1e-4 of the least: rounding
/// may need the space twice, or a few products more, and what is returned has the residual that it says.
#[test]
fn a_path_is_solved_in_32_bits() {
    let operator = spread(DType::F32);
    let rhs = many(200, 20, 50).into_iter();
    let rhs: Vec<_> = rhs.map(|b| b.cast(DType::F32)).collect();
    let counted = Counted::new(&operator);
    let found = path(Default::default(), &counted, &rhs, &DAMPINGS);
    for (found, damping) in found.iter().zip(DAMPINGS) {
        let operator = Damped::new(&operator, damping);
        for (found, b) in found.iter().zip(&rhs) {
            assert!(found.info.true_residual <= 1e-5);
            assert!(residual(&operator, &found.vector, b) <= 2e-5);
        }
    }
    assert!(counted.calls.get() <= 17, "{}", counted.calls.get());
}

/// Where the space does not fit, dampings are solved for from what it has brought.
#[test]
fn memory_costs_products_and_not_exactness() {
    let operator = spread(DType::F64);
    let rhs = many(200, 12, 40);
    let mut products = Vec::new();
    for vectors in [1, 64, 200, 100_000] {
        let config = ConjugateGradientConfig {
            memory: vectors * 200 * 8,
            ..Default::default()
        };
        let counted = Counted::new(&operator);
        let found = path(config, &counted, &rhs, &DAMPINGS);
        for (found, damping) in found.iter().zip(DAMPINGS) {
            let operator = Damped::new(&operator, damping);
            for (found, b) in found.iter().zip(&rhs) {
                assert!(residual(&operator, &found.vector, b) <= 1.01e-10);
            }
        }
        products.push(counted.vectors.get());
    }
    assert!(products.is_sorted_by(|a, b| a >= b), "{products:?}");
    assert!(products[3] < products[0], "{products:?}");
}

/// Each by itself, with all its dampings: the same bits in whatever company.
#[test]
fn one_by_one_company_changes_no_bit() {
    let operator = Gram::new(60, 40, 1);
    let rhs = many(40, 3, 9);
    let config = ConjugateGradientConfig {
        block_size: Some(1),
        ..Default::default()
    };
    let together = path(config.clone(), &operator, &rhs, &DAMPINGS);
    let alone = path(config, &operator, &rhs[1..2], &DAMPINGS);
    for (together, alone) in together.iter().zip(&alone) {
        assert_eq!(host(&together[1].vector), host(&alone[0].vector));
    }
}

#[test]
fn right_hand_sides_that_are_zero_or_refused_keep_their_places() {
    let operator = Gram::new(30, 10, 26);
    let rhs = vec![
        uniform(10, 1),
        vector(&[0.0; 10]),
        vector(&[f64::NAN; 10]),
        uniform(9, 1),
        uniform(10, 2),
    ];
    let solver = ConjugateGradientConfig::default().init().unwrap();
    for found in solver.solve_path(&operator, rhs, &DAMPINGS).unwrap() {
        assert!(found[0].is_ok() && found[4].is_ok());
        assert_eq!(host(&found[1].as_ref().unwrap().vector), [0.0; 10]);
        assert!(matches!(found[2], Err(SolveError::NotFinite { .. })));
        assert!(matches!(found[3], Err(SolveError::Dimension { .. })));
    }
}

#[test]
fn a_matrix_with_negative_eigenvalues_is_seen_where_damping_does_not_lift_them() {
    let operator = Spectrum::new(&[1.0, -2.0, 3.0, 4.0], DType::F64);
    let solver = ConjugateGradientConfig::default().init().unwrap();
    let found = solver
        .solve_path(&operator, many(4, 3, 5), &[3.0, 0.5])
        .unwrap();
    for (lifted, not) in found[0].iter().zip(&found[1]) {
        assert!(lifted.is_ok());
        let negative = matches!(not, Err(SolveError::NegativeCurvature { .. }));
        assert!(negative, "{not:?}");
    }
}

#[test]
fn dampings_that_are_no_path_are_refused() {
    let operator = Gram::new(30, 10, 26);
    let refused = |config: ConjugateGradientConfig, dampings: &[f64], expected: &str| {
        let solver = config.init().unwrap();
        match solver.solve_path(&operator, vec![uniform(10, 1)], dampings) {
            Err(SolveError::Setting { problem, .. }) => {
                assert!(problem.contains(expected), "{problem}");
            }
            other => panic!("{dampings:?}: {other:?}"),
        }
    };
    let config = ConjugateGradientConfig::default;
    refused(config(), &[], "at least one");
    refused(config(), &[0.1, -0.1], "must be positive");
    refused(config(), &[f64::INFINITY, 0.1], "finite");
    refused(config(), &[0.1, 0.1], "each once");
    refused(config(), &[0.01, 0.1], "from the largest to the least");
    let preconditioned = ConjugateGradientConfig {
        preconditioner: Preconditioner::Nystroem(NystroemConfig::default()),
        ..config()
    };
    refused(preconditioned, &[0.1], "leave it out");
}
