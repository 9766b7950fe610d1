//! Conjugate gradients for one right-hand side.

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use crate::solver::{
    Solution, SolveError, SolveInfo, epsilon, remedy,
    vector::{System, to_host},
};

/// One system, and how far it is to be solved.
pub(super) struct Single<'a> {
    pub system: &'a System<'a>,
    pub max_iterations: usize,
    pub check_every: usize,
}

impl Single<'_> {
    /// Solves from `s`, whose residual is `residual`, with the evidence so far in `info`.
    pub fn solve(
        &self,
        mut s: Tensor<1>,
        mut residual: Tensor<1>,
        mut info: SolveInfo,
    ) -> Result<Solution, SolveError> {
        let (system, tolerance, max_iterations) =
            (self.system, info.tolerance, self.max_iterations);
        let mut target = tolerance;
        let mut stagnated = false;
        while info.true_residual > tolerance && info.iterations < max_iterations && !stagnated {
            let budget = max_iterations - info.iterations;
            let before = (s.clone(), info.true_residual);
            let (last, end) = self.descend(s, residual, target, budget, &mut info)?;
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
                        remedy: remedy::indefinite(system.operator),
                    });
                }
            }
        }

        let vector = system.unscaled(s)?;
        Solution { vector, info }.judge(|info| match stagnated {
            true => remedy::rounding(system.operator),
            false => format!(
                "raise max_iterations ({max_iterations}), the damping ({:.1e}) or the tolerance ({:.1e})",
                system.operator.law().damping,
                info.tolerance
            ),
        })
    }

    /// Iterates from the solution `s` with residual `r` until the recursive residual is at most `target`, the budget of
    /// iterations is spent or the matrix is seen not to be positive definite.
    fn descend(
        &self,
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
            let steps = self.check_every.min(end - info.iterations);
            let mut trace = Vec::with_capacity(2 * steps);
            for _ in 0..steps {
                let scalars;
                (iterate, scalars) = iterate.advance(self.system.operator)?;
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
                    return Err(SolveError::not_finite(
                        what,
                        self.system.operator,
                        &self.system.rhs,
                    ));
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
pub(in crate::solver) struct Iterate {
    pub(in crate::solver) s: Tensor<1>,
    r: Tensor<1>,
    p: Tensor<1>,
    rr: Tensor<1>,
    best: Tensor<1>,
    least: Tensor<1>,
    largest: Tensor<1>,
}

impl Iterate {
    pub(in crate::solver) fn new(s: Tensor<1>, r: Tensor<1>) -> Self {
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
    pub(in crate::solver) fn advance(
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
