//! Least squares and ridge regression: fit, leverage, influence and leave-one-out.

use backdraft_dense::{Cholesky, DenseMatrix};

use super::{
    ALONE, ClosedFormError, DesignConfig, LeastSquaresPbrf,
    design::{Design, add, dot},
};

/// Corrections of the solution: with the factor of a QR decomposition one gives what rounding allows (Björck 1996,
/// Section 6.6.5), and a second is cheap.
const CORRECTIONS: usize = 2;

/// The minimum of
///
/// ```text
/// sum over i of 1/2 (x_i theta - y_i)^2 + ridge/2 ||theta||^2
/// ```
///
/// and all that is known of it in closed form (Cook & Weisberg 1982). `A = X' X + R` below, with the ridge in `R`, and
/// `e_i = y_i - x_i theta`.
#[derive(Clone, Debug)]
pub struct LeastSquaresFit {
    pub(super) design: Design,
    pub(super) targets: Vec<f64>,
    parameters: Vec<f64>,
    pub(super) residuals: Vec<f64>,
    pub(super) factor: Cholesky,
    pub(super) leverage: Vec<f64>,
}

impl LeastSquaresFit {
    /// Fits `targets`, one a row of `inputs`, `[N, inputs]`.
    ///
    /// # Errors
    /// [`ClosedFormError::Collinear`] where the inputs do not settle the coefficients, and no ridge does;
    /// [`ClosedFormError::Empty`], [`ClosedFormError::Length`], [`ClosedFormError::NotFinite`],
    /// [`ClosedFormError::Setting`], [`ClosedFormError::Overflow`].
    pub fn new(
        inputs: &DenseMatrix,
        targets: &[f64],
        config: DesignConfig,
    ) -> Result<Self, ClosedFormError> {
        let design = Design::new(inputs, config)?;
        if targets.len() != design.len() {
            return Err(ClosedFormError::Length {
                what: "targets",
                expected: design.len(),
                found: targets.len(),
            });
        }
        if let Some(example) = targets.iter().position(|y| !y.is_finite()) {
            let what = "the target";
            return Err(ClosedFormError::NotFinite { what, example });
        }
        let factor = design.factor(|_| 1.0, &design.penalty)?;
        let mut parameters = vec![0.0; design.dim()];
        let mut residuals = targets.to_vec();
        for _ in 0..=CORRECTIONS {
            let mut step = design.pull_back(&residuals);
            add(&mut step, -1.0, &design.held(&parameters));
            factor.solve(&mut step);
            add(&mut parameters, 1.0, &step);
            let outputs = design.outputs(&parameters);
            residuals = targets.iter().zip(outputs).map(|(y, x)| y - x).collect();
        }
        if !residuals.iter().all(|e| e.is_finite()) {
            let what = "the fit";
            return Err(ClosedFormError::Overflow { what });
        }
        Ok(Self {
            leverage: squared_rows(&factor, &design.rows),
            design,
            targets: targets.to_vec(),
            parameters,
            residuals,
            factor,
        })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The coefficients, the constant last: of a linear layer with one output the weights and the bias.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// `e_i = y_i - x_i theta`, in the units of the target.
    pub fn residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// `P_ii = x_i' A^-1 x_i`, how far each example settles its own prediction, between 0 and 1: the diagonal of the
    /// hat matrix (of ridge regression, where there is a ridge). Their sum is the number of coefficients, or with a
    /// ridge the effective one.
    pub fn leverage(&self) -> &[f64] {
        &self.leverage
    }

    /// Influence on the parameters, `-A^-1 x_i e_i`: to first order the change when example `index` is removed,
    /// `theta(without) - theta(with)`, `1/N` included (Cook & Weisberg 1982, Section 3.4: the empirical influence
    /// curve).
    ///
    /// # Errors
    /// [`ClosedFormError::Index`].
    pub fn influence(&self, index: usize) -> Result<Vec<f64>, ClosedFormError> {
        self.design.check(index)?;
        Ok(self.moved(index, self.residuals[index]))
    }

    /// The exact change of the parameters when example `index` is removed, `theta(without) - theta(with)`:
    ///
    /// ```text
    /// -A^-1 x_i e_i / (1 - P_ii)
    /// ```
    ///
    /// # Errors
    /// [`ClosedFormError::FittedAlone`] where the others do not settle the coefficients; [`ClosedFormError::Index`].
    pub fn leave_one_out(&self, index: usize) -> Result<Vec<f64>, ClosedFormError> {
        self.downweighted(index, 1.0)
    }

    /// The exact change of the parameters when the weight of example `index` is lowered by `weight`, from 1 to `1 -
    /// weight`: `-weight A^-1 x_i e_i / (1 - weight P_ii)`. More weight is negative.
    ///
    /// # Errors
    /// As [`leave_one_out`](Self::leave_one_out), for a weight that leaves the objective without a minimum.
    pub fn downweighted(&self, index: usize, weight: f64) -> Result<Vec<f64>, ClosedFormError> {
        self.design.check(index)?;
        let alone = ClosedFormError::FittedAlone { example: index };
        let residual = downweighted(self.residuals[index], self.leverage[index], weight);
        Ok(self.moved(index, residual.ok_or(alone)?))
    }

    /// The residual of each example under the coefficients that are fitted without it, `e_i / (1 - P_ii)`; `None` for
    /// one that is fitted by itself alone.
    pub fn deleted_residuals(&self) -> Vec<Option<f64>> {
        let pairs = self.residuals.iter().zip(&self.leverage);
        pairs.map(|(e, p)| downweighted(*e, *p, 1.0)).collect()
    }

    /// The output for `input`, which need not be an example's.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn output(&self, input: &[f64]) -> Result<f64, ClosedFormError> {
        Ok(dot(&self.design.row(input)?, &self.parameters))
    }

