//! Influence estimates of removals, solved for some at once.

use std::cell::OnceCell;

use backdraft_influence::{SolveError, response::estimate_all};
use burn::tensor::Tensor;

use super::{
    EvaluateError, Progress, Stage,
    error::StageError,
    kept,
    run::{Place, Run},
};

/// An influence estimate.
#[derive(Clone, Debug)]
pub(super) struct Estimate {
    /// The predicted change of the parameters.
    pub change: Tensor<1>,
    /// The relative residual of its linear system, and whether that is within the solver's tolerance.
    pub residual: f64,
    pub solved: bool,
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

    /// That of the removal at `place`, which is one of them.
    pub fn of(&self, run: &Run<'_>, place: &Place<'_>) -> Result<Estimate, StageError> {
        if self.found.get().is_none() {
            let _ = self.found.set(run.estimates(self.places)?);
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
    fn estimates(&self, places: &[Place<'_>]) -> Result<Vec<Estimated>, EvaluateError> {
        let theta = self.evaluation.theta();
        let read = |bytes: &[u8]| kept::read_estimate(bytes, theta);
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            found.push(self.kept(&place.stage_key(Stage::Influence), read)?);
        }
        let open: Vec<&Place<'_>> = places
            .iter()
            .zip(&found)
            .filter_map(|(place, found)| found.is_none().then_some(place))
            .collect();
        let mut solved = self.solve(&open)?.into_iter();
        let estimated = found.into_iter().map(|found| match found {
            Some(estimate) => Ok(estimate),
            None => solved.next().expect("every open one was solved for"),
        });
        Ok(estimated.collect())
    }

    /// Solves for what is not in the store, and keeps it there.
    fn solve(&self, open: &[&Place<'_>]) -> Result<Vec<Estimated>, EvaluateError> {
        let Some(first) = open.first() else {
            return Ok(Vec::new());
        };
        self.tell(Progress::Begun {
            removal: first.position,
            removals: first.of,
            stage: Stage::Influence,
        });
        let removals: Vec<_> = open.iter().map(|it| it.removal.clone()).collect();
        let cost = self.evaluation.cost();
        let solutions = match estimate_all(cost, self.solver()?, &removals) {
            Ok(solutions) => solutions,
            Err(error) => match StageError::from(error) {
                // Such as a gradient that is not finite: it may be that of any of them.
                StageError::Removal(_) if open.len() > 1 => {
                    let alone = open.iter().map(|it| self.solve(&[*it]));
                    return Ok(alone.collect::<Result<Vec<_>, _>>()?.concat());
                }
                StageError::Removal(reason) => return Ok(vec![Err(reason)]),
                StageError::Run(error) => return Err(error),
            },
        };
        let mut estimates = Vec::with_capacity(open.len());
        for (place, solution) in open.iter().zip(solutions) {
            let solution = match solution {
                // Cut short, as responses may be; `solved` says so.
                Err(SolveError::NotConverged { solution, .. }) => Ok(*solution),
                other => other,
            };
            estimates.push(match solution.map_err(StageError::from) {
                Ok(solution) => {
                    let estimate = Estimate {
                        change: solution.vector,
                        residual: solution.info.true_residual,
                        solved: solution.info.converged,
                    };
                    let key = place.stage_key(Stage::Influence);
                    self.put(&key, &kept::estimate(&estimate))?;
                    Ok(estimate)
                }
                Err(StageError::Removal(reason)) => Err(reason),
                Err(StageError::Run(error)) => return Err(error),
            });
        }
        Ok(estimates)
    }
}
