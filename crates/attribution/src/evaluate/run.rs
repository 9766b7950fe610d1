//! One removal after another.

use std::cell::{Cell, OnceCell};

use backdraft_curvature::LinearOperator;
use backdraft_influence::{
    Inverse, Solution, SolveError, Solver, newton_step,
    response::{Removal, ResponseKind},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    DamagedEntry, EvaluateError, Evaluation, EvaluationTask, FailedRemoval, Progress, Respond,
    Stage,
    answers::Answers,
    entries::{Entries, PlacedRemoval},
    error::StageError,
    estimate::Grouping,
    kept,
    progress::Meter,
};
use crate::StoreError;

/// What is measured of a removal, as a store keeps it.
pub(super) trait RemovalResult: Serialize + DeserializeOwned {
    /// Whether all numbers that were measured are finite.
    fn is_finite(&self) -> bool;

    /// Whether it is of this removal, where that is told.
    fn is_of(&self, removal: &Removal) -> bool {
        let _ = removal;
        true
    }
}

/// What became of one removal, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RemovalOutcome<T> {
    Done(T),
    Failed(FailedRemoval),
}

/// What was kept of a removal.
fn outcome<T: RemovalResult>(bytes: &[u8], removal: &Removal) -> Result<RemovalOutcome<T>, String> {
    let outcome: RemovalOutcome<T> = kept::read_result(bytes)?;
    match &outcome {
        RemovalOutcome::Done(found) if !found.is_of(removal) => {
            Err("it is of another removal".to_owned())
        }
        _ => Ok(outcome),
    }
}

/// What was measured, what failed, and what was damaged.
pub(super) struct RemovalResults<T> {
    pub done: Vec<T>,
    pub failed: Vec<FailedRemoval>,
    /// How many are left to other shards.
    pub left: usize,
    pub damaged: Vec<DamagedEntry>,
}

impl<T> Default for RemovalResults<T> {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            failed: Vec::new(),
            left: 0,
            damaged: Vec::new(),
        }
    }
}

/// An evaluation at work.
pub(super) struct EvaluationRun<'a> {
    pub evaluation: &'a Evaluation<'a>,
    pub entries: &'a Entries<'a>,
    pub meter: &'a Meter<'a>,
    matrix: &'a dyn LinearOperator,
    solver: &'a dyn Solver,
    ready: OnceCell<Box<dyn Inverse + 'a>>,
    /// Products that the next estimate takes, about.
    pub products: Cell<usize>,
    pub grouping: Grouping,
    /// The parameters of training on with all examples.
    continued: OnceCell<Tensor<1>>,
}

impl<'a> EvaluationRun<'a> {
    pub fn new(
        evaluation: &'a Evaluation<'a>,
        entries: &'a Entries<'a>,
        meter: &'a Meter<'a>,
        matrix: &'a dyn LinearOperator,
        solver: &'a dyn Solver,
        products: usize,
        grouping: Grouping,
    ) -> Self {
        Self {
            evaluation,
            entries,
            meter,
            matrix,
            solver,
            ready: OnceCell::new(),
            products: Cell::new(products),
            grouping,
            continued: OnceCell::new(),
        }
    }

    /// What is made ready when the first estimate asks for it.
    pub fn solver(&self) -> Result<&dyn Inverse, EvaluateError> {
        if self.ready.get().is_none() {
            self.meter
                .begin(EvaluationTask::Factorization, self.matrix.dim());
            let _ = self.ready.set(self.solver.prepare(self.matrix)?);
        }
        let ready = self.ready.get().expect("it was just set");
        Ok(&**ready)
    }

    /// The Newton estimate of a removal, by the curvature of the rest.
    pub fn newton(&self, removal: &Removal) -> Result<Solution, SolveError> {
        newton_step(self.evaluation.cost(), self.matrix, self.solver, removal)
    }

