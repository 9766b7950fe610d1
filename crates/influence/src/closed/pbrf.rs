//! The proximal Bregman response function of least squares.

use backdraft_dense::Cholesky;

use super::{
    ClosedFormError, LeastSquaresFit,
    least_squares::{downweighted, squared_rows},
};

/// The proximal Bregman response function (Bae et al. 2022, Eqn 8) of a least squares fit `theta_s`, in closed form:
/// the minimum of
///
/// ```text
/// 1/N sum over j of 1/2 (x_j (theta - theta_s))^2 - eps/2 (x_i theta - y_i)^2 + lambda/2 ||theta - theta_s||^2
/// ```
///
/// with the fit's ridge, over `N`, in the proximal term beside `lambda`, as [`Pbrf`](crate::Pbrf) has a cost's L2 term.
/// The Bregman divergence of the squared error is the squared distance of the outputs, so that the minimum is `theta_s
/// - eps A^-1 x_i e_i / (1 - eps x_i' A^-1 x_i)` with `A = 1/N (X' X + R) + lambda I`.
#[derive(Clone, Debug)]
pub struct LeastSquaresPbrf<'a> {
    fit: &'a LeastSquaresFit,
    /// Of `N A`.
    factor: Cholesky,
    /// `1/N x_i' A^-1 x_i`.
    leverage: Vec<f64>,
}

impl<'a> LeastSquaresPbrf<'a> {
    pub(super) fn new(fit: &'a LeastSquaresFit, damping: f64) -> Result<Self, ClosedFormError> {
        if !(damping.is_finite() && damping >= 0.0) {
            return Err(ClosedFormError::Setting {
                name: "damping",
                problem: format!("is {damping:?}, must be finite and not negative"),
            });
        }
        let design = &fit.design;
        let strength = damping * design.len() as f64;
        let penalty: Vec<f64> = design.penalty.iter().map(|it| it + strength).collect();
        let factor = design.factor(|_| 1.0, &penalty)?;
        Ok(Self {
            leverage: squared_rows(&factor, &design.rows),
            factor,
            fit,
        })
    }

    /// The response's change of the parameters, `theta - theta_s`, to the weight `epsilon` taken off example `index`:
    /// `1/N` for its removal, negative for more weight.
    ///
    /// # Errors
    /// [`ClosedFormError::FittedAlone`] where the objective has no minimum; [`ClosedFormError::Index`].
    pub fn response(&self, index: usize, epsilon: f64) -> Result<Vec<f64>, ClosedFormError> {
        let (design, residuals) = (&self.fit.design, &self.fit.residuals);
        design.check(index)?;
        let weight = epsilon * design.len() as f64;
        let alone = ClosedFormError::FittedAlone { example: index };
        let residual = downweighted(residuals[index], self.leverage[index], weight).ok_or(alone)?;
        let mut change = design.rows.row(index).to_vec();
        self.factor.solve(&mut change);
        Ok(change.into_iter().map(|it| -residual * it).collect())
    }

    /// How far each example settles its own prediction against the proximal term and the others: `1/N x_i' A^-1 x_i`.
    pub fn leverage(&self) -> &[f64] {
        &self.leverage
    }
}
