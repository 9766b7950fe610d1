//! Why training cannot be taken up again.

use burn::tensor::TensorData;

use crate::quote;

/// Why training cannot be taken up again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It was made with other settings or data.
    #[error(
        "the checkpoint was made with {what} {found}, not {expected}; use the same settings, or start anew"
    )]
    Differs {
        /// What differs.
        what: &'static str,
        /// The value asked for.
        expected: String,
        /// The checkpoint's value.
        found: String,
    },
    /// A tensor is not in it.
    #[error("the checkpoint holds no `{name}`; it is of another model, or damaged: start anew", name = quote::text(.name))]
    Missing {
        /// The tensor's name.
        name: String,
    },
    /// A tensor is of nothing that there is.
    #[error(
        "the model has no place for `{name}` of the checkpoint, which is of another model: start anew",
        name = quote::text(.name)
    )]
    Unused {
        /// The tensor's name, the first by alphabet.
        name: String,
    },
    /// A tensor has another shape.
    #[error(
        "`{name}` has shape {found:?} in the checkpoint, not {expected:?}; it is of another model: start anew",
        name = quote::text(.name)
    )]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape in the model.
        expected: Vec<usize>,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },
    /// It counts more than there can be.
    #[error("the checkpoint is damaged: it tells of step {step} of {steps}; start anew")]
    Step {
        /// Steps made, as it says.
        step: usize,
        /// Steps there are.
        steps: usize,
    },
}

impl CheckpointError {
    pub(super) fn check_shape(
        name: &str,
        expected: &[usize],
        data: &TensorData,
    ) -> Result<(), Self> {
        let found = data.shape().to_vec();
        match found == expected {
            true => Ok(()),
            false => Err(Self::Shape {
                name: name.to_owned(),
                expected: expected.to_vec(),
                found,
            }),
        }
    }
}
