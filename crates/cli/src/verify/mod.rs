//! Hold predicted changes against what really happens.

mod interval;
mod selection;

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use backdraft_curvature::Cost;
use backdraft_influence::{
    PbrfConfig,
    response::{Removal, ResponseKind, Responses, Stop},
    statistics::{pearson, slope, spearman},
};
use backdraft_models::{computes_in_f64, data::Dataset};
use burn::tensor::{DType, Device};

use self::{interval::intervals, selection::Selection};
use super::{
    CliError,
    explain::{Outcome, Response, Store},
    progress::{Bar, say, words},
};
use backdraft_report::{Coverage, Failed, Pair, PairKind, ScoreRecord, Unit, VerificationRecord};

/// Relative gradient norm that a response can reach in f32.
const SINGLE: f64 = 0.1;
/// Seconds that a quick verification takes, or the least number of responses if these take longer.
const BUDGET: f64 = 60.0;
/// Removals with a response below which a correlation says nothing: two always lie on a line.
const LEAST: usize = 3;
/// Seconds from which on it is said beforehand how long a response may take.
const LONG: f64 = 10.0;
/// Gradients over all training examples that a response takes, from few to many.
const GRADIENTS: [f64; 2] = [20.0, 200.0];

/// How much is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Nothing,
    /// As many removals of a whole verification as can be had in about a minute, and at least three.
    Quick,
    Full,
    /// So many, however long it takes.
    Removals(usize),
}

impl Extent {
    /// As it was asked for.
    pub fn name(self) -> String {
        match self {
            Self::Nothing => "none".into(),
            Self::Quick => "quick".into(),
            Self::Full => "full".into(),
            Self::Removals(count) => format!("{count} removals"),
        }
    }
}

/// Where responses are computed, and in which float type. The objective's gradient is a small difference of large ones,
/// so in f64: on the device itself if it has that, else on the CPU. Only a build without a CPU backend is left with
/// f32.
pub(super) fn place(device: &Device) -> (Device, DType) {
    if computes_in_f64(device) {
        return (device.clone(), DType::F64);
    }
    #[cfg(feature = "flex")]
    return (Device::flex(), DType::F64);
    #[cfg(not(feature = "flex"))]
    (device.clone(), DType::F32)
}

/// A verification of scores.
pub(super) struct Verify<'a> {
    pub train: &'a Cost,
    /// In the order of the scores' rows.
    pub queries: &'a Cost,
    pub scores: &'a ScoreRecord,
    /// What the scores are in.
    pub unit: &'a Unit,
    pub dataset: &'a Dataset,
    pub damping: f64,
    pub seed: u64,
    pub extent: Extent,
    pub store: &'a Store,
}

impl Verify<'_> {
    /// Computes the response to the removal of the strongest and of random training examples, and compares the change
    /// of every query's loss with its score. Also the seconds that the responses took.
    pub fn run(&self) -> Result<(VerificationRecord, f64), CliError> {
        let count = match self.extent {
            Extent::Removals(count) => Some(count),
            _ => None,
        };
        let choice = Selection::of(self.scores, self.seed, count);
        let found = self.responses(&choice.removals)?;
        let seconds = found.iter().map(|(_, response)| response.seconds).sum();
        let coverage = Coverage {
            asked: self.extent.name(),
            planned: choice.removals.len(),
            removals: found.iter().map(|(index, _)| *index).collect(),
        };
        let (mut changes, mut failed, mut largest) = (HashMap::new(), Vec::new(), None);
        for (train, response) in found {
            match response.outcome {
                Outcome::Done {
                    changes: found,
                    gradient,
                } => {
                    largest = Some(gradient.max(largest.unwrap_or(0.0)));
                    changes.insert(train, found);
                }
                Outcome::Failed(reason) => failed.push(Failed {
                    train,
                    source: Some(self.dataset.train_place(train)),
                    reason,
                }),
            }
        }
        let pairs = self.pairs(&choice.kinds, &changes);
        let predicted: Vec<f64> = pairs.iter().map(|pair| pair.predicted).collect();
        let actual: Vec<f64> = pairs.iter().map(|pair| pair.actual).collect();
        let told = |statistic: fn(&[f64], &[f64]) -> Option<f64>| match changes.len() {
            0..LEAST => None,
            _ => statistic(&predicted, &actual),
        };
        let verification = VerificationRecord {
            pearson: told(pearson),
            spearman: told(spearman),
            slope: told(slope),
            intervals: intervals(&pairs, self.seed),
            max_objective_gradient: largest,
            coverage: Some(coverage),
            pairs,
            failed,
        };
        Ok((verification, seconds))
    }

    /// The responses to as many of `removals`, in their order, as were asked for: from the folder where they are there.
    fn responses(&self, removals: &[usize]) -> Result<Vec<(usize, Response)>, CliError> {
        let responder = Responder::new(self)?;
        let bar = Bar::new("verifying", removals.len() as u64);
        let mut found: Vec<(usize, Response)> = Vec::new();
        let (mut seconds, mut computed) = (0.0, false);
        for (place, &index) in removals.iter().enumerate() {
            if self.store.response(index)?.is_none() {
                if self.extent == Extent::Quick {
                    let more = more(place, seconds);
                    if more == 0 {
                        break;
                    }
                    let expected = (place + more).min(removals.len());
                    bar.length(expected as u64);
                }
                if !computed {
                    match bar.aside(|| responder.announce(index)) {
                        Err(error) if !error.concerns_one_removal() => return Err(error),
                        Ok(()) | Err(_) => {}
                    }
                    bar.begin(place as u64, bar.steps());
                    computed = true;
                }
                let start = Instant::now();
                let outcome = responder.respond(index, |step| {
                    bar.message(format!("step {step} of a response"));
                })?;
                let seconds = start.elapsed().as_secs_f64();
                self.store
                    .keep_response(index, &Response { seconds, outcome })?;
            }
            // As a later run finds it.
            let Some(response) = self.store.response(index)? else {
                break;
            };
            seconds += response.seconds;
            bar.set(place as u64 + 1);
            found.push((index, response));
        }
        Ok(found)
    }

    /// Predicted beside actual changes, of each query from the most positive prediction down.
    fn pairs(
        &self,
        kinds: &[BTreeMap<usize, PairKind>],
        changes: &HashMap<usize, Vec<f64>>,
    ) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (row, kinds) in kinds.iter().enumerate() {
            let mut kinds: Vec<_> = kinds
                .iter()
                .map(|(&train, &kind)| (self.scores.row(row)[train], train, kind))
                .collect();
            kinds.sort_by(|a, b| b.0.total_cmp(&a.0));
            pairs.extend(kinds.into_iter().filter_map(|(predicted, train, kind)| {
                let actual = self.unit.loss_factor * changes.get(&train)?[row];
                let query = self.scores.queries()[row];
                Some(Pair {
                    query,
                    train,
                    source: Some(self.dataset.train_place(train)),
                    predicted,
                    actual,
                    kind,
                })
            }));
        }
        pairs
    }
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

