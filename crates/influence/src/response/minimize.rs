//! Minimise an objective that is smooth, or smooth but for kinks.

use std::collections::VecDeque;

use burn::Tensor;
use serde::Serialize;

use super::ResponseError;
use crate::solver::norm;

/// What is minimised.
pub(super) trait Smooth {
    /// Norm below which a gradient is nothing but rounding.
    fn resolution(&self) -> f64;

    /// A lower bound of the curvature where the objective is convex.
    fn modulus(&self) -> f64;

    /// The value and the gradient at `theta`.
    fn value_and_gradient(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError>;

    /// Why the value or the gradient at `theta` is NaN or infinite.
    fn not_finite(&self, theta: &Tensor<1>) -> ResponseError;

    /// Whether the objective curves downwards at `theta`, reached in so many steps, where its gradient vanishes: then
    /// that is no minimum.
    fn curves_down(&self, theta: &Tensor<1>, steps: usize) -> Result<bool, ResponseError>;
}

/// When an objective counts as minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// The gradient's norm, relative to the one at the start.
    pub tolerance: f64,
    /// A piecewise smooth network (ReLU, max pooling) may have its minimum at a kink, where no gradient vanishes: the
    /// objective also counts as minimised once ten steps lower it by no more than this share of its whole decrease, and
    /// the gradient does not fall either.
    pub decrease: f64,
    /// Most steps.
    pub max_steps: usize,
}

impl Stop {
    pub(super) fn check(&self) -> Result<(), ResponseError> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let problem = format!("is {:?}, must lie between 0 and 1", self.tolerance);
            return Err(ResponseError::setting("tolerance", problem));
        }
        if !(self.decrease >= 0.0 && self.decrease < 1.0) {
            let problem = format!("is {:?}, must be 0 or more and less than 1", self.decrease);
            return Err(ResponseError::setting("decrease", problem));
        }
        Ok(())
    }
}

/// A minimiser, and the evidence for it.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The parameters, of shape `[dim]`.
    pub theta: Tensor<1>,
    /// Value of the objective at the start and after every step.
    pub values: Vec<f64>,
    /// Norm of the objective's gradient at the start and after every step. At a kink of a piecewise smooth network it
    /// stays above zero.
    pub gradient_norms: Vec<f64>,
}

impl Minimum {
    /// The gradient's norm at the minimiser, relative to the one at the start: 1 if no step was made, 0 if there was no
    /// gradient.
    pub fn relative_gradient(&self) -> f64 {
        match (self.gradient_norms.first(), self.gradient_norms.last()) {
            (Some(&first), Some(&last)) if first > 0.0 => last / first,
            _ => 0.0,
        }
    }

    /// The objective's decrease over the last ten steps, relative to its whole decrease; 1 if there were fewer steps.
    pub fn relative_decrease(&self) -> f64 {
        let last = self.values.len() - 1;
        if last < WINDOW {
            return 1.0;
        }
        let (whole, recent) = (self.values[0], self.values[last - WINDOW]);
        (recent - self.values[last]) / (whole - self.values[last]).max(f64::MIN_POSITIVE)
    }

    /// Whether neither the objective nor its gradient fell in the last ten steps.
    fn stalled(&self, decrease: f64) -> bool {
        let norms = &self.gradient_norms;
        let last = norms.len() - 1;
        self.relative_decrease() <= decrease && norms[last] > 0.5 * norms[last - WINDOW]
    }
}

/// Steps that are looked back on to see whether the descent has ended.
const WINDOW: usize = 10;
/// Pairs of steps and gradient changes that model the curvature.
const MEMORY: usize = 30;
/// Share of the slope that a step must at least descend, and that must at most remain at its end.
const ARMIJO: f64 = 1e-4;
const WOLFE: f64 = 0.9;
/// Trials of a step's length.
const TRIALS: usize = 30;
/// With curvature of at least `modulus`, the minimum lies within `|gradient| / modulus` of the start. So many times
/// further out, the descent has left the region in which the objective has a minimum.
const REACH: f64 = 2.0;
/// Differences of the objective below this share of its decrease are rounding: there the slopes decide.
const ROUNDING: f64 = 1e-9;

/// A point, its value, gradient and the gradient's norm.
struct Point {
    theta: Tensor<1>,
    value: f64,
    gradient: Tensor<1>,
    norm: f64,
}

impl Point {
    /// `None` where the objective or its gradient is NaN or infinite.
    fn at(objective: &impl Smooth, theta: Tensor<1>) -> Result<Option<Self>, ResponseError> {
        let (value, gradient) = objective.value_and_gradient(&theta)?;
        let norm = norm(&gradient)?;
        Ok((value.is_finite() && norm.is_finite()).then_some(Self {
            theta,
            value,
            gradient,
            norm,
        }))
    }
}

