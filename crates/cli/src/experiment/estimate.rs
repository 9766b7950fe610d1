//! Influence estimates of removals.

use std::time::Instant;

use backdraft_influence::{Inverse, Solution, SolveError, response::estimate_all};
use burn::tensor::Tensor;

use super::{
    lab::Lab,
    stage::{Stage, StageError},
};
use crate::{args::SolverName, progress::warn};

/// Removals that LiSSA solves for at once: the least, so that a fifth of twenty can be another process's, and the most,
/// beyond which little is gained.
const AT_ONCE: [usize; 2] = [4, 10];
/// Parameters of all of them, which bounds the memory.
const NUMBERS: usize = 1 << 24;

/// An influence estimate.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The predicted change of the parameters.
    pub change: Tensor<1>,
    /// The relative residual of its linear system, and whether that is within the solver's tolerance.
    pub residual: f64,
    pub solved: bool,
}

impl Lab<'_> {
    /// The predicted change of the parameters, from the folder if it is there, and the seconds it took. LiSSA solves
    /// for some of the removals ahead at once, to the same bits as for each by itself.
    pub fn estimate(
        &self,
        position: usize,
        solver: &dyn Inverse,
    ) -> Result<(Estimate, f64), StageError> {
        if let Some(found) = self.store.estimate(position, &self.theta())? {
            return Ok(found);
        }
        if let Some(reason) = self.given_up.borrow_mut().remove(&position) {
            return Err(StageError::Point(reason));
        }
        let positions = self.ahead(position)?;
        let start = Instant::now();
        let n = self.dataset.train.rows;
        let removals: Vec<_> = positions
            .iter()
            .map(|&it| self.plan.removal(it, n))
            .collect();
        let steps = removals.len() * self.products.get();
        self.bars.stage(Stage::Influence.name(), steps);
        let solutions = estimate_all(self.responses.cost(), solver, &removals)?;
        // Conjugate gradients take about as many products for the next removal.
        self.products
            .set((self.bars.done() / removals.len()).max(1));
        let seconds = start.elapsed().as_secs_f64() / removals.len() as f64;
        let mut asked = None;
        for (&it, solution) in positions.iter().zip(solutions) {
            match self.keep_solution(it, solution, seconds) {
                found if it == position => asked = Some(found?),
                Err(StageError::Point(reason)) => {
                    self.given_up.borrow_mut().insert(it, reason);
                }
                found => drop(found?),
            }
        }
        let asked = asked.expect("the removal asked for is among those ahead");
        Ok((asked, seconds))
    }

    /// Removals that LiSSA solves for at once.
    pub fn at_once(&self) -> usize {
        let removals = self.plan.removals.len();
        let most = NUMBERS / self.responses.cost().model().dim();
        let [least, enough] = AT_ONCE;
        (removals / 10).clamp(least, enough).min(most).min(removals)
    }

    /// The removal at `position`, and those that go with it: the next ones that are still to be done.
    fn ahead(&self, position: usize) -> Result<Vec<usize>, StageError> {
        let most = match self.plan.solver_name {
            SolverName::Lissa => self.at_once(),
            SolverName::Cg | SolverName::Direct => 1,
        };
        let mut ahead = vec![position];
        for &it in self.open.borrow().iter().filter(|it| **it > position) {
            if ahead.len() >= most {
                break;
            }
            if self.store.estimate(it, &self.theta())?.is_none() {
                ahead.push(it);
            }
        }
        Ok(ahead)
    }

    fn keep_solution(
        &self,
        position: usize,
        solution: Result<Solution, SolveError>,
        seconds: f64,
    ) -> Result<Estimate, StageError> {
        let solution = match solution {
            Ok(solution) => solution,
            // LiSSA is cut short on purpose, as the responses are; but not in silence.
            Err(SolveError::NotConverged { solution, .. }) => {
                let info = &solution.info;
                self.bars.aside(|| {
                    warn(format_args!(
                        "removal {position}: the estimate's relative residual is {:.1e}, above {:.0e}",
                        info.true_residual, info.tolerance
                    ));
                });
                *solution
            }
            Err(error) => return Err(error.into()),
        };
        let found = Estimate {
            change: solution.vector,
            residual: solution.info.true_residual,
            solved: solution.info.converged,
        };
        self.store.keep_estimate(position, &found, seconds)?;
        Ok(found)
    }
}
