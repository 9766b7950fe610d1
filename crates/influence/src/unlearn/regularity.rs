//! What is known of losses wherever a descent may come.

use backdraft_dense::{DenseMatrix, Eigen};
use serde::{Deserialize, Serialize};

use super::UnlearnError;

/// Where bounds are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// They follow from the form of the losses and the data: [`Regularity::of_linear`].
    Derived,
    /// Whoever asks says so: what is certified holds if they do.
    Given,
    /// They were measured at some parameters, and may not hold at others: nothing is certified with them.
    Estimated,
}

/// Bounds of the losses' derivatives that hold wherever a descent may come: everywhere, or in its ball.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regularity {
    /// The least and the greatest eigenvalue of the Hessian of a batch's mean loss, with the examples' weights, without
    /// the L2 term. Where losses are convex the least is at least 0; where they are `L`-smooth and nothing else is
    /// known, `[-L, L]`.
    pub curvature: [f64; 2],
    /// The largest Euclidean norm of the gradient of an example's loss, without the L2 term, which is the same with and
    /// without the examples.
    pub gradient: f64,
    /// Where they are from.
    pub evidence: Evidence,
}

/// A loss of outputs that are linear in the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinearLoss {
    /// Binary cross-entropy of one logit.
    Logistic,
    /// Cross-entropy of a logit for each class.
    Softmax,
    /// Half the square of the distance from targets, in the ball of this radius, where the largest norm of an example's
    /// targets is that.
    Squares {
        /// Of the ball about 0.
        radius: f64,
        /// The largest norm.
        target: f64,
    },
}

impl Regularity {
    /// Of losses that are `smoothness`-smooth and maybe not convex, with gradients of at most `gradient`, as whoever
    /// asks says.
    pub fn smooth(smoothness: f64, gradient: f64) -> Self {
        Self {
            curvature: [-smoothness, smoothness],
            gradient,
            evidence: Evidence::Given,
        }
    }

    /// Of a model whose outputs are linear in its parameters, one set of them for each output: `examples` has a row for
    /// each example, with what the parameters of an output are multiplied by, the 1 of a constant included.
    ///
    /// With `c` a bound of the loss's curvature in the outputs, 1/4 for one logit, 1/2 for several and 1 for squares,
    /// the Hessian of the mean over all examples is at most `c` times the largest eigenvalue of `X'X / N`, and that of a
    /// batch, which may be any, `c` times the largest `||x||^2`. Gradients are at most `||x||` times that of the loss in
    /// the outputs: 1, `sqrt 2`, and the residual. `most` is the largest weight of an example. Derived here.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] for examples, a ball, targets or a weight that are not finite numbers, and no examples.
    pub fn of_linear(
        examples: &DenseMatrix,
        loss: LinearLoss,
        full_batch: bool,
        most: f64,
    ) -> Result<Self, UnlearnError> {
        let (n, columns) = (examples.rows(), examples.columns());
        let numbers = examples.values();
        if n == 0 || !numbers.iter().all(|x| x.is_finite()) {
            let problem = "must be some, and all of their numbers finite";
            return Err(UnlearnError::setting("examples", problem));
        }
        if !(most >= 0.0 && most.is_finite()) {
            let problem = format!("is {most:?}, must be finite and not negative");
            return Err(UnlearnError::setting("weight", problem));
        }
        let rows = numbers.chunks_exact(columns.max(1));
        let longest = rows.map(|row| row.iter().map(|x| x * x).sum::<f64>().sqrt());
        let longest = longest.fold(0.0, f64::max);
        let (curved, slope) = match loss {
            LinearLoss::Logistic => (0.25, 1.0),
            LinearLoss::Softmax => (0.5, 2.0_f64.sqrt()),
            LinearLoss::Squares { radius, target } => {
                if !(radius > 0.0 && radius.is_finite() && target >= 0.0 && target.is_finite()) {
                    let problem =
                        "gradients of squares are bounded in a ball only: name its radius";
                    return Err(UnlearnError::setting("radius", problem));
                }
                (1.0, radius * longest + target)
            }
        };
        let largest = match full_batch {
            true => largest_eigenvalue(examples) / n as f64,
            false => longest * longest,
        };
        Ok(Self {
            curvature: [0.0, most * curved * largest],
            gradient: slope * longest,
            evidence: Evidence::Derived,
        })
    }

    pub(super) fn check(&self) -> Result<(), UnlearnError> {
        if self.evidence == Evidence::Estimated {
            return Err(UnlearnError::no_certificate(
                "its bounds were estimated at some parameters, and need not hold at others",
            ));
        }
        let [least, greatest] = self.curvature;
        if !(least.is_finite() && greatest.is_finite() && least <= greatest) {
            let problem = format!("go from {least:?} to {greatest:?}");
            return Err(UnlearnError::setting("curvature", problem));
        }
        if !(self.gradient >= 0.0 && self.gradient.is_finite()) {
            let problem = format!("is {:?}, must be finite and not negative", self.gradient);
            return Err(UnlearnError::setting("gradient", problem));
        }
        Ok(())
    }
}

/// Of `X'X`, by whichever of it and `XX'` is smaller; their greatest eigenvalues are the same.
fn largest_eigenvalue(x: &DenseMatrix) -> f64 {
    let (n, columns) = (x.rows(), x.columns());
    let gram = match columns <= n {
        true => {
            let mut sums = vec![0.0; columns * columns];
            for row in x.values().chunks_exact(columns.max(1)) {
                for (left, sums) in row.iter().zip(sums.chunks_exact_mut(columns)) {
                    // Most pixels are black.
                    if *left != 0.0 {
                        for (right, sum) in row.iter().zip(sums) {
                            *sum += left * right;
                        }
                    }
                }
            }
            DenseMatrix::new(columns, columns, sums)
        }
        false => DenseMatrix::from_fn(n, n, |i, j| {
            let pairs = x.row(i).iter().zip(x.row(j));
            pairs.map(|(a, b)| a * b).sum()
        }),
    };
    let eigen = Eigen::new(&gram);
    let largest = eigen.and_then(|it| it.values.last().copied());
    // Rounding may leave a zero matrix a little below 0.
    largest.unwrap_or(f64::INFINITY).max(0.0)
}
