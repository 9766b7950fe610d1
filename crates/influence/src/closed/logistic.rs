//! Logistic regression: influence, leverage and one-step leave-one-out.

use std::sync::OnceLock;

use backdraft_dense::{Cholesky, DenseMatrix};

use super::{
    ClosedFormError,
    design::{add, dot},
    least_squares::squared_rows,
    logits::Logits,
    softmax,
};
use crate::score::{Correction, Leverage};

/// A logistic regression at its minimum, or at other coefficients, and what is known of it in closed form: of the
/// objective
///
/// ```text
/// sum over i of -log p(y_i | x_i; theta) + ridge/2 ||theta||^2
/// ```
///
/// in nats, by [`LogisticConfig::fit`](super::LogisticConfig::fit) or [`at`](super::LogisticConfig::at). `A` below is
/// its second derivative, `g_i = x_i (p_i - y_i)'` an example's gradient and `H_i = x_i x_i' (x) W_i` its own part of
/// `A`, with `W = p (1 - p)` for two classes and `diag(p) - p p'` for more.
#[derive(Clone, Debug)]
pub struct LogisticFit {
    logits: Logits,
    parameters: Vec<f64>,
    /// `[N, outputs]`.
    probabilities: DenseMatrix,
    factor: Cholesky,
    gradient_norm: f64,
    own: OnceLock<Vec<DenseMatrix>>,
}

impl LogisticFit {
    pub(super) fn of(logits: Logits, parameters: Vec<f64>) -> Result<Self, ClosedFormError> {
        let gradient = logits.gradient(&parameters);
        let gradient_norm = dot(&gradient, &gradient).sqrt() / logits.len() as f64;
        if !gradient_norm.is_finite() {
            let what = "the gradient";
            return Err(ClosedFormError::Overflow { what });
        }
        Ok(Self {
            factor: logits.factor(&parameters)?,
            probabilities: logits.probabilities(&parameters),
            gradient_norm,
            logits,
            parameters,
            own: OnceLock::new(),
        })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.logits.len()
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coefficients, `[columns, outputs]` row by row, those of the constant last: the weights and the bias of a
    /// linear layer, in the order in which Burn's has them.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The probability of class 1 for each example, or of each class, `[N, outputs]`.
    pub fn probabilities(&self) -> &DenseMatrix {
        &self.probabilities
    }

    /// The norm of the gradient of the mean loss with `ridge/(2N) ||theta||^2`: 0 at the minimum.
    pub fn gradient_norm(&self) -> f64 {
        self.gradient_norm
    }

    /// The second derivative of the objective, `A`, in the order of the parameters.
    pub fn hessian(&self) -> DenseMatrix {
        self.logits.hessian(&self.probabilities)
    }

    /// The gradient of an example's loss, `x_i (p_i - y_i)'`.
    ///
    /// # Errors
    /// [`ClosedFormError::Index`].
    pub fn gradient(&self, index: usize) -> Result<Vec<f64>, ClosedFormError> {
        self.logits.design.check(index)?;
        Ok(self.pulled(index, &self.slope(index)))
    }

    /// How far each example settles its own probabilities: the eigenvalues of its block of the weighted hat matrix
    /// `W^1/2 X A^-1 X' W^1/2`, for two classes its diagonal element (Pregibon 1981). Over all examples they add up to
    /// the number of coefficients, or with a ridge to the effective one.
    ///
    /// # Errors
    /// [`ClosedFormError::Overflow`].
    pub fn leverage(&self) -> Result<Vec<Leverage>, ClosedFormError> {
        let of = |i| Ok(self.correction(i)?.leverage);
        (0..self.len()).map(of).collect()
    }

    /// Influence on the parameters, `A^-1 g_i`: to first order the change when example `index` is removed,
    /// `theta(without) - theta(with)`, `1/N` included.
    ///
    /// # Errors
    /// [`ClosedFormError::Index`].
    pub fn influence(&self, index: usize) -> Result<Vec<f64>, ClosedFormError> {
        let mut change = self.gradient(index)?;
        self.factor.solve(&mut change);
        Ok(change)
    }

    /// The change of the parameters by one Newton step of the objective without example `index`, from the minimum with
    /// it: `(A - H_i)^-1 g_i` (Pregibon 1981's one-step estimate).
    ///
    /// # Errors
    /// [`ClosedFormError::FittedAlone`] where the others do not settle the coefficients; [`ClosedFormError::Index`],
    /// [`ClosedFormError::Overflow`].
    pub fn newton(&self, index: usize) -> Result<Vec<f64>, ClosedFormError> {
        self.logits.design.check(index)?;
        let alone = ClosedFormError::FittedAlone { example: index };
        let slope = self.corrected(index)?.ok_or(alone)?;
        let mut change = self.pulled(index, &slope);
        self.factor.solve(&mut change);
        Ok(change)
    }

    /// The logits for `input`, which need not be an example's.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn outputs(&self, input: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        let row = self.logits.design.row(input)?;
        Ok(self.logits.of(&row, &self.parameters))
    }

