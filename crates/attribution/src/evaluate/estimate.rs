//! Influence estimates of removals, solved for some at once.

use std::{cell::OnceCell, time::Instant};

use backdraft_influence::{ConjugateGradientConfig, Solution, SolveError, response::estimate_all};
use burn::tensor::Tensor;

use super::{
    EvaluateError, EvaluationTask, Progress, Stage, entries::PlacedRemoval, error::StageError,
    kept, run::EvaluationRun,
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

/// Removals of one block at most, and the numbers of their estimates, which bounds the memory.
const BLOCK: usize = 128;
const NUMBERS: usize = 1 << 26;

/// Blocks that there are at least, for shards to share.
const BLOCKS: usize = 8;

/// Which removals are solved for at once.
#[derive(Clone, Copy)]
pub(super) enum Grouping {
    /// So many of those that are open: each to the same bits as by itself.
    Open(usize),
    /// So many beside each other, whichever of them are open: the digits of each depend on the others.
    Block(usize),
}

impl Grouping {
    /// That of conjugate gradients if they may solve for blocks of `removals` with `dim` numbers each.
    pub fn block(config: &ConjugateGradientConfig, removals: usize, dim: usize) -> Self {
        let most = config.block_size.unwrap_or(BLOCK).min(NUMBERS / dim.max(1));
        match BLOCK.min(most).min(removals.div_ceil(BLOCKS)) {
            0 | 1 => Self::Open(1),
            size => Self::Block(size),
        }
    }

    /// Which part a removal is of: what a shard has all of, or nothing.
    pub fn part(self, place: &PlacedRemoval<'_>) -> usize {
        match self {
            Self::Open(_) => place.position,
            Self::Block(size) => place.position / size,
        }
    }

    /// The estimates of those of `all` that are `open`.
    pub fn estimates<'a>(
        self,
        all: &'a [PlacedRemoval<'a>],
        open: &'a [PlacedRemoval<'a>],
    ) -> Vec<Estimates<'a>> {
        let estimates = |open, block| Estimates {
            open,
            block,
            found: OnceCell::new(),
        };
        match self {
            Self::Open(count) => open.chunks(count).map(|it| estimates(it, None)).collect(),
            Self::Block(size) => open
                .chunk_by(|one, next| self.part(one) == self.part(next))
                .map(|it| estimates(it, all.chunks(size).nth(self.part(&it[0]))))
                .collect(),
        }
    }
}

/// The estimates of removals that are solved for at once, when one of them is first asked for.
pub(super) struct Estimates<'a> {
    /// Those that are asked for.
    pub open: &'a [PlacedRemoval<'a>],
    /// The block that they are of, if they are solved for as one.
    block: Option<&'a [PlacedRemoval<'a>]>,
    found: OnceCell<Vec<Estimated>>,
}

impl Estimates<'_> {
    /// That of the removal at `place`, which is one of them, for the measurement `name`.
    pub fn of(
        &self,
        run: &EvaluationRun<'_>,
        place: &PlacedRemoval<'_>,
        name: &str,
    ) -> Result<Estimate, StageError> {
        if self.found.get().is_none() {
            let found = run.estimates(self, name).map_err(StageError::Run)?;
            let _ = self.found.set(found);
        }
        let found = self.found.get().into_iter().flatten();
        let mut of_all = self.open.iter().zip(found);
        let own = of_all.find(|(other, _)| other.position == place.position);
        let (_, estimate) = own.expect("the removal is one of them");
        estimate.clone().map_err(StageError::Removal)
    }
}

impl EvaluationRun<'_> {
    /// The estimates that are asked for, from the store where they are there: the others are solved for, and kept
    /// there.
    fn estimates(
        &self,
        estimates: &Estimates<'_>,
        name: &str,
    ) -> Result<Vec<Estimated>, EvaluateError> {
        let theta = self.evaluation.theta();
        let stored = |place| {
            let key = self.estimate_key(place, name);
            self.entries
                .get(&key, |bytes| kept::read_estimate(bytes, theta))
        };
        let stored: Vec<_> = estimates
            .open
            .iter()
            .map(stored)
            .collect::<Result<_, _>>()?;
        let found = estimates.open.iter().zip(&stored);
        let missing: Vec<PlacedRemoval<'_>> = found
            .filter_map(|(place, found)| found.is_none().then_some(*place))
            .collect();
        let company = match estimates.block {
            Some(block) if !missing.is_empty() => block,
            _ => &missing,
        };
        let start = Instant::now();
        let solutions = self.solve(company)?;
        let seconds = start.elapsed().as_secs_f64() / company.len().max(1) as f64;
        let solutions = company.iter().zip(solutions);
        let mut solved = solutions
            .filter(|(place, _)| missing.iter().any(|it| it.position == place.position))
            .map(|(place, solution)| self.solved(place, name, solution, seconds));
        let estimated = stored.into_iter().map(|found| match found {
            Some(estimate) => Ok(Ok(estimate)),
            None => solved.next().expect("every missing one was solved for"),
        });
        estimated.collect()
    }

    /// Solves for removals at once.
    fn solve(
        &self,
        places: &[PlacedRemoval<'_>],
    ) -> Result<Vec<Result<Solution, SolveError>>, EvaluateError> {
        let count = places.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        let solver = self.solver()?;
        let removals: Vec<_> = places.iter().map(|it| it.removal.clone()).collect();
        let steps = count * self.products.get();
        self.meter
            .begin(EvaluationTask::Stage(Stage::Influence), steps);
        let solutions = match estimate_all(self.evaluation.cost(), solver, &removals) {
            Ok(solutions) => solutions,
            Err(error) if count == 1 => return Ok(vec![Err(error)]),
            Err(error) => match StageError::from(error) {
                // Such as a gradient that is not finite: it may be that of any of them.
                StageError::Removal(_) => {
                    let alone = places.chunks(1).map(|it| self.solve(it));
                    return Ok(alone
                        .collect::<Result<Vec<_>, _>>()?
                        .into_iter()
                        .flatten()
                        .collect());
                }
                StageError::Run(error) => return Err(error),
            },
        };
        // Conjugate gradients take about as many products for the next removal.
        self.products.set((self.meter.done() / count).max(1));
        Ok(solutions)
    }

    /// Keeps an estimate.
    fn solved(
        &self,
        place: &PlacedRemoval<'_>,
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

    fn estimate_key(&self, place: &PlacedRemoval<'_>, name: &str) -> String {
        // Another measurement solves in other company.
        let scope = match self.grouping {
            Grouping::Open(_) => self.scope(name),
            Grouping::Block(_) => format!("{name}."),
        };
        self.entries.keys.stage(place, &scope, Stage::Influence)
    }
}
