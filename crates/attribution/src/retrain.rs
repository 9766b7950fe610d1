//! Training again, with other weights on the examples.

use std::error::Error;

use backdraft_curvature::{CurvatureError, Model};
use backdraft_influence::ResponseError;
use burn::tensor::{Tensor, TensorReadError};

/// Trains a network: from the examples' weights and a seed to the trained parameters.
///
/// Every closure of the same form is one, so that a training loop of one's own is enough; [`Fit`](crate::Fit) is one
/// over Burn's optimizers.
///
/// ```
/// use backdraft_attribution::{Retrain, RetrainError};
/// use burn::tensor::{Device, Tensor};
///
/// // The mean of 1, 2 and 6, each as often as its weight says.
/// let retrain = |weights: &[f64], _seed: u64| -> Result<Tensor<1>, RetrainError> {
///     let sum: f64 = weights.iter().zip([1.0, 2.0, 6.0]).map(|(w, x)| w * x).sum();
///     Ok(Tensor::from_floats([(sum / weights.iter().sum::<f64>()) as f32], &Device::flex()))
/// };
/// let mean = retrain.retrain(&[1.0, 1.0, 0.0], 0)?.into_scalar::<f64>();
/// assert_eq!(mean, 1.5);
/// # Ok::<(), RetrainError>(())
/// ```
pub trait Retrain {
    /// The parameters that training comes to, `[dim]`, in the order of [`Model::theta`]: `Model::new(&module,
    /// forward)?.theta()` has them so. With the running statistics that training came to, of batch normalisation, they
    /// are [`Model::state`]; without, those of the trained network stay.
    ///
    /// `weights` has one number a training example, which its loss is multiplied by: 1 is as it is, 0 without it. The
    /// mean over a batch counts all its examples whatever their weights, so that a weight of 0 leaves `J(theta) - 1/N
    /// L(z)`. The `seed` settles the initial parameters and the order of the examples: the same of both must give the
    /// same bits.
    ///
    /// # Errors
    /// Whatever keeps training from its end.
    fn retrain(&self, weights: &[f64], seed: u64) -> Result<Tensor<1>, RetrainError>;

    /// What settles the parameters beside weights and seed, such as epochs and step sizes: what a
    /// [`Store`](crate::Store) holds is gone on with only where this is the same. A closure says nothing here;
    /// [`Evaluation::with_name`](crate::Evaluation::with_name) can say it for it.
    fn settings(&self) -> String {
        String::new()
    }
}

impl<F, E> Retrain for F
where
    F: Fn(&[f64], u64) -> Result<Tensor<1>, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn retrain(&self, weights: &[f64], seed: u64) -> Result<Tensor<1>, RetrainError> {
        self(weights, seed).map_err(RetrainError::of)
    }
}

/// Why training again came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetrainError {
    /// Training failed with these weights; it may go well with others.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    /// Training failed and would with any weights: a device that fails, settings that make no sense.
    #[error(transparent)]
    Broken(Box<dyn Error + Send + Sync>),
    /// A minimum could not be found.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A parameter is NaN or infinite.
    #[error(
        "training again came to parameters that are NaN or infinite: lower the learning rate, or look for a loss that overflows"
    )]
    NotFinite,
    /// Parameters that are not the model's.
    #[error(
        "training again returned {found} parameters, and the model of the cost has {expected}: return \
         `Model::new(&module, forward)?.theta()` of the same module, with all the parameters that the cost's model has"
    )]
    Dimension {
        /// The model's.
        expected: usize,
        /// Those returned.
        found: usize,
    },
    /// Parameters of another float type or on another device than the model's.
    #[error("training again returned parameters elsewhere than the model's: {0}")]
    Placement(#[source] Box<CurvatureError>),
    /// Losses that are not one an example.
    #[error(
        "the losses of a batch of {expected} examples have the length {found}: return one loss an example, not their mean or sum"
    )]
    Losses {
        /// Examples in the batch.
        expected: usize,
        /// Losses returned.
        found: usize,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The parameters could not be read back from the device.
    #[error("the parameters could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl RetrainError {
    /// Of an error of training, which may be one of these already.
    pub fn of(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match error.into().downcast() {
            Ok(own) => *own,
            Err(other) => Self::Failed(other),
        }
    }

    /// Whether training again with other weights may go well nevertheless.
    pub(crate) fn concerns_one_removal(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::NotFinite)
    }
}

/// What `retrain` comes to, if it is finite and parameters, or a state, of `model`.
pub(crate) fn retrained(
    retrain: &dyn Retrain,
    model: &Model,
    weights: &[f64],
    seed: u64,
) -> Result<Tensor<1>, RetrainError> {
    let theta = retrain.retrain(weights, seed)?.without_autodiff();
    model.at(theta.clone()).map_err(|error| match error {
        CurvatureError::Dimension { expected, found } => {
            RetrainError::Dimension { expected, found }
        }
        error => RetrainError::Placement(Box::new(error)),
    })?;
    finite(&theta)?;
    Ok(theta)
}

/// Checks that all parameters are numbers.
pub(crate) fn finite(theta: &Tensor<1>) -> Result<(), RetrainError> {
    // An infinite number times 0 is none.
    let zero: f64 = (theta.clone() * 0.0).sum().try_into_scalar()?;
    match zero == 0.0 {
        true => Ok(()),
        false => Err(RetrainError::NotFinite),
    }
}
