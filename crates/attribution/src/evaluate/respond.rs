//! How responses are computed.

use std::{fmt, sync::Arc};

use backdraft_influence::{
    ResponseError,
    response::{Descent, ResponseObjective, Step, Stop},
};
use burn::tensor::Tensor;

use crate::{Approach, passes::batches};

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
        steps: Steps,
    },
}

/// Steps on batches, made when they are needed.
#[derive(Clone)]
pub struct Steps {
    count: usize,
    settings: String,
    all: Arc<dyn Fn() -> Box<dyn Iterator<Item = Step>> + Send + Sync>,
}

impl Steps {
    /// The first `count` steps of `all`, the same each time that it is called. `settings` says in words all that
    /// settles them: equal words, equal steps.
    pub fn new<I>(
        count: usize,
        settings: impl Into<String>,
        all: impl Fn() -> I + Send + Sync + 'static,
    ) -> Self
    where
        I: Iterator<Item = Step> + 'static,
    {
        Self {
            count,
            settings: settings.into(),
            all: Arc::new(move || Box::new(all().take(count))),
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps, {}", self.count, self.settings)
    }
}

impl PartialEq for Steps {
    fn eq(&self, other: &Self) -> bool {
        (self.count, &self.settings) == (other.count, &other.settings)
    }
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
        let count = epochs * n.div_ceil(batch_size);
        let settings = format!(
            "of size {learning_rate:?} on {n} examples in batches of {batch_size}, seed {seed}"
        );
        let steps = move || {
            let step = move |examples| Step {
                rate: learning_rate,
                examples,
            };
            batches(n, batch_size, epochs, seed).into_iter().map(step)
        };
        Self::Descend {
            descent,
            steps: Steps::new(count, settings, steps),
        }
    }

    /// How many steps, or parts of the way to a tolerance, it is told in.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Minimize(_) => Approach::PARTS,
            Self::Descend { steps, .. } => steps.count,
        }
    }

    /// Where it comes to; tells `on_step` how many of the steps are made.
    pub(super) fn response(
        &self,
        objective: &ResponseObjective<'_>,
        mut on_step: impl FnMut(usize),
    ) -> Result<Tensor<1>, ResponseError> {
        let from = objective.theta().clone();
        Ok(match self {
            Self::Minimize(stop) => minimized(objective, from, *stop, |done, _| on_step(done))?,
            Self::Descend { descent, steps } => {
                let steps = (steps.all)();
                objective.descend(from, *descent, steps, on_step)?.theta
            }
        })
    }
}

/// Where the objective is least; tells `on_step` how much of the way is made, of how much.
pub(crate) fn minimized(
    objective: &ResponseObjective<'_>,
    from: Tensor<1>,
    stop: Stop,
    mut on_step: impl FnMut(usize, usize),
) -> Result<Tensor<1>, ResponseError> {
    let mut way = Approach::new(stop.tolerance);
    let found = objective.minimize_with(from, stop, |_, gradient| {
        on_step(way.at(gradient), Approach::PARTS);
    })?;
    Ok(found.theta)
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
