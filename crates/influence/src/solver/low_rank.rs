//! The inverse of a damped matrix of which some eigenvalues and their vectors are known, and a number for the rest.
//!
//! ```text
//! A^-1 ~ U diag(1 / (values + damping)) U' + rest (I - U U')
//! ```

use backdraft_curvature::{Definiteness, LinearOperator};
use burn::tensor::{Tensor, TensorData};

use super::closed_form::{ClosedForm, solve_in_closed_form};
use super::{Factors, Inverse, Solution, SolveError, factors::misfit};

/// What its factors are called.
const VALUES: &str = "values";
const VECTORS: &str = "vectors";
const REST: &str = "rest";
const PRODUCTS: &str = "products";

/// A matrix by the eigenvalues that are known of it.
pub(super) struct LowRank<'a> {
    pub form: ClosedForm<'a>,
    pub damping: f64,
    /// Without the damping, descending.
    pub values: Vec<f64>,
    /// `[values, dim]`, orthonormal.
    pub vectors: Tensor<2>,
    /// What every other direction is multiplied with.
    pub rest: f64,
}

/// The damping of an operator without negative eigenvalues, of which the large ones and the damping tell all.
pub(super) fn damping(operator: &dyn LinearOperator) -> Result<f64, SolveError> {
    let law = operator.law();
    if matches!(law.definiteness, Definiteness::Indefinite { .. }) || law.damping <= 0.0 {
        return Err(SolveError::NotSketched { name: law.name });
    }
    Ok(law.damping)
}

/// What to do where too little is known.
pub(super) const REMEDY: &str = "what is known of the matrix is not near enough: raise the rank, or precondition conjugate gradients with it";

impl LowRank<'_> {
    /// As a preconditioner: what is beside the vectors as it is along the last of them.
    pub fn preconditioning(self) -> Self {
        let least = self.values.last().copied().unwrap_or_default();
        Self {
            rest: 1.0 / (least + self.damping),
            ..self
        }
    }

    /// From what one of `form` was made of.
    pub fn restored<'a>(
        form: ClosedForm<'a>,
        factors: &mut Factors,
    ) -> Result<LowRank<'a>, SolveError> {
        let operator = form.operator;
        let values = factors.numbers(VALUES)?;
        let shape = [Some(values.len()), Some(operator.dim())];
        if values.is_empty() {
            return Err(misfit(VALUES, "are none"));
        }
        Ok(LowRank {
            damping: damping(operator)?,
            vectors: factors.tensor(VECTORS, shape, operator)?,
            rest: factors.number(REST)?,
            form: ClosedForm {
                products: factors.number(PRODUCTS)?,
                ..form
            },
            values,
        })
    }

    /// What there is of the matrix at this damping: the trace of `G (G + damping I)^-1`, as far as eigenvalues are
    /// known.
    fn effective_dimension(&self) -> f64 {
        let shares = self
            .values
            .iter()
            .map(|value| value / (value + self.damping));
        shares.sum()
    }
}

impl Inverse for LowRank<'_> {
    solve_in_closed_form!();

    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        if self.values.is_empty() {
            return Ok(rhs * self.rest);
        }
        let weights = self.values.iter();
        let weights = weights.map(|value| 1.0 / (value + self.damping) - self.rest);
        let data = TensorData::new(weights.collect::<Vec<_>>(), [1, self.values.len()]);
        let weights = Tensor::<2>::from_data(data, (&rhs.device(), rhs.dtype()));
        let along = rhs.clone().matmul(self.vectors.clone().transpose());
        Ok(rhs * self.rest + (along * weights).matmul(self.vectors.clone()))
    }

    fn factors(&self) -> Option<Factors> {
        // Of a matrix of zeros nothing is known.
        if self.values.is_empty() {
            return None;
        }
        let mut factors = Factors::default();
        factors.put_numbers(VALUES, &self.values);
        factors.put(VECTORS, self.vectors.to_data());
        factors.put_numbers(REST, &[self.rest]);
        factors.put_numbers(PRODUCTS, &[self.form.products]);
        Some(factors)
    }

    fn describe(&self) -> Option<String> {
        let least = self.values.last()?;
        Some(format!(
            "{}: {} eigenvalues, from {:.2e} to {least:.2e}, of {:.0} products; effective dimension {:.0} at damping {:.1e}",
            self.form.name,
            self.values.len(),
            self.values[0],
            self.form.products,
            self.effective_dimension(),
            self.damping
        ))
    }
}