    /// Influence on the logits for `input`: for each example, to first order those without it less those with it.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn output_influence(&self, input: &[f64]) -> Result<Vec<Vec<f64>>, ClosedFormError> {
        let along = self.along(input)?;
        let change = |i| self.output_change(&along, i, &self.slope(i));
        Ok((0..self.len()).map(change).collect())
    }

    /// For each example, the logits for `input` after the [Newton](Self::newton) step without it, less those with it;
    /// `None` for an example that is fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`], [`ClosedFormError::Overflow`].
    pub fn output_changes(&self, input: &[f64]) -> Result<Vec<Option<Vec<f64>>>, ClosedFormError> {
        let along = self.along(input)?;
        let change = |i| {
            let slope = self.corrected(i)?;
            Ok(slope.map(|slope| self.output_change(&along, i, &slope)))
        };
        (0..self.len()).map(change).collect()
    }

    /// Influence on the loss of a query: its scores, as [`scores`](crate::scores()) has them.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`]; [`ClosedFormError::Class`], which counts the query as example 0.
    pub fn loss_influence(&self, input: &[f64], class: usize) -> Result<Vec<f64>, ClosedFormError> {
        let probabilities = softmax::probabilities(&self.outputs(input)?);
        self.check(class)?;
        let slope = softmax::slope(&probabilities, class);
        let of_outputs = self.output_influence(input)?.into_iter();
        Ok(of_outputs.map(|change| dot(&change, &slope)).collect())
    }

    /// For each example, the loss of a query after the [Newton](Self::newton) step without it, less that with it;
    /// `None` for an example that is fitted by itself alone.
    ///
    /// # Errors
    /// As [`loss_influence`](Self::loss_influence); [`ClosedFormError::Overflow`].
    pub fn loss_changes(
        &self,
        input: &[f64],
        class: usize,
    ) -> Result<Vec<Option<f64>>, ClosedFormError> {
        let outputs = self.outputs(input)?;
        self.check(class)?;
        let before = softmax::loss(&outputs, class);
        let after = |change: Vec<f64>| {
            let mut outputs = outputs.clone();
            add(&mut outputs, 1.0, &change);
            softmax::loss(&outputs, class) - before
        };
        let changes = self.output_changes(input)?.into_iter();
        Ok(changes.map(|change| change.map(after)).collect())
    }

    /// Every example's score for its own loss, `g_i' A^-1 g_i`.
    pub fn self_influence(&self) -> Vec<f64> {
        let of = |(i, kernel)| {
            let slope = self.slope(i);
            dot(&slope, &times(kernel, &slope))
        };
        self.own().iter().enumerate().map(of).collect()
    }

    /// Every example's own loss after the [Newton](Self::newton) step without it, less that with it; `None` for one
    /// that is fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Overflow`].
    pub fn own_loss_changes(&self) -> Result<Vec<Option<f64>>, ClosedFormError> {
        let of = |i: usize| {
            let class = self.logits.classes[i];
            let mut outputs = self.logits.of_example(i, &self.parameters);
            let before = softmax::loss(&outputs, class);
            let slope = self.corrected(i)?;
            Ok(slope.map(|slope| {
                add(&mut outputs, 1.0, &times(&self.own()[i], &slope));
                softmax::loss(&outputs, class) - before
            }))
        };
        (0..self.len()).map(of).collect()
    }

    fn check(&self, class: usize) -> Result<(), ClosedFormError> {
        let classes = self.logits.outputs.max(2);
        match class < classes {
            true => Ok(()),
            false => Err(ClosedFormError::Class {
                example: 0,
                class,
                classes,
            }),
        }
    }

    /// `p_i - y_i`.
    fn slope(&self, index: usize) -> Vec<f64> {
        softmax::slope(self.probabilities.row(index), self.logits.classes[index])
    }

    /// `x_i v'`, flat.
    fn pulled(&self, index: usize, v: &[f64]) -> Vec<f64> {
        let mut flat = vec![0.0; self.logits.dim()];
        self.logits.add_outer(&mut flat, index, v);
        flat
    }

    /// `v` with `(A - H_i)^-1 g_i = A^-1 x_i v'`, by Woodbury's formula: `v = r + S (I - S' K S)^-1 S' K r`, where `r =
    /// p_i - y_i`, `S S' = W_i` and `K = x_i' A^-1 x_i`, outputs times outputs. None where `I - S' K S` is not
    /// positive.
    fn corrected(&self, index: usize) -> Result<Option<Vec<f64>>, ClosedFormError> {
        let mut slope = self.slope(index);
        let root = softmax::root(self.probabilities.row(index));
        let along = times(&root.transpose(), &times(&self.own()[index], &slope));
        let solved = self.correction(index)?.apply(&along, 0.0);
        Ok(solved.map(|solved| {
            add(&mut slope, 1.0, &times(&root, &solved));
            slope
        }))
    }

    /// Of an example's block of the hat matrix, `S' K S`.
    fn correction(&self, index: usize) -> Result<Correction, ClosedFormError> {
        let root = softmax::root(self.probabilities.row(index));
        let block = root.transpose().times(&self.own()[index]).times(&root);
        let what = "a leverage";
        Correction::new(&block.symmetric(), vec![1.0; block.rows()])
            .ok_or(ClosedFormError::Overflow { what })
    }

    /// `x_i' A^-1 x_i` of every example, `[outputs, outputs]` each.
    fn own(&self) -> &[DenseMatrix] {
        let (rows, outputs) = (&self.logits.design.rows, self.logits.outputs);
        self.own.get_or_init(|| match outputs {
            1 => squared_rows(&self.factor, rows)
                .into_iter()
                .map(|it| DenseMatrix::new(1, 1, vec![it]))
                .collect(),
            _ => {
                let inverse = self.factor.inverse();
                let along = |i| {
                    let rows = inverse.values().chunks_exact(self.logits.dim());
                    let rows = rows.flat_map(|row| self.logits.of_example(i, row));
                    let half = rows.collect::<Vec<_>>();
                    // Now `[(column, output), output]`, whose columns go the same way.
                    let kernel = (0..outputs).flat_map(|c| {
                        let column: Vec<f64> = half[c..].iter().step_by(outputs).copied().collect();
                        self.logits.of_example(i, &column)
                    });
                    DenseMatrix::new(outputs, outputs, kernel.collect()).symmetric()
                };
                (0..self.len()).map(along).collect()
            }
        })
    }

    /// `A^-1 x` of an input, for each output.
    fn along(&self, input: &[f64]) -> Result<Vec<Vec<f64>>, ClosedFormError> {
        let (row, outputs) = (self.logits.design.row(input)?, self.logits.outputs);
        let solved = |c: usize| {
            let mut flat = vec![0.0; self.logits.dim()];
            for (x, place) in row.iter().zip(flat[c..].iter_mut().step_by(outputs)) {
                *place = *x;
            }
            self.factor.solve(&mut flat);
            flat
        };
        Ok((0..outputs).map(solved).collect())
    }

    /// Of the logits that `along` is of, by the change `A^-1 x_i v'` of the parameters.
    fn output_change(&self, along: &[Vec<f64>], index: usize, v: &[f64]) -> Vec<f64> {
        let of = |solved: &Vec<f64>| dot(&self.logits.of_example(index, solved), v);
        along.iter().map(of).collect()
    }
}

/// A matrix times a vector.
fn times(matrix: &DenseMatrix, v: &[f64]) -> Vec<f64> {
    let rows = (0..matrix.rows()).map(|i| matrix.row(i));
    rows.map(|row| dot(row, v)).collect()
}
