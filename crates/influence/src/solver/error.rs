//! What can go wrong while a system is solved.

use backdraft_curvature::{Cause, CurvatureError, LinearOperator, is_out_of_memory};
use burn::tensor::{Tensor, TensorReadError};

use super::{Solution, SolveInfo};
use crate::memory::remedy;

/// Error of a solver. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// The solver stopped above its tolerance. The solution is what it had reached, with its true residual.
    #[error(
        "{} stopped after {} iterations with relative residual {:.2e}, above the tolerance {:.2e}: {remedy}",
        .solution.info.solver, .solution.info.iterations, .solution.info.true_residual, .solution.info.tolerance
    )]
    NotConverged {
        /// The best solution found and the evidence on it.
        solution: Box<Solution>,
        /// What to change.
        remedy: String,
    },
    /// LiSSA's recursion grew without bound.
    #[error(
        "lissa diverged with scale {scale:.3e}: the recursion grew to {norm:.2e} times the right-hand side by step {step} of \
         repeat {repeat}. The scale must exceed the largest eigenvalue of any batch's matrix: try {suggested:.2e}{remedy}"
    )]
    Diverged {
        /// The repeat, counted from 0.
        repeat: usize,
        /// The recursion step at which it was seen, counted from 1.
        step: usize,
        /// Norm of the recursion's vector, in units of the right-hand side's; NaN after overflow.
        norm: f64,
        /// The scale in use.
        scale: f64,
        /// A scale that the growth seen suggests.
        suggested: f64,
        /// What else to change.
        remedy: String,
    },
    /// Conjugate gradients met a direction `p` with `p'Ap <= 0`. The solution is the best so far, with its true
    /// residual.
    #[error(
        "conjugate gradients met curvature {curvature:.3e} in iteration {iteration}, where a positive definite matrix has none that \
         is not positive: {remedy}"
    )]
    NegativeCurvature {
        /// The iteration, counted from 1.
        iteration: usize,
        /// The Rayleigh quotient `p'Ap / p'p` of the direction.
        curvature: f64,
        /// The best solution found before and the evidence on it.
        solution: Box<Solution>,
        /// What to change.
        remedy: String,
    },
    /// The Cholesky factorisation met a pivot that is not positive, or is lost in rounding.
    #[error(
        "pivot {index} is {pivot:.3e}, where a positive definite matrix has positive ones: {remedy}"
    )]
    NotPositiveDefinite {
        /// Row of the pivot, counted from 0.
        index: usize,
        /// Its value.
        pivot: f64,
        /// What to change.
        remedy: String,
    },
    /// The operator's products do not form a symmetric matrix.
    #[error(
        "the operator is not symmetric: ||A - A'|| is {asymmetry:.2e} of ||A||, above {limit:.0e}. Its product is wrong, or too \
         coarse in its float type"
    )]
    NotSymmetric {
        /// `||A - A'|| / ||A||` in the Frobenius norm.
        asymmetry: f64,
        /// What rounding may explain.
        limit: f64,
    },
    /// A matrix of which no part can be taken.
    #[error(
        "lissa takes a few examples at a time, and {name} is not a mean over examples (`LinearOperator::over_examples`): use conjugate \
         gradients"
    )]
    NotOverExamples {
        /// What the matrix is called.
        name: String,
    },
    /// A matrix that a sketch of low rank says too little of.
    #[error(
        "a sketch has what is large of a matrix without negative eigenvalues, and its damping for the rest, and {name} is without \
         damping or may have negative ones: add damping, take the Gauss-Newton matrix, or no sketch"
    )]
    NotSketched {
        /// What the matrix is called.
        name: String,
    },
    /// A matrix that is not one of a network's layers.
    #[error(
        "kfac and ekfac approximate the damped Gauss-Newton matrix of a cost, layer by layer, and {name} is another, or without damping: \
         take the Gauss-Newton matrix, damped, or conjugate gradients"
    )]
    NoLayers {
        /// What the matrix is called.
        name: String,
    },
    /// A matrix that is not made of examples.
    #[error(
        "the dual solver needs a damped sum of squares over examples, and {name} is none, or without damping: take the Gauss-Newton or \
         the empirical Fisher matrix of a cost, damped, or conjugate gradients"
    )]
    NoExamples {
        /// What the matrix is called.
        name: String,
    },
    /// A matrix of which no example's part is known.
    #[error(
        "the Newton estimate takes the part of examples off the curvature, and {name} is no sum of squares over examples: take the          Gauss-Newton matrix of a convex loss or the empirical Fisher matrix, or `newton_step`, which solves with the curvature of the rest"
    )]
    NoRoot {
        /// What the matrix is called.
        name: String,
    },
    /// Nothing but the removed examples says what the network answers to them.
    #[error(
        "the removed examples are fitted by themselves alone (leverage {leverage:.6}): without them the curvature is not positive          definite, or not to the digits of the solver, and no Newton step tells what the network becomes; raise the damping, or retrain"
    )]
    FittedAlone {
        /// The largest leverage.
        leverage: f64,
    },
    /// The kernel matrix would be too large.
    #[error(
        "the dual solver would form a kernel matrix of {rows} x {rows} and its rows, {bytes} bytes, its limit is {memory}: use \
         conjugate gradients, or raise the limit"
    )]
    TooManyRows {
        /// Examples times outputs.
        rows: usize,
        /// Bytes that are needed.
        bytes: usize,
        /// Most bytes.
        memory: usize,
    },
    /// A matrix of which the residual bounds no error.
    #[error(
        "the error of a solution is bounded by its residual where no eigenvalue is below a positive damping, and {name} is not known \
         for that: take the Gauss-Newton matrix of a convex loss, damped"
    )]
    Unbounded {
        /// What the matrix is called.
        name: String,
    },
    /// A dense matrix would be too large.
    #[error(
        "the direct solver would form a dense matrix of {dim} x {dim}, its limit is {limit}: use conjugate gradients, or raise the \
         limit (8 dim^2 bytes and dim products)"
    )]
    TooLarge {
        /// The operator's dimension.
        dim: usize,
        /// The largest dimension allowed.
        limit: usize,
    },
    /// NaN or infinity where there must be none.
    #[error("{what} came out NaN or infinite: {cause}")]
    NotFinite {
        /// What was being looked at.
        what: &'static str,
        /// Where it comes from.
        cause: Cause,
    },
    /// A vector whose length is not the operator's dimension.
    #[error("{what} has {found} elements, the operator {expected}")]
    Dimension {
        /// Which vector.
        what: &'static str,
        /// The operator's dimension.
        expected: usize,
        /// The vector's length.
        found: usize,
    },
    /// A vector of another float type or on another device than the operator's.
    #[error("{what} is {found}, the operator is {expected}: cast it or move it there first")]
    Placement {
        /// Which vector.
        what: &'static str,
        /// The operator's float type and device.
        expected: String,
        /// The vector's.
        found: String,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Factors that were kept are not those of this operator and these settings.
    #[error(
        "the factors that were kept do not fit: `{name}` {problem}; remove them, and they are made anew"
    )]
    Factors {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A product could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// The device's memory did not suffice.
    #[error("the device's memory did not suffice{}", remedy(*.batch))]
    OutOfMemory {
        /// Examples in the operator's batches, if it has such.
        batch: Option<usize>,
    },
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl SolveError {
    /// The same, with what to do where the memory of `operator`'s device did not suffice.
    pub(super) fn on(self, operator: &dyn LinearOperator) -> Self {
        self.with_batch(operator.batch_size())
    }

    /// The same, where there were `batch` examples at once.
    pub(crate) fn with_batch(self, batch: Option<usize>) -> Self {
        match self {
            Self::Read(error) | Self::Curvature(CurvatureError::Device(error))
                if is_out_of_memory(&error.to_string()) =>
            {
                Self::OutOfMemory { batch }
            }
            error => error,
        }
    }

    /// NaN or infinity where there must be none, after products of `operator` with `v`.
    pub(super) fn not_finite(
        what: &'static str,
        operator: &dyn LinearOperator,
        v: &Tensor<1>,
    ) -> Self {
        match operator.cause(v) {
            Ok(cause) => Self::NotFinite { what, cause },
            Err(error) => error.into(),
        }
    }

    /// The evidence of a solver that stopped above its tolerance.
    pub fn info(&self) -> Option<&SolveInfo> {
        match self {
            Self::NotConverged { solution, .. } | Self::NegativeCurvature { solution, .. } => {
                Some(&solution.info)
            }
            _ => None,
        }
    }
}
