//! The minimum of logistic regression, by Newton's method.

use backdraft_dense::DenseMatrix;
use serde::{Deserialize, Serialize};

use super::{
    ClosedFormError, DesignConfig, LogisticFit,
    design::{add, dot},
    logits::Logits,
};

/// The change of any logit below which a Newton step is one at the minimum: where classes are told apart without an
/// error, the gradient vanishes too, but each step moves logits by about 1.
const SETTLED: f64 = 1e-6;
/// Halvings of a step that does not lower the objective.
const HALVINGS: usize = 60;
/// The share of the predicted decrease that a step must bring.
const SUFFICIENT: f64 = 1e-4;

/// Settings of a logistic regression.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogisticConfig {
    /// What the model is made of beside its inputs.
    pub design: DesignConfig,
    /// Logits of an example: 1 for two classes, by the logistic function; else one a class, by the softmax.
    pub outputs: usize,
    /// The norm of the gradient to reach, in units of that with all coefficients 0.
    pub tolerance: f64,
    /// Most Newton steps.
    pub max_steps: usize,
}

impl LogisticConfig {
    /// With an intercept, no ridge, a tolerance of 1e-12 and at most 100 steps.
    pub fn new(outputs: usize) -> Self {
        Self {
            design: DesignConfig::default(),
            outputs,
            tolerance: 1e-12,
            max_steps: 100,
        }
    }

    /// The minimum for `classes`, one a row of `inputs`, `[N, inputs]`.
    ///
    /// # Errors
    /// [`ClosedFormError::Separable`], [`ClosedFormError::Collinear`] and [`ClosedFormError::Shift`] where there is no
    /// single minimum; [`ClosedFormError::NotConverged`]; [`ClosedFormError::Class`], [`ClosedFormError::Empty`],
    /// [`ClosedFormError::Length`], [`ClosedFormError::NotFinite`], [`ClosedFormError::Setting`],
    /// [`ClosedFormError::Overflow`].
    pub fn fit(
        &self,
        inputs: &DenseMatrix,
        classes: &[usize],
    ) -> Result<LogisticFit, ClosedFormError> {
        let tolerance = self.tolerance;
        if !(tolerance.is_finite() && tolerance > 0.0) {
            return Err(ClosedFormError::Setting {
                name: "tolerance",
                problem: format!("is {tolerance:?}, must be positive and finite"),
            });
        }
        let logits = Logits::new(inputs, classes, *self)?;
        let mut theta = vec![0.0; logits.dim()];
        let mut gradient = logits.gradient(&theta);
        let scale = norm(&gradient);
        for step in 0.. {
            let factor = logits.factor(&theta).map_err(|error| match step {
                0 => error,
                steps => separable(steps, &theta),
            })?;
            let mut direction: Vec<f64> = gradient.iter().map(|it| -it).collect();
            factor.solve(&mut direction);
            let moved = logits.largest_logit(&direction);
            if !moved.is_finite() {
                let what = "a Newton step";
                return Err(ClosedFormError::Overflow { what });
            }
            if norm(&gradient) <= tolerance * scale && moved <= SETTLED {
                return LogisticFit::of(logits, theta);
            }
            if step == self.max_steps {
                return Err(match moved > SETTLED && norm(&gradient) <= 1e-3 * scale {
                    true => separable(step, &theta),
                    false => ClosedFormError::NotConverged {
                        steps: step,
                        gradient: norm(&gradient) / logits.len() as f64,
                        tolerance: tolerance * scale / logits.len() as f64,
                    },
                });
            }
            theta = descend(&logits, theta, &gradient, &direction);
            gradient = logits.gradient(&theta);
        }
        unreachable!("the loop ends by its number of steps")
    }

    /// The same at `parameters`, as [`LogisticFit::parameters`] has them, which need not be the minimum: how far they
    /// are from it is [`LogisticFit::gradient_norm`].
    ///
    /// # Errors
    /// As [`fit`](Self::fit), but for what concerns the way to the minimum.
    pub fn at(
        &self,
        inputs: &DenseMatrix,
        classes: &[usize],
        parameters: &[f64],
    ) -> Result<LogisticFit, ClosedFormError> {
        let logits = Logits::new(inputs, classes, *self)?;
        if parameters.len() != logits.dim() {
            return Err(ClosedFormError::Length {
                what: "parameters",
                expected: logits.dim(),
                found: parameters.len(),
            });
        }
        LogisticFit::of(logits, parameters.to_vec())
    }
}

fn separable(steps: usize, theta: &[f64]) -> ClosedFormError {
    let largest = theta.iter().fold(0.0, |most: f64, it| most.max(it.abs()));
    ClosedFormError::Separable { steps, largest }
}

/// The coefficients after a step along `direction`: the whole one, or half of it and so on until the objective falls.
fn descend(logits: &Logits, theta: Vec<f64>, gradient: &[f64], direction: &[f64]) -> Vec<f64> {
    let slope = dot(gradient, direction);
    let start = logits.value(&theta);
    let mut length = 1.0;
    let moved = |length| {
        let mut moved = theta.clone();
        add(&mut moved, length, direction);
        moved
    };
    // Where rounding hides the decrease, the whole step is as good as can be.
    if -slope <= 1e-10 * start.abs().max(1.0) {
        return moved(length);
    }
    for _ in 0..HALVINGS {
        let there = moved(length);
        if logits.value(&there) <= start + SUFFICIENT * length * slope {
            return there;
        }
        length *= 0.5;
    }
    moved(length)
}

fn norm(v: &[f64]) -> f64 {
    dot(v, v).sqrt()
}
