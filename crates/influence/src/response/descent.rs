//! Descent by batches, as networks are trained.

use backdraft_curvature::CurvatureError;
use backdraft_optimize::{Descent, Memory, norm};
use burn::Tensor;

use super::{ResponseError, ResponseKind, ResponseObjective, minibatch::Turn};

/// Steps between two looks at the numbers, which make the host wait for the device.
const CHECK_EVERY: usize = 64;

/// Roundings of the objective's terms by which a value may seem to grow.
const ROUNDINGS: f64 = 100.0;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The step size.
    pub rate: f64,
    /// The examples of the batch.
    pub examples: Vec<usize>,
}

/// Where a descent ended.
#[derive(Clone, Debug)]
pub struct Descended {
    /// The parameters, `[dim]`.
    pub theta: Tensor<1>,
    /// Steps made.
    pub steps: usize,
    /// The objective over all examples at the start and at the end.
    pub values: [f64; 2],
}

impl ResponseObjective<'_> {
    /// Makes `steps` from `from`. The removed examples take part in every one of them, or as many of them as the batch
    /// has examples, in turn; so a single one pulls evenly, not once a pass. `on_step` is called after each.
    ///
    /// A proximal Bregman objective and its linearisation have no noise at the trained parameters, so gradient descent
    /// from there must not end higher than it began, but for rounding. The others have a batch's noise, and Adam's
    /// steps do not shrink with the gradient: they may end higher by as much as they began with, or by half the loss of
    /// a network with all parameters 0 if that is more.
    ///
    /// # Errors
    /// [`ResponseError::Grew`] if the objective ends higher than that, [`ResponseError::NotFinite`],
    /// [`ResponseError::Setting`] for a rate or a momentum that makes no sense; [`ResponseError::Diverged`] if so much
    /// weight is taken off that the objective curves downwards where the descent ends; those of [`value`](Self::value).
    pub fn descend(
        &self,
        from: Tensor<1>,
        descent: Descent,
        steps: impl IntoIterator<Item = Step>,
        mut on_step: impl FnMut(usize),
    ) -> Result<Descended, ResponseError> {
        check(descent)?;
        let mut theta = self.shared.cost.model().vectors(from)?;
        let start = self.value(&theta)?;
        let (mut turn, mut memory, mut made) = (Turn::of(self), Memory::default(), 0);
        for step in steps {
            if !(step.rate.is_finite() && step.rate >= 0.0) {
                let problem = format!("is {:?}, must be finite and not negative", step.rate);
                return Err(ResponseError::setting("rate", problem));
            }
            let removed = turn.next(&step.examples);
            let gradient = self.batch_gradient(&theta, &step.examples, removed)?;
            theta = theta - descent.direction(gradient, &mut memory) * step.rate;
            made += 1;
            if made % CHECK_EVERY == 0 && !self.is_finite(&theta)? {
                break;
            }
            on_step(made);
        }
        self.descended(descent, start, theta, made)
    }

    /// What came of `made` steps by `descent` from where the value was `start`.
    fn descended(
        &self,
        descent: Descent,
        start: f64,
        theta: Tensor<1>,
        made: usize,
    ) -> Result<Descended, ResponseError> {
        let lost = ResponseError::NotFinite { step: made };
        if !self.is_finite(&theta)? {
            return Err(lost);
        }
        let end = match self.value(&theta) {
            Err(ResponseError::Curvature(CurvatureError::NotFinite { .. })) => return Err(lost),
            found => found?,
        };
        if self.is_overdrawn() && self.curves_down(&theta)? {
            return Err(ResponseError::Diverged);
        }
        // Looked into where there is something to look into: the limit takes a pass over the data.
        if end > start && end > start + self.slack(descent, start)? {
            return Err(ResponseError::Grew {
                from: start,
                to: end,
                steps: made,
            });
        }
        Ok(Descended {
            theta,
            steps: made,
            values: [start, end],
        })
    }

    fn is_finite(&self, theta: &Tensor<1>) -> Result<bool, ResponseError> {
        let norm = norm(theta).map_err(ResponseError::from);
        let norm = norm.map_err(|error| error.with_batch(self.shared.cost.batch_size()))?;
        Ok(norm.is_finite())
    }

    /// How much higher than at `start` a descent may end.
    fn slack(&self, descent: Descent, start: f64) -> Result<f64, ResponseError> {
        let scale = self.shared.scale()?;
        let noiseless = matches!(self.kind, ResponseKind::Bregman | ResponseKind::Linearized);
        Ok(match descent {
            Descent::Sgd { .. } if noiseless => {
                let precision = self.theta().dtype().finfo().map_or(0.0, |it| it.epsilon);
                ROUNDINGS * precision * (scale + start.abs())
            }
            Descent::Sgd { .. } | Descent::Adam => start.abs().max(0.5 * scale),
        })
    }
}

fn check(descent: Descent) -> Result<(), ResponseError> {
    match descent {
        Descent::Sgd { momentum } if !(0.0..1.0).contains(&momentum) => {
            let problem = format!("is {momentum:?}, must be 0 or more and less than 1");
            Err(ResponseError::setting("momentum", problem))
        }
        Descent::Sgd { .. } | Descent::Adam => Ok(()),
    }
}
