//! Conjugate gradients.

use backdraft_curvature::LinearOperator;
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use super::vector::{System, fitting, to_host};
use super::{
    Inverse, Solution, SolveError, SolveInfo, Solver, check_count, check_tolerance, epsilon, remedy,
};

const NAME: &str = "cg";

/// Settings of [`ConjugateGradient`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConjugateGradientConfig {
    /// Relative residual to reach. `None`: 1e-10 in f64, 1e-5 in f32, 1e-2 in half precision.
    pub tolerance: Option<f64>,
    /// Most iterations. `None`: ten times the dimension, or 1,000 if that is less.
    pub max_iterations: Option<usize>,
    /// Convergence is looked at every so many iterations; between looks nothing waits for the device. Up to one less
    /// than this many iterations are run in vain at the end, and more if the residual has risen again by then.
    pub check_every: usize,
}

impl Default for ConjugateGradientConfig {
    fn default() -> Self {
        Self {
            tolerance: None,
            max_iterations: None,
            check_every: 5,
        }
    }
}

impl ConjugateGradientConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a tolerance that is not between 0 and 1, or a count of zero.
    pub fn init(self) -> Result<ConjugateGradient, SolveError> {
        if let Some(tolerance) = self.tolerance {
            check_tolerance(tolerance)?;
            if tolerance >= 1.0 {
                return Err(SolveError::Setting {
                    name: "tolerance",
                    problem: format!("is {tolerance:?}, which a solution of zeros would meet"),
                });
            }
        }
        check_count("max_iterations", self.max_iterations.unwrap_or(1))?;
        check_count("check_every", self.check_every)?;
        Ok(ConjugateGradient { config: self })
    }
}

/// Conjugate gradients (Hestenes & Stiefel 1952), without preconditioner, for any positive definite operator.
///
/// When the recursive residual has reached the tolerance, the true residual `b - A s` is computed. If rounding has
/// driven the two apart, the iteration starts again from the current solution, for as long as every start at least
/// halves the true residual.
#[derive(Clone, Debug, Default)]
pub struct ConjugateGradient {
    config: ConjugateGradientConfig,
}

impl ConjugateGradient {
    /// Solves `A s = rhs` from `s = 0`.
    ///
    /// # Errors
    /// [`SolveError::NotConverged`] and [`SolveError::NegativeCurvature`], both with the iterate of the least residual;
    /// otherwise as
    /// [`Inverse::solve`].
    pub fn solve(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
    ) -> Result<Solution, SolveError> {
        self.run(operator, rhs, None)
            .map_err(|error| error.on(operator))
    }

