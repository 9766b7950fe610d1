//! What is found of one removal, stage by stage.

use std::collections::BTreeMap;

use backdraft_influence::response::Removal;
use burn::tensor::Tensor;

use super::{
    Progress, Stage,
    error::StageError,
    estimate::{Estimate, Estimates},
    kept,
    run::{Place, Run},
};
use crate::retrain::retrained;

/// The parameters that each stage finds of one removal, as a measurement asks for them.
pub(super) struct Answers<'a, 'r> {
    pub run: &'a Run<'r>,
    pub place: Place<'a>,
    estimates: &'a Estimates<'a>,
    found: BTreeMap<Stage, Tensor<1>>,
    /// What is being computed.
    pub stage: Stage,
}

impl<'a, 'r> Answers<'a, 'r> {
    pub fn new(run: &'a Run<'r>, place: Place<'a>, estimates: &'a Estimates<'a>) -> Self {
        Self {
            run,
            place,
            estimates,
            found: BTreeMap::new(),
            stage: Stage::Influence,
        }
    }

    pub fn removal(&self) -> &Removal {
        self.place.removal
    }

    /// The influence estimate.
    pub fn estimate(&mut self) -> Result<Estimate, StageError> {
        self.stage = Stage::Influence;
        self.estimates.of(self.run, &self.place)
    }

    /// The parameters that `stage` finds, `[dim]`; from the store if they are there.
    pub fn get(&mut self, stage: Stage) -> Result<Tensor<1>, StageError> {
        if stage == Stage::Influence {
            let change = self.estimate()?.change;
            return Ok(self.run.evaluation.theta().clone() + change);
        }
        self.stage = stage;
        if let Some(theta) = self.found.get(&stage) {
            return Ok(theta.clone());
        }
        let key = self.place.stage_key(stage);
        let theta = match self.run.kept_parameters(&key)? {
            Some(theta) => theta,
            None => {
                let theta = self.compute(stage)?;
                self.stage = stage;
                self.run.put(&key, &kept::parameters(&theta))?;
                theta
            }
        };
        self.found.insert(stage, theta.clone());
        Ok(theta)
    }

    fn compute(&mut self, stage: Stage) -> Result<Tensor<1>, StageError> {
        let (run, removal) = (self.run, self.place.removal);
        self.tell_begun(stage);
        if stage.kind().is_some() {
            return Ok(run.respond(stage, removal.clone())?);
        }
        let evaluation = run.evaluation;
        match stage {
            Stage::TwoStage => evaluation
                .responses
                .two_stage(removal.clone(), |objective| {
                    match objective.removal().is_none() {
                        true => Ok(run.continued()?),
                        false => self.get(Stage::WarmStart),
                    }
                }),
            _ => {
                let n = evaluation.cost().len();
                let mut weights = vec![1.0; n];
                for &index in &removal.examples {
                    weights[index] -= removal.epsilon * n as f64;
                }
                let model = evaluation.cost().model();
                let seed = evaluation.config.seed;
                Ok(retrained(evaluation.retrain, model, &weights, seed)?)
            }
        }
    }

    fn tell_begun(&self, stage: Stage) {
        self.run.tell(Progress::Begun {
            removal: self.place.position,
            removals: self.place.of,
            stage,
        });
    }
}
