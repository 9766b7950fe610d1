//! What the curvature that goes with removed examples adds to influence.
//!
//! ```text
//! (A - R' D R)^-1 b = a + X (D - S)^-1 R a,    a = A^-1 b,  X = A^-1 R',  S = R X
//! ```
//!
//! (Woodbury) with the signs `D = D^-1` of the weights, whose roots are in the rows `R`.

use backdraft_dense::{DenseMatrix, Eigen};

use super::Leverage;

/// The eigenvalue of `D - S` below which nothing is divided by it, unless rounding or residuals ask for more.
const LEAST: f64 = 1e-6;

/// `D - S` of one removal.
pub(crate) struct Correction {
    pub leverage: Leverage,
    signs: Vec<f64>,
    /// Of `D - S`.
    eigen: Eigen,
}

impl Correction {
    /// Of `S`, symmetric, and the signs of the weights; `None` where `S` holds NaN or infinity.
    pub fn new(s: &DenseMatrix, signs: Vec<f64>) -> Option<Self> {
        let signed = DenseMatrix::from_fn(s.rows(), s.columns(), |i, j| {
            let sign = if i == j { signs[i] } else { 0.0 };
            sign - s.get(i, j)
        });
        let (own, eigen) = (Eigen::new(s)?, Eigen::new(&signed)?);
        let values = own.values.into_iter().rev().map(|it| it.max(0.0));
        let leverage = Leverage {
            values: values.collect(),
        };
        Some(Self {
            leverage,
            signs,
            eigen,
        })
    }

    /// `(D - S)^-1 v`. `None` where `A - R' D R` is not positive definite, or so near to that that `error`, how far off
    /// `S` may be, decides: the examples are fitted by themselves alone.
    pub fn apply(&self, v: &[f64], error: f64) -> Option<Vec<f64>> {
        let least = LEAST.max(10.0 * error);
        let removed = self.signs.iter().filter(|sign| **sign > 0.0).count();
        // By Haynsworth's law of inertia, `A - R' D R` is positive definite where `D - S` has the signs of `D`.
        let positive = self.eigen.values.iter().filter(|value| **value > least);
        if positive.count() < removed {
            return None;
        }
        let mut found = vec![0.0; v.len()];
        for (k, value) in self.eigen.values.iter().enumerate() {
            let direction = self.eigen.vectors.row(k);
            let along: f64 = direction.iter().zip(v).map(|(u, v)| u * v).sum();
            for (found, u) in found.iter_mut().zip(direction) {
                *found += along / value * u;
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One parameter, `A = a`, and one row of weight `sign`: `1 / (a - sign r^2)`.
    fn inverse(a: f64, r: f64, sign: f64) -> Option<f64> {
        let s = DenseMatrix::new(1, 1, vec![r * r / a]);
        let correction = Correction::new(&s, vec![sign]).unwrap();
        assert!((correction.leverage.largest() - r * r / a).abs() < 1e-15);
        let along = correction.apply(&[r / a], 0.0)?;
        Some(1.0 / a + r / a * along[0])
    }

    #[test]
    fn it_is_woodburys_formula_for_weights_of_both_signs() {
        for (a, r) in [(2.0, 0.5), (0.3, 0.5), (1.0, 0.99)] {
            for sign in [1.0, -1.0] {
                let found = inverse(a, r, sign).unwrap();
                assert!((found * (a - sign * r * r) - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn nothing_is_divided_where_the_rest_is_not_positive_definite() {
        assert_eq!(inverse(0.25, 0.5, 1.0), None);
        assert_eq!(inverse(0.2, 0.5, 1.0), None);
        assert!(inverse(0.2, 0.5, -1.0).is_some());
        // Where `S` is not known well enough.
        let s = DenseMatrix::new(1, 1, vec![0.995]);
        let correction = Correction::new(&s, vec![1.0]).unwrap();
        assert!(correction.leverage.is_alone());
        assert!(correction.apply(&[1.0], 1e-4).is_some());
        assert_eq!(correction.apply(&[1.0], 1e-3), None);
    }
}
