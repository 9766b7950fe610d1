//! A flow on its way.

use backdraft_optimize::norm;
use burn::Tensor;

use super::{
    FlowError, FlowPath, FlowState, GradientFlowConfig,
    dormand_prince::{EVALUATIONS, Place, step},
    step_size::StepSize,
};
use crate::response::ResponseObjective;

/// Roundings of the whole time below which there is no step.
const ROUNDINGS: f64 = 16.0;

/// Where a flow is, and how it got there.
pub(super) struct Walk<'a> {
    config: &'a GradientFlowConfig,
    objective: &'a ResponseObjective<'a>,
    time: f64,
    end: f64,
    here: Place,
    steps: StepSize,
    pub path: FlowPath,
}

impl<'a> Walk<'a> {
    /// Begins at `theta` at `time`, on the way to `end`.
    pub fn begin(
        config: &'a GradientFlowConfig,
        objective: &'a ResponseObjective<'a>,
        (time, theta): (f64, Tensor<1>),
        end: f64,
    ) -> Result<Self, FlowError> {
        // It says why, where this is no number.
        let (value, gradient) = objective.value_and_gradient(&theta)?;
        let mut walk = Self {
            config,
            objective,
            time,
            end,
            here: Place {
                theta,
                value,
                gradient,
            },
            steps: StepSize::new(0.0),
            path: FlowPath {
                states: Vec::new(),
                steps: 0,
                rejected: 0,
                evaluations: 1,
            },
        };
        if time < end {
            walk.steps = StepSize::new(walk.first_size()?);
        }
        Ok(walk)
    }

    /// Goes on to `time`, and keeps what is there; `on_step` is told each time on the way.
    pub fn reach(&mut self, time: f64, on_step: &mut dyn FnMut(f64)) -> Result<(), FlowError> {
        while self.time < time {
            let tried = self.path.steps + self.path.rejected;
            if tried >= self.config.max_steps {
                return Err(FlowError::TooManySteps {
                    steps: tried,
                    time: self.time,
                    end: self.end,
                    size: self.steps.size,
                });
            }
            let left = time - self.time;
            // The last two steps to a time are alike, so that none is very short.
            let lands = self.steps.size >= left;
            let size = match lands {
                true => left,
                false => self.steps.size.min(0.5 * left),
            };
            let (there, error) = step(&self.here, size, |theta| self.examine(theta))?;
            self.path.evaluations += EVALUATIONS;
            let error = self.relative(error, &there.theta)?;
            // What is no number where it ends shows in the next gradient, too.
            let error = if there.value.is_finite() {
                error
            } else {
                f64::NAN
            };
            if self.steps.passes(size, error) {
                self.time = if lands { time } else { self.time + size };
                self.here = there;
                self.path.steps += 1;
                on_step(self.time);
                continue;
            }
            self.path.rejected += 1;
            if self.steps.size <= ROUNDINGS * f64::EPSILON * self.end {
                let (time, size) = (self.time, size);
                return Err(FlowError::Diverged { time, size });
            }
        }
        self.path.states.push(FlowState {
            time,
            theta: self.here.theta.clone(),
            value: self.here.value,
            gradient_norm: norm(&self.here.gradient)?,
        });
        Ok(())
    }

    fn examine(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), FlowError> {
        Ok(self.objective.evaluate_unchecked(theta)?)
    }

    /// The root of the mean square of a vector, each number in units of what is let pass of its parameter, which may be
    /// here or at `there`.
    fn relative(&self, vector: Tensor<1>, there: &Tensor<1>) -> Result<f64, FlowError> {
        let size = self.here.theta.clone().abs().max_pair(there.clone().abs());
        let scale = size * self.config.relative_tolerance + self.config.absolute_tolerance;
        let square: f64 = (vector / scale).square().mean().try_into_scalar()?;
        Ok(square.sqrt())
    }

    /// A first step for which the error is probably let pass (Hairer, Norsett & Wanner, Solving Ordinary Differential
    /// Equations I, II.4).
    fn first_size(&mut self) -> Result<f64, FlowError> {
        let left = self.end - self.time;
        let Place {
            theta, gradient, ..
        } = self.here.clone();
        let size = self.relative(theta.clone(), &theta)?;
        let slope = self.relative(gradient.clone(), &theta)?;
        // Where nothing moves any step will do.
        if slope == 0.0 {
            return Ok(left);
        }
        let least = 1e-6 * left;
        let trial = match size < 1e-5 {
            true => least,
            false => (0.01 * size / slope).min(left),
        };
        let (_, next) = self.examine(&(theta.clone() - gradient.clone() * trial))?;
        self.path.evaluations += 1;
        let bend = self.relative(next - gradient, &theta)? / trial;
        let most = slope.max(bend);
        let found = match most.is_finite() && most > 1e-15 {
            true => (0.01 / most).powf(0.2),
            false => least.max(1e-3 * trial),
        };
        Ok(found.min(100.0 * trial).min(left))
    }
}
