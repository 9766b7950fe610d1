//! What is measured of a query, as it is asked for.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use backdraft_models::data::{Dataset, Task};
use serde::{Serialize, Serializer};

use crate::CliError;

/// What is measured of a query; classes and outputs are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeasureName {
    /// What the network is trained with.
    Loss,
    /// The logit of a class.
    Logit(usize),
    /// Of the query's own class.
    Margin,
    /// Of a class, or of the query's own.
    Probability(Option<usize>),
    /// An output.
    Output(usize),
}

impl FromStr for MeasureName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it must be loss, margin, probability, or with a number from 0 logit:K, probability:K or output:K";
        let (name, number) = match text.trim().split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<usize>().map_err(|_| WRONG)?)),
            None => (text.trim(), None),
        };
        match (name, number) {
            ("loss", None) => Ok(Self::Loss),
            ("margin", None) => Ok(Self::Margin),
            ("probability", class) => Ok(Self::Probability(class)),
            ("logit", Some(class)) => Ok(Self::Logit(class)),
            ("output", Some(output)) => Ok(Self::Output(output)),
            _ => Err(WRONG),
        }
    }
}

impl Display for MeasureName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss => f.write_str("loss"),
            Self::Logit(class) => write!(f, "logit:{class}"),
            Self::Margin => f.write_str("margin"),
            Self::Probability(None) => f.write_str("probability"),
            Self::Probability(Some(class)) => write!(f, "probability:{class}"),
            Self::Output(output) => write!(f, "output:{output}"),
        }
    }
}

impl Serialize for MeasureName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl MeasureName {
    /// Refuses what networks for the data do not have.
    pub fn check(self, dataset: &Dataset) -> Result<(), CliError> {
        let refuse = |problem: String| {
            Err(CliError::Option {
                option: "--measure",
                problem: format!("{self} {problem}"),
            })
        };
        let name = &dataset.name;
        match (self, &dataset.task) {
            (Self::Loss, _) => Ok(()),
            (Self::Output(0), Task::Regression) => Ok(()),
            (Self::Output(_), Task::Regression) => refuse(format!(
                "is not there: {name} has one number to predict, output:0"
            )),
            (_, Task::Regression) => refuse(format!(
                "is of classes, and {name} has a number to predict: measure loss or output:0"
            )),
            (Self::Output(output), _) => refuse(format!(
                "is of a number to predict, and {name} has classes, whose outputs are logits: measure logit:{output}"
            )),
            (Self::Logit(0), Task::Binary { .. }) => refuse(
                "is not there: the network has one logit, that of class 1 against class 0, logit:1; with --two-logits it has both"
                    .to_owned(),
            ),
            (Self::Logit(class) | Self::Probability(Some(class)), task)
                if class >= task.classes().len() =>
            {
                refuse(format!(
                    "is of no class: {name} has {}, counted from 0",
                    task.classes().len()
                ))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_read_and_written_alike() {
        for text in [
            "loss",
            "margin",
            "probability",
            "probability:7",
            "logit:0",
            "output:12",
        ] {
            let read: MeasureName = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        for wrong in [
            "", "loss:1", "margin:2", "logit", "output", "logit:-1", "logit:", "Loss", "logit:a",
        ] {
            assert!(wrong.parse::<MeasureName>().is_err(), "{wrong}");
        }
    }
}
