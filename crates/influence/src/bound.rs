//! How far scores can be from those of the exact solutions.
//!
//! ```text
//! A = G + damping I,  G positive semi-definite,  r = b - A s:   |s - A^-1 b| <= |r| / damping
//! |score_i - exact score_i| = 1/N |<grad L_i, s - A^-1 b>| <= 1/N |grad L_i| |r| / damping
//! ```
//!
//! The least eigenvalue of `A` is at least the damping, whatever the network and the data: the bound needs nothing but
//! the residual of what was computed, however that came about. It says nothing of how far influence is from retraining.

use backdraft_curvature::{Cost, Definiteness, LinearOperator};
use burn::tensor::Tensor;

use crate::{SolveError, solver::norms};

/// Bounds of the scores of all training examples for one query.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreBounds {
    /// `|b - A s|`, recomputed.
    pub residual: f64,
    /// Of every training example: its score is no further than this from that of the exact solution.
    pub values: Vec<f64>,
}

/// What bounds scores of the training examples of a cost.
pub struct ErrorBounds<'a> {
    matrix: &'a dyn LinearOperator,
    /// Of every training example's gradient.
    norms: Vec<f64>,
    damping: f64,
}

impl<'a> ErrorBounds<'a> {
    /// For the cost `train` and `matrix`, its damped curvature: the gradient of every training example once. Residuals
    /// are in the float type of `matrix`; in 64 bits rounding is far below them.
    ///
    /// # Errors
    /// [`SolveError::Unbounded`] for a matrix that may have eigenvalues below its damping, or has none;
    /// [`SolveError::Curvature`].
    pub fn new(train: &Cost, matrix: &'a dyn LinearOperator) -> Result<Self, SolveError> {
        Ok(Self {
            damping: bounding(matrix)?,
            norms: train.gradient_norms()?.try_into_vec_as::<f64>()?,
            matrix,
        })
    }

    /// For the same examples and another damping of the same matrix, `matrix`.
    ///
    /// # Errors
    /// [`SolveError::Unbounded`].
    pub fn with_matrix<'b>(
        &self,
        matrix: &'b dyn LinearOperator,
    ) -> Result<ErrorBounds<'b>, SolveError> {
        Ok(ErrorBounds {
            damping: bounding(matrix)?,
            norms: self.norms.clone(),
            matrix,
        })
    }

    /// The bounds of the scores that `solutions` of `A s = b` give, one for each right-hand side of `rhs`, `[dim]`
    /// each. One product for each, all at once.
    ///
    /// # Errors
    /// [`SolveError::Curvature`].
    pub fn of(
        &self,
        rhs: &[Tensor<1>],
        solutions: &[Tensor<1>],
    ) -> Result<Vec<ScoreBounds>, SolveError> {
        if solutions.is_empty() {
            return Ok(Vec::new());
        }
        let solutions = Tensor::stack::<2>(solutions.to_vec(), 0);
        let residuals = Tensor::stack::<2>(rhs.to_vec(), 0) - self.matrix.apply_many(solutions)?;
        let scale = 1.0 / (self.damping * self.norms.len() as f64);
        let bounds = norms(&residuals)?.into_iter().map(|residual| ScoreBounds {
            residual,
            values: self
                .norms
                .iter()
                .map(|norm| scale * norm * residual)
                .collect(),
        });
        Ok(bounds.collect())
    }
}

/// What no eigenvalue of `matrix` is below.
fn bounding(matrix: &dyn LinearOperator) -> Result<f64, SolveError> {
    let law = matrix.law();
    if law.definiteness != Definiteness::Semidefinite || law.damping <= 0.0 {
        return Err(SolveError::Unbounded { name: law.name });
    }
    Ok(law.damping)
}

/// How many places at the top of `scores`, the largest first, are settled: for as many no other example can come
/// before, whatever the exact scores are within the `bounds` of each.
///
/// # Panics
/// If there are not as many scores as bounds.
pub fn settled(scores: &[f64], bounds: &[f64]) -> usize {
    assert_eq!(scores.len(), bounds.len(), "a bound for each score");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    // The most that any example from a place on can have.
    let mut most = vec![f64::NEG_INFINITY; order.len() + 1];
    for (place, &example) in order.iter().enumerate().rev() {
        most[place] = most[place + 1].max(scores[example] + bounds[example]);
    }
    let settled = |place: &usize| {
        let example = order[*place];
        scores[example] - bounds[example] > most[place + 1]
    };
    (0..order.len()).take_while(settled).count()
}
