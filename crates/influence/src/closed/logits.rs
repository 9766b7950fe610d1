//! The objective of logistic regression, with its derivatives.

use backdraft_dense::{Cholesky, DenseMatrix};

use super::{
    ClosedFormError, LogisticConfig,
    design::{Design, add, dot},
    softmax,
};

/// The share of a diagonal element that a pivot of the softmax's matrix must have.
const PRECISION: f64 = 1e-13;

/// The objective `sum over i of -log p(y_i | x_i) + ridge/2 ||theta||^2`, of coefficients `[columns, outputs]`.
#[derive(Clone, Debug)]
pub(super) struct Logits {
    pub design: Design,
    pub classes: Vec<usize>,
    pub outputs: usize,
}

impl Logits {
    pub fn new(
        inputs: &DenseMatrix,
        classes: &[usize],
        config: LogisticConfig,
    ) -> Result<Self, ClosedFormError> {
        let design = Design::new(inputs, config.design)?;
        let outputs = config.outputs;
        if outputs == 0 {
            return Err(ClosedFormError::Setting {
                name: "outputs",
                problem: "is 0, must be 1 for two classes, or the number of classes".to_owned(),
            });
        }
        if classes.len() != design.len() {
            return Err(ClosedFormError::Length {
                what: "classes",
                expected: design.len(),
                found: classes.len(),
            });
        }
        let count = outputs.max(2);
        if let Some(example) = classes.iter().position(|&class| class >= count) {
            return Err(ClosedFormError::Class {
                example,
                class: classes[example],
                classes: count,
            });
        }
        if outputs > 1 && design.penalty.contains(&0.0) {
            return Err(ClosedFormError::Shift { outputs });
        }
        Ok(Self {
            design,
            classes: classes.to_vec(),
            outputs,
        })
    }

    pub fn len(&self) -> usize {
        self.classes.len()
    }

    pub fn dim(&self) -> usize {
        self.design.dim() * self.outputs
    }

    /// The logits of a row.
    pub fn of(&self, row: &[f64], theta: &[f64]) -> Vec<f64> {
        let mut logits = vec![0.0; self.outputs];
        for (x, theta) in row.iter().zip(theta.chunks_exact(self.outputs)) {
            add(&mut logits, *x, theta);
        }
        logits
    }

    /// What a vector of the coefficients' length makes of an example: of the coefficients its logits.
    pub fn of_example(&self, index: usize, theta: &[f64]) -> Vec<f64> {
        self.of(self.design.rows.row(index), theta)
    }

    pub fn value(&self, theta: &[f64]) -> f64 {
        let loss = |i| softmax::loss(&self.of_example(i, theta), self.classes[i]);
        let losses: f64 = (0..self.len()).map(loss).sum();
        losses + 0.5 * dot(theta, &self.held(theta))
    }

    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let mut gradient = self.held(theta);
        for i in 0..self.len() {
            let probabilities = softmax::probabilities(&self.of_example(i, theta));
            let slope = softmax::slope(&probabilities, self.classes[i]);
            self.add_outer(&mut gradient, i, &slope);
        }
        gradient
    }

    /// Adds `x_i v'`, flat.
    pub fn add_outer(&self, sum: &mut [f64], index: usize, v: &[f64]) {
        let row = self.design.rows.row(index);
        for (sum, x) in sum.chunks_exact_mut(self.outputs).zip(row) {
            add(sum, *x, v);
        }
    }

    /// `R theta`.
    fn held(&self, theta: &[f64]) -> Vec<f64> {
        let rows = theta.chunks_exact(self.outputs);
        let pairs = rows.zip(&self.design.penalty);
        pairs
            .flat_map(|(row, penalty)| row.iter().map(move |it| penalty * it))
            .collect()
    }

    /// The largest logit of any example, in size.
    pub fn largest_logit(&self, theta: &[f64]) -> f64 {
        let all = (0..self.len()).flat_map(|i| self.of_example(i, theta));
        all.fold(0.0, |most: f64, it| match it.is_nan() {
            true => f64::NAN,
            false => most.max(it.abs()),
        })
    }

    /// The factor of the objective's second derivative.
    pub fn factor(&self, theta: &[f64]) -> Result<Cholesky, ClosedFormError> {
        let probabilities = self.probabilities(theta);
        if self.outputs == 1 {
            let weight = |i| softmax::weight(probabilities.row(i), 0, 0);
            return self.design.factor(weight, &self.design.penalty);
        }
        let matrix = self.hessian(&probabilities);
        if !matrix.values().iter().all(|x| x.is_finite()) {
            let what = "the matrix of the inputs";
            return Err(ClosedFormError::Overflow { what });
        }
        let outputs = self.outputs;
        Cholesky::new(matrix, PRECISION).map_err(|_| ClosedFormError::Shift { outputs })
    }

    /// `sum over i of x_i x_i' (x) W_i + R (x) I`.
    pub fn hessian(&self, probabilities: &DenseMatrix) -> DenseMatrix {
        let (rows, outputs, dim) = (&self.design.rows, self.outputs, self.dim());
        let transposed = rows.transpose();
        let mut values = vec![0.0; dim * dim];
        for c in 0..outputs {
            for other in 0..=c {
                let weighted = DenseMatrix::from_fn(rows.rows(), rows.columns(), |i, j| {
                    softmax::weight(probabilities.row(i), c, other) * rows.get(i, j)
                });
                let block = transposed.times(&weighted);
                for j in 0..rows.columns() {
                    for k in 0..rows.columns() {
                        let (a, b) = (j * outputs + c, k * outputs + other);
                        values[a * dim + b] = block.get(j, k);
                        values[b * dim + a] = block.get(j, k);
                    }
                }
            }
        }
        for (place, penalty) in self.design.penalty.iter().enumerate() {
            for c in 0..outputs {
                values[(place * outputs + c) * (dim + 1)] += penalty;
            }
        }
        DenseMatrix::new(dim, dim, values)
    }

    /// `[N, outputs]`.
    pub fn probabilities(&self, theta: &[f64]) -> DenseMatrix {
        let all = (0..self.len()).flat_map(|i| softmax::probabilities(&self.of_example(i, theta)));
        DenseMatrix::new(self.len(), self.outputs, all.collect())
    }
}
