//! A damping by rule.
//!
//! ```text
//! damping = the larger of   share * tr(G) / dim     a share of the mean eigenvalue (Grosse et al. 2023: 0.1)
//!                           1 / (eta K)             K steps of size eta, where they are known
//! ```
//!
//! Gradient descent that stops after `K` steps has not moved along directions whose eigenvalue is below `1 / (eta K)`:
//! as if it were damped by that (Bae et al. 2024, "Training data attribution via approximate unrolling"). The trace is
//! estimated from products with vectors of random signs (Hutchinson 1990).

use backdraft_curvature::LinearOperator;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{SolveError, solver::random_signs};

/// How a damping is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DampingRule {
    /// Of the mean eigenvalue.
    pub share: f64,
    /// Products that the mean eigenvalue is estimated from, at least two.
    pub probes: usize,
    /// Seed of their vectors.
    pub seed: u64,
}

impl Default for DampingRule {
    fn default() -> Self {
        Self {
            share: 0.1,
            probes: 32,
            seed: 0,
        }
    }
}

/// A damping, and why it is that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChosenDamping {
    /// What to add to all eigenvalues.
    pub damping: f64,
    /// How it was chosen.
    pub rule: DampingRule,
    /// The estimate of the mean eigenvalue.
    pub mean_eigenvalue: f64,
    /// Of that estimate.
    pub standard_error: f64,
    /// What training that ends leaves: `1 / (eta K)`, if it is known.
    pub training: Option<f64>,
}

impl ChosenDamping {
    /// Whether the training decides, and not the share of the mean eigenvalue.
    pub fn is_by_training(&self) -> bool {
        self.training == Some(self.damping)
    }
}

impl DampingRule {
    /// The damping for `operator`, a matrix without damping, of a network that was trained by steps of gradient descent
    /// whose sizes add up to `steps`, if that is known.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a share or steps that are not positive and finite, fewer than two probes, or a
    /// matrix without a positive mean eigenvalue; whatever a product reports.
    pub fn choose(
        &self,
        operator: &dyn LinearOperator,
        steps: Option<f64>,
    ) -> Result<ChosenDamping, SolveError> {
        let refused = |name, problem| Err(SolveError::Setting { name, problem });
        for (name, value) in [("share", Some(self.share)), ("steps", steps)] {
            if let Some(value) = value.filter(|it| !(it.is_finite() && *it > 0.0)) {
                return refused(name, format!("is {value:?}, must be positive and finite"));
            }
        }
        if self.probes < 2 {
            return refused("probes", format!("is {}, must be at least 2", self.probes));
        }
        let (mean_eigenvalue, standard_error) = self.mean_eigenvalue(operator)?;
        if !(mean_eigenvalue.is_finite() && mean_eigenvalue > 0.0) {
            return refused(
                "damping",
                format!(
                    "cannot be a share of the mean eigenvalue, which is {mean_eigenvalue:.3e}: name a damping"
                ),
            );
        }
        let training = steps.map(|steps| 1.0 / steps);
        Ok(ChosenDamping {
            damping: (self.share * mean_eigenvalue).max(training.unwrap_or(0.0)),
            rule: self.clone(),
            mean_eigenvalue,
            standard_error,
            training,
        })
    }

    /// The mean eigenvalue, and the standard error of the estimate.
    fn mean_eigenvalue(&self, operator: &dyn LinearOperator) -> Result<(f64, f64), SolveError> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let signs = random_signs(operator, self.probes, &mut rng);
        let products = operator
            .products(signs.clone())
            .map_err(|error| SolveError::from(error).with_batch(operator.batch_size()))?;
        let along = (products * signs).sum_dim(1).try_into_vec_as::<f64>()?;
        let (dim, count) = (operator.dim() as f64, along.len() as f64);
        let mean = along.iter().sum::<f64>() / (count * dim);
        let squares = along
            .iter()
            .map(|it| (it / dim - mean).powi(2))
            .sum::<f64>();
        Ok((mean, (squares / (count * (count - 1.0))).sqrt()))
    }
}
