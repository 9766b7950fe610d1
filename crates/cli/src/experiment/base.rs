//! The base network, trained or searched for.

use backdraft::attribution::Approach;
use backdraft_models::{
    Objective, Optimizer, TrainConfig, TrainError, Training, Zoo, data::Dataset, evaluate,
    to_dtype, train,
};
use serde::{Deserialize, Serialize};

use super::{
    folder::ExperimentFolder,
    plan::{Plan, PreparedExperiment},
    progress::ExperimentProgress,
};
use crate::{
    CliError,
    progress::say,
    quality::{measured, quality},
};
use backdraft_report::{Quality, Unit, brief, short};

/// What came of one step size of a search. Without a loss, training diverged there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Trial {
    pub learning_rate: f64,
    /// Held out, without the L2 term.
    pub loss: Option<f64>,
    pub accuracy: Option<f64>,
}

impl Trial {
    /// The same with its loss in a unit.
    pub fn within(&self, unit: &Unit) -> Self {
        Self {
            loss: self.loss.map(|loss| unit.loss_factor * loss),
            ..*self
        }
    }

    /// Whether this one is to be taken rather than `other`: for its accuracy if that counts, then for its loss.
    fn is_better(&self, other: &Self, by_accuracy: bool) -> bool {
        let loss = |trial: &Self| trial.loss.filter(|it| it.is_finite()).map(|it| -it);
        match by_accuracy {
            true => (self.accuracy, loss(self)) > (other.accuracy, loss(other)),
            false => loss(self) > loss(other),
        }
    }
}

/// What was settled with the base network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Choices {
    /// As bits, which come back as they were.
    pub learning_rate: u64,
    pub train: Quality,
    pub test: Quality,
    /// What was tried, if step sizes were searched through.
    pub search: Vec<Trial>,
}

/// Trains networks for an experiment's base.
pub(super) struct Trainer<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a Dataset,
    pub folder: &'a ExperimentFolder,
    pub objective: Objective,
    pub initial: &'a Zoo,
    pub progress: &'a ExperimentProgress,
    /// What losses are told in.
    pub unit: &'a Unit,
}

