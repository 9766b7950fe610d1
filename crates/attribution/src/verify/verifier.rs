//! Responses to removals, one after another.

use std::{cell::OnceCell, fmt::Display, time::Instant};

use backdraft_curvature::Cost;
use backdraft_influence::response::{Removal, ResponseKind, Responses, Stop};
use burn::tensor::DType;
use serde::{Deserialize, Serialize};

use crate::{AttributionError, NoStore, Store, StoreError, recoverable::Recoverable};

/// The gradient, relative to the one at the start, that a response is to reach; in 32 bits no more can be had.
const TOLERANCE: f64 = 1e-4;
const SINGLE: f64 = 0.1;
/// The share of the whole decrease below which ten steps gain nothing.
const DECREASE: f64 = 1e-6;
/// Most steps of a response, unless others are asked for.
const MAX_STEPS: usize = 2_000;
/// Seconds that a quick verification takes, or the least number of responses if these take longer.
const BUDGET: f64 = 60.0;
/// Removals with a response below which a correlation says nothing: two always lie on a line.
pub(super) const LEAST: usize = 3;

/// How many of the removals are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As many as can be had in about a minute, and at least three.
    Quick,
    /// All.
    Full,
}

/// What the removal of one example does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalResponse {
    /// What it took.
    pub seconds: f64,
    /// The change of what is measured, or why it is not known.
    pub outcome: ResponseOutcome,
}

/// The change of what is measured, or why it is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseOutcome {
    /// The response was found.
    Done {
        /// Of what is measured, one number a row of scores, in the units that the network is trained with.
        changes: Vec<f64>,
        /// The gradient left in the objective, relative to that at the start.
        gradient: f64,
    },
    /// Why it was not.
    Failed(String),
}

/// What a verification tells while it runs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum VerifyProgress {
    /// The first response begins that is not in the store, after so many that are.
    Begun {
        /// Those that are.
        done: usize,
        /// What a gradient over all training examples takes, if that is known: a response takes some 20 to 200 of them.
        gradient_seconds: Option<f64>,
    },
    /// So many responses there will be, as far as is known.
    Expected(usize),
    /// So many steps of a response are made.
    Step(usize),
    /// So many responses are done.
    Done(usize),
}

/// Computes the network's responses to the removal of training examples, single ones or groups, and what they do to
/// what is measured of queries.
///
/// Each is a minimisation over the training set of the proximal Bregman response's objective, which influence functions
/// approximate to first order (Bae et al. 2022, Eqns 8 and 10), or for the Hessian the proximal response's (Eqn 7),
/// less what it does without any removal. A network in 64 bits lets changes be told that 32 bits round away.
pub struct Verifier<'a> {
    responses: Responses,
    kind: ResponseKind,
    stop: Stop,
    queries: &'a Cost,
    /// Whether the mean over the queries is measured.
    mean: bool,
    /// What is measured without a removal.
    before: OnceCell<Vec<f64>>,
    store: &'a dyn Store,
    progress: Box<dyn Fn(VerifyProgress) + 'a>,
}

impl<'a> Verifier<'a> {
    /// Of the network of `train`, by responses of `kind` with proximal terms of strength `damping`. What is measured
    /// are the losses of `queries`, one an example.
    ///
    /// # Errors
    /// [`AttributionError::Response`] for a damping that makes no sense.
    pub fn new(
        train: &Cost,
        queries: &'a Cost,
        damping: f64,
        kind: ResponseKind,
    ) -> Result<Self, AttributionError> {
        let tolerance = match train.model().dtype() {
            DType::F64 => TOLERANCE,
            _ => SINGLE,
        };
        Ok(Self {
            responses: Responses::new(train, damping)?,
            kind,
            stop: Stop {
                tolerance,
                decrease: DECREASE,
                max_steps: MAX_STEPS,
            },
            queries,
            mean: false,
            before: OnceCell::new(),
            store: &NoStore,
            progress: Box::new(|_| {}),
        })
    }

    /// The same, with at most so many steps a response.
    #[must_use]
    pub fn with_max_steps(self, max_steps: usize) -> Self {
        let stop = Stop {
            max_steps,
            ..self.stop
        };
        Self { stop, ..self }
    }

    /// The same; if `mean`, the queries' mean loss is measured.
    #[must_use]
    pub fn with_mean(self, mean: bool) -> Self {
        Self { mean, ..self }
    }

