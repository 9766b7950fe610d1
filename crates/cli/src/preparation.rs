//! What was done to the data that a command read.

use std::fmt::Write;

use backdraft_models::{
    Objective,
    data::{
        Dataset, Division, ExampleShape, Moments, MomentsOf, Reading, Scaling, ScalingRule, Task,
    },
    quote,
};
use serde::Serialize;

use super::progress::{say, warn};
use backdraft_report as output;

/// Moments that a line has place for.
const SHOWN: usize = 4;

/// How data came to be what a network reads, for a command's record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Preparation {
    pub inputs: Option<Scaling>,
    pub targets: Option<Scaling>,
    pub parts: Division,
    pub classes: Vec<String>,
    /// What was made of a table's columns, if that is more than to read each as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Reading>,
    /// The loss, if it is not that of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Objective>,
    /// What the losses of each class's training examples are multiplied by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<Vec<f32>>,
}

impl Preparation {
    pub fn of(dataset: &Dataset) -> Self {
        let text = matches!(dataset.shape, ExampleShape::Tokens { .. });
        Self {
            inputs: dataset.input_scaling.clone(),
            targets: dataset.target_scaling.clone(),
            parts: dataset.division.clone(),
            // A vocabulary is as long as the text.
            classes: match text {
                true => Vec::new(),
                false => dataset.task.classes().to_vec(),
            },
            columns: Some(Reading {
                notes: Vec::new(),
                warnings: Vec::new(),
                ..dataset.reading.clone()
            })
            .filter(|it| *it != Reading::default()),
            loss: dataset.loss,
            class_weights: dataset.class_weights.clone(),
        }
    }
}

/// The task and the data's size, in words.
pub(super) fn describe(dataset: &Dataset) -> String {
    let (train, test, columns) = (dataset.train.rows, dataset.test.rows, dataset.train.columns);
    let task = match &dataset.task {
        Task::Binary { names } => format!("classification, {} or {}", names[0], names[1]),
        Task::Classification { names } => format!("classification, {} classes", names.len()),
        Task::Regression => "regression".into(),
        Task::NextToken { vocabulary } => {
            format!("next token, vocabulary of {}", vocabulary.len())
        }
    };
    format!("{task}; {train} training and {test} test examples of {columns} features")
}

/// Says what was done to the data.
pub(super) fn describe_preparation(dataset: &Dataset) {
    let reading = &dataset.reading;
    reading.notes.iter().for_each(say);
    reading.warnings.iter().for_each(warn);
    if !reading.ignored.is_empty() {
        let ignored = quote::list(&reading.ignored);
        say(format_args!("columns left out: {ignored}"));
    }
    say(format_args!(
        "parts: {} to train{} and {} to test, {}",
        dataset.train.rows,
        match &dataset.valid {
            Some(valid) => format!(", {} to choose by", valid.rows),
            None => String::new(),
        },
        dataset.test.rows,
        dataset.division
    ));
    if let Some(scaling) = &dataset.input_scaling {
        let (count, what) = match dataset.shape {
            ExampleShape::Picture { .. } => ("pixels".to_owned(), ScaledNumbers::Pixels),
            _ => (
                output::plural(dataset.train.columns, "column"),
                ScaledNumbers::Columns,
            ),
        };
        say(format_args!("inputs: {}", line(scaling, &count, what)));
    }
    if let Some(scaling) = &dataset.target_scaling {
        say(format_args!(
            "targets: {}",
            line(scaling, "numbers", ScaledNumbers::Targets)
        ));
    }
    describe_loss(dataset);
}

/// Says which loss it is, if not that of the task, and what classes count in it.
fn describe_loss(dataset: &Dataset) {
    match dataset.loss {
        Some(Objective::Huber { delta }) => say(format_args!(
            "loss: Huber's, linear from a residual of {} on, as the network is trained",
            brief(delta)
        )),
        Some(Objective::Poisson) => say(
            "loss: the negative log-likelihood of counts whose logarithmic rate the network gives",
        ),
        _ => {}
    }
    if let Some(weights) = &dataset.class_weights {
        let classes = dataset.task.classes().iter().zip(weights);
        let told = classes
            .map(|(class, &weight)| format!("{} {}", quote::text(class), brief(weight.into())));
        say(format_args!("weights of classes: {}", quote::some(told)));
    }
}

/// What is scaled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScaledNumbers {
    Columns,
    Pixels,
    Targets,
}

/// What was done, and to `count` what.
fn line(scaling: &Scaling, count: &str, what: ScaledNumbers) -> String {
    let of = |columns: &'static str, pixels: &'static str, targets: &'static str| match what {
        ScaledNumbers::Columns => columns,
        ScaledNumbers::Pixels => pixels,
        ScaledNumbers::Targets => targets,
    };
    let mut text = count.to_owned();
    let words = match scaling.rule {
        ScalingRule::Raw => of(
            " as the table has them",
            " as their files have them",
            " as the source has them",
        ),
        ScalingRule::Unit => of(
            ", each divided by its largest absolute value in the training part",
            " divided by the brightest there can be, from 0 to 1",
            " divided by the largest absolute value in the training part",
        ),
        ScalingRule::Standardised => of(
            ", each less its mean in the training part and divided by its standard deviation there",
            " from 0 to 1, less the mean of the training part and divided by its standard deviation, channel by channel",
            " less the mean of the training part and divided by its standard deviation",
        ),
        ScalingRule::Given => of(
            ", each less the mean that was given and divided by the standard deviation that was given",
            " from 0 to 1, less the mean that was given and divided by the standard deviation that was given",
            " less the mean that was given and divided by the standard deviation that was given",
        ),
    };
    text.push_str(&match scaling.of {
        MomentsOf::Train => words.to_owned(),
        MomentsOf::All => words
            .replace("in the training part", "among all examples")
            .replace("of the training part", "of all examples"),
    });
    let told = matches!(scaling.rule, ScalingRule::Standardised | ScalingRule::Given)
        || (scaling.rule == ScalingRule::Unit && what != ScaledNumbers::Pixels);
    if told {
        let list = |of: fn(&Moments) -> f64| {
            let mut list = String::new();
            for (place, moments) in scaling.moments.iter().take(SHOWN).enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let _ = write!(list, "{comma}{}", brief(of(moments)));
            }
            let more = scaling.moments.len() > SHOWN;
            list + if more { ",.." } else { "" }
        };
        let _ = write!(
            text,
            " (mean {}; std {}; recorded)",
            list(|it| it.mean),
            list(|it| it.std)
        );
    }
    text
}

/// A number in four digits.
fn brief(number: f64) -> String {
    let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
    output::brief(rounded)
}
