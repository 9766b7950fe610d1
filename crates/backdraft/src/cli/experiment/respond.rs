//! Responses by the steps that trained the network, or to their end.

use std::ops::Range;
use std::time::Instant;

use backdraft_curvature::Loss;
use backdraft_influence::response::{Descent, Removal, ResponseKind, Step, Stop};
use backdraft_models::{Optimizer, Zoo};
use burn::tensor::Tensor;

use super::{
    bars::Way,
    lab::Lab,
    stage::{Stage, StageError},
};

/// The gradient, relative to its first norm, at which a response counts as converged.
pub(super) const CONVERGED: Stop = Stop {
    tolerance: 1e-10,
    decrease: 0.0,
    max_steps: 10_000,
};

/// The same for a network, which may have its minimum at a kink.
const SETTLED: Stop = Stop {
    tolerance: 1e-4,
    decrease: 1e-6,
    max_steps: 2_000,
};

/// Removals that go together: the least, so that a fifth of twenty can be another process's, and the most, beyond which little
/// is gained.
const TOGETHER: [usize; 2] = [4, 10];
/// Parameters of all removals that go together, which bounds the memory.
const NUMBERS: usize = 1 << 24;

/// What was found for some removals at once.
pub(super) struct Chunk {
    stage: Stage,
    positions: Range<usize>,
    /// The parameters, or why there are none.
    found: Vec<Result<Tensor<1>, String>>,
    /// Of each, an equal share.
    seconds: f64,
}

impl<L: Loss> Lab<'_, L> {
    /// Removals that go together where that is faster.
    pub fn company(&self) -> usize {
        let removals = self.plan.removals.len();
        let most = NUMBERS / self.responses.cost().model().dim();
        let size = (removals / 10).clamp(TOGETHER[0], TOGETHER[1]);
        size.min(most).min(removals)
    }

    /// Which of `stages` are found for several removals at once, and for how many. Whether they are depends on the plan alone, as
    /// do the removals that go together: always the same, whatever is done already and whoever does it, because
    /// company changes the last bits.
    pub fn together(&self, stages: &[Stage]) -> (Vec<Stage>, usize) {
        let size = self.company();
        let batch = self.training.batch_size.min(self.dataset.train.rows);
        let faster = |stage: &Stage| {
            stage.kind().is_some_and(|kind| {
                self.stop(kind).is_none() && self.responses.together_is_faster(kind, batch)
            })
        };
        if size < 2 {
            return (Vec::new(), 1);
        }
        let stages: Vec<Stage> = stages.iter().copied().filter(faster).collect();
        let size = if stages.is_empty() { 1 } else { size };
        (stages, size)
    }

    /// What `stage` finds for the removal at `position` and those that go with it, and the seconds for each; `None` if it goes alone.
    /// With `keep`, what is found for the others is kept in the folder too.
    pub fn in_company(
        &self,
        stage: Stage,
        position: usize,
        keep: bool,
    ) -> Result<Option<(Zoo, f64)>, StageError> {
        let (stages, size) = self.together(&[stage]);
        if stages.is_empty() {
            return Ok(None);
        }
        let mut chunks = self.chunks.borrow_mut();
        let fits = |it: &Chunk| it.stage == stage && it.positions.contains(&position);
        if !chunks.iter().any(fits) {
            chunks.retain(|it| it.stage != stage);
            let first = position / size * size;
            let positions = first..(first + size).min(self.plan.removals.len());
            let chunk = self.chunk(stage, positions)?;
            if keep {
                self.keep(&chunk)?;
            }
            chunks.push(chunk);
        }
        let chunk = chunks.iter().find(|it| fits(it)).expect("it was just made");
        match &chunk.found[position - chunk.positions.start] {
            Ok(theta) => Ok(Some((self.at(theta.clone())?, chunk.seconds))),
            Err(reason) => Err(StageError::Point(reason.clone())),
        }
    }

    fn chunk(&self, stage: Stage, positions: Range<usize>) -> Result<Chunk, StageError> {
        let kind = stage.kind().expect("it is a response's");
        let n = self.dataset.train.rows;
        let removals: Vec<Removal> = positions
            .clone()
            .map(|it| self.plan.removal(it, n))
            .collect();
        let from = Tensor::stack(vec![self.theta(); removals.len()], 0);
        let began = Instant::now();
        let (descent, steps) = self.steps(stage, kind);
        let found = self
            .responses
            .descend_all(kind, &removals, from, descent, steps, |step| {
                self.bars.set(step);
            })?;
        let seconds = began.elapsed().as_secs_f64() / removals.len() as f64;
        let each = found.into_iter().map(|found| match found {
            Ok(found) => Ok(Ok(found.theta)),
            Err(error) => match StageError::from(error) {
                StageError::Point(reason) => Ok(Err(reason)),
                error => Err(error),
            },
        });
        Ok(Chunk {
            stage,
            positions,
            found: each.collect::<Result<_, StageError>>()?,
            seconds,
        })
    }

    /// Keeps what was found for removals that are not done.
    fn keep(&self, chunk: &Chunk) -> Result<(), StageError> {
        for (position, found) in chunk.positions.clone().zip(&chunk.found) {
            if let (Ok(theta), false) = (found, self.store.is_done(position)?) {
                let found = self.at(theta.clone())?;
                self.store
                    .keep(Some(position), chunk.stage, &found, chunk.seconds)?;
            }
        }
        Ok(())
    }

    /// Minimises a response's objective from the trained parameters as they were trained.
    pub fn respond(
        &self,
        stage: Stage,
        kind: ResponseKind,
        removal: Removal,
    ) -> Result<Tensor<1>, StageError> {
        let objective = self.responses.objective(kind, removal)?;
        if let Some(stop) = self.stop(kind) {
            let mut way = Way::new(&self.bars, stage.name());
            let found = objective.minimize_watched(self.theta(), stop, |_, gradient| {
                way.at(gradient, stop.tolerance);
            })?;
            return Ok(found.theta);
        }
        let (descent, steps) = self.steps(stage, kind);
        let found = objective.descend(self.theta(), descent, steps, |step| self.bars.set(step))?;
        Ok(found.theta)
    }

    /// Where a response is minimised to its end, what that is.
    fn stop(&self, kind: ResponseKind) -> Option<Stop> {
        let bregman = matches!(kind, ResponseKind::Bregman | ResponseKind::Linearized);
        match self.plan.lbfgs() {
            true => Some(CONVERGED),
            false => (self.plan.converge && bregman).then_some(SETTLED),
        }
    }

    /// The steps of a response, which are those that training would take next. Begins the stage.
    fn steps(
        &self,
        stage: Stage,
        kind: ResponseKind,
    ) -> (Descent, impl Iterator<Item = Step> + use<L>) {
        let config = &self.training;
        let descent = match config.optimizer {
            Optimizer::Sgd { momentum } => Descent::Sgd { momentum },
            Optimizer::Adam | Optimizer::Lbfgs { .. } => Descent::Adam,
        };
        // As in the paper's appendix E.
        let slower = match kind {
            ResponseKind::Bregman | ResponseKind::Linearized => 0.1,
            ResponseKind::Retraining | ResponseKind::Proximal => 1.0,
        };
        let n = self.dataset.train.rows;
        let passes = config.epochs..config.epochs + self.plan.response_epochs();
        self.bars
            .stage(stage.name(), passes.len() * n.div_ceil(config.batch_size));
        let steps = config.batches(n, passes).map(move |(rate, examples)| Step {
            rate: slower * rate,
            examples,
        });
        (descent, steps)
    }
}
