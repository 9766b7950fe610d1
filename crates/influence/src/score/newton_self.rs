//! What the removal of each training example does to what is measured of itself, by the Newton estimate.

use std::ops::Range;

use backdraft_curvature::{Cost, LinearOperator};
use backdraft_dense::DenseMatrix;
use burn::tensor::Tensor;

use super::{
    Leverage,
    correction::Correction,
    newton::{example_root, not_finite},
    self_influence::rows_each,
};
use crate::{Inverse, SolveError};

/// Bytes of rows that are inverted at once: 128 MiB.
const ROWS: usize = 128 << 20;

/// What is predicted to change of one thing that is measured of the training examples themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnChanges {
    /// Influence's prediction, `1/N <grad m_i, A^-1 grad L_i>`: self-influence. One number for each that is measured.
    pub influence: Vec<f64>,
    /// The Newton estimate, `1/N <grad m_i, (A - H_i / N)^-1 grad L_i>`; `None` for an example that is fitted by itself
    /// alone ([`SolveError::FittedAlone`]), or that an approximate inverse takes for one.
    pub newton: Vec<Option<f64>>,
}

/// The predicted changes of what is measured of every training example when that example itself is removed,
/// `m(without) - m(with)`, first order in `m`: approximate leave-one-out cross-validation. For all outputs as what is
/// measured it tells what the network would answer to each example, had it not been trained on it. Exact for least
/// squares (Cook & Weisberg 1982), with or without an L2 term or damping.
///
/// The losses of each cost of `measured` are what is measured: one an example, in the order of `train`, or as many for
/// each, one after another. `matrix` is the damped curvature of `train`, and what `inverse` makes of its rows is taken
/// without evidence ([`Inverse::apply_many`]): exact for inverses in closed form that are, and as good as the
/// approximation for others. Also returns every example's leverage.
///
/// # Errors
/// [`SolveError::NoRoot`]; those of the inverse;
/// [`CurvatureError::Examples`](backdraft_curvature::CurvatureError::Examples) for a number of measured losses that is
/// no multiple of that of the examples.
pub fn newton_self_influences(
    train: &Cost,
    matrix: &dyn LinearOperator,
    inverse: &dyn Inverse,
    measured: &[Cost],
) -> Result<(Vec<OwnChanges>, Vec<Leverage>), SolveError> {
    let all = 0..train.len();
    newton_self_influences_of((train, all), matrix, inverse, measured)
}

/// The same of some training examples alone, a range of them: as costly as they are many.
///
/// # Errors
/// As [`newton_self_influences`]; [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index).
pub fn newton_self_influences_of(
    (train, examples): (&Cost, Range<usize>),
    matrix: &dyn LinearOperator,
    inverse: &dyn Inverse,
    measured: &[Cost],
) -> Result<(Vec<OwnChanges>, Vec<Leverage>), SolveError> {
    let root = example_root(matrix)?;
    let each = root.rows_per_example()?;
    let of_each = measured.iter().map(|it| rows_each(it.len(), train.len()));
    let of_each = of_each.collect::<Result<Vec<_>, _>>()?;
    let rows = 2 * (each + 1) + of_each.iter().sum::<usize>();
    let bytes = rows * matrix.dim() * matrix.dtype().size();
    let at_once = (ROWS / bytes.max(1)).clamp(1, 1_024);
    let all: Vec<usize> = examples.collect();
    let mut found = vec![OwnChanges::default(); measured.len()];
    let mut leverages = Vec::with_capacity(all.len());
    let weight = 1.0 / train.len() as f64;
    for examples in all.chunks(at_once) {
        let solved = Solved::new(
            root.rows_of(examples)?,
            train.select(examples)?.gradients()?,
            inverse,
        )?;
        let mut corrections = Vec::with_capacity(examples.len());
        let (own, along) = (solved.own(weight)?, solved.along(weight)?);
        for (own, along) in own.chunks_exact(each * each).zip(along.chunks_exact(each)) {
            let own = DenseMatrix::new(each, each, own.to_vec()).symmetric();
            let correction = Correction::new(&own, vec![1.0; each]);
            let correction = correction.ok_or_else(|| not_finite(matrix))?;
            corrections.push(correction.apply(along, 0.0));
            leverages.push(correction.leverage);
        }
        for ((cost, &count), found) in measured.iter().zip(&of_each).zip(&mut found) {
            let own = examples.iter().flat_map(|i| i * count..(i + 1) * count);
            let gradients = cost.select(&own.collect::<Vec<_>>())?.gradients()?;
            solved.add_changes(gradients, weight, &corrections, found)?;
        }
    }
    Ok((found, leverages))
}

/// Rows and gradients of some examples, and what the inverse makes of them.
struct Solved {
    /// `[examples, each, dim]`.
    rows: Tensor<3>,
    /// `A^-1 R'`, in the same shape.
    inverted: Tensor<3>,
    /// `A^-1 grad L`, `[examples, dim, 1]`.
    solution: Tensor<3>,
}

impl Solved {
    fn new(
        rows: Tensor<2>,
        gradients: Tensor<2>,
        inverse: &dyn Inverse,
    ) -> Result<Self, SolveError> {
        let [examples, dim] = gradients.dims();
        let each = rows.dims()[0] / examples.max(1);
        let inverted = inverse.apply_many(rows.clone())?;
        Ok(Self {
            rows: rows.reshape([examples, each, dim]),
            inverted: inverted.reshape([examples, each, dim]),
            solution: inverse.apply_many(gradients)?.reshape([examples, dim, 1]),
        })
    }

    /// `weight R A^-1 R'` of all examples, a matrix each.
    fn own(&self, weight: f64) -> Result<Vec<f64>, SolveError> {
        let own = self
            .rows
            .clone()
            .matmul(self.inverted.clone().swap_dims(1, 2))
            * weight;
        Ok(own.try_into_vec_as::<f64>()?)
    }

    /// `weight R A^-1 grad L` of all examples, `each` numbers an example.
    fn along(&self, weight: f64) -> Result<Vec<f64>, SolveError> {
        let along = self.rows.clone().matmul(self.solution.clone()) * weight;
        Ok(along.try_into_vec_as::<f64>()?)
    }

    /// Adds what changes along the gradients of what is measured, a few rows an example.
    fn add_changes(
        &self,
        gradients: Tensor<2>,
        weight: f64,
        corrections: &[Option<Vec<f64>>],
        found: &mut OwnChanges,
    ) -> Result<(), SolveError> {
        let [rows, dim] = gradients.dims();
        let [examples, each, _] = self.rows.dims();
        let count = rows / examples;
        let gradients = gradients.reshape([examples, count, dim]) * weight;
        let first = gradients.clone().matmul(self.solution.clone());
        let seen = gradients.matmul(self.inverted.clone().swap_dims(1, 2));
        let first = first.try_into_vec_as::<f64>()?;
        let seen = seen.try_into_vec_as::<f64>()?;
        for (row, (first, seen)) in first.iter().zip(seen.chunks_exact(each)).enumerate() {
            let corrected = corrections[row / count].as_ref().map(|weights| {
                let further = weights.iter().zip(seen).map(|(w, seen)| w * seen);
                first + further.sum::<f64>()
            });
            found.influence.push(*first);
            found.newton.push(corrected.filter(|it| it.is_finite()));
        }
        Ok(())
    }
}
