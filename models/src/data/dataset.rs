use serde::{Deserialize, Serialize};

use super::division::Division;
use super::scaling::Scaling;
use super::shape::ExampleShape;
use super::split::Split;
use super::task::Task;

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
    /// Why a CSV table's target was taken for classes or for numbers, as a sentence to show.
    pub inference: Option<String>,
}

/// Size of an image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Number of pixel rows.
    pub height: usize,
    /// Number of pixels in a row.
    pub width: usize,
}