/// What finds responses.
struct Responder<'a> {
    responses: Responses,
    stop: Stop,
    queries: &'a Cost,
    /// Their losses.
    before: Vec<f64>,
}

impl<'a> Responder<'a> {
    fn new(verify: &Verify<'a>) -> Result<Self, CliError> {
        let mut config = PbrfConfig::new(verify.damping);
        if verify.train.model().dtype() != DType::F64 {
            config.tolerance = SINGLE;
        }
        let stop = Stop {
            tolerance: config.tolerance,
            decrease: config.decrease,
            max_steps: config.max_steps,
        };
        Ok(Self {
            responses: Responses::new(verify.train, verify.damping)?,
            stop,
            queries: verify.queries,
            before: losses(verify.queries)?,
        })
    }

    /// Says how long a response may take, if that is long.
    fn announce(&self, index: usize) -> Result<(), CliError> {
        let n = self.responses.cost().len();
        let removal = Removal::of(vec![index], n);
        let objective = self.responses.objective(ResponseKind::Bregman, removal)?;
        let theta = objective.theta().clone();
        objective.value_and_gradient(&theta)?;
        // The first was compiled.
        let start = Instant::now();
        objective.value_and_gradient(&theta)?;
        let seconds = start.elapsed().as_secs_f64();
        let [few, many] = GRADIENTS.map(|count| count * seconds);
        if few > LONG {
            say(format_args!(
                "verifying: a response takes some {} to {} gradients of {seconds:.2} s, which may be {} to {}; \
                 --verify none does without",
                GRADIENTS[0],
                GRADIENTS[1],
                words(few),
                words(many)
            ));
        }
        Ok(())
    }

    /// What the removal of a training example does to the loss of every query, or why that is not known. `on_step` is
    /// called after each step of the minimiser.
    fn respond(&self, index: usize, on_step: impl Fn(usize)) -> Result<Outcome, CliError> {
        match self.change(index, on_step) {
            Err(error) if error.concerns_one_removal() => Ok(Outcome::Failed(error.to_string())),
            outcome => outcome,
        }
    }

    fn change(&self, index: usize, on_step: impl Fn(usize)) -> Result<Outcome, CliError> {
        let removal = Removal::of(vec![index], self.responses.cost().len());
        let objective = self.responses.objective(ResponseKind::Bregman, removal)?;
        let theta = objective.theta().clone();
        let minimum = objective.minimize_watched(theta, self.stop, |step, _| on_step(step))?;
        let gradient = minimum.relative_gradient();
        let after = losses(&self.queries.at(minimum.theta)?)?;
        let pairs = after.iter().zip(&self.before);
        let changes = pairs.map(|(after, before)| after - before).collect();
        Ok(Outcome::Done { changes, gradient })
    }
}

/// The loss of every query.
fn losses(queries: &Cost) -> Result<Vec<f64>, CliError> {
    Ok(queries.losses()?.into_data().iter::<f64>().collect())
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