    /// Solves `A s = rhs` from `s = start`, of shape `[dim]`.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn solve_from(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
        start: Tensor<1>,
    ) -> Result<Solution, SolveError> {
        self.run(operator, rhs, Some(start))
            .map_err(|error| error.on(operator))
    }

    fn run(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
        start: Option<Tensor<1>>,
    ) -> Result<Solution, SolveError> {
        let tolerance = self.tolerance(operator.dtype())?;
        let max_iterations = self
            .config
            .max_iterations
            .unwrap_or_else(|| operator.dim().saturating_mul(10).min(1_000));
        let start = start
            .map(|start| fitting(operator, "the start", &start))
            .transpose()?;
        let Some(system) = System::new(operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, tolerance));
        };

        let mut info = SolveInfo::new(NAME, tolerance);
        let mut s = system.rhs.zeros_like();
        let mut residual = system.rhs.clone();
        info.true_residual = 1.0;
        if let Some(start) = start {
            s = start / system.norm;
            (residual, info.true_residual) = system.residual(&s)?;
            info.products += 1.0;
        }
        info.residuals.push(info.true_residual);

        let mut target = tolerance;
        let mut stagnated = false;
        while info.true_residual > tolerance && info.iterations < max_iterations && !stagnated {
            let budget = max_iterations - info.iterations;
            let before = (s.clone(), info.true_residual);
            let (last, end) = self.descend(&system, s, residual, target, budget, &mut info)?;
            let reached = matches!(end, End::Reached);
            s = if reached { last.s } else { last.best.clone() };
            (residual, info.true_residual) = system.residual(&s)?;
            info.products += 1.0;
            let gained = info.true_residual <= 0.5 * before.1;
            if reached && info.true_residual > before.1 {
                s = last.best;
                (residual, info.true_residual) = system.residual(&s)?;
                info.products += 1.0;
            }
            if info.true_residual > before.1 {
                (s, info.true_residual) = before;
            }
            if info.true_residual <= tolerance {
                break;
            }
            match end {
                End::Reached => {
                    stagnated = !gained;
                    // Some room, so that the next round cannot end a hair above the tolerance.
                    target = 0.5 * tolerance;
                }
                End::Spent => {}
                End::Lost => stagnated = true,
                End::Indefinite {
                    iteration,
                    curvature,
                } => {
                    info.converged = false;
                    let vector = system.unscaled(s)?;
                    return Err(SolveError::NegativeCurvature {
                        iteration,
                        curvature,
                        solution: Box::new(Solution { vector, info }),
                        remedy: remedy::indefinite(operator),
                    });
                }
            }
        }

        let vector = system.unscaled(s)?;
        Solution { vector, info }.judge(|info| match stagnated {
            true => remedy::rounding(operator),
            false => format!(
                "raise max_iterations ({max_iterations}), the damping ({:.1e}) or the tolerance ({:.1e})",
                operator.law().damping,
                info.tolerance
            ),
        })
    }

    /// Iterates from the solution `s` with residual `r` until the recursive residual is at most `target`, the budget of
    /// iterations is spent or the matrix is seen not to be positive definite.
    fn descend(
        &self,
        system: &System,
        s: Tensor<1>,
        r: Tensor<1>,
        target: f64,
        budget: usize,
        info: &mut SolveInfo,
    ) -> Result<(Iterate, End), SolveError> {
        let end = info.iterations + budget;
        let mut iterate = Iterate::new(s, r);
        while info.iterations < end {
            let first = info.iterations + 1;
            let steps = self.config.check_every.min(end - info.iterations);
            let mut trace = Vec::with_capacity(2 * steps);
            for _ in 0..steps {
                let scalars;
                (iterate, scalars) = iterate.advance(system.operator)?;
                trace.extend(scalars);
            }
            info.iterations += steps;
            info.products += steps as f64;

            let mut residuals = Vec::with_capacity(steps);
            for (step, pair) in to_host(Tensor::cat(trace, 0))?.chunks_exact(2).enumerate() {
                let (curvature, squared) = (pair[0], pair[1]);
                // Past the exact solution there is no direction any more, and the iterate stays where it is.
                let vanished = residuals
                    .last()
                    .is_some_and(|last| *last <= f64::EPSILON * target);
                if vanished {
                    break;
                }
                // Along a direction of almost no curvature the iterate goes so far that its residual overflows.
                if curvature.is_finite() && !squared.is_finite() && first + step > 1 {
                    info.residuals.extend(residuals);
                    return Ok((iterate, End::Lost));
                }
                if !(curvature.is_finite() && squared.is_finite()) {
                    let what = "a product of conjugate gradients";
                    return Err(SolveError::not_finite(what, system.operator, &system.rhs));
                }
                if curvature <= 0.0 {
                    let iteration = first + step;
                    info.residuals.extend(residuals);
                    let end = End::Indefinite {
                        iteration,
                        curvature,
                    };
                    return Ok((iterate, end));
                }
                residuals.push(squared.sqrt());
            }
            // Residuals rise and fall on their way down: the last is that of the solution at hand.
            if residuals.last().is_some_and(|last| *last <= target) {
                let reached = residuals.iter().position(|it| *it <= target);
                residuals.truncate(reached.map_or(steps, |first| first + 1));
                info.residuals.extend(residuals);
                return Ok((iterate, End::Reached));
            }
            info.residuals.extend(residuals);
        }
        Ok((iterate, End::Spent))
    }

    fn tolerance(&self, dtype: DType) -> Result<f64, SolveError> {
        let tolerance = self.config.tolerance.unwrap_or(match dtype {
            DType::F64 => 1e-10,
            DType::F32 => 1e-5,
            _ => 1e-2,
        });
        if tolerance < epsilon(dtype) {
            return Err(SolveError::Setting {
                name: "tolerance",
                problem: format!(
                    "is {tolerance:e}, below the precision of {dtype:?} ({:.1e})",
                    epsilon(dtype)
                ),
            });
        }
        Ok(tolerance)
    }
}

