//! What one Newton step says of removals: influence, corrected for the curvature that goes with the examples.

use std::ops::Range;

use backdraft_curvature::{Cause, Cost, ExampleRoot, LinearOperator};
use backdraft_dense::{DenseMatrix, Eigen};
use burn::tensor::{DType, Tensor};

use super::{Leverage, correction::Correction};
use crate::{
    Inverse, SolveError,
    response::{Removal, check_finite, mean_gradients},
    solver::{inner, mix},
};

/// Bytes of rows that are solved for at once: 256 MiB.
const ROWS: usize = 256 << 20;
/// Most rows that are solved for at once.
const AT_ONCE: usize = 1_024;

/// Where one Newton step of the response's objective leads when examples are removed.
#[derive(Clone, Debug)]
pub struct NewtonEstimate {
    /// The predicted change of the parameters, `theta(without) - theta(with)`, `[dim]`.
    pub vector: Tensor<1>,
    /// Influence's prediction of the same, `eps A^-1 grad`, which the step corrects.
    pub influence: Tensor<1>,
    /// How far the examples are fitted by themselves alone.
    pub leverage: Leverage,
    /// The largest relative residual of the systems that were solved.
    pub true_residual: f64,
}

/// The Newton estimates of several removals from the examples of `train`:
///
/// ```text
/// theta(without) - theta(with)  ~  (A - sum of eps_z H_z)^-1 sum of eps_z grad L(z)
/// ```
///
/// where influence has `A^-1`, the curvature with the examples still in it: the first Newton step towards the minimum
/// of the proximal Bregman objective without them (Koh et al. 2019, "On the Accuracy of Influence Functions for
/// Measuring Group Effects", Section 3; for least squares it is exact, Cook & Weisberg 1982). `H_z` is a removed
/// example's own part of `matrix`, of rank at most its outputs, so that by Woodbury's formula it takes a solve for each
/// output of each removed example beside influence's: all in the blocks of [`Inverse::solve_many`]. Directions that
/// cannot add to the estimate, as their curvature is far below the damping, are left out.
///
/// `matrix` is the damped curvature of `train`, a sum of squares over examples
/// ([`LinearOperator::example_root`]), and `inverse` its inverse. For other matrices, and for groups of which examples
/// times outputs are many, [`newton_step`](super::newton_step) solves with the curvature of the rest.
///
/// # Errors
/// What fails for all: [`SolveError::NoRoot`] for another matrix; [`SolveError::Setting`] for an `epsilon` that is not
/// finite. Each result: [`SolveError::FittedAlone`], and the solver's.
pub fn newton_estimates(
    train: &Cost,
    matrix: &dyn LinearOperator,
    inverse: &dyn Inverse,
    removals: &[Removal],
) -> Result<Vec<Result<NewtonEstimate, SolveError>>, SolveError> {
    let root = example_root(matrix)?;
    check_finite(removals)?;
    let each = root.rows_per_example()?;
    let bytes = matrix.dim() * matrix.dtype().size();
    let most = (ROWS / bytes.max(1)).clamp(1, AT_ONCE);
    let mut found = Vec::with_capacity(removals.len());
    let mut start = 0;
    while start < removals.len() {
        let (mut end, mut rows) = (start, 0);
        while end < removals.len() && (end == start || rows < most) {
            rows += removals[end].examples.len() * each;
            end += 1;
        }
        let together = &removals[start..end];
        let rows = ScaledRows::new(&root, matrix, together)?;
        found.extend(rows.estimates(train, inverse, together)?);
        start = end;
    }
    Ok(found)
}

/// The rows that `matrix` is made of.
pub(super) fn example_root(matrix: &dyn LinearOperator) -> Result<ExampleRoot<'_>, SolveError> {
    let none = || SolveError::NoRoot {
        name: matrix.law().name,
    };
    matrix.example_root().ok_or_else(none)
}

/// The rows of several removals, times the roots of their weights.
struct ScaledRows {
    /// `[rows, dim]`.
    rows: Tensor<2>,
    /// Which rows are each removal's.
    of: Vec<Range<usize>>,
    /// Of the weights of each removal, a sign a row.
    signs: Vec<Vec<f64>>,
}

