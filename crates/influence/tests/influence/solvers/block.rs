//! Block conjugate gradients, alone and with preconditioners.

use std::cell::Cell;

use backdraft_curvature::{CurvatureError, Damped, Definiteness, Law, LinearOperator};
use backdraft_influence::{
    ConjugateGradientConfig, DiagonalConfig, Direct, Inverse, NystroemConfig, Preconditioner,
    Solution, SolveError, Solver,
};
use burn::tensor::{DType, Device, Tensor};

use super::operators::{Gram, Spectrum, distance, host, residual, uniform, vector};

/// Counts the vectors that it is applied to, and the calls.
pub(super) struct Counted<A> {
    operator: A,
    pub vectors: Cell<usize>,
    pub calls: Cell<usize>,
}

impl<A: LinearOperator> Counted<A> {
    pub fn new(operator: A) -> Self {
        Self {
            operator,
            vectors: Cell::new(0),
            calls: Cell::new(0),
        }
    }
}

impl<A: LinearOperator> LinearOperator for Counted<A> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    /// All matrices here that are looked at closely have no negative eigenvalue.
    fn law(&self) -> Law {
        Law {
            definiteness: Definiteness::Semidefinite,
            ..self.operator.law()
        }
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.vectors.update(|count| count + 1);
        self.calls.update(|count| count + 1);
        self.operator.apply(v)
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.vectors.update(|count| count + vs.dims()[0]);
        self.calls.update(|count| count + 1);
        self.operator.apply_many(vs)
    }
}

pub(super) fn solve_many(
    config: ConjugateGradientConfig,
    operator: &dyn LinearOperator,
    rhs: &[Tensor<1>],
) -> Vec<Result<Solution, SolveError>> {
    let solver = config.init().unwrap();
    let inverse = solver.prepare(operator).unwrap();
    inverse.solve_many(rhs.to_vec()).unwrap()
}

pub(super) fn many(dim: usize, count: usize, seed: u64) -> Vec<Tensor<1>> {
    (0..count as u64).map(|i| uniform(dim, seed + i)).collect()
}

fn alone() -> ConjugateGradientConfig {
    ConjugateGradientConfig {
        block_size: Some(1),
        ..Default::default()
    }
}

/// Eigenvalues from 1 to 1e3, a few of them large: in 32 bits residuals are known to 1e-5 or so.
pub(super) fn spread(dtype: DType) -> Spectrum {
    let values: Vec<f64> = (0..200).map(|i| 1.0 + 1e3 / f64::from(1 + i * i)).collect();
    Spectrum::new(&values, dtype)
}

#[test]
fn a_block_agrees_with_the_direct_solver_and_needs_fewer_products() {
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let rhs = many(40, 12, 30);
    let counted = Counted::new(&operator);
    let exact = Direct::default();
    let exact = exact.factor(&operator).unwrap();
    for (found, b) in solve_many(Default::default(), &counted, &rhs)
        .into_iter()
        .zip(&rhs)
    {
        let found = found.unwrap();
        let info = &found.info;
        assert!(info.converged && info.true_residual <= 1e-10, "{info:?}");
        let fresh = residual(&operator, &found.vector, b);
        assert!((fresh - info.true_residual).abs() < 1e-14, "{info:?}");
        assert_eq!(info.residuals.len(), info.iterations + 1);
        // Condition number about 1e4.
        let exact = exact.solve(b.clone()).unwrap();
        assert!(distance(&found.vector, &exact.vector) < 1e-6);
    }
    let together = counted.vectors.get();
    let counted = Counted::new(&operator);
    for found in solve_many(alone(), &counted, &rhs) {
        found.unwrap();
    }
    let apart = counted.vectors.get();
    assert!(4 * together < apart, "{together} {apart}");
}

/// In 32 bits, with the eigenvalues of a trained network.
#[test]
fn a_block_needs_few_products_in_32_bits() {
    let operator = spread(DType::F32);
    let rhs: Vec<Tensor<1>> = many(200, 20, 50)
        .into_iter()
        .map(|b| b.cast(DType::F32))
        .collect();
    let counted = Counted::new(&operator);
    for (found, b) in solve_many(Default::default(), &counted, &rhs)
        .into_iter()
        .zip(&rhs)
    {
        let found = found.unwrap();
        assert!(residual(&operator, &found.vector, b) <= 2e-5);
        assert!(found.info.true_residual <= 1e-5);
    }
    // The space of all products with twenty vectors is whole after ten; one more is for the true residual.
    assert!(counted.calls.get() <= 11, "{}", counted.calls.get());
}

#[test]
fn dependent_right_hand_sides_break_nothing_down() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let few = many(10, 3, 70);
    let mut rhs: Vec<Tensor<1>> = few.clone();
    rhs.push(few[0].clone());
    rhs.push(vector(&[0.0; 10]));
    rhs.push(few[1].clone() * 1e-20);
    rhs.push(few[0].clone() + few[2].clone() * 3.0);
    // More than there are dimensions.
    rhs.extend(many(10, 15, 80));
    let found = solve_many(Default::default(), &operator, &rhs);
    for (place, (found, b)) in found.into_iter().zip(&rhs).enumerate() {
        let found = found.unwrap();
        if place == 4 {
            assert_eq!(host(&found.vector), [0.0; 10]);
            assert_eq!(found.info.products, 0.0);
        } else {
            assert!(residual(&operator, &found.vector, b) <= 1e-10, "{place}");
        }
    }
}

