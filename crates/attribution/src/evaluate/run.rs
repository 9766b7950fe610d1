//! One removal after another.

use std::cell::{OnceCell, RefCell};

use backdraft_curvature::LinearOperator;
use backdraft_influence::{
    Inverse,
    response::{Removal, ResponseKind},
};
use burn::tensor::Tensor;

use super::{
    DamagedEntry, EvaluateError, Evaluation, FailedRemoval, Progress, Respond, Stage,
    answers::Answers, error::StageError, estimate::Estimates, kept,
};
use crate::{StoreError, store::Digest};

/// What is measured of a removal, as numbers that a store keeps.
pub(super) trait Measured: Sized {
    /// The numbers, all finite.
    fn numbers(&self) -> Vec<f64>;

    /// From the numbers of a removal; none if they are not such.
    fn of(removal: &Removal, numbers: &[f64]) -> Option<Self>;
}

/// A removal among those asked for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub removal: &'a Removal,
    /// Its position, of how many.
    pub position: usize,
    pub of: usize,
    /// What all keys begin with.
    prefix: &'a str,
    /// What the keys of stages begin with after that: the measurement's name if its parameters are let go of in the
    /// end, so that no other is in need of them.
    scope: &'a str,
}

impl Place<'_> {
    pub fn key(&self, name: &str) -> String {
        let Removal { examples, epsilon } = self.removal;
        let mut digest = Digest::default().part(&epsilon.to_le_bytes());
        for &example in examples {
            digest = digest.part(&(example as u64).to_le_bytes());
        }
        format!("{}/{}/{name}", self.prefix, digest.name())
    }

    /// Of what a stage finds.
    pub fn stage_key(&self, stage: Stage) -> String {
        self.key(&format!("{}{stage}", self.scope))
    }
}

/// What was measured, what failed, and what was damaged.
pub(super) struct Found<T> {
    pub done: Vec<T>,
    pub failed: Vec<FailedRemoval>,
    pub damaged: Vec<DamagedEntry>,
}

/// An evaluation at work.
pub(super) struct Run<'a> {
    pub evaluation: &'a Evaluation<'a>,
    matrix: &'a dyn LinearOperator,
    solver: OnceCell<Box<dyn Inverse + 'a>>,
    prefix: String,
    /// The parameters of training on with all examples.
    continued: OnceCell<Tensor<1>>,
    damaged: RefCell<Vec<DamagedEntry>>,
}

impl<'a> Run<'a> {
    pub fn new(
        evaluation: &'a Evaluation<'a>,
        matrix: &'a dyn LinearOperator,
    ) -> Result<Self, EvaluateError> {
        Ok(Self {
            prefix: evaluation.fingerprint()?,
            evaluation,
            matrix,
            solver: OnceCell::new(),
            continued: OnceCell::new(),
            damaged: RefCell::default(),
        })
    }

    /// What is made ready when the first estimate asks for it.
    pub fn solver(&self) -> Result<&dyn Inverse, EvaluateError> {
        if self.solver.get().is_none() {
            let ready = self.evaluation.solver.prepare(self.matrix)?;
            let _ = self.solver.set(ready);
        }
        let solver = self.solver.get().expect("it was just set");
        Ok(&**solver)
    }

    /// Measures every removal; `name` is what the store has the measurement under.
    pub fn over<T: Measured>(
        &self,
        removals: &[Removal],
        name: &str,
        measure: impl Fn(&mut Answers<'_, '_>) -> Result<T, StageError>,
    ) -> Result<Found<T>, EvaluateError> {
        check(removals, self.evaluation.cost().len())?;
        let keep = self.evaluation.config.keep_parameters;
        let scope = if keep {
            String::new()
        } else {
            format!("{name}.")
        };
        let place = |(position, removal)| Place {
            removal,
            position,
            of: removals.len(),
            prefix: &self.prefix,
            scope: &scope,
        };
        let places: Vec<Place<'_>> = removals.iter().enumerate().map(place).collect();
        let mut outcomes: Vec<Option<Result<T, FailedRemoval>>> = Vec::new();
        let mut open = Vec::new();
        for place in &places {
            let read = |bytes: &[u8]| {
                let numbers = kept::read_numbers(bytes)?;
                T::of(place.removal, &numbers).ok_or_else(|| format!("it is none of {name}"))
            };
            let found = self.kept(&place.key(name), read)?;
            match &found {
                None => open.push(*place),
                // What a stop between the result and its end has left.
                Some(_) if !keep => self.forget(place)?,
                Some(_) => {}
            }
            outcomes.push(found.map(Ok));
        }
        for some in open.chunks(self.evaluation.config.together) {
            let estimates = Estimates::at(some);
            for place in some {
                let mut answers = Answers::new(self, *place, &estimates);
                outcomes[place.position] = Some(self.measured(&mut answers, name, &measure)?);
            }
        }
        self.collect(outcomes.into_iter().flatten())
    }