/// Descends from `theta` by L-BFGS (Nocedal 1980) with the bracketing line search of Lewis and Overton (2013), which
/// does not ask for smoothness. Tells `on_step` of each step, and of the gradient's norm relative to that at the start.
pub(super) fn minimize(
    objective: &impl Smooth,
    theta: Tensor<1>,
    stop: Stop,
    mut on_step: impl FnMut(usize, f64),
) -> Result<Minimum, ResponseError> {
    let Some(mut here) = Point::at(objective, theta.clone())? else {
        return Err(objective.not_finite(&theta));
    };
    let mut found = Minimum {
        theta: here.theta.clone(),
        values: vec![here.value],
        gradient_norms: vec![here.norm],
    };
    let start = here.theta.clone();
    // Infinite without a lower bound of the curvature.
    let reach = REACH * here.norm / objective.modulus();
    let enough = (stop.tolerance * here.norm).max(objective.resolution());
    let mut curvature = Curvature::default();
    while here.norm > enough {
        let steps = found.values.len() - 1;
        if steps >= stop.max_steps {
            found.theta = here.theta;
            return Err(ResponseError::NotConverged {
                steps,
                tolerance: stop.tolerance,
                minimum: Box::new(found),
            });
        }
        let slack = ROUNDING * (found.values[0] - here.value);
        let direction = curvature.direction(&here.gradient);
        // No step is longer than the least curvature allows.
        let longest = here.norm / (objective.modulus() * norm(&direction)?);
        let next = match search(objective, &here, direction * longest.min(1.0), slack)? {
            Some(next) => next,
            // The model may be at fault: try once more along the gradient.
            None if !curvature.pairs.is_empty() => {
                curvature.pairs.clear();
                continue;
            }
            // No step along the gradient lowers the objective: a kink, or the end of the float type's precision.
            None => break,
        };
        curvature.learn(&here, &next)?;
        here = next;
        if norm(&(here.theta.clone() - start.clone()))? > reach {
            return Err(ResponseError::Diverged);
        }
        found.values.push(here.value);
        found.gradient_norms.push(here.norm);
        on_step(found.values.len() - 1, found.relative_gradient());
        if found.values.len() > WINDOW && found.stalled(stop.decrease) {
            break;
        }
    }
    let steps = found.values.len() - 1;
    if here.norm <= enough && objective.curves_down(&here.theta, steps)? {
        return Err(ResponseError::Diverged);
    }
    found.theta = here.theta;
    Ok(found)
}

/// A point along `direction` that is lower and less steep; `None` if there is none within reach.
///
/// # Errors
/// [`ResponseError::Diverged`] if the objective falls ever more steeply, as far as numbers go.
fn search(
    objective: &impl Smooth,
    here: &Point,
    direction: Tensor<1>,
    slack: f64,
) -> Result<Option<Point>, ResponseError> {
    let slope = dot(&here.gradient, &direction)?;
    if slope >= 0.0 {
        return Ok(None);
    }
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    let mut ends = false;
    for _ in 0..TRIALS {
        let next = Point::at(objective, here.theta.clone() + direction.clone() * length)?;
        let slope_there = next.as_ref().map(|it| dot(&it.gradient, &direction));
        let (Some(next), Some(after)) = (next, slope_there.transpose()?) else {
            high = length;
            length = 0.5 * (low + high);
            continue;
        };
        let lower = next.value <= here.value + ARMIJO * length * slope;
        let flat = next.value <= here.value + slack && after <= (2.0 * ARMIJO - 1.0) * slope;
        if !(lower || flat) {
            (high, ends) = (length, true);
        } else if after < WOLFE * slope {
            low = length;
        } else {
            return Ok(Some(next));
        }
        length = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * low
        };
    }
    // It was lower and as steep wherever it was a number.
    match low > 0.0 && !ends {
        true => Err(ResponseError::Diverged),
        false => Ok(None),
    }
}

/// What the last steps tell of the inverse Hessian.
#[derive(Default)]
struct Curvature {
    /// Step, change of the gradient, and one over their product, of shape `[1]`.
    pairs: VecDeque<(Tensor<1>, Tensor<1>, Tensor<1>)>,
    /// The last pair's scale of the inverse Hessian, of shape `[1]`.
    scale: Option<Tensor<1>>,
}

impl Curvature {
    fn learn(&mut self, from: &Point, to: &Point) -> Result<(), ResponseError> {
        let step = to.theta.clone() - from.theta.clone();
        let change = to.gradient.clone() - from.gradient.clone();
        let product = (step.clone() * change.clone()).sum();
        let squared = change.clone().square().sum();
        let cosine: f64 = (product.clone() / squared.clone().sqrt()).try_into_scalar()?;
        if cosine > f64::EPSILON * norm(&step)? {
            self.scale = Some(product.clone() / squared);
            self.pairs.push_back((step, change, product.recip()));
            if self.pairs.len() > MEMORY {
                self.pairs.pop_front();
            }
        }
        Ok(())
    }

    /// `-H gradient` by the two-loop recursion; nothing is read back from the device.
    fn direction(&self, gradient: &Tensor<1>) -> Tensor<1> {
        let mut q = gradient.clone();
        let mut weights = Vec::with_capacity(self.pairs.len());
        for (step, change, inverse) in self.pairs.iter().rev() {
            let weight = (step.clone() * q.clone()).sum() * inverse.clone();
            q = q - change.clone() * weight.clone();
            weights.push(weight);
        }
        if let Some(scale) = &self.scale
            && !self.pairs.is_empty()
        {
            q = q * scale.clone();
        }
        for ((step, change, inverse), weight) in self.pairs.iter().zip(weights.into_iter().rev()) {
            let other = (change.clone() * q.clone()).sum() * inverse.clone();
            q = q + step.clone() * (weight - other);
        }
        -q
    }
}

fn dot(a: &Tensor<1>, b: &Tensor<1>) -> Result<f64, ResponseError> {
    let product: f64 = (a.clone() * b.clone()).sum().try_into_scalar()?;
    match product.is_finite() {
        true => Ok(product),
        false => Err(ResponseError::Diverged),
    }
}
