//! What training needs to go on as if it had never stopped.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::TrainConfig;
use crate::quote;

/// Everything that training needs to go on as if it had never stopped, to the bit. From
/// [`Training::checkpoint`](super::Training::checkpoint); how it becomes a file is left to the program.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Where training stood.
    pub state: TrainState,
    /// The model's parameters and running statistics, `model.` and their path in the module, and what the optimiser
    /// remembers, `optimizer.` and the places of the parameter and of the memory.
    pub tensors: Vec<(String, TensorData)>,
}

/// Where training stands, but for the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// The settings.
    pub config: TrainConfig,
    /// Number of training examples.
    pub rows: usize,
    /// Steps made.
    pub step: usize,
    /// The first step's loss, as the bits of a 64-bit number: not every text of a number comes back as it was.
    pub first: Option<u64>,
    /// The sum of the losses of the examples seen in this pass, as bits.
    pub total: u64,
    /// The mean loss of each pass over the data, as bits.
    pub history: Vec<u64>,
}

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

/// All numbers of a module without autodiff, parameters and running statistics, by their path in it after `model.`, bit
/// for bit.
pub fn numbers<M: Module>(module: &M) -> Vec<(String, TensorData)> {
    struct Collect {
        path: Vec<String>,
        tensors: Vec<(String, TensorData)>,
    }

    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.tensors.push((name(&self.path), param.val().to_data()));
        }
    }

    let mut collect = Collect {
        path: Vec::new(),
        tensors: Vec::new(),
    };
    module.visit(&mut collect);
    collect.tensors
}

/// The module with the numbers that `find` gives by name, as [`numbers`] names them. Clones of the module stay as they
/// are.
///
/// # Errors
///
/// [`CheckpointError::Missing`] and [`CheckpointError::Shape`].
pub fn with_numbers<M: Module>(
    module: M,
    find: impl FnMut(&str) -> Option<TensorData>,
) -> Result<M, CheckpointError> {
    struct Restore<F> {
        path: Vec<String>,
        find: F,
        error: Option<CheckpointError>,
    }

    impl<F: FnMut(&str) -> Option<TensorData>> ModuleMapper for Restore<F> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.error.is_some() {
                return param;
            }
            let name = name(&self.path);
            let expected = param.val();
            let found = (self.find)(&name)
                .ok_or(CheckpointError::Missing { name: name.clone() })
                .and_then(|data| {
                    CheckpointError::check_shape(&name, &expected.dims(), &data).map(|()| data)
                });
            match found {
                Ok(data) => {
                    let dtype = data.dtype();
                    param.map(|_| Tensor::from_data(data, (&expected.device(), dtype)))
                }
                Err(error) => {
                    self.error = Some(error);
                    param
                }
            }
        }
    }

    let mut restore = Restore {
        path: Vec::new(),
        find,
        error: None,
    };
    // `valid` takes running statistics of its own.
    let module = module.valid().map(&mut restore);
    match restore.error {
        None => Ok(module),
        Some(error) => Err(error),
    }
}

fn name(path: &[String]) -> String {
    format!("model.{}", path.join("."))
}
