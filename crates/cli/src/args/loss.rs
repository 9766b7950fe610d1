//! The loss that a network is trained with, and what examples count in it.

use backdraft_models::{
    Objective,
    data::{ClassWeights, Dataset, Rescale, Targets, Task},
    weights::WeightsRecord,
};
use clap::{Args, ValueEnum};

use crate::CliError;

/// Options of every command that reads data, for the loss.
#[derive(Clone, Debug, Args)]
pub(crate) struct LossArgs {
    /// The loss that the network is trained with, and that curvature and scores are of. Default: that of the weights, if
    /// --weights has a record of one; else `squared` for a number, `logistic` for two classes, and `cross-entropy` for
    /// more.
    #[arg(long, value_enum)]
    pub loss: Option<LossName>,

    /// Where Huber's loss becomes linear: a residual in the units that the network is trained with, standard deviations of
    /// the target unless --targets says otherwise. Default: 1.
    #[arg(long, value_name = "DELTA", requires = "loss")]
    pub huber_delta: Option<f64>,

    /// Multiply the losses of each class's training examples: `balanced`, by the number of examples over that of classes
    /// times those of the class, or a weight for each class named, 1 for others. Curvature, scores and training again have
    /// the same weights; losses of test examples are as they are.
    #[arg(long, value_name = "balanced|NAME=W,..", value_parser = class_weights)]
    pub class_weights: Option<ClassWeights>,
}

/// A loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LossName {
    /// Half the squared error of a number.
    Squared,
    /// Huber's: as `squared` for small errors, linear for large ones.
    Huber,
    /// Of a count, whose logarithmic rate the network gives.
    Poisson,
    /// Of classes, with an output for each (softmax).
    CrossEntropy,
    /// Of two classes, with one output for both (sigmoid).
    Logistic,
}

impl LossName {
    fn name(self) -> &'static str {
        match self {
            Self::Squared => "squared",
            Self::Huber => "huber",
            Self::Poisson => "poisson",
            Self::CrossEntropy => "cross-entropy",
            Self::Logistic => "logistic",
        }
    }
}

impl LossArgs {
    /// Refuses what makes no sense whatever the data.
    pub fn check(&self) -> Result<(), CliError> {
        let Some(delta) = self.huber_delta else {
            return Ok(());
        };
        let refuse = |problem: String| {
            let option = "--huber-delta";
            Err(CliError::Option { option, problem })
        };
        if self.loss != Some(LossName::Huber) {
            return refuse("is of --loss huber alone".into());
        }
        match delta.is_finite() && delta > 0.0 {
            true => Ok(()),
            false => refuse(format!("is {delta}: it must be positive and finite")),
        }
    }

    /// What is done to a regression's targets if nobody says: counts are left as they are.
    pub fn targets(&self) -> Option<Rescale> {
        (self.loss == Some(LossName::Poisson)).then_some(Rescale::Raw)
    }

    /// Gives the data the loss and the weights of classes that are asked for, or else are kept with weights.
    pub fn apply(
        &self,
        dataset: &mut Dataset,
        weights: Option<&WeightsRecord>,
    ) -> Result<(), CliError> {
        match self.loss {
            Some(loss) => self.set(loss, dataset)?,
            None => dataset.loss = weights.and_then(|it| it.loss),
        }
        if dataset.loss == Some(Objective::Poisson) {
            check_counts(dataset)?;
        }
        let kept = weights.and_then(|it| it.class_weights.clone());
        let asked = self.class_weights.clone();
        let asked = asked.or_else(|| kept.map(ClassWeights::Each));
        let weighed = asked.map_or(Ok(()), |asked| dataset.weigh(&asked));
        weighed.map_err(|error| CliError::Option {
            option: "--class-weights",
            problem: format!("cannot be had: {error}"),
        })
    }

    fn set(&self, loss: LossName, dataset: &mut Dataset) -> Result<(), CliError> {
        let refuse = |needs: &str| {
            Err(CliError::Option {
                option: "--loss",
                problem: format!(
                    "{} is for {needs}, and {} has others",
                    loss.name(),
                    dataset.name
                ),
            })
        };
        let is_number = dataset.task == Task::Regression;
        match loss {
            LossName::Squared | LossName::Huber | LossName::Poisson if !is_number => {
                return refuse("targets that are numbers (--task regression)");
            }
            LossName::CrossEntropy if is_number => {
                return refuse("targets that are classes or tokens (--task classification)");
            }
            LossName::Logistic if !matches!(dataset.task, Task::Binary { .. }) => {
                return refuse("two classes with one output");
            }
            LossName::CrossEntropy => {
                dataset.task = dataset.task.clone().with_logit_for_each();
            }
            LossName::Huber => {
                let delta = self.huber_delta.unwrap_or(1.0);
                dataset.loss = Some(Objective::Huber { delta });
            }
            LossName::Poisson => dataset.loss = Some(Objective::Poisson),
            LossName::Squared | LossName::Logistic => {}
        }
        Ok(())
    }
}

/// Refuses targets that are no counts, or not as they were counted.
fn check_counts(dataset: &Dataset) -> Result<(), CliError> {
    let refuse = |problem: String| {
        let option = "--loss";
        Err(CliError::Option { option, problem })
    };
    let mut moments = dataset.target_scaling.iter().flat_map(|it| &it.moments);
    if moments.any(|it| it.mean != 0.0) {
        return refuse(
            "poisson takes counts as they are: leave --targets and --target-mean out".into(),
        );
    }
    let parts = [&dataset.train, &dataset.test];
    let values = parts.iter().map(|part| &part.targets);
    let mut negative = values.filter_map(|targets| match targets {
        Targets::Values(values) => values.iter().find(|it| **it < 0.0),
        _ => None,
    });
    match negative.next() {
        Some(value) => refuse(format!(
            "poisson is for counts, and {} has a target of {value}: they must not be negative",
            dataset.name
        )),
        None => Ok(()),
    }
}

/// `balanced`, or names with weights.
fn class_weights(text: &str) -> Result<ClassWeights, String> {
    if text == "balanced" {
        return Ok(ClassWeights::Balanced);
    }
    let named: Result<Vec<_>, String> = text.split(',').map(class_weight).collect();
    named.map(ClassWeights::Named)
}

fn class_weight(pair: &str) -> Result<(String, f64), String> {
    let (name, weight) = pair
        .rsplit_once('=')
        .ok_or_else(|| format!("`{pair}` is no NAME=WEIGHT"))?;
    let weight: Result<f64, _> = weight.trim().parse();
    let weight = weight.map_err(|_| format!("the weight of `{name}` is no number"))?;
    Ok((name.trim().to_owned(), weight))
}