/// How a descent ended.
enum End {
    /// At the residual asked for.
    Reached,
    /// With no iterations left.
    Spent,
    /// At a residual that overflows.
    Lost,
    /// At a direction along which the matrix is not positive.
    Indefinite { iteration: usize, curvature: f64 },
}

/// Roundings of the matrix times the solution above which a recursive residual is still the true one.
const ROUNDINGS: f64 = 10.0;

/// The solution, its residual, the direction, and the residual's square; and of the solutions so far whose recursive
/// residual can be trusted the one of the least, with the square of that and the largest Rayleigh quotient seen.
pub(super) struct Iterate {
    pub(super) s: Tensor<1>,
    r: Tensor<1>,
    p: Tensor<1>,
    rr: Tensor<1>,
    best: Tensor<1>,
    least: Tensor<1>,
    largest: Tensor<1>,
}

impl Iterate {
    pub(super) fn new(s: Tensor<1>, r: Tensor<1>) -> Self {
        let rr = r.clone().dot(r.clone());
        Self {
            best: s.clone(),
            s,
            p: r.clone(),
            r,
            least: rr.clone(),
            largest: rr.zeros_like(),
            rr,
        }
    }

    /// One iteration, which waits for nothing: the direction's Rayleigh quotient and the new residual's square, still
    /// on the device.
    pub(super) fn advance(
        self,
        operator: &dyn LinearOperator,
    ) -> Result<(Self, [Tensor<1>; 2]), SolveError> {
        let Self {
            s,
            r,
            p,
            rr,
            best,
            least,
            largest,
        } = self;
        let ap = operator.product(p.clone())?;
        let pap = p.clone().dot(ap.clone());
        let curvature = pap.clone() / p.clone().dot(p.clone());
        let alpha = ratio(rr.clone(), pap);
        let s = s + p.clone() * alpha.clone();
        let r = r - ap * alpha;
        let next = r.clone().dot(r.clone());
        let p = r.clone() + p * ratio(next.clone(), rr);
        let rr = next.clone();
        let largest = largest.max_pair(curvature.clone());
        let rounding = largest.clone() * (ROUNDINGS * epsilon(operator.dtype()));
        let rounding = rounding.square() * s.clone().dot(s.clone());
        let better = next.clone().lower(least.clone());
        let better = better.bool_and(next.clone().greater(rounding));
        let iterate = Self {
            best: best.mask_where(better.clone().expand(s.dims()), s.clone()),
            least: least.mask_where(better, next.clone()),
            largest,
            s,
            r,
            p,
            rr,
        };
        Ok((iterate, [curvature, next]))
    }
}

/// `a / b` of one element each; 0 where `b` is not positive, which stops the iteration in place once the residual has
/// vanished (or the curvature is negative) before the host has looked.
fn ratio(a: Tensor<1>, b: Tensor<1>) -> Tensor<1> {
    let stop = b.clone().lower_equal_scalar(0.0);
    (a / b).mask_fill(stop, 0.0)
}

struct Ready<'a> {
    solver: &'a ConjugateGradient,
    operator: &'a dyn LinearOperator,
}

impl Inverse for Ready<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        self.solver.solve(self.operator, rhs)
    }
}

impl Solver for ConjugateGradient {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(Ready {
            solver: self,
            operator,
        }))
    }
}
