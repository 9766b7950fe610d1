//! Minimise a smooth objective by steps of a Newton-like method.

use burn::Tensor;

use crate::ResponseError;

/// What is minimised.
pub(crate) trait Objective {
    /// The gradient at `theta`.
    fn gradient(&self, theta: &Tensor<1>) -> Result<Tensor<1>, ResponseError>;

    /// A step from `theta`, where the gradient is `gradient`: `-B^-1 gradient` for a positive definite model `B` of the Hessian,
    /// solved to the relative residual `accuracy`.
    fn step(
        &self,
        theta: &Tensor<1>,
        gradient: Tensor<1>,
        accuracy: f64,
    ) -> Result<Tensor<1>, ResponseError>;
}

/// A minimiser, and the evidence for it.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The parameters, of shape `[dim]`.
    pub theta: Tensor<1>,
    /// Norm of the objective's gradient at the start and after every step.
    pub gradient_norms: Vec<f64>,
}

impl Minimum {
    /// The gradient's norm at the minimiser, relative to the one at the start.
    pub fn relative_gradient(&self) -> f64 {
        match self.gradient_norms.as_slice() {
            [first, .., last] if *first > 0.0 => last / first,
            _ => 0.0,
        }
    }
}

/// Halvings of a step that does not lower the gradient's norm.
const HALVINGS: usize = 10;

/// Relative residual to which a step is solved. The next step makes up for it.
const ACCURACY: f64 = 1e-2;

/// Steps until the gradient's norm is at most `tolerance` times that at `theta`.
pub(crate) fn minimize(
    objective: &impl Objective,
    mut theta: Tensor<1>,
    tolerance: f64,
    max_steps: usize,
) -> Result<Minimum, ResponseError> {
    let mut gradient = objective.gradient(&theta)?;
    let mut norms = vec![norm(&gradient)?];
    while norms[norms.len() - 1] > tolerance * norms[0] {
        if norms.len() > max_steps {
            return Err(not_converged(
                Minimum {
                    theta,
                    gradient_norms: norms,
                },
                tolerance,
            ));
        }
        let mut step = objective.step(&theta, gradient.clone(), ACCURACY)?;
        let mut lowered = None;
        for _ in 0..HALVINGS {
            let candidate = theta.clone() + step.clone();
            let at_candidate = objective.gradient(&candidate)?;
            let size = norm(&at_candidate)?;
            if size < norms[norms.len() - 1] {
                lowered = Some((candidate, at_candidate, size));
                break;
            }
            step = step * 0.5;
        }
        let Some((candidate, at_candidate, size)) = lowered else {
            return Err(not_converged(
                Minimum {
                    theta,
                    gradient_norms: norms,
                },
                tolerance,
            ));
        };
        (theta, gradient) = (candidate, at_candidate);
        norms.push(size);
    }
    Ok(Minimum {
        theta,
        gradient_norms: norms,
    })
}

fn not_converged(minimum: Minimum, tolerance: f64) -> ResponseError {
    ResponseError::NotConverged {
        steps: minimum.gradient_norms.len() - 1,
        tolerance,
        minimum: Box::new(minimum),
    }
}

fn norm(v: &Tensor<1>) -> Result<f64, ResponseError> {
    let squared: f64 = v.clone().square().sum().into_scalar();
    if squared.is_finite() {
        Ok(squared.sqrt())
    } else {
        Err(ResponseError::Diverged)
    }
}
