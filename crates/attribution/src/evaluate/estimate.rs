//! Influence estimates of removals, solved for some at once.

use std::{cell::OnceCell, time::Instant};

use backdraft_influence::{Solution, SolveError, response::estimate_all};
use burn::tensor::Tensor;

use super::{
    EvaluateError, Progress, Stage, Task, entries::Place, error::StageError, kept, run::Run,
};

/// An influence estimate.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The predicted change of the parameters.
    pub change: Tensor<1>,
    /// The relative residual of its linear system, and whether that is within the solver's tolerance.
    pub residual: f64,
    pub solved: bool,
    /// What it took.
    pub seconds: f64,
}

/// An estimate, or why there is none.
type Estimated = Result<Estimate, String>;

/// The estimates of removals that are solved for at once, when one of them is first asked for.
pub(super) struct Estimates<'a> {
    places: &'a [Place<'a>],
    found: OnceCell<Vec<Estimated>>,
}

impl<'a> Estimates<'a> {
    /// Of the removals at `places`.
    pub fn at(places: &'a [Place<'a>]) -> Self {
        let found = OnceCell::new();
        Self { places, found }
    }

    /// That of the removal at `place`, which is one of them, for the measurement `name`.
    pub fn of(&self, run: &Run<'_>, place: &Place<'_>, name: &str) -> Result<Estimate, StageError> {
        if self.found.get().is_none() {
            let found = run.estimates(self.places, name).map_err(StageError::Run)?;
            let _ = self.found.set(found);
        }
        let found = self.found.get().into_iter().flatten();
        let mut of_all = self.places.iter().zip(found);
        let own = of_all.find(|(other, _)| other.position == place.position);
        let (_, estimate) = own.expect("the removal is one of them");
        estimate.clone().map_err(StageError::Removal)
    }
}

impl Run<'_> {
    /// The estimates at `places`, from the store where they are there: the others are solved for at once, to the same
    /// bits as each by itself.
    fn estimates(&self, places: &[Place<'_>], name: &str) -> Result<Vec<Estimated>, EvaluateError> {
        let theta = self.evaluation.theta();
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let key = self.estimate_key(place, name);
            found.push(
                self.entries
                    .get(&key, |bytes| kept::read_estimate(bytes, theta))?,
            );
        }
        let open: Vec<&Place<'_>> = places
            .iter()
            .zip(&found)
            .filter_map(|(place, found)| found.is_none().then_some(place))
            .collect();
        let mut solved = self.solve(&open, name)?.into_iter();
        let estimated = found.into_iter().map(|found| match found {
            Some(estimate) => Ok(estimate),
            None => solved.next().expect("every open one was solved for"),
        });
        Ok(estimated.collect())
    }

    /// Solves for what is not in the store, and keeps it there.
    fn solve(&self, open: &[&Place<'_>], name: &str) -> Result<Vec<Estimated>, EvaluateError> {
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let solver = self.solver()?;
        let start = Instant::now();
        let removals: Vec<_> = open.iter().map(|it| it.removal.clone()).collect();
        let steps = removals.len() * self.products.get();
        self.meter.begin(Task::Stage(Stage::Influence), steps);
        let solutions = match estimate_all(self.evaluation.cost(), solver, &removals) {
            Ok(solutions) => solutions,
            Err(error) => match StageError::from(error) {
                // Such as a gradient that is not finite: it may be that of any of them.
                StageError::Removal(_) if open.len() > 1 => {
                    let alone = open.iter().map(|it| self.solve(&[*it], name));
                    return Ok(alone.collect::<Result<Vec<_>, _>>()?.concat());
                }
                StageError::Removal(reason) => return Ok(vec![Err(reason)]),
                StageError::Run(error) => return Err(error),
            },
        };
        // Conjugate gradients take about as many products for the next removal.
        self.products.set((self.meter.done() / open.len()).max(1));
        let seconds = start.elapsed().as_secs_f64() / open.len() as f64;
        let solutions = open.iter().zip(solutions);
        solutions
            .map(|(place, solution)| self.solved(place, name, solution, seconds))
            .collect()
    }

    /// Keeps an estimate.
    fn solved(
        &self,
        place: &Place<'_>,
        name: &str,
        solution: Result<Solution, SolveError>,
        seconds: f64,
    ) -> Result<Estimated, EvaluateError> {
        let solution = match solution {
            Ok(solution) => solution,
            // Cut short, as responses may be; but not in silence.
            Err(SolveError::NotConverged { solution, .. }) => {
                self.meter.tell(Progress::Unsolved {
                    removal: place.position,
                    residual: solution.info.true_residual,
                    tolerance: solution.info.tolerance,
                });
                *solution
            }
            Err(error) => match StageError::from(error) {
                StageError::Removal(reason) => return Ok(Err(reason)),
                StageError::Run(error) => return Err(error),
            },
        };
        let estimate = Estimate {
            change: solution.vector,
            residual: solution.info.true_residual,
            solved: solution.info.converged,
            seconds,
        };
        self.entries
            .put(&self.estimate_key(place, name), &kept::estimate(&estimate)?)?;
        Ok(Ok(estimate))
    }

    fn estimate_key(&self, place: &Place<'_>, name: &str) -> String {
        let scope = self.scope(name);
        self.entries.keys.stage(place, &scope, Stage::Influence)
    }
}