    /// The same, which keeps the responses in `store`, under `response-3.json` for the removal of the example 3: a
    /// store for this verification alone.
    #[must_use]
    pub fn with_own_store(self, store: &'a dyn Store) -> Self {
        Self { store, ..self }
    }

    /// The same, which tells `progress` what it does.
    #[must_use]
    pub fn with_progress(self, progress: impl Fn(VerifyProgress) + 'a) -> Self {
        let progress = Box::new(progress);
        Self { progress, ..self }
    }

    /// The responses to as many of `removals`, in their order, as are asked for, each with its example; from the store
    /// where they are there.
    ///
    /// # Errors
    /// What no response could be found with, and [`AttributionError::Store`].
    pub fn run(
        &self,
        removals: &[usize],
        extent: Extent,
    ) -> Result<Vec<(usize, RemovalResponse)>, AttributionError> {
        let n = self.responses.cost().len();
        let of = |&example: &usize| (key(example), Removal::of(vec![example], n));
        let each: Vec<_> = removals.iter().map(of).collect();
        let found = self.run_each(&each, extent)?;
        Ok(removals.iter().copied().zip(found).collect())
    }

    /// The responses to as many of `groups`, in their order, as are asked for, each by itself: removals of several
    /// examples, or changes of their weights ([`Removal::reweight`]). From the store where they are there, under
    /// `response-group-2.json` for the third.
    ///
    /// # Errors
    /// What no response could be found with, and [`AttributionError::Store`].
    pub fn run_groups(
        &self,
        groups: &[Removal],
        extent: Extent,
    ) -> Result<Vec<RemovalResponse>, AttributionError> {
        let named = groups.iter().cloned().enumerate();
        let named = named.map(|(place, group)| (key(format_args!("group-{place}")), group));
        self.run_each(&named.collect::<Vec<_>>(), extent)
    }

    /// The same of what is kept under these names.
    fn run_each(
        &self,
        removals: &[(String, Removal)],
        extent: Extent,
    ) -> Result<Vec<RemovalResponse>, AttributionError> {
        let mut found: Vec<RemovalResponse> = Vec::new();
        let (mut seconds, mut computed) = (0.0, false);
        for (place, (key, removal)) in removals.iter().enumerate() {
            let response = match self.kept(key)? {
                Some(response) => response,
                None => {
                    if extent == Extent::Quick {
                        let more = more(place, seconds);
                        if more == 0 {
                            break;
                        }
                        (self.progress)(VerifyProgress::Expected(
                            (place + more).min(removals.len()),
                        ));
                    }
                    if !computed {
                        (self.progress)(VerifyProgress::Begun {
                            done: place,
                            gradient_seconds: self.gradient_seconds(removal)?,
                        });
                        computed = true;
                    }
                    self.respond(key, removal, None)?
                }
            };
            seconds += response.seconds;
            (self.progress)(VerifyProgress::Done(place + 1));
            found.push(response);
        }
        Ok(found)
    }

    /// The response to the training example `example` replaced by `replacement`, the cost of one example, which the
    /// objectives have in its place ([`ResponseObjective::with_added`]); from the store where it is there. `name` tells
    /// it from all others: it is kept under `response-name.json`.
    ///
    /// [`ResponseObjective::with_added`]: backdraft_influence::response::ResponseObjective::with_added
    ///
    /// # Errors
    /// What no response could be found with, and [`AttributionError::Store`].
    pub fn replaced(
        &self,
        name: &str,
        example: usize,
        replacement: &Cost,
    ) -> Result<RemovalResponse, AttributionError> {
        let key = key(name);
        match self.kept(&key)? {
            Some(response) => Ok(response),
            None => {
                let removal = Removal::of(vec![example], self.responses.cost().len());
                self.respond(&key, &removal, Some(replacement))
            }
        }
    }

