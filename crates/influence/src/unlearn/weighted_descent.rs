//! Gradient descent on a cost whose examples have weights.

use backdraft_curvature::Cost;
use backdraft_optimize::{Descent, Memory, norm};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::UnlearnError;
use crate::response::{Removal, Reweighted, Step};

/// Steps between two looks at the numbers, which make the host wait for the device.
const CHECK_EVERY: usize = 64;

/// How steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescentConfig {
    /// From gradients of batches. Certificates are for SGD without momentum.
    pub descent: Descent,
    /// Of the ball about 0 onto which every step is projected, if there is one: projected SGD.
    pub radius: Option<f64>,
}

impl Default for DescentConfig {
    /// SGD without momentum or ball.
    fn default() -> Self {
        Self {
            descent: Descent::Sgd { momentum: 0.0 },
            radius: None,
        }
    }
}

impl DescentConfig {
    fn check(&self) -> Result<(), UnlearnError> {
        match self.descent {
            Descent::Sgd { momentum } if !(0.0..1.0).contains(&momentum) => {
                let problem = format!("is {momentum:?}, must be 0 or more and less than 1");
                return Err(UnlearnError::setting("momentum", problem));
            }
            Descent::Sgd { .. } | Descent::Adam => {}
        }
        match self.radius {
            Some(radius) if !(radius > 0.0 && radius.is_finite()) => {
                let problem = format!("is {radius:?}, must be positive and finite");
                Err(UnlearnError::setting("radius", problem))
            }
            _ => Ok(()),
        }
    }
}

/// Where a descent stands: all that it takes to go on to the same bits.
#[derive(Clone, Debug)]
pub struct DescentState {
    /// The parameters, `[dim]`.
    pub theta: Tensor<1>,
    /// What momentum or Adam remember.
    pub memory: Memory,
    /// Steps made since the start of the training.
    pub step: usize,
}

impl DescentState {
    /// Before the first step.
    pub fn start(theta: Tensor<1>) -> Self {
        Self {
            theta,
            memory: Memory::default(),
            step: 0,
        }
    }
}

/// Gradient descent on a cost with the weights that a removal leaves: training where it takes nothing away, retraining
/// and unlearning where it does.
pub struct WeightedDescent {
    /// With each example's loss times its weight, without the L2 term; not looked at.
    cost: Cost,
    l2: f64,
    config: DescentConfig,
    weights: Vec<f64>,
}

impl WeightedDescent {
    /// On `cost`, with its L2 term, without what `removal` takes away.
    ///
    /// # Errors
    /// [`UnlearnError::Example`] for an example that does not exist; [`UnlearnError::Setting`] for one that is named
    /// twice, if all are taken away, and for settings that make no sense; [`UnlearnError::Curvature`].
    pub fn new(
        cost: &Cost,
        removal: &Removal,
        config: DescentConfig,
    ) -> Result<Self, UnlearnError> {
        config.check()?;
        let (n, l2) = (cost.len(), cost.l2());
        if !(l2 >= 0.0 && l2.is_finite()) {
            let problem = format!("is {l2:?}, must be finite and not negative");
            return Err(UnlearnError::setting("l2", problem));
        }
        let weights = example_weights(removal, n)?;
        // What cannot be computed is found while it is looked at.
        cost.losses()
            .map_err(|it| UnlearnError::from(it).with_batch(cost.batch_size()))?;
        let all = Reweighted::of(cost)?;
        Ok(Self {
            cost: Reweighted::with_weights(&all, &weights)?.unchecked(),
            l2,
            config,
            weights,
        })
    }

    /// How steps are made.
    pub fn config(&self) -> DescentConfig {
        self.config
    }

    /// What each example counts: 1 as it is, 0 where it is forgotten.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The strength of the L2 term.
    pub fn l2(&self) -> f64 {
        self.l2
    }

    /// Makes `steps` from where `from` stands; `on_step` is given the state after each.
    ///
    /// # Errors
    /// [`UnlearnError::NotFinite`]; [`UnlearnError::Setting`] for a step of a rate that is negative or not finite, or
    /// without examples; [`UnlearnError::Curvature`] for parameters of another model, among others.
    pub fn run(
        &self,
        from: DescentState,
        steps: impl IntoIterator<Item = Step>,
        mut on_step: impl FnMut(&DescentState),
    ) -> Result<DescentState, UnlearnError> {
        let with_batch = |error: UnlearnError| error.with_batch(self.cost.batch_size());
        let mut state = from;
        state.theta = self.cost.model().vectors(state.theta)?;
        for step in steps {
            if !(step.rate >= 0.0 && step.rate.is_finite()) {
                let problem = format!("is {:?}, must be finite and not negative", step.rate);
                return Err(UnlearnError::setting("rate", problem));
            }
            let gradient = self.gradient(&state.theta, &step).map_err(with_batch)?;
            let direction = self.config.descent.direction(gradient, &mut state.memory);
            state.theta = self.projected(state.theta - direction * step.rate);
            state.step += 1;
            if state.step.is_multiple_of(CHECK_EVERY) {
                check(&state).map_err(with_batch)?;
            }
            on_step(&state);
        }
        check(&state).map_err(with_batch)?;
        Ok(state)
    }

    /// Of a batch's mean of weighted losses, and of the L2 term.
    fn gradient(&self, theta: &Tensor<1>, step: &Step) -> Result<Tensor<1>, UnlearnError> {
        if step.examples.is_empty() {
            return Err(UnlearnError::setting("steps", "has one without examples"));
        }
        let gradient = match is_all(&step.examples, self.cost.len()) {
            true => self.cost.at(theta.clone())?.gradient()?,
            false => {
                let batch = self.cost.select(&step.examples)?;
                batch.at(theta.clone())?.gradient()?
            }
        };
        Ok(match self.l2 > 0.0 {
            true => gradient + theta.clone() * self.l2,
            false => gradient,
        })
    }

    /// Onto the ball.
    fn projected(&self, theta: Tensor<1>) -> Tensor<1> {
        let Some(radius) = self.config.radius else {
            return theta;
        };
        let norm = theta.clone().square().sum().sqrt();
        theta * (norm.recip() * radius).clamp_max(1.0)
    }
}

/// Whether a batch has all of `n` examples, each once.
fn is_all(batch: &[usize], n: usize) -> bool {
    if batch.len() != n {
        return false;
    }
    let mut seen = vec![false; n];
    batch
        .iter()
        .all(|&it| it < n && !std::mem::replace(&mut seen[it], true))
}

fn check(state: &DescentState) -> Result<(), UnlearnError> {
    match norm(&state.theta)?.is_finite() {
        true => Ok(()),
        false => Err(UnlearnError::NotFinite { step: state.step }),
    }
}

/// What each of `n` examples counts once `removal` is done.
pub(super) fn example_weights(removal: &Removal, n: usize) -> Result<Vec<f64>, UnlearnError> {
    if let Some(&index) = removal.examples.iter().find(|it| **it >= n) {
        return Err(UnlearnError::Example { index, len: n });
    }
    removal.check(n).map_err(UnlearnError::of_removal)?;
    let mut weights = vec![1.0; n];
    for (example, taken) in removal.weights() {
        let weight = 1.0 - taken * n as f64;
        // `1 - n (1/n)` is not always 0 in floating point.
        weights[example] = if weight.abs() < 4.0 * f64::EPSILON {
            0.0
        } else {
            weight
        };
    }
    Ok(weights)
}
