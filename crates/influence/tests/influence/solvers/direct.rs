//! The direct solver.

use backdraft_curvature::Damped;
use backdraft_curvature::to_dense;
use backdraft_influence::{ConjugateGradient, Direct, DirectConfig, SolveError, Solver};
use burn::tensor::DType;

use super::operators::{Gram, Skewed, Spectrum, residual, unconverged, uniform};

#[test]
fn singular_matrices_are_refused_unless_damped() {
    // 5 examples in 8 dimensions.
    let operator = Gram::new(5, 8, 8);
    let b = uniform(8, 9);
    let error = Direct::default().solve(&operator, b.clone()).unwrap_err();
    assert!(
        matches!(error, SolveError::NotPositiveDefinite { index: 5, .. }),
        "{error}"
    );
    assert!(
        ConjugateGradient::default()
            .solve(&operator, b.clone())
            .is_err()
    );
    Direct::default()
        .solve(&Damped::new(operator, 1e-6), b)
        .unwrap();
}

#[test]
fn cholesky_solves_at_every_block_boundary() {
    for dim in [1, 2, 3, 4, 5, 63, 64, 65, 67, 128, 131, 200] {
        let operator = Damped::new(Gram::new(2 * dim, dim, dim as u64), 1e-2);
        let b = uniform(dim, 10);
        let solution = Direct::default().solve(&operator, b.clone()).unwrap();
        assert!(residual(&operator, &solution.vector, &b) < 1e-13, "{dim}");
    }
}

#[test]
fn dense_matrix_is_row_major() {
    let dense = to_dense(&Skewed(Gram::new(4, 3, 11))).unwrap();
    let plain = to_dense(&Gram::new(4, 3, 11)).unwrap();
    for row in 0..3 {
        for column in 0..3 {
            let extra = if column == 0 { 1.0 } else { 0.0 };
            let i = 3 * row + column;
            assert!((dense[i] - plain[i] - extra).abs() < 1e-15);
        }
    }
}

#[test]
fn direct_refuses_what_it_cannot_do() {
    let operator = Gram::new(30, 20, 12);
    let small = DirectConfig {
        limit: 19,
        ..Default::default()
    };
    assert!(matches!(
        small.init().unwrap().factor(&operator).err(),
        Some(SolveError::TooLarge { dim: 20, limit: 19 })
    ));
    assert!(matches!(
        Direct::default().factor(&Skewed(operator)).err(),
        Some(SolveError::NotSymmetric { .. })
    ));
}

#[test]
fn direct_admits_what_f32_cannot_hold() {
    // The solution is exact in f64; rounding it to f32 leaves about 1e-7 ||A|| ||s||.
    let values: Vec<f64> = (0..30)
        .map(|i| 10f64.powf(-6.0 * i as f64 / 29.0))
        .collect();
    let operator = Spectrum::new(&values, DType::F32);
    let strict = DirectConfig {
        tolerance: Some(1e-6),
        ..Default::default()
    };
    let b = uniform(30, 13).cast(DType::F32);
    let (solution, remedy) = unconverged(strict.init().unwrap().solve(&operator, b));
    assert!(solution.info.true_residual > 1e-6);
    assert!(remedy.contains("rounding in F32 allows no more"));
}