    /// The response to a removal, with another example in the place of each if there is one, which is kept; as a later
    /// run finds it.
    fn respond(
        &self,
        key: &str,
        removal: &Removal,
        replacement: Option<&Cost>,
    ) -> Result<RemovalResponse, AttributionError> {
        let before = self.before()?;
        let start = Instant::now();
        let outcome = match self.after(removal.clone(), replacement) {
            Ok((after, gradient)) => {
                let pairs = after.iter().zip(before);
                let changes = pairs.map(|(after, before)| after - before).collect();
                ResponseOutcome::Done { changes, gradient }
            }
            Err(error) if error.concerns_one_removal() => {
                ResponseOutcome::Failed(error.to_string())
            }
            Err(error) => return Err(error),
        };
        let seconds = start.elapsed().as_secs_f64();
        let response = RemovalResponse { seconds, outcome };
        let unencoded = |error: serde_json::Error| StoreError::Other(error.into());
        let mut json = serde_json::to_vec_pretty(&response).map_err(unencoded)?;
        json.push(b'\n');
        self.store.put(key, &json)?;
        Ok(serde_json::from_slice(&json).map_err(unencoded)?)
    }

    /// What the store has under `key`; what is damaged is computed anew.
    fn kept(&self, key: &str) -> Result<Option<RemovalResponse>, AttributionError> {
        match self.store.get(key) {
            Ok(bytes) => Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What is measured without a removal.
    fn before(&self) -> Result<&[f64], AttributionError> {
        if self.before.get().is_none() {
            let before = match self.kind {
                // Its minimum is the trained network itself.
                ResponseKind::Bregman | ResponseKind::Linearized => self.measured(self.queries)?,
                ResponseKind::Retraining | ResponseKind::Proximal => {
                    self.after(Removal::none(), None)?.0
                }
            };
            let _ = self.before.set(before);
        }
        Ok(self.before.get().expect("it was just set"))
    }

    /// What is measured after a removal, with another example in the place of the removed one if there is one, and the
    /// gradient that is left in the objective.
    fn after(
        &self,
        removal: Removal,
        replacement: Option<&Cost>,
    ) -> Result<(Vec<f64>, f64), AttributionError> {
        let mut objective = self.responses.objective(self.kind, removal)?;
        if let Some(replacement) = replacement {
            objective = objective.with_added(replacement)?;
        }
        let theta = objective.theta().clone();
        let minimum = objective.minimize_with(theta, self.stop, |step, _| {
            (self.progress)(VerifyProgress::Step(step));
        })?;
        let gradient = minimum.relative_gradient();
        Ok((self.measured(&self.queries.at(minimum.theta)?)?, gradient))
    }

    /// What is measured, one number a row of scores.
    fn measured(&self, queries: &Cost) -> Result<Vec<f64>, AttributionError> {
        let losses = queries.losses()?;
        let losses = match self.mean {
            true => losses.mean(),
            false => losses,
        };
        Ok(losses.try_into_vec_as::<f64>()?)
    }

    /// What a gradient over all training examples takes; none if that of this removal's objective has none.
    fn gradient_seconds(&self, removal: &Removal) -> Result<Option<f64>, AttributionError> {
        let measure = || -> Result<f64, AttributionError> {
            let objective = self.responses.objective(self.kind, removal.clone())?;
            let theta = objective.theta().clone();
            objective.value_and_gradient(&theta)?;
            // The first was compiled.
            let start = Instant::now();
            objective.value_and_gradient(&theta)?;
            Ok(start.elapsed().as_secs_f64())
        };
        match measure() {
            Err(error) if error.concerns_one_removal() => Ok(None),
            seconds => seconds.map(Some),
        }
    }
}

fn key(example: impl Display) -> String {
    format!("response-{example}.json")
}

/// How many more responses fit into the time of a quick verification after `done` that took so many seconds.
fn more(done: usize, seconds: f64) -> usize {
    let fit = match done {
        0 => 0,
        // Their cost tells of the others'.
        done => (done as f64 * (BUDGET - seconds) / seconds) as usize,
    };
    // Of fewer there would be no verdict.
    fit.max(LEAST.saturating_sub(done))
}

impl Recoverable for AttributionError {
    fn concerns_one_removal(&self) -> bool {
        match self {
            Self::Response(error) => error.concerns_one_removal(),
            Self::Curvature(error) => error.concerns_one_removal(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BUDGET, LEAST, more};

    #[test]
    fn as_many_responses_as_fit_are_quick() {
        // As many as a verdict takes, however long that is.
        assert_eq!(more(0, 0.0), LEAST);
        assert_eq!(more(1, 1000.0 * BUDGET), LEAST - 1);
        assert_eq!(more(1, 0.1 * BUDGET), 9);
        assert_eq!(more(3, 0.8 * BUDGET), 0);
        assert_eq!(more(10, BUDGET / 6.0), 50);
    }
}
