//! The rows of a linear model, and what holds its coefficients back.

use backdraft_dense::{Cholesky, DenseMatrix};
use serde::{Deserialize, Serialize};

use super::ClosedFormError;

/// The share of a column's square that must be left over by the columns before it: as R's `lm` has it, 1e-7 of its
/// length.
const PRECISION: f64 = 1e-14;

/// What a linear model is made of beside its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignConfig {
    /// Whether there is a constant, the last coefficient.
    pub intercept: bool,
    /// The strength of the term `ridge/2 ||theta||^2` beside the *sum* of the losses: `N l2` for a cost with `l2`.
    pub ridge: f64,
    /// Whether that term has the constant in it, as a weight decay of all parameters has.
    pub penalise_intercept: bool,
}

impl Default for DesignConfig {
    /// With an intercept and no ridge.
    fn default() -> Self {
        Self {
            intercept: true,
            ridge: 0.0,
            penalise_intercept: true,
        }
    }
}

/// Rows `x_i` with the constant in them, and the diagonal `R` of the quadratic term.
#[derive(Clone, Debug)]
pub(super) struct Design {
    /// `[examples, coefficients]`.
    pub rows: DenseMatrix,
    /// One a coefficient.
    pub penalty: Vec<f64>,
    pub config: DesignConfig,
}

impl Design {
    pub fn new(inputs: &DenseMatrix, config: DesignConfig) -> Result<Self, ClosedFormError> {
        let (count, columns) = (inputs.rows(), inputs.columns());
        if count == 0 {
            return Err(ClosedFormError::Empty { what: "examples" });
        }
        let dim = columns + usize::from(config.intercept);
        if dim == 0 {
            return Err(ClosedFormError::Empty { what: "columns" });
        }
        let ridge = config.ridge;
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(ClosedFormError::Setting {
                name: "ridge",
                problem: format!("is {ridge:?}, must be finite and not negative"),
            });
        }
        let broken = inputs.values().iter().position(|x| !x.is_finite());
        if let Some(place) = broken {
            return Err(ClosedFormError::NotFinite {
                what: "the input",
                example: place / columns,
            });
        }
        let mut penalty = vec![ridge; dim];
        if config.intercept && !config.penalise_intercept {
            penalty[columns] = 0.0;
        }
        let rows = DenseMatrix::from_fn(count, dim, |i, j| match j < columns {
            true => inputs.get(i, j),
            false => 1.0,
        });
        Ok(Self {
            rows,
            penalty,
            config,
        })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.rows()
    }

    /// Number of coefficients.
    pub fn dim(&self) -> usize {
        self.rows.columns()
    }

    /// Whether there is such an example.
    pub fn check(&self, index: usize) -> Result<(), ClosedFormError> {
        let len = self.len();
        match index < len {
            true => Ok(()),
            false => Err(ClosedFormError::Index { index, len }),
        }
    }

    /// The row of an input that need not be an example's.
    pub fn row(&self, input: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        let inputs = self.dim() - usize::from(self.config.intercept);
        if input.len() != inputs {
            return Err(ClosedFormError::Length {
                what: "the numbers of an input",
                expected: inputs,
                found: input.len(),
            });
        }
        let mut row = input.to_vec();
        row.extend(self.config.intercept.then_some(1.0));
        Ok(row)
    }

    /// The factor of `X' W X + P`, with a weight an example and a penalty `P` that need not be the design's.
    pub fn factor(
        &self,
        weight: impl Fn(usize) -> f64,
        penalty: &[f64],
    ) -> Result<Cholesky, ClosedFormError> {
        let (count, dim) = (self.len(), self.dim());
        let held: Vec<usize> = (0..dim).filter(|&j| penalty[j] > 0.0).collect();
        let mut values = Vec::with_capacity((count + held.len()) * dim);
        for i in 0..count {
            let root = weight(i).sqrt();
            values.extend(self.rows.row(i).iter().map(|x| root * x));
        }
        for &j in &held {
            values.extend((0..dim).map(|k| match k == j {
                true => penalty[j].sqrt(),
                false => 0.0,
            }));
        }
        let rows = DenseMatrix::new(count + held.len(), dim, values);
        Cholesky::of_gram(&rows, PRECISION).map_err(|pivot| match pivot.value.is_finite() {
            true => self.collinear(pivot.index),
            false => ClosedFormError::Overflow {
                what: "the matrix of the inputs",
            },
        })
    }

    /// That a column is none of its own.
    pub fn collinear(&self, column: usize) -> ClosedFormError {
        let constant = self.config.intercept && column + 1 == self.dim();
        ClosedFormError::Collinear {
            column: match constant {
                true => "the constant".to_owned(),
                false => format!("column {column}, counted from 0,"),
            },
            examples: self.len(),
        }
    }

    /// `P theta`.
    pub fn held(&self, theta: &[f64]) -> Vec<f64> {
        let pairs = self.penalty.iter().zip(theta);
        pairs.map(|(penalty, theta)| penalty * theta).collect()
    }

    /// `X theta`.
    pub fn outputs(&self, theta: &[f64]) -> Vec<f64> {
        let rows = (0..self.len()).map(|i| self.rows.row(i));
        rows.map(|row| dot(row, theta)).collect()
    }

    /// `X' v`.
    pub fn pull_back(&self, v: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.dim()];
        for (i, v) in v.iter().enumerate() {
            add(&mut sum, *v, self.rows.row(i));
        }
        sum
    }
}

/// `<a, b>`.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a + factor * b`, in place of `a`.
pub(super) fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}
