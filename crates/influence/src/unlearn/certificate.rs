//! What noise hides the difference between unlearned and retrained.

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};

use super::UnlearnError;
use crate::bayes::normals;

/// How alike what is published of unlearned and of retrained parameters is to be: for every set `E` of parameters, each
/// of the two is in `E` with a probability of at most `e^epsilon` times the other's, and `delta`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// Above 0, at most 1.
    pub epsilon: f64,
    /// Above 0, below 1.
    pub delta: f64,
}

impl Privacy {
    /// Checks that there is such a thing.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`].
    pub fn check(&self) -> Result<(), UnlearnError> {
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            let problem = format!(
                "is {:?}: the Gaussian mechanism asks for more than 0 and at most 1",
                self.epsilon
            );
            return Err(UnlearnError::setting("epsilon", problem));
        }
        if !(self.delta > 0.0 && self.delta < 1.0) {
            let problem = format!("is {:?}, must lie between 0 and 1", self.delta);
            return Err(UnlearnError::setting("delta", problem));
        }
        Ok(())
    }
}

/// That unlearned parameters with noise are as good as retrained ones with noise.
///
/// By the Gaussian mechanism (Dwork and Roth 2014, Theorem A.1) normal noise of standard deviation
///
/// ```text
/// sigma = distance sqrt(2 ln(1.25 / delta)) / epsilon
/// ```
///
/// on each parameter makes two vectors that are at most `distance` apart `(epsilon, delta)` alike. It holds for exact
/// arithmetic, for the order of examples as it was drawn, and where the bounds that the distance is from hold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The largest distance of unlearned from retrained parameters, [`Sensitivity`](super::Sensitivity)'s.
    pub distance: f64,
    /// What is certified.
    #[serde(flatten)]
    pub privacy: Privacy,
    /// The standard deviation of the noise on every parameter.
    pub sigma: f64,
}

impl Certificate {
    /// For parameters that are at most `distance` apart.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] for a distance that is negative or not finite, and as [`Privacy::check`].
    pub fn new(distance: f64, privacy: Privacy) -> Result<Self, UnlearnError> {
        privacy.check()?;
        if !(distance >= 0.0 && distance.is_finite()) {
            let problem = format!("is {distance:?}, must be finite and not negative");
            return Err(UnlearnError::setting("distance", problem));
        }
        let Privacy { epsilon, delta } = privacy;
        Ok(Self {
            distance,
            privacy,
            sigma: distance * (2.0 * (1.25 / delta).ln()).sqrt() / epsilon,
        })
    }

    /// `theta` with the noise, drawn from `seed`. What hides the difference is that nobody knows the noise: a seed that
    /// is published certifies nothing.
    pub fn perturb(&self, theta: Tensor<1>, seed: u64) -> Tensor<1> {
        let [dim] = theta.dims();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let noise = normals(&mut rng, dim).into_iter().map(|it| self.sigma * it);
        let noise: Vec<f64> = noise.collect();
        let place = (&theta.device(), theta.dtype());
        theta.clone() + Tensor::from_data(TensorData::new(noise, [dim]), place)
    }
}
