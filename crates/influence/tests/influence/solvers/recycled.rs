//! What earlier solutions have learnt, as a preconditioner of later ones.

use backdraft_curvature::Damped;
use backdraft_influence::{
    ConjugateGradientConfig, Direct, Inverse, Preconditioner, Solution, SolveError, Solver,
};
use burn::tensor::{DType, Tensor};

use super::{
    block::{Counted, many, spread},
    operators::{Spectrum, distance, host, residual},
};

fn recycling() -> ConjugateGradientConfig {
    ConjugateGradientConfig {
        preconditioner: Preconditioner::Recycled,
        ..Default::default()
    }
}

/// 200 eigenvalues that fall from 100 to 0.001, damped by 0.01: what a trained network has.
fn falling(dtype: DType) -> Damped<Spectrum> {
    let values: Vec<f64> = (0..200)
        .map(|i| 100.0 * 10f64.powf(-f64::from(i) / 40.0))
        .collect();
    Damped::new(Spectrum::new(&values, dtype), 0.01)
}

fn solved(found: Vec<Result<Solution, SolveError>>) -> Vec<Tensor<1>> {
    found.into_iter().map(|it| it.unwrap().vector).collect()
}

#[test]
fn a_later_query_gains_from_the_first_block() {
    let operator = falling(DType::F64);
    let config = recycling();
    let counted = Counted::new(&operator);
    let solver = config.clone().init().unwrap();
    let inverse = solver.prepare(&counted).unwrap();
    let first = many(200, 6, 1);
    let plain = ConjugateGradientConfig {
        preconditioner: Preconditioner::None,
        ..config
    };
    let plain = plain.init().unwrap();
    for (found, b) in solved(inverse.solve_many(first.clone()).unwrap())
        .iter()
        .zip(&first)
    {
        assert!(residual(&operator, found, b) <= 1.01e-10);
    }
    let exact = Direct::default();
    let exact = exact.factor(&operator).unwrap();
    for b in many(200, 3, 100) {
        let alone = plain.solve(&operator, b.clone()).unwrap();
        let before = counted.vectors.get();
        let found = inverse.solve(b.clone()).unwrap();
        let products = counted.vectors.get() - before;
        assert!(found.info.true_residual <= 1e-10);
        assert_eq!(found.info.products, products as f64);
        assert!(
            4 * products < alone.info.products as usize,
            "{products} {:?} {:?}",
            found.info,
            alone.info
        );
        let exact = exact.solve(b).unwrap();
        // Condition number 1e4.
        assert!(distance(&found.vector, &exact.vector) < 1e-6);
    }
}

#[test]
fn later_blocks_gain_in_32_bits() {
    let operator = falling(DType::F32);
    let cast = |seed| {
        let all = many(200, 10, seed).into_iter();
        all.map(|b| b.cast(DType::F32)).collect::<Vec<_>>()
    };
    let counted = Counted::new(&operator);
    let solver = ConjugateGradientConfig {
        tolerance: Some(1e-4),
        ..recycling()
    };
    let solver = solver.init().unwrap();
    let inverse = solver.prepare(&counted).unwrap();
    let mut calls = Vec::new();
    for seed in [1, 50, 90] {
        let before = counted.calls.get();
        let rhs = cast(seed);
        for (found, b) in solved(inverse.solve_many(rhs.clone()).unwrap())
            .iter()
            .zip(&rhs)
        {
            // Rounding of a product: 1e-7 of an eigenvalue that is 1e4 times the least.
            assert!(residual(&operator, found, b) <= 2e-4);
        }
        calls.push(counted.calls.get() - before);
    }
    assert!(calls[1] < calls[0] && calls[2] < calls[0], "{calls:?}");
}

/// The same queries in the same order have the same bits.
#[test]
fn what_is_learnt_is_the_same_every_time() {
    let operator = falling(DType::F64);
    let run = || {
        let solver = recycling().init().unwrap();
        let inverse = solver.prepare(&operator).unwrap();
        let mut found = solved(inverse.solve_many(many(200, 5, 1)).unwrap());
        found.extend(solved(inverse.solve_many(many(200, 2, 30)).unwrap()));
        found.iter().map(host).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

/// Where the space does not fit, as much of it as does is learnt, and what is left is solved with that.
#[test]
fn memory_costs_products_and_not_exactness() {
    let operator = spread(DType::F64);
    let rhs = many(200, 12, 40);
    for vectors in [1, 40, 100, 400] {
        let solver = ConjugateGradientConfig {
            memory: vectors * 200 * 8,
            ..recycling()
        };
        let solver = solver.init().unwrap();
        let inverse = solver.prepare(&operator).unwrap();
        for _ in 0..2 {
            for (found, b) in solved(inverse.solve_many(rhs.clone()).unwrap())
                .iter()
                .zip(&rhs)
            {
                assert!(residual(&operator, found, b) <= 1.01e-10, "{vectors}");
            }
        }
    }
}

#[test]
fn one_by_one_nothing_is_learnt() {
    let config = ConjugateGradientConfig {
        block_size: Some(1),
        ..recycling()
    };
    let error = config.init().err().unwrap().to_string();
    assert!(error.contains("leave one of the two out"), "{error}");
}

#[test]
fn a_matrix_with_negative_eigenvalues_is_seen() {
    let operator = Spectrum::new(&[1.0, -2.0, 3.0, 4.0], DType::F64);
    let solver = recycling().init().unwrap();
    let inverse = solver.prepare(&operator).unwrap();
    for found in inverse.solve_many(many(4, 3, 5)).unwrap() {
        let negative = matches!(found, Err(SolveError::NegativeCurvature { .. }));
        assert!(negative, "{found:?}");
    }
}
