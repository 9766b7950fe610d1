//! Which preconditioner is predicted to pay, and whether it does.

use backdraft_curvature::{CurvatureError, Damped, LinearOperator};
use backdraft_influence::{Choice, ConjugateGradientConfig, Preconditioner, Solver};
use burn::tensor::{DType, Device, Tensor};

use super::{
    block::{Counted, many},
    operators::{Spectrum, vector},
};

/// A matrix that is its diagonal.
struct Diagonal(Tensor<1>);

impl LinearOperator for Diagonal {
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

fn choose(
    operator: &dyn LinearOperator,
    config: &ConjugateGradientConfig,
    queries: usize,
    at_once: usize,
) -> Choice {
    let solver = config.clone().init().unwrap();
    let choice = solver.choose_preconditioner(operator, queries, at_once, 3);
    choice.unwrap()
}

/// All products that so many queries take, with the preconditioner's own.
fn taken(operator: &dyn LinearOperator, config: &ConjugateGradientConfig, queries: usize) -> usize {
    let counted = Counted::new(operator);
    let solver = config.clone().init().unwrap();
    let inverse = solver.prepare(&counted).unwrap();
    for rhs in many(operator.dim(), queries, 7).chunks(10) {
        for found in inverse.solve_many(rhs.to_vec()).unwrap() {
            found.unwrap();
        }
    }
    counted.vectors.get()
}

/// The choice, which takes fewer products than none would.
fn paying(operator: &dyn LinearOperator, config: &ConjugateGradientConfig) -> &'static str {
    let choice = choose(operator, config, 60, 10);
    let chosen = ConjugateGradientConfig {
        preconditioner: choice.preconditioner.clone(),
        ..config.clone()
    };
    let (with, without) = (taken(operator, &chosen, 60), taken(operator, config, 60));
    assert!(with < without, "{with} {without}: {choice:?}");
    choice.preconditioner.name()
}

fn falling() -> Spectrum {
    let values: Vec<f64> = (0..400)
        .map(|i| 100.0 * 10f64.powf(-f64::from(i) / 20.0))
        .collect();
    Spectrum::new(&values, DType::F64)
}

#[test]
fn one_block_finds_all_by_itself() {
    let operator = Damped::new(falling(), 0.01);
    let counted = Counted::new(&operator);
    for queries in [1, 10] {
        let choice = choose(&counted, &Default::default(), queries, 10);
        assert_eq!(choice.preconditioner, Preconditioner::None);
        assert_eq!(choice.blocks, (queries, 1));
    }
    assert_eq!(counted.vectors.get(), 0);
}

#[test]
fn later_blocks_learn_from_the_first() {
    let operator = Damped::new(falling(), 0.01);
    let counted = Counted::new(&operator);
    let choice = choose(&counted, &Default::default(), 60, 10);
    assert!(counted.vectors.get() <= 80);
    let names: Vec<_> = choice
        .predicted
        .iter()
        .map(|it| it.preconditioner.name())
        .collect();
    assert_eq!(names, ["none", "recycled", "nystroem", "jacobi"]);
    assert_eq!(choice, choose(&counted, &Default::default(), 60, 10));
    assert_eq!(paying(&operator, &Default::default()), "recycled");
}

#[test]
fn one_by_one_a_sketch_pays_where_few_eigenvalues_are_large() {
    let alone = ConjugateGradientConfig {
        block_size: Some(1),
        ..Default::default()
    };
    assert_eq!(paying(&Damped::new(falling(), 0.01), &alone), "nystroem");
}

#[test]
fn the_diagonal_pays_where_it_is_all_there_is() {
    let values: Vec<f64> = (0..400)
        .map(|i| 10f64.powf(-f64::from(i) / 100.0))
        .collect();
    let alone = ConjugateGradientConfig {
        block_size: Some(1),
        ..Default::default()
    };
    assert_eq!(paying(&Diagonal(vector(&values)), &alone), "jacobi");
}

#[test]
fn what_does_not_pay_is_not_chosen() {
    let values: Vec<f64> = (0..400).map(|i| 1.0 + f64::from(i) / 400.0).collect();
    let operator = Damped::new(Spectrum::new(&values, DType::F64), 1.0);
    let choice = choose(&operator, &Default::default(), 60, 10);
    assert_eq!(choice.preconditioner, Preconditioner::None, "{choice:?}");
    assert!(choice.predicted.len() > 1);
}
