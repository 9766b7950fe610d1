//! Responses by the steps that trained the network, or to their end.

use backdraft_influence::response::{Descent, Removal, ResponseKind, Step, Stop};
use backdraft_models::Optimizer;
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

impl Lab<'_> {
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
    ) -> (Descent, impl Iterator<Item = Step> + use<>) {
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
