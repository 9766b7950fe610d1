//! Solutions for several dampings.

use backdraft_curvature::{Damped, LinearOperator};
use burn::tensor::Tensor;

use super::{
    ConjugateGradient,
    block::solve_path,
    systems::{Systems, chunk},
};
use crate::solver::{Preconditioner, Solution, SolveError};

/// The solutions of several right-hand sides for one damping.
pub type Solutions = Vec<Result<Solution, SolveError>>;

impl ConjugateGradient {
    /// Solves `(G + damping I) s = b` for all `dampings`, from the largest to the least, and all right-hand sides of
    /// shape `[dim]`, `operator` being `G`: for each damping what [`Inverse::solve_many`](crate::Inverse::solve_many)
    /// gives.
    ///
    /// All dampings share the Krylov space in which the least is solved. Beside its products each other damping takes
    /// one product with every right-hand side, which the true residual is computed by, and more only where rounding, or
    /// memory, does not let the space suffice: then it is solved on from what is reached. `iterations` and `products`
    /// of a solution count what it stands on, shared or not.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for dampings that are none, not positive and finite, or not in order, and for a
    /// preconditioner, with which dampings share no space. Otherwise what fails for all; each result, as
    /// [`Inverse::solve`](crate::Inverse::solve).
    pub fn solve_path(
        &self,
        operator: &dyn LinearOperator,
        rhs: Vec<Tensor<1>>,
        dampings: &[f64],
    ) -> Result<Vec<Solutions>, SolveError> {
        check_dampings(dampings)?;
        if self.config.preconditioner != Preconditioner::None {
            return Err(SolveError::Setting {
                name: "preconditioner",
                problem: "changes the space of products, which several dampings share only without one: leave it out, or \
                          solve for one damping after another"
                    .into(),
            });
        }
        let operators: Vec<_> = dampings
            .iter()
            .map(|&damping| Damped::new(operator, damping))
            .collect();
        let Some(least) = operators.last() else {
            return Ok(Vec::new());
        };
        let block = self.block(least, None)?;
        let mut systems: Vec<Systems> = operators
            .iter()
            .map(|operator| Systems::new(operator, &rhs, block.tolerance))
            .collect();
        let mut solved: Vec<Solutions> = dampings.iter().map(|_| Vec::new()).collect();
        let open = systems[0].open.len();
        let width = chunk(open, block.exploring_width(), self.config.block_size);
        for start in (0..open).step_by(width) {
            let places = start..open.min(start + width);
            let rhs = systems[0].open[places.clone()].iter();
            let rhs = rhs.map(|system| system.rhs.clone()).collect();
            let path = solve_path(&block, operator, dampings, rhs);
            let path = path.map_err(|error| error.on(operator))?;
            for ((columns, systems), solved) in path.into_iter().zip(&systems).zip(&mut solved) {
                let columns = columns.into_iter().zip(&systems.open[places.clone()]);
                solved.extend(
                    columns.map(|(column, system)| self.finished(column, system, block.tolerance)),
                );
            }
        }
        let all = systems.iter_mut().zip(solved);
        Ok(all.map(|(systems, solved)| systems.with(solved)).collect())
    }
}

/// Refuses dampings that are none, or no path from the largest to the least.
fn check_dampings(dampings: &[f64]) -> Result<(), SolveError> {
    let refused = |problem: String| {
        Err(SolveError::Setting {
            name: "dampings",
            problem,
        })
    };
    if dampings.is_empty() {
        return refused("is empty: name at least one".into());
    }
    let wrong = |damping: &&f64| !(damping.is_finite() && **damping > 0.0);
    if let Some(damping) = dampings.iter().find(wrong) {
        return refused(format!(
            "has {damping:?}: all must be positive and finite; what the matrix has already is added"
        ));
    }
    match dampings.windows(2).find(|pair| pair[0] <= pair[1]) {
        Some(pair) if pair[0] == pair[1] => refused(format!(
            "has {:?} twice: name each once, from the largest to the least",
            pair[0]
        )),
        Some(pair) => refused(format!(
            "has {:?} before {:?}: name them from the largest to the least",
            pair[0], pair[1]
        )),
        None => Ok(()),
    }
}
