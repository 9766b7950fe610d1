//! The parameter vectors between retraining and an influence estimate.

use std::time::Instant;

use backdraft_curvature::{Loss, Model};
use backdraft_influence::{
    Prepared, ResponseError, SolveError,
    response::{Descent, Objective, Removal, ResponseKind, Step, Stop},
};
use backdraft_models::{Optimizer, TrainConfig, TrainError, Training, Zoo};
use burn::tensor::Tensor;

use super::lab::Lab;
use crate::cli::{CliError, progress::warn};

/// The gradient, relative to its first norm, at which a response counts as converged.
const CONVERGED: Stop = Stop {
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

/// What is done about a removal. From the first to the sixth, each step changes one thing (Bae et al. 2022, Section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Training again from the initial parameters, on the same batches.
    ColdStart,
    /// Training on from the trained parameters.
    WarmStart,
    /// The same, held close to them (Eqn 7).
    Proximal,
    /// The proximal Bregman response function (Eqn 8).
    Pbrf,
    /// The same, linearised (Eqn 11).
    Linearized,
    /// The influence estimate (Eqn 10).
    Influence,
    /// What training on without the examples changes beside training on with them (F.2).
    Difference,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::ColdStart => "cold-start",
            Self::WarmStart => "warm-start",
            Self::Proximal => "proximal",
            Self::Pbrf => "pbrf",
            Self::Linearized => "linearized",
            Self::Influence => "influence",
            Self::Difference => "two-stage",
        }
    }
}

/// Why a stage found nothing.
pub(super) enum StageError {
    /// The removal is given up, the others go on.
    Point(String),
    /// Nothing can go on.
    Run(CliError),
}

impl<E: Into<CliError>> From<E> for StageError {
    fn from(error: E) -> Self {
        let error = error.into();
        match &error {
            CliError::Train(TrainError::Diverged { .. } | TrainError::NotConverged { .. })
            | CliError::Response(
                ResponseError::Diverged
                | ResponseError::NotConverged { .. }
                | ResponseError::Grew { .. }
                | ResponseError::NotFinite { .. },
            )
            | CliError::Solve(
                SolveError::Diverged { .. }
                | SolveError::NegativeCurvature { .. }
                | SolveError::NotPositiveDefinite { .. }
                | SolveError::NotFinite { .. },
            ) => Self::Point(error.to_string()),
            _ => Self::Run(error),
        }
    }
}