    /// Measures one removal, and keeps what is found.
    fn measured<T: Measured>(
        &self,
        answers: &mut Answers<'_, '_>,
        name: &str,
        measure: impl Fn(&mut Answers<'_, '_>) -> Result<T, StageError>,
    ) -> Result<Result<T, FailedRemoval>, EvaluateError> {
        let found = measure(answers).and_then(|found| {
            match found.numbers().iter().all(|it| it.is_finite()) {
                true => Ok(found),
                false => Err(EvaluateError::NotFinite {
                    what: "what was measured",
                }
                .into()),
            }
        });
        match found {
            Ok(found) => {
                let place = &answers.place;
                self.put(&place.key(name), &kept::numbers(&found.numbers()))?;
                if !self.evaluation.config.keep_parameters {
                    self.forget(place)?;
                }
                let (removal, removals) = (place.position, place.of);
                self.tell(Progress::Done { removal, removals });
                Ok(Ok(found))
            }
            Err(StageError::Removal(reason)) => {
                let failed = FailedRemoval {
                    removal: answers.removal().clone(),
                    stage: answers.stage,
                    reason,
                };
                self.tell(Progress::Failed(&failed));
                Ok(Err(failed))
            }
            Err(StageError::Run(error)) => Err(error),
        }
    }

    fn collect<T>(
        &self,
        outcomes: impl Iterator<Item = Result<T, FailedRemoval>>,
    ) -> Result<Found<T>, EvaluateError> {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(found) => done.push(found),
                Err(lost) => failed.push(lost),
            }
        }
        if let (true, Some(first)) = (done.is_empty(), failed.first()) {
            return Err(EvaluateError::AllFailed {
                count: failed.len(),
                stage: first.stage,
                reason: first.reason.clone(),
            });
        }
        Ok(Found {
            done,
            failed,
            damaged: self.damaged.borrow().clone(),
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
        Ok(respond.response(&objective, |step| {
            self.tell(Progress::Step { stage, step });
        })?)
    }

    /// Training on with all examples, for as long as without some.
    pub fn continued(&self) -> Result<Tensor<1>, EvaluateError> {
        if let Some(theta) = self.continued.get() {
            return Ok(theta.clone());
        }
        let key = format!("{}/all/{}", self.prefix, Stage::WarmStart);
        let theta = match self.kept_parameters(&key)? {
            Some(theta) => theta,
            None => {
                let theta = self.respond(Stage::WarmStart, Removal::none())?;
                self.put(&key, &kept::parameters(&theta))?;
                theta
            }
        };
        let _ = self.continued.set(theta.clone());
        Ok(theta)
    }

    /// What the store has under `key`, as `read` reads it. What is damaged is told of, and to be computed anew.
    pub fn kept<T>(
        &self,
        key: &str,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, EvaluateError> {
        let reason = match self.evaluation.store.get(key) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => match read(&bytes) {
                Ok(found) => return Ok(Some(found)),
                Err(reason) => reason,
            },
            Err(StoreError::Damaged { reason, .. }) => reason,
            Err(error) => return Err(error.into()),
        };
        let key = key.to_owned();
        let damaged = DamagedEntry { key, reason };
        self.tell(Progress::Damaged(&damaged));
        self.damaged.borrow_mut().push(damaged);
        Ok(None)
    }

    pub fn kept_parameters(&self, key: &str) -> Result<Option<Tensor<1>>, EvaluateError> {
        let theta = self.evaluation.theta();
        self.kept(key, |bytes| kept::read_parameters(bytes, theta))
    }

    pub fn put(&self, key: &str, value: &[u8]) -> Result<(), EvaluateError> {
        Ok(self.evaluation.store.put(key, value)?)
    }

    /// Lets go of the parameters of a removal.
    fn forget(&self, place: &Place<'_>) -> Result<(), EvaluateError> {
        for stage in [Stage::PATH.as_slice(), &[Stage::TwoStage]].concat() {
            self.evaluation.store.remove(&place.stage_key(stage))?;
        }
        Ok(())
    }

    pub fn tell(&self, progress: Progress<'_>) {
        (self.evaluation.progress)(progress);
    }
}

/// Whether the removals can be made from `n` examples.
fn check(removals: &[Removal], n: usize) -> Result<(), EvaluateError> {
    let refuse = |problem| Err(EvaluateError::setting("removals", problem));
    if removals.is_empty() {
        return refuse("are none: give at least one".to_owned());
    }
    for (position, removal) in removals.iter().enumerate() {
        if removal.is_none() {
            return refuse(format!("have one that changes nothing, at {position}"));
        }
        if !removal.epsilon.is_finite() {
            let epsilon = removal.epsilon;
            return refuse(format!("have the epsilon {epsilon} at {position}"));
        }
        if let Some(example) = removal.examples.iter().find(|it| **it >= n) {
            return refuse(format!(
                "name the example {example} at {position}: there are {n}, counted from 0"
            ));
        }
        let mut sorted = removal.examples.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return refuse(format!("name the example {} twice at {position}", pair[0]));
        }
        if sorted.len() >= n {
            return refuse(format!(
                "take away all of {n} examples at {position}: at least one must stay"
            ));
        }
    }
    Ok(())
}
