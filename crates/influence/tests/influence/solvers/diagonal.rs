//! Solves with the diagonal alone.

use backdraft_curvature::{CurvatureError, Damped, LinearOperator, Scaled, to_dense};
use backdraft_influence::{DiagonalConfig, SolveError, Solver};
use burn::tensor::{DType, Device, Tensor};

use super::operators::{Gram, host, uniform};

/// A diagonal matrix.
struct Entries(Tensor<1>);

impl LinearOperator for Entries {
    fn dim(&self) -> usize {
        self.0.dims()[0]
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(v * self.0.clone())
    }
}

#[test]
fn a_diagonal_matrix_is_solved_exactly() {
    let entries = Entries(uniform(20, 1).abs() + 0.5);
    let config = DiagonalConfig {
        probes: 1,
        ..Default::default()
    };
    let found = config.init().unwrap().solve(&entries, uniform(20, 2));
    // One division, by what one product with signs gives to the bit.
    assert!(found.unwrap().info.true_residual < 1e-15);
}

/// Off the diagonal elements come in with random signs: they fall with the square root of the number of probes.
#[test]
fn probes_come_near_the_diagonal() {
    let operator = Damped::new(Gram::new(40, 10, 3), 0.1);
    let dense = to_dense(&operator).unwrap();
    let config = DiagonalConfig {
        probes: 4_000,
        ..Default::default()
    };
    let solver = config.init().unwrap();
    let inverse = solver.prepare(&operator).unwrap();
    let ones = uniform(10, 4).ones_like();
    let solution = inverse.solve(ones).unwrap();
    assert!(solution.info.converged);
    for (i, inverted) in host(&solution.vector).into_iter().enumerate() {
        let row = &dense[i * 10..(i + 1) * 10];
        let others: f64 = (0..10).filter(|&j| j != i).map(|j| row[j] * row[j]).sum();
        // Five standard deviations.
        let slack = 5.0 * (others / 4_000.0).sqrt();
        assert!((1.0 / inverted - row[i]).abs() <= slack, "{i}");
    }
}

#[test]
fn what_has_no_positive_diagonal_is_refused() {
    let negative = Scaled::new(Gram::new(40, 10, 3), -1.0);
    let solver = DiagonalConfig::default().init().unwrap();
    let error = solver.solve(&negative, uniform(10, 4)).unwrap_err();
    assert!(
        matches!(error, SolveError::NotPositiveDefinite { .. }),
        "{error}"
    );
    let none = DiagonalConfig {
        probes: 0,
        ..Default::default()
    };
    assert!(none.init().is_err());

    let strict = DiagonalConfig {
        tolerance: Some(1e-6),
        ..Default::default()
    };
    let operator = Damped::new(Gram::new(40, 10, 3), 0.1);
    let error = strict.init().unwrap().solve(&operator, uniform(10, 4));
    assert!(matches!(error, Err(SolveError::NotConverged { .. })));
}