    /// Influence on the output for `input`: for each example, to first order the output without it less that with it.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn output_influence(&self, input: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        let along = self.along(input)?;
        let pairs = along.into_iter().zip(&self.residuals);
        Ok(pairs.map(|(along, e)| -along * e).collect())
    }

    /// For each example, the output for `input` without it less that with it, exactly; `None` for an example that is
    /// fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn output_changes(&self, input: &[f64]) -> Result<Vec<Option<f64>>, ClosedFormError> {
        let pairs = self.along(input)?.into_iter().zip(self.deleted_residuals());
        Ok(pairs.map(|(along, e)| Some(-along * e?)).collect())
    }

    /// Influence on the loss `1/2 (output - target)^2` of a query: its scores, as [`scores`](crate::scores()) has them.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn loss_influence(&self, input: &[f64], target: f64) -> Result<Vec<f64>, ClosedFormError> {
        let slope = self.output(input)? - target;
        let of_output = self.output_influence(input)?.into_iter();
        Ok(of_output.map(|change| slope * change).collect())
    }

    /// For each example, the loss of a query without it less that with it, exactly; `None` for an example that is
    /// fitted by itself alone.
    ///
    /// # Errors
    /// [`ClosedFormError::Length`].
    pub fn loss_changes(
        &self,
        input: &[f64],
        target: f64,
    ) -> Result<Vec<Option<f64>>, ClosedFormError> {
        let slope = self.output(input)? - target;
        let of_output = self.output_changes(input)?.into_iter();
        Ok(of_output
            .map(|change| change.map(|it| it * (slope + 0.5 * it)))
            .collect())
    }

    /// The influence loss difference of every example, its score for its own loss: `e_i^2 P_ii`, the square of the
    /// residual times the leverage.
    pub fn self_influence(&self) -> Vec<f64> {
        let pairs = self.residuals.iter().zip(&self.leverage);
        pairs.map(|(e, p)| e * e * p).collect()
    }

    /// What the fit becomes under a proximal term of strength `damping` in the cost's scale: the proximal Bregman
    /// response function in closed form.
    ///
    /// # Errors
    /// [`ClosedFormError::Setting`] for a damping that is negative or not finite; [`ClosedFormError::Overflow`].
    pub fn pbrf(&self, damping: f64) -> Result<LeastSquaresPbrf<'_>, ClosedFormError> {
        LeastSquaresPbrf::new(self, damping)
    }

    /// `-A^-1 x_i e`.
    fn moved(&self, index: usize, residual: f64) -> Vec<f64> {
        let mut change = self.design.rows.row(index).to_vec();
        self.factor.solve(&mut change);
        change.iter_mut().for_each(|it| *it *= -residual);
        change
    }

    /// `x' A^-1 x_i` of every example.
    fn along(&self, input: &[f64]) -> Result<Vec<f64>, ClosedFormError> {
        let mut solved = self.design.row(input)?;
        self.factor.solve(&mut solved);
        Ok(self.design.outputs(&solved))
    }
}

/// `weight e / (1 - weight P)`, if the example is not fitted by itself alone.
pub(super) fn downweighted(residual: f64, leverage: f64, weight: f64) -> Option<f64> {
    let left = 1.0 - weight * leverage;
    (left > ALONE).then(|| weight * residual / left)
}

/// `x' A^-1 x` of every row.
pub(super) fn squared_rows(factor: &Cholesky, rows: &DenseMatrix) -> Vec<f64> {
    let whitened = factor.forward_rows(rows);
    let rows = (0..rows.rows()).map(|i| whitened.row(i));
    rows.map(|row| dot(row, row)).collect()
}