impl<L: Loss> Lab<'_, L> {
    /// The network that `stage` finds for the removal at `position`, from the folder if it is there, and the seconds it took.
    pub fn answer(
        &self,
        stage: Stage,
        position: usize,
        solver: &dyn Prepared,
    ) -> Result<(Zoo, f64), StageError> {
        if let Some(found) = self.store.answer(Some(position), stage, &self.base)? {
            return Ok(found);
        }
        let start = Instant::now();
        let found = self.find(stage, position, solver)?;
        let seconds = start.elapsed().as_secs_f64();
        self.store.keep(Some(position), stage, &found, seconds)?;
        Ok((found, seconds))
    }

    /// The same, computed and not kept.
    pub fn find(
        &self,
        stage: Stage,
        position: usize,
        solver: &dyn Prepared,
    ) -> Result<Zoo, StageError> {
        let removal = self.plan.removal(position, self.dataset.train.rows);
        Ok(match stage {
            Stage::ColdStart => self.cold(&removal)?,
            Stage::WarmStart => self.respond(stage, ResponseKind::Retraining, removal)?,
            Stage::Proximal => self.respond(stage, ResponseKind::Proximal, removal)?,
            Stage::Pbrf => self.respond(stage, ResponseKind::Bregman, removal)?,
            Stage::Linearized => self.respond(stage, ResponseKind::Linearized, removal)?,
            Stage::Influence => self.at(self.theta() + self.influence(position, solver)?),
            Stage::Difference => {
                let (without, _) = self.answer(Stage::WarmStart, position, solver)?;
                let with = self.flat(&self.continued()?)?;
                self.at(self.theta() + (self.flat(&without)? - with))
            }
        })
    }

    /// The predicted change of the parameters, `eps (A + lambda I)^-1 sum of grad L(z)`.
    pub fn influence(
        &self,
        position: usize,
        solver: &dyn Prepared,
    ) -> Result<Tensor<1>, StageError> {
        let removal = self.plan.removal(position, self.dataset.train.rows);
        self.bars.stage(Stage::Influence.name(), 1);
        let removed = self.responses.cost().select(&removal.examples)?;
        let weight = removal.epsilon * removal.examples.len() as f64;
        let solution = match solver.solve(removed.gradient()?) {
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
        self.bars.step();
        Ok(solution.vector * weight)
    }

    /// Training on with all examples, for as long as without some.
    fn continued(&self) -> Result<Zoo, StageError> {
        if let Some((found, _)) = self.store.answer(None, Stage::WarmStart, &self.base)? {
            return Ok(found);
        }
        let found = self.respond(Stage::WarmStart, ResponseKind::Retraining, Removal::none())?;
        self.store.keep(None, Stage::WarmStart, &found, 0.0)?;
        Ok(found)
    }

    /// Trains from the initial parameters, half as long again as the base network, with the weights of the examples removed lowered.
    fn cold(&self, removal: &Removal) -> Result<Zoo, StageError> {
        let initial = self.initial();
        if self.plan.lbfgs() {
            let objective = self
                .responses
                .objective(ResponseKind::Retraining, removal.clone())?;
            self.bars.stage(Stage::ColdStart.name(), 1);
            let found = objective.minimize(self.flat(&initial)?, CONVERGED)?;
            self.bars.step();
            return Ok(self.at(found.theta));
        }
        let n = self.dataset.train.rows;
        let mut weights = vec![1.0; n];
        for &index in &removal.examples {
            weights[index] -= removal.epsilon * n as f64;
        }
        let config = TrainConfig {
            epochs: self.training.epochs + self.plan.response_epochs(),
            ..self.training.clone()
        };
        let mut training = Training::new(initial, &self.dataset.train, self.objective, &config)?
            .with_weights(&weights);
        let steps = config.epochs * n.div_ceil(config.batch_size);
        self.bars.stage(Stage::ColdStart.name(), steps);
        while let Some(progress) = training.advance()? {
            self.bars.set(progress.step);
        }
        Ok(training.finish().model)
    }

    /// Minimises a response's objective from the trained parameters as they were trained.
    fn respond(
        &self,
        stage: Stage,
        kind: ResponseKind,
        removal: Removal,
    ) -> Result<Zoo, StageError> {
        let objective = self.responses.objective(kind, removal)?;
        let bregman = matches!(kind, ResponseKind::Bregman | ResponseKind::Linearized);
        let stop = match self.plan.lbfgs() {
            true => Some(CONVERGED),
            false => (self.plan.converge && bregman).then_some(SETTLED),
        };
        let found = match stop {
            Some(stop) => {
                self.bars.stage(stage.name(), 1);
                let found = objective.minimize(self.theta(), stop)?.theta;
                self.bars.step();
                found
            }
            None => self.descend(stage, &objective)?,
        };
        Ok(self.at(found))
    }

    fn descend(&self, stage: Stage, objective: &Objective<'_, L>) -> Result<Tensor<1>, StageError> {
        let config = &self.training;
        let descent = match config.optimizer {
            Optimizer::Sgd { momentum } => Descent::Sgd { momentum },
            Optimizer::Adam | Optimizer::Lbfgs { .. } => Descent::Adam,
        };
        // As in the paper's appendix E.
        let slower = match objective.kind() {
            ResponseKind::Bregman | ResponseKind::Linearized => 0.1,
            ResponseKind::Retraining | ResponseKind::Proximal => 1.0,
        };
        let n = self.dataset.train.rows;
        let passes = config.epochs..config.epochs + self.plan.response_epochs();
        self.bars
            .stage(stage.name(), passes.len() * n.div_ceil(config.batch_size));
        let steps = config.batches(n, passes).map(|(rate, examples)| Step {
            rate: slower * rate,
            examples,
        });
        let found = objective.descend(self.theta(), descent, steps, |step| self.bars.set(step))?;
        Ok(found.theta)
    }

    /// The trained parameters.
    pub fn theta(&self) -> Tensor<1> {
        self.responses.theta().clone()
    }

    /// The network with parameters `theta`, and the base's running statistics.
    pub fn at(&self, theta: Tensor<1>) -> Zoo {
        self.responses
            .cost()
            .model()
            .write(self.base.clone(), theta)
    }

    /// The parameters of a network in one vector.
    fn flat(&self, module: &Zoo) -> Result<Tensor<1>, CliError> {
        Ok(Model::new(module, Zoo::forward)?.theta())
    }
}