impl ScaledRows {
    /// With directions of negligible curvature left out: `S` has at most `|row|^2 / damping` of each.
    fn new(
        root: &ExampleRoot<'_>,
        matrix: &dyn LinearOperator,
        removals: &[Removal],
    ) -> Result<Self, SolveError> {
        let examples: Vec<usize> = removals.iter().flat_map(|it| it.examples.clone()).collect();
        let zero = || Tensor::zeros([0, matrix.dim()], (&matrix.device(), matrix.dtype()));
        if examples.is_empty() {
            return Ok(Self {
                rows: zero(),
                of: vec![0..0; removals.len()],
                signs: vec![Vec::new(); removals.len()],
            });
        }
        let all = root.rows_of(&examples)?;
        let each = all.dims()[0] / examples.len();
        let gram = inner(&all, &all)?.symmetric();
        let negligible = negligible(matrix);
        let (mut mixtures, mut of, mut signs) = (Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        for removal in removals {
            let end = start + each * removal.examples.len();
            let first = mixtures.len();
            let weights = removal.weights().flat_map(|(_, it)| vec![it; each]);
            let weights: Vec<f64> = weights.collect();
            let mut of_signs = Vec::new();
            for sign in [1.0, -1.0] {
                // Those of one sign together: rows that are mixtures of both have none.
                let roots = weights
                    .iter()
                    .enumerate()
                    .filter(|(_, it)| **it * sign > 0.0);
                let roots: Vec<(usize, f64)> = roots
                    .map(|(row, it)| (start + row, it.abs().sqrt()))
                    .collect();
                let block = DenseMatrix::from_fn(roots.len(), roots.len(), |i, j| {
                    let ((i, left), (j, right)) = (roots[i], roots[j]);
                    left * right * gram.get(i, j)
                });
                let Some(eigen) = Eigen::new(&block) else {
                    return Err(not_finite(matrix));
                };
                for (k, &value) in eigen.values.iter().enumerate().rev() {
                    if value > negligible {
                        let mut mixture = vec![0.0; all.dims()[0]];
                        for ((row, root), u) in roots.iter().zip(eigen.vectors.row(k)) {
                            mixture[*row] = root * u;
                        }
                        mixtures.push(mixture);
                        of_signs.push(sign);
                    }
                }
            }
            of.push(first..mixtures.len());
            signs.push(of_signs);
            start = end;
        }
        let rows = match mixtures.len() {
            0 => zero(),
            count => {
                let mixtures = DenseMatrix::new(count, all.dims()[0], mixtures.concat());
                mix(&mixtures, &all)
            }
        };
        Ok(Self { rows, of, signs })
    }

    fn estimates(
        self,
        train: &Cost,
        inverse: &dyn Inverse,
        removals: &[Removal],
    ) -> Result<Vec<Result<NewtonEstimate, SolveError>>, SolveError> {
        let gradients = mean_gradients(train, removals)?.into_iter().zip(removals);
        let gradients = gradients.map(|(gradient, removal)| {
            gradient * (removal.epsilon * removal.examples.len() as f64)
        });
        let mut right: Vec<Tensor<1>> = gradients.collect();
        let [count, dim] = self.rows.dims();
        right.extend((0..count).map(|row| self.rows.clone().slice(row..row + 1).reshape([dim])));
        let mut solved = inverse.solve_many(right)?;
        let of_rows = solved.split_off(removals.len());
        let mut of_rows: Vec<Option<_>> = of_rows.into_iter().map(Some).collect();
        let estimate = |(place, influence): (usize, Result<_, SolveError>)| {
            let solutions = self.of[place].clone().map(|row| of_rows[row].take());
            let solutions = solutions.map(|it| it.expect("rows are of one removal"));
            let solutions = solutions.collect::<Result<Vec<_>, _>>();
            self.estimate(place, influence?, solutions?)
        };
        Ok(solved.into_iter().enumerate().map(estimate).collect())
    }

    /// Of the removal at `place`, from influence's prediction and the solutions for its rows.
    fn estimate(
        &self,
        place: usize,
        influence: crate::Solution,
        solutions: Vec<crate::Solution>,
    ) -> Result<NewtonEstimate, SolveError> {
        let residuals = solutions.iter().chain([&influence]);
        let true_residual = residuals.fold(0.0, |most: f64, it| most.max(it.info.true_residual));
        let influence = influence.vector;
        if solutions.is_empty() {
            return Ok(NewtonEstimate {
                vector: influence.clone(),
                influence,
                leverage: Leverage::default(),
                true_residual,
            });
        }
        let rows = self.rows.clone().slice(self.of[place].clone());
        let solutions = Tensor::stack(solutions.into_iter().map(|it| it.vector).collect(), 0);
        let s = inner(&rows, &solutions)?.symmetric();
        let along = inner(&influence.clone().unsqueeze_dim(0), &rows)?;
        let overflow = || SolveError::NotFinite {
            what: "the leverage of a removal",
            cause: Cause::Overflow {
                dtype: influence.dtype(),
            },
        };
        let correction = Correction::new(&s, self.signs[place].clone()).ok_or_else(overflow)?;
        let Some(weights) = correction.apply(along.values(), true_residual) else {
            return Err(SolveError::FittedAlone {
                leverage: correction.leverage.largest(),
            });
        };
        let weights = DenseMatrix::new(1, weights.len(), weights);
        let [dim] = influence.dims();
        Ok(NewtonEstimate {
            vector: influence.clone() + mix(&weights, &solutions).reshape([dim]),
            influence,
            leverage: correction.leverage,
            true_residual,
        })
    }
}

/// The squared norm of a row below which `S` has nothing of it that solvers tell.
pub(super) fn negligible(matrix: &dyn LinearOperator) -> f64 {
    let share = match matrix.dtype() {
        DType::F64 => 1e-9,
        _ => 1e-5,
    };
    share * matrix.law().damping
}

pub(super) fn not_finite(matrix: &dyn LinearOperator) -> SolveError {
    SolveError::NotFinite {
        what: "an example's part of the curvature",
        cause: Cause::Overflow {
            dtype: matrix.dtype(),
        },
    }
}
