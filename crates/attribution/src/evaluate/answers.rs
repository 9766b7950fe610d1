//! What is found of one removal, stage by stage.

use std::{collections::BTreeMap, time::Instant};

use burn::tensor::Tensor;

use super::{
    EvaluationTask, Seconds, Stage,
    entries::PlacedRemoval,
    error::StageError,
    estimate::{Estimate, Estimates},
    kept,
    run::EvaluationRun,
};
use crate::retrain::retrained;

/// The parameters that each stage finds of one removal, as a measurement asks for them.
pub(super) struct Answers<'a, 'r> {
    pub run: &'a EvaluationRun<'r>,
    pub place: PlacedRemoval<'a>,
    /// The measurement's name.
    name: &'a str,
    estimates: &'a Estimates<'a>,
    found: BTreeMap<Stage, Tensor<1>>,
    /// What is being computed.
    pub stage: Stage,
    /// The seconds of the stages so far.
    pub seconds: Seconds,
}

impl<'a, 'r> Answers<'a, 'r> {
    pub fn new(
        run: &'a EvaluationRun<'r>,
        place: PlacedRemoval<'a>,
        name: &'a str,
        estimates: &'a Estimates<'a>,
    ) -> Self {
        Self {
            run,
            place,
            name,
            estimates,
            found: BTreeMap::new(),
            stage: Stage::Influence,
            seconds: Seconds::new(),
        }
    }

    /// The examples that are removed.
    pub fn removed(&self) -> &[usize] {
        &self.place.removal.examples
    }

    /// The influence estimate.
    pub fn estimate(&mut self) -> Result<Estimate, StageError> {
        self.stage = Stage::Influence;
        let estimate = self.estimates.of(self.run, &self.place, self.name)?;
        self.seconds
            .insert(Stage::Influence.name().to_owned(), estimate.seconds);
        Ok(estimate)
    }

    /// The parameters that `stage` finds, `[dim]`, or after a cold start the whole state; from the store if they are
    /// there.
    pub fn get(&mut self, stage: Stage) -> Result<Tensor<1>, StageError> {
        if stage == Stage::Influence {
            let change = self.estimate()?.change;
            return Ok(self.run.evaluation.theta().clone() + change);
        }
        self.stage = stage;
        if let Some(theta) = self.found.get(&stage) {
            return Ok(theta.clone());
        }
        let scope = self.run.scope(self.name);
        let key = self.run.entries.keys.stage(&self.place, &scope, stage);
        let (theta, seconds) = match self.run.parameters(&key)? {
            Some(found) => found,
            None => {
                let start = Instant::now();
                let theta = self.fresh(stage)?;
                let seconds = start.elapsed().as_secs_f64();
                self.run
                    .entries
                    .put(&key, &kept::parameters(&theta, seconds)?)?;
                (theta, seconds)
            }
        };
        self.seconds.insert(stage.name().to_owned(), seconds);
        self.found.insert(stage, theta.clone());
        Ok(theta)
    }

    /// The same, computed and not kept.
    pub fn fresh(&mut self, stage: Stage) -> Result<Tensor<1>, StageError> {
        self.stage = stage;
        let (run, removal) = (self.run, self.place.removal);
        if stage.kind().is_some() {
            return Ok(run.respond(stage, removal.clone())?);
        }
        let evaluation = run.evaluation;
        if stage == Stage::TwoStage {
            let found =
                evaluation
                    .responses
                    .two_stage(removal.clone(), |objective| {
                        match objective.removal().is_none() {
                            true => Ok(run.continued()?),
                            false => self.get(Stage::WarmStart),
                        }
                    })?;
            self.stage = stage;
            return Ok(found);
        }
        run.meter.begin(EvaluationTask::Stage(stage), 0);
        let n = evaluation.cost().len();
        let mut weights = vec![1.0; n];
        for (index, taken) in removal.weights() {
            weights[index] -= taken * n as f64;
        }
        let model = evaluation.cost().model();
        let seed = evaluation.config.seed;
        Ok(retrained(evaluation.retrain, model, &weights, seed)?)
    }
}
