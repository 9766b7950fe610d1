//! Inverses in closed form: what they give, and how far from a solution that is.

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use super::{Solution, SolveError, SolveInfo, rows::norms, vector::System};

/// What is known of an inverse that needs no iteration.
pub(super) struct ClosedForm<'a> {
    pub operator: &'a dyn LinearOperator,
    /// The solver's name.
    pub name: &'static str,
    /// What was prepared, in products with the full data.
    pub products: f64,
    /// Relative residual that a solution must reach; infinite for none.
    pub tolerance: f64,
    /// What to do where it is not reached.
    pub remedy: &'static str,
}

impl ClosedForm<'_> {
    /// What `apply` makes of the right-hand sides, the rows of a matrix, each with its true residual: a product with
    /// all at once.
    pub fn solve_many(
        &self,
        rhs: &[Tensor<1>],
        apply: impl FnOnce(Tensor<2>) -> Result<Tensor<2>, SolveError>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let systems: Vec<_> = rhs
            .iter()
            .map(|rhs| System::new(self.operator, rhs))
            .collect();
        let rows = systems.iter().flatten().flatten();
        let rows: Vec<_> = rows.map(|system| system.rhs.clone()).collect();
        let mut found = match rows.is_empty() {
            true => Vec::new(),
            false => self.rows(Tensor::stack(rows, 0), apply)?,
        }
        .into_iter();
        let solutions = systems.into_iter().zip(rhs).map(|(system, rhs)| {
            let Some(system) = system? else {
                return Ok(Solution::zero(rhs, self.name, self.tolerance));
            };
            let (s, true_residual) = found.next().expect("one a system");
            if true_residual.is_nan() {
                return Err(SolveError::not_finite("the residual", self.operator, &s));
            }
            let mut info = SolveInfo::new(self.name, self.tolerance);
            info.products = self.products + 1.0;
            info.residuals.push(true_residual);
            info.true_residual = true_residual;
            let vector = system.unscaled(s)?;
            Solution { vector, info }.judge(|_| self.remedy.into())
        });
        Ok(solutions.collect())
    }

    /// What `apply` makes of each row, and how long what it leaves of it is.
    fn rows(
        &self,
        rhs: Tensor<2>,
        apply: impl FnOnce(Tensor<2>) -> Result<Tensor<2>, SolveError>,
    ) -> Result<Vec<(Tensor<1>, f64)>, SolveError> {
        let solutions = apply(rhs.clone())?;
        let products = self.operator.products(solutions.clone());
        let products = products.map_err(|error| SolveError::from(error).on(self.operator))?;
        let lengths = norms(&(rhs - products))?;
        let rows = solutions.split(1, 0).into_iter();
        Ok(rows.map(|row| row.squeeze_dim(0)).zip(lengths).collect())
    }
}

/// The methods of an [`Inverse`](super::Inverse) that is known by what it makes of rows, with a field `form`.
macro_rules! solve_in_closed_form {
    () => {
        fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
            self.solve_many(vec![rhs])?.remove(0)
        }

        fn solve_many(
            &self,
            rhs: Vec<Tensor<1>>,
        ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
            self.form.solve_many(&rhs, |rhs| self.apply_many(rhs))
        }
    };
}

pub(super) use solve_in_closed_form;
