//! Gradient flow of an objective.

use burn::{Tensor, tensor::DType};
use serde::{Deserialize, Serialize};

use super::{FlowError, FlowPath, FlowState, walk::Walk};
use crate::response::{Removal, ResponseKind, ResponseObjective, Responses};

/// Settings of a [`GradientFlow`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GradientFlowConfig {
    /// The error of a step that is let pass, in units of each parameter. The error at the end is about as large, for
    /// what a flow does to errors is to make them smaller wherever the objective is convex.
    pub relative_tolerance: f64,
    /// The same of a parameter that is 0.
    pub absolute_tolerance: f64,
    /// Most steps from the first time to the last, those tried in vain among them.
    pub max_steps: usize,
}

impl Default for GradientFlowConfig {
    /// Tolerances of 1e-6 and 1e-9, and at most 100,000 steps.
    fn default() -> Self {
        Self {
            relative_tolerance: 1e-6,
            absolute_tolerance: 1e-9,
            max_steps: 100_000,
        }
    }
}

impl GradientFlowConfig {
    /// The method with these settings.
    ///
    /// # Errors
    /// [`FlowError::Setting`] for tolerances that are not positive and below 1, or no steps.
    pub fn init(self) -> Result<GradientFlow, FlowError> {
        let tolerances = [
            ("relative_tolerance", self.relative_tolerance),
            ("absolute_tolerance", self.absolute_tolerance),
        ];
        for (name, tolerance) in tolerances {
            if !(tolerance > 0.0 && tolerance < 1.0) {
                let problem = format!("is {tolerance:?}, must lie between 0 and 1");
                return Err(FlowError::setting(name, problem));
            }
        }
        if self.max_steps == 0 {
            return Err(FlowError::setting("max_steps", "is 0, must be at least 1"));
        }
        Ok(GradientFlow { config: self })
    }
}

/// Gradient flow: what gradient descent does in the limit of short steps,
///
/// ```text
/// d theta / dt = -grad F(theta)
/// ```
///
/// for any [`ResponseObjective`] `F`. Of [`ResponseKind::Retraining`] with the weight `1 - eps` taken off an example,
/// of which each counts `1/N`, it is `theta(t, eps)`, a homotopy of the ways that training takes: `eps` of 1 with the
/// example, 0 without it. Time is step size times number of steps of gradient descent on the *mean* loss; where risks
/// are sums, it runs `N` times faster.
///
/// It is followed by the method of Dormand and Prince (1980), of fifth order with an error estimate of fourth, which
/// settles the steps. A network with kinks (ReLU) may flow into one and slide along it, which takes many tiny steps;
/// one with smooth activations does not. A flow ends exactly at the times asked for. The numbers depend on these times
/// too, for the steps do.
#[derive(Clone, Debug)]
pub struct GradientFlow {
    config: GradientFlowConfig,
}

impl GradientFlow {
    /// Follows the flow from `theta`, `[dim]`, at time 0, through `times`, which do not fall. A time of 0 is the start.
    ///
    /// # Errors
    /// [`FlowError::Setting`] for times that fall, are negative, not finite, or none, and for a tolerance that the
    /// float type cannot tell; [`FlowError::TooManySteps`], [`FlowError::Diverged`]; [`FlowError::Response`], among
    /// others for a start where the objective is NaN or infinite.
    pub fn follow(
        &self,
        objective: &ResponseObjective<'_>,
        theta: Tensor<1>,
        times: &[f64],
    ) -> Result<FlowPath, FlowError> {
        self.follow_with(objective, (0.0, theta), times, |_| {})
    }

    /// Goes on from where another flow, as a rule of another objective, was at its time. With one of the full data
    /// until `s`, and the objective without an example from there to `T`, this is `theta(T, s)`.
    ///
    /// # Errors
    /// As [`follow`](Self::follow); [`FlowError::Setting`] for a time before the state's: `s > T`.
    pub fn switch(
        &self,
        objective: &ResponseObjective<'_>,
        from: &FlowState,
        times: &[f64],
    ) -> Result<FlowPath, FlowError> {
        self.follow_with(objective, (from.time, from.theta.clone()), times, |_| {})
    }

    /// Either, from parameters at a time; `on_step` is told the time after each step.
    ///
    /// # Errors
    /// As [`switch`](Self::switch).
    pub fn follow_with(
        &self,
        objective: &ResponseObjective<'_>,
        (time, theta): (f64, Tensor<1>),
        times: &[f64],
        mut on_step: impl FnMut(f64),
    ) -> Result<FlowPath, FlowError> {
        let end = check_times(time, times)?;
        self.check_precision(objective.theta().dtype())?;
        let theta = objective.vectors(theta)?;
        let mut walk = Walk::begin(&self.config, objective, (time, theta), end)?;
        for &time in times {
            walk.reach(time, &mut on_step)?;
        }
        Ok(walk.path)
    }

    /// The homotopy `theta(t, eps)`: for each of `weights`, the flow of the cost in which each of `examples` counts so
    /// much, 1 as it is and 0 without them, from `theta` through `times`.
    ///
    /// # Errors
    /// As [`follow`](Self::follow), and those of [`Responses::objective`].
    pub fn surface(
        &self,
        responses: &Responses,
        examples: &[usize],
        weights: &[f64],
        theta: &Tensor<1>,
        times: &[f64],
    ) -> Result<Vec<FlowPath>, FlowError> {
        let n = responses.cost().len() as f64;
        let paths = weights.iter().map(|weight| {
            let removal = Removal::downweight(examples.to_vec(), (1.0 - weight) / n);
            let objective = responses.objective(ResponseKind::Retraining, removal)?;
            self.follow(&objective, theta.clone(), times)
        });
        paths.collect()
    }

    /// Refuses tolerances that are lost in the rounding of the parameters.
    fn check_precision(&self, dtype: DType) -> Result<(), FlowError> {
        const ROUNDINGS: f64 = 8.0;
        let precision = dtype.finfo().map_or(0.0, |info| info.epsilon);
        let (given, least) = (self.config.relative_tolerance, ROUNDINGS * precision);
        if given >= least {
            return Ok(());
        }
        let problem = format!(
            "is {given:?}, and {dtype:?} tells no less than {least:.1e} apart: raise it, or compute in f64"
        );
        Err(FlowError::setting("relative_tolerance", problem))
    }
}

/// The last time, if they do not fall.
fn check_times(start: f64, times: &[f64]) -> Result<f64, FlowError> {
    let mut last = start;
    if !(start.is_finite() && start >= 0.0) {
        let problem = format!("begin at {start:?}: they must be finite and not negative");
        return Err(FlowError::setting("times", problem));
    }
    if times.is_empty() {
        return Err(FlowError::setting("times", "has none: name at least one"));
    }
    for &time in times {
        if !time.is_finite() {
            let problem = format!("has {time:?}: they must be finite");
            return Err(FlowError::setting("times", problem));
        }
        if time < last {
            let problem = format!("has {time:?} after {last:?}: a flow does not go back in time");
            return Err(FlowError::setting("times", problem));
        }
        last = time;
    }
    Ok(last)
}
