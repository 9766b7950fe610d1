//! A data set: examples to train on and to test on.

use serde::{Deserialize, Serialize};

use super::division::Division;
use super::reading::Reading;
use super::scaling::Scaling;
use super::shape::ExampleShape;
use super::source::{Place, Source};
use super::split::Split;
use super::task::Task;
use crate::objective::Objective;

/// Examples to train on, examples to test on, and what is known about them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name: that of the embedded set, or of the file or folder.
    pub name: String,
    /// What is to be predicted.
    pub task: Task,
    /// The training examples.
    pub train: Split,
    /// Examples to choose settings by, where the source sets some apart.
    pub valid: Option<Split>,
    /// The held-out examples.
    pub test: Split,
    /// What the numbers of one example are.
    pub shape: ExampleShape,
    /// One name for each input column.
    pub features: Vec<String>,
    /// The size of a grey picture, if that is what a row of inputs is.
    pub image: Option<ImageShape>,
    /// Whom to credit, for the embedded sets.
    pub attribution: Option<String>,
    /// What divided the examples into their parts.
    pub division: Division,
    /// How the source's numbers became the inputs; none for tokens.
    pub input_scaling: Option<Scaling>,
    /// How a regression's targets did.
    pub target_scaling: Option<Scaling>,
    /// Where the training examples stand.
    pub train_source: Source,
    /// Where the test examples stand.
    pub test_source: Source,
    /// How a table's columns were read.
    pub reading: Reading,
    /// The loss that a network is trained with, if it is not that of the task.
    pub loss: Option<Objective>,
    /// What the losses of each class's training examples are multiplied by, if classes have weights.
    pub class_weights: Option<Vec<f32>>,
    /// Why a CSV table's target was taken for classes or for numbers, as a sentence to show.
    pub inference: Option<String>,
}

impl Dataset {
    /// The loss that a network is trained with.
    pub fn objective(&self) -> Objective {
        self.loss.unwrap_or_else(|| self.task.objective())
    }

    /// What a network's output of a regression predicts, in the target's own units.
    pub fn prediction(&self, output: f64) -> f64 {
        match self.loss {
            Some(Objective::Poisson) => output.exp(),
            _ => self.restored_output(output),
        }
    }

    /// Where the training example `row` stands.
    ///
    /// # Panics
    ///
    /// If there is no such example.
    pub fn train_place(&self, row: usize) -> Place {
        self.train_source.place(self.train.origin[row])
    }

    /// Where the test example `row` stands.
    ///
    /// # Panics
    ///
    /// If there is no such example.
    pub fn test_place(&self, row: usize) -> Place {
        self.test_source.place(self.test.origin[row])
    }

    /// The inputs of an example as the source has them: a table's own numbers, pixels from 0 to 1, tokens.
    pub fn original_inputs(&self, row: &[f32]) -> Vec<f64> {
        match &self.input_scaling {
            Some(scaling) => scaling.restore(row),
            None => row.iter().map(|&x| x.into()).collect(),
        }
    }

    /// A number of input `column`, such as a mean, in the source's own units.
    pub fn restored_input(&self, column: usize, value: f64) -> f64 {
        let restore = |scaling: &Scaling| scaling.restore_at(column, self.train.columns, value);
        self.input_scaling.as_ref().map_or(value, restore)
    }

    /// A regression's target as the source has it.
    pub fn original_target(&self, value: f32) -> f64 {
        match &self.target_scaling {
            Some(scaling) => scaling.restore(&[value])[0],
            None => value.into(),
        }
    }

    /// What the network is trained with in place of a regression's target; none if that is no finite number of 32 bits.
    pub fn scaled_target(&self, value: f64) -> Option<f32> {
        let scaled = match &self.target_scaling {
            Some(scaling) => scaling.scale_value(value),
            None => value as f32,
        };
        Some(scaled).filter(|it| it.is_finite())
    }

    /// A network's output of a regression, in the target's own units.
    pub fn restored_output(&self, value: f64) -> f64 {
        let restore = |scaling: &Scaling| scaling.restore_value(value);
        self.target_scaling.as_ref().map_or(value, restore)
    }

    /// What 1 of a regression's outputs is in the target's own units.
    pub fn target_std(&self) -> f64 {
        self.target_scaling.as_ref().map_or(1.0, Scaling::unit)
    }
}

/// Size of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Number of pixel rows.
    pub height: usize,
    /// Number of pixels in a row.
    pub width: usize,
}