#[test]
fn one_that_cannot_be_solved_does_not_stop_the_others() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let mut rhs = many(10, 4, 90);
    rhs[1] = vector(&[f64::NAN; 10]);
    rhs[2] = uniform(9, 1);
    let found = solve_many(Default::default(), &operator, &rhs);
    assert!(found[0].is_ok() && found[3].is_ok());
    assert!(matches!(found[1], Err(SolveError::NotFinite { .. })));
    assert!(matches!(found[2], Err(SolveError::Dimension { .. })));
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_seen() {
    let operator = Spectrum::new(&[1.0, -2.0, 3.0, 4.0], DType::F64);
    for found in solve_many(Default::default(), &operator, &many(4, 3, 5)) {
        let error = found.unwrap_err();
        assert!(
            matches!(error, SolveError::NegativeCurvature { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_block_says_what_it_reached_when_iterations_run_out() {
    let operator = Damped::new(Gram::new(60, 40, 1), 1e-3);
    let rhs = many(40, 3, 2);
    let config = ConjugateGradientConfig {
        max_iterations: Some(4),
        ..Default::default()
    };
    for (found, b) in solve_many(config, &operator, &rhs).into_iter().zip(&rhs) {
        let Err(SolveError::NotConverged { solution, remedy }) = found else {
            panic!("four iterations do not suffice");
        };
        assert!(remedy.contains("max_iterations"), "{remedy}");
        let info = &solution.info;
        assert_eq!(info.iterations, 4);
        let fresh = residual(&operator, &solution.vector, b);
        assert!((fresh - info.true_residual).abs() < 1e-12 && fresh < 1.0);
    }
}

/// Bases before, and blocks, are given up where there is no memory for them: that costs products, not exactness.
#[test]
fn blocks_are_as_wide_as_memory_goes() {
    let operator = spread(DType::F64);
    let rhs = many(200, 12, 40);
    let mut products = Vec::new();
    for memory in [1, 200 * 8 * 8 * 2 * 4, 200 * 8 * 8 * 12 * 2, 1 << 30] {
        let config = ConjugateGradientConfig {
            memory,
            ..Default::default()
        };
        let counted = Counted::new(&operator);
        for (found, b) in solve_many(config, &counted, &rhs).into_iter().zip(&rhs) {
            assert!(residual(&operator, &found.unwrap().vector, b) <= 1.01e-10);
        }
        products.push(counted.vectors.get());
    }
    assert!(products.is_sorted_by(|a, b| a >= b), "{products:?}");
    assert!(products[3] < products[0], "{products:?}");
}

#[test]
fn preconditioners_change_the_products_and_not_the_solution() {
    // Twelve eigenvalues far above the damping.
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
    let rhs = many(200, 3, 60);
    let mut products = Vec::new();
    for preconditioner in [
        Preconditioner::None,
        Preconditioner::Jacobi(DiagonalConfig::default()),
        Preconditioner::Nystroem(NystroemConfig {
            rank: 24,
            ..Default::default()
        }),
    ] {
        let config = ConjugateGradientConfig {
            preconditioner,
            ..Default::default()
        };
        let counted = Counted::new(&operator);
        let solver = config.clone().init().unwrap();
        let inverse = solver.prepare(&counted).unwrap();
        let before = counted.vectors.get();
        for (found, b) in inverse
            .solve_many(rhs.clone())
            .unwrap()
            .into_iter()
            .zip(&rhs)
        {
            let found = found.unwrap();
            assert!(
                residual(&operator, &found.vector, b) <= 1.01e-10,
                "{config:?}"
            );
        }
        products.push(counted.vectors.get() - before);
        let one = inverse.solve(rhs[0].clone()).unwrap();
        assert!(
            residual(&operator, &one.vector, &rhs[0]) <= 1.01e-10,
            "{config:?}"
        );
    }
    assert!(3 * products[2] < 2 * products[0], "{products:?}");
}

/// The sketch of all of a matrix is its inverse.
#[test]
fn a_sketch_of_full_rank_is_exact_and_one_of_less_tells_its_residual() {
    let operator = Damped::new(Gram::new(30, 10, 26), 0.1);
    let b = uniform(10, 7);
    let exact = Direct::default().solve(&operator, b.clone()).unwrap();
    let sketch = |rank| {
        let config = NystroemConfig {
            rank,
            ..Default::default()
        };
        config.init().unwrap().solve(&operator, b.clone()).unwrap()
    };
    let full = sketch(10);
    assert!(distance(&full.vector, &exact.vector) < 1e-8);
    assert_eq!(full.info.products, 11.0);
    let few = sketch(3);
    let fresh = residual(&operator, &few.vector, &b);
    assert!((fresh - few.info.true_residual).abs() < 1e-12);
    assert!(few.info.true_residual > full.info.true_residual);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |config: ConjugateGradientConfig| {
        assert!(matches!(config.init(), Err(SolveError::Setting { .. })));
    };
    refused(ConjugateGradientConfig {
        block_size: Some(0),
        ..Default::default()
    });
    refused(ConjugateGradientConfig {
        preconditioner: Preconditioner::Nystroem(NystroemConfig {
            rank: 0,
            ..Default::default()
        }),
        ..Default::default()
    });
    let operator = Spectrum::new(&[1.0, 2.0], DType::F64);
    let sketch = NystroemConfig::default().init().unwrap();
    let error = sketch.prepare(&operator).err().unwrap();
    assert!(matches!(error, SolveError::NotSketched { .. }), "{error}");
    assert!(error.to_string().contains("add damping"), "{error}");
}