impl Trainer<'_> {
    /// The base network, its step size, and what was tried on the way to it.
    pub fn base(&self) -> Result<(Zoo, f64, Vec<Trial>), CliError> {
        let rate = self.plan.training.learning_rate;
        if self.plan.search.is_empty() {
            return Ok((self.train(&self.plan.training)?, rate, Vec::new()));
        }
        let mut trials: Vec<Trial> = Vec::new();
        let mut best: Option<(Trial, Zoo)> = None;
        for &learning_rate in &self.plan.search {
            let (trial, model) = self.tried(learning_rate)?;
            trials.push(trial);
            let Some(model) = model else {
                continue;
            };
            let by_accuracy = self.plan.by_accuracy();
            if best
                .as_ref()
                .is_none_or(|(found, _)| trial.is_better(found, by_accuracy))
            {
                best = Some((trial, model));
            }
        }
        match best {
            Some((trial, model)) => Ok((model, trial.learning_rate, trials)),
            None => Err(CliError::Option {
                option: "--learning-rate",
                problem: "search found none at which training does not diverge".to_owned(),
            }),
        }
    }

    /// What comes of a step size, from the folder if an earlier run tried it. No network if training diverges.
    fn tried(&self, learning_rate: f64) -> Result<(Trial, Option<Zoo>), CliError> {
        let found = match self.folder.trial(learning_rate, self.initial)? {
            Some(found) => found,
            None => {
                let config = TrainConfig {
                    learning_rate,
                    ..self.plan.training.clone()
                };
                let found = match self.train(&config) {
                    Ok(model) => Some(model),
                    Err(CliError::Train(TrainError::Diverged { .. })) => None,
                    Err(error) => return Err(error),
                };
                self.folder.keep_trial(learning_rate, found.as_ref())?;
                found
            }
        };
        let Some(model) = found else {
            self.tell(format!("learning rate {}: diverged", brief(learning_rate)));
            let trial = Trial {
                learning_rate,
                loss: None,
                accuracy: None,
            };
            return Ok((trial, None));
        };
        let held_out = self.dataset.valid.as_ref().unwrap_or(&self.dataset.test);
        let measured = evaluate(&model, held_out, self.objective);
        let accuracy = match measured.accuracy {
            Some(accuracy) => format!(", accuracy {:.2}%", 100.0 * accuracy),
            None => String::new(),
        };
        self.tell(format!(
            "learning rate {}: loss {}{accuracy} held out",
            brief(learning_rate),
            short(self.unit.loss_factor * measured.loss)
        ));
        let trial = Trial {
            learning_rate,
            loss: Some(measured.loss),
            accuracy: measured.accuracy,
        };
        let model = measured.loss.is_finite().then_some(model);
        Ok((trial, model))
    }

    fn tell(&self, line: String) {
        self.progress.aside(|| say(line));
    }

    fn train(&self, config: &TrainConfig) -> Result<Zoo, CliError> {
        let (initial, split) = (self.initial.clone(), &self.dataset.train);
        if let Optimizer::Lbfgs { tolerance } = config.optimizer {
            self.progress.stage("base network", Approach::PARTS);
            let mut way = None;
            let trained = train(initial, split, self.objective, config, |progress| {
                if let Some(norm) = progress.gradient_norm {
                    let begin = || (norm, Approach::new(tolerance / norm));
                    let (first, way) = way.get_or_insert_with(begin);
                    self.progress.set(way.at(norm / *first));
                }
            })?;
            return Ok(trained.model);
        }
        let training = Training::new(initial, split, self.objective, config)?;
        let mut training = training.with_parts(self.plan.pass);
        let batches = split.rows.div_ceil(config.batch_size);
        self.progress.stage("base network", batches * config.epochs);
        while let Some(progress) = training.advance()? {
            self.progress.set(progress.step);
        }
        Ok(training.finish().model)
    }
}

/// The base network, trained or from the folder, and what was settled with it.
pub(super) fn base(
    prepared: &PreparedExperiment,
    folder: &ExperimentFolder,
    objective: Objective,
    progress: &ExperimentProgress,
    unit: &Unit,
) -> Result<(Zoo, Choices), CliError> {
    let PreparedExperiment {
        plan,
        dataset,
        device,
        ..
    } = prepared;
    let initial = to_dtype(plan.network.init(device), plan.dtype);
    if let Some(found) = folder.base::<Choices>(&initial)? {
        return Ok(found);
    }
    let trainer = Trainer {
        plan,
        dataset,
        folder,
        objective,
        initial: &initial,
        progress,
        unit,
    };
    let (base, rate, search) = trainer.base()?;
    let choices = Choices {
        learning_rate: rate.to_bits(),
        train: quality(&measured("train", &base, &dataset.train, objective)?),
        test: quality(&measured("test", &base, &dataset.test, objective)?),
        search,
    };
    folder.keep_base(&base, &choices)?;
    // As a later run finds it.
    Ok(folder.base(&initial)?.unwrap_or((base, choices)))
}

#[cfg(test)]
mod tests {
    use super::Trial;

    #[test]
    fn accuracy_counts_where_it_is_to() {
        let trial = |loss, accuracy| Trial {
            learning_rate: 0.1,
            loss,
            accuracy,
        };
        let (low, right) = (trial(Some(0.1), Some(0.8)), trial(Some(0.2), Some(0.9)));
        assert!(low.is_better(&right, false) && !low.is_better(&right, true));
        assert!(right.is_better(&low, true) && !right.is_better(&low, false));
        // Equally right, the lower loss; and any number rather than none.
        assert!(trial(Some(0.1), Some(0.9)).is_better(&right, true));
        let none = trial(Some(f64::NAN), None);
        assert!(low.is_better(&none, false) && !none.is_better(&low, false));
        assert!(!low.is_better(&low, true) && !low.is_better(&low, false));
    }
}
