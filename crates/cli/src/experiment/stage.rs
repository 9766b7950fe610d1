//! The parameter vectors between retraining and an influence estimate.

use std::time::Instant;

use backdraft_curvature::Model;
use backdraft_influence::response::{Removal, ResponseKind};
use backdraft_models::{TrainConfig, Training, Zoo};
use burn::tensor::Tensor;

use super::{bars::Way, lab::Lab, respond::CONVERGED};
use crate::CliError;

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

    /// The objective of a response from the trained parameters.
    pub fn kind(self) -> Option<ResponseKind> {
        match self {
            Self::WarmStart => Some(ResponseKind::Retraining),
            Self::Proximal => Some(ResponseKind::Proximal),
            Self::Pbrf => Some(ResponseKind::Bregman),
            Self::Linearized => Some(ResponseKind::Linearized),
            Self::ColdStart | Self::Influence | Self::Difference => None,
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
        match error.concerns_one_removal() {
            true => Self::Point(error.to_string()),
            false => Self::Run(error),
        }
    }
}

impl Lab<'_> {
    /// The network that `stage` finds for the removal at `position`, from the folder if it is there, and the seconds it
    /// took.
    pub fn answer(&self, stage: Stage, position: usize) -> Result<(Zoo, f64), StageError> {
        if let Some(found) = self.store.answer(Some(position), stage, &self.base)? {
            return Ok(found);
        }
        let start = Instant::now();
        let found = self.find(stage, position)?;
        let seconds = start.elapsed().as_secs_f64();
        self.store.keep(Some(position), stage, &found, seconds)?;
        Ok((found, seconds))
    }

    /// The same, computed and not kept.
    pub fn find(&self, stage: Stage, position: usize) -> Result<Zoo, StageError> {
        let removal = self.plan.removal(position, self.dataset.train.rows);
        if let Some(kind) = stage.kind() {
            return Ok(self.at(self.respond(stage, kind, removal)?)?);
        }
        match stage {
            Stage::Difference => {
                let found = self.responses.two_stage(removal, |objective| {
                    let trained = match objective.removal().is_none() {
                        true => self.continued()?,
                        false => self.answer(Stage::WarmStart, position)?.0,
                    };
                    Ok::<_, StageError>(self.flat(&trained)?)
                })?;
                Ok(self.at(found)?)
            }
            _ => self.cold(&removal),
        }
    }

    /// Training on with all examples, for as long as without some.
    fn continued(&self) -> Result<Zoo, StageError> {
        if let Some((found, _)) = self.store.answer(None, Stage::WarmStart, &self.base)? {
            return Ok(found);
        }
        let kind = ResponseKind::Retraining;
        let found = self.respond(Stage::WarmStart, kind, Removal::none())?;
        let found = self.at(found)?;
        self.store.keep(None, Stage::WarmStart, &found, 0.0)?;
        Ok(found)
    }

    /// Trains from the initial parameters, half as long again as the base network, with the weights of the examples
    /// removed lowered.
    fn cold(&self, removal: &Removal) -> Result<Zoo, StageError> {
        let initial = self.initial();
        if self.plan.lbfgs() {
            let objective = self
                .responses
                .objective(ResponseKind::Retraining, removal.clone())?;
            let mut way = Way::new(&self.bars, Stage::ColdStart.name());
            let from = self.flat(&initial)?;
            let found = objective.minimize_watched(from, CONVERGED, |_, gradient| {
                way.at(gradient, CONVERGED.tolerance);
            })?;
            return Ok(self.at(found.theta)?);
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
            .with_weights(&weights)
            .with_parts(self.plan.pass);
        let steps = config.epochs * n.div_ceil(config.batch_size);
        self.bars.stage(Stage::ColdStart.name(), steps);
        while let Some(progress) = training.advance()? {
            self.bars.set(progress.step);
        }
        Ok(training.finish().model)
    }

    /// The trained parameters.
    pub fn theta(&self) -> Tensor<1> {
        self.responses.theta().clone()
    }

    /// The network with parameters `theta`, and the base's running statistics.
    pub fn at(&self, theta: Tensor<1>) -> Result<Zoo, CliError> {
        let model = self.responses.cost().model();
        Ok(model.write(self.base.clone(), theta)?)
    }

    /// The parameters of a network in one vector.
    fn flat(&self, module: &Zoo) -> Result<Tensor<1>, CliError> {
        Ok(Model::new(module, Zoo::forward)?.theta())
    }
}