    /// A solver of one's own, made ready for the matrix.
    pub fn prepared<'s>(
        &'s self,
        solver: &'s dyn Solver,
    ) -> Result<Box<dyn Inverse + 's>, EvaluateError> {
        self.meter
            .begin(EvaluationTask::Factorization, self.matrix.dim());
        Ok(solver.prepare(self.matrix)?)
    }

    /// Measures every removal of the shard that is not done; `name` is what the store has the measurement under.
    pub fn over<T: RemovalResult>(
        &self,
        removals: &[Removal],
        name: &str,
        measure: impl Fn(&mut Answers<'_, '_>) -> Result<T, StageError>,
    ) -> Result<RemovalResults<T>, EvaluateError> {
        let (config, shard) = (&self.evaluation.config, self.evaluation.shard);
        let has = |place: &PlacedRemoval<'_>| shard.has(self.grouping.part(place));
        let place = |(position, removal)| PlacedRemoval { removal, position };
        let places: Vec<PlacedRemoval<'_>> = removals.iter().enumerate().map(place).collect();
        let (mut outcomes, mut open, mut mine) = (Vec::new(), Vec::new(), 0);
        for place in &places {
            let key = self.entries.keys.result(place, name);
            let found = self
                .entries
                .get(&key, |bytes| outcome::<T>(bytes, place.removal))?;
            mine += usize::from(has(place));
            match &found {
                None if has(place) => open.push(*place),
                // What a stop between the result and its end has left.
                Some(_) if !config.keep_parameters => self.forget(place, name)?,
                None | Some(_) => {}
            }
            outcomes.push(found);
        }
        let (done, of) = (mine - open.len(), mine);
        self.meter.tell(Progress::Removals { done, of });
        for estimates in self.grouping.estimates(&places, &open) {
            for place in estimates.open {
                let mut answers = Answers::new(self, *place, name, &estimates);
                outcomes[place.position] = Some(self.measured(&mut answers, name, &measure)?);
            }
        }
        self.collect(outcomes)
    }

    /// Measures one removal, and keeps what is found.
    fn measured<T: RemovalResult>(
        &self,
        answers: &mut Answers<'_, '_>,
        name: &str,
        measure: impl Fn(&mut Answers<'_, '_>) -> Result<T, StageError>,
    ) -> Result<RemovalOutcome<T>, EvaluateError> {
        let found = measure(answers).and_then(|found| match found.is_finite() {
            true => Ok(found),
            false => {
                let what = "what was measured";
                Err(EvaluateError::NotFinite { what }.into())
            }
        });
        let outcome = match found {
            Ok(found) => RemovalOutcome::Done(found),
            Err(StageError::Run(error)) => return Err(error),
            Err(StageError::Removal(reason)) => RemovalOutcome::Failed(FailedRemoval {
                removed: answers.place.removal.examples.clone(),
                stage: answers.stage,
                reason,
            }),
        };
        let (place, config) = (&answers.place, &self.evaluation.config);
        let bytes = kept::result(&outcome)?;
        if matches!(outcome, RemovalOutcome::Done(_)) || config.keep_failures {
            self.entries
                .put(&self.entries.keys.result(place, name), &bytes)?;
            if !config.keep_parameters {
                self.forget(place, name)?;
            }
        }
        let removal = place.position;
        match &outcome {
            RemovalOutcome::Done(_) => self.meter.tell(Progress::Done { removal }),
            RemovalOutcome::Failed(failed) => self.meter.tell(Progress::Failed { removal, failed }),
        }
        // As a later run finds it, so that one in pieces has the same digits.
        kept::read_result(&bytes).map_err(|reason| StoreError::Other(reason.into()).into())
    }

    fn collect<T>(
        &self,
        outcomes: Vec<Option<RemovalOutcome<T>>>,
    ) -> Result<RemovalResults<T>, EvaluateError> {
        let (mut done, mut failed, mut left) = (Vec::new(), Vec::new(), 0);
        for outcome in outcomes {
            match outcome {
                Some(RemovalOutcome::Done(found)) => done.push(found),
                Some(RemovalOutcome::Failed(lost)) => failed.push(lost),
                None => left += 1,
            }
        }
        if let (true, Some(first)) = (done.is_empty() && left == 0, failed.first()) {
            return Err(EvaluateError::AllFailed {
                count: failed.len(),
                stage: first.stage,
                reason: first.reason.clone(),
            });
        }
        Ok(RemovalResults {
            done,
            failed,
            left,
            damaged: self.entries.damaged(),
        })
    }

    /// The response of `stage` to a removal.
    pub fn respond(&self, stage: Stage, removal: Removal) -> Result<Tensor<1>, EvaluateError> {
        let kind = stage.kind().expect("only responses are asked for");
        let objective = self.evaluation.responses.objective(kind, removal)?;
        let respond: &Respond = match kind {
            ResponseKind::Retraining | ResponseKind::Proximal => &self.evaluation.config.retraining,
            ResponseKind::Bregman | ResponseKind::Linearized => &self.evaluation.config.bregman,
        };
        self.meter
            .begin(EvaluationTask::Stage(stage), respond.steps());
        Ok(respond.response(&objective, |step| self.meter.set(step))?)
    }

    /// Training on with all examples, for as long as without some.
    pub fn continued(&self) -> Result<Tensor<1>, EvaluateError> {
        if let Some(theta) = self.continued.get() {
            return Ok(theta.clone());
        }
        let key = self.entries.keys.continued(Stage::WarmStart);
        let theta = match self.parameters(&key)? {
            Some((theta, _)) => theta,
            None => {
                let theta = self.respond(Stage::WarmStart, Removal::none())?;
                self.entries.put(&key, &kept::parameters(&theta, 0.0)?)?;
                theta
            }
        };
        let _ = self.continued.set(theta.clone());
        Ok(theta)
    }

    /// The parameters that the store has under `key`, and the seconds that they took.
    pub fn parameters(&self, key: &str) -> Result<Option<(Tensor<1>, f64)>, EvaluateError> {
        let theta = self.evaluation.theta();
        let model = self.evaluation.cost().model();
        let dims = [model.dim(), model.state_dim()];
        self.entries
            .get(key, |bytes| kept::read_parameters(bytes, theta, &dims))
    }

    /// What the keys of a removal's stages have before their names, for the measurement `name`.
    pub fn scope(&self, name: &str) -> String {
        match self.evaluation.config.keep_parameters {
            true => String::new(),
            false => format!("{name}."),
        }
    }

    /// Lets go of the parameters of a removal.
    fn forget(&self, place: &PlacedRemoval<'_>, name: &str) -> Result<(), EvaluateError> {
        let scope = self.scope(name);
        for stage in Stage::ALL {
            self.entries
                .remove(&self.entries.keys.stage(place, &scope, stage))?;
        }
        Ok(())
    }
}
