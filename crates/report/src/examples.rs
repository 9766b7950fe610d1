//! What is known of the examples that scores are about.

use backdraft_models::data::Place;

use super::{Labels, Measure, OutputError, Unit};

/// The targets of the training examples, where all examples stand, and what is measured of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleInfo {
    /// The targets of all training examples.
    pub labels: Labels,
    /// Where each training example stands in the source.
    pub train: Vec<Place>,
    /// Where each test example stands in the source.
    pub test: Vec<Place>,
    /// What losses and outputs are measured in.
    pub unit: Unit,
    /// What scores are changes of.
    pub measure: Measure,
}

impl ExampleInfo {
    /// Whether everything is told of as many training examples.
    pub(super) fn check(&self, train: usize) -> Result<(), OutputError> {
        OutputError::check_len("labels", train, self.labels.len())?;
        OutputError::check_len("places of training examples", train, self.train.len())
    }

    /// Where a test example stands.
    pub(super) fn query(&self, index: usize) -> Result<&Place, OutputError> {
        let missing = || OutputError::Length {
            what: "places of test examples",
            expected: index + 1,
            found: self.test.len(),
        };
        self.test.get(index).ok_or_else(missing)
    }
}
