//! How responses are computed.

use backdraft_influence::{
    ResponseError,
    response::{Descent, Objective, Step, Stop},
};
use burn::tensor::Tensor;

use crate::passes::batches;

/// How the objective of a response is lowered from the trained parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Respond {
    /// By L-BFGS over all examples, to its end.
    Minimize(Stop),
    /// By steps on batches, as training would go on; where they end is the response, as in Bae et al. (2022), Appendix
    /// E.
    Descend {
        /// How steps are made.
        descent: Descent,
        /// The steps.
        steps: Vec<Step>,
    },
}

impl Respond {
    /// Steps of size `learning_rate` in `epochs` passes over `n` examples, in batches of `batch_size`, shuffled from
    /// `seed`.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    pub fn epochs(
        descent: Descent,
        learning_rate: f64,
        n: usize,
        batch_size: usize,
        epochs: usize,
        seed: u64,
    ) -> Self {
        let step = |examples| Step {
            rate: learning_rate,
            examples,
        };
        let steps = batches(n, batch_size, epochs, seed);
        Self::Descend {
            descent,
            steps: steps.into_iter().map(step).collect(),
        }
    }

    /// Where it comes to; tells `on_step` of each step.
    pub(super) fn response(
        &self,
        objective: &Objective<'_>,
        mut on_step: impl FnMut(usize),
    ) -> Result<Tensor<1>, ResponseError> {
        let from = objective.theta().clone();
        Ok(match self {
            Self::Minimize(stop) => {
                let found = objective.minimize_watched(from, *stop, |step, _| on_step(step))?;
                found.theta
            }
            Self::Descend { descent, steps } => {
                let steps = steps.iter().cloned();
                objective.descend(from, *descent, steps, on_step)?.theta
            }
        })
    }
}

/// Until the gradient has fallen by 1e4 or the objective falls no further, in at most 2,000 steps: a network may have
/// its minimum at a kink.
impl Default for Respond {
    fn default() -> Self {
        Self::Minimize(Stop {
            tolerance: 1e-4,
            decrease: 1e-6,
            max_steps: 2_000,
        })
    }
}
