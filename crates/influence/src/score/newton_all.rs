//! The Newton estimates of all single removals at once, by an inverse in closed form.

use backdraft_curvature::{Cost, LinearOperator};
use backdraft_dense::DenseMatrix;
use burn::tensor::Tensor;

use super::{
    Leverage,
    correction::Correction,
    newton::{example_root, not_finite},
};
use crate::{Inverse, SolveError};

/// Bytes of rows that are inverted at once: 128 MiB.
const ROWS: usize = 128 << 20;

/// The Newton estimates of the removal of every training example.
#[derive(Clone, Debug, PartialEq)]
pub struct NewtonScores {
    /// For every measured quantity the predicted change of `m(without) - m(with)` for every example, first order in
    /// `m`, in its units; `None` for an example that is fitted by itself alone ([`SolveError::FittedAlone`]), or that
    /// an approximate inverse takes for one.
    pub values: Vec<Vec<Option<f64>>>,
    /// Of every example. It depends on no query.
    pub leverages: Vec<Leverage>,
}

/// The Newton scores of all training examples, as [`newton_estimates`](super::newton_estimates) has them one by one,
/// for the measured quantities whose solutions `A^-1 grad m` are the rows of `solutions`, `[k, dim]` (none, for the
/// leverages alone). What examples do to themselves is by what `inverse` makes of their rows without evidence
/// ([`Inverse::apply_many`]): exact for inverses in closed form that are, and as good as the approximation for others.
/// `matrix` is the damped curvature of `train`.
///
/// Rows of all examples' outputs are inverted, a few at a time.
///
/// # Errors
/// [`SolveError::NoRoot`]; those of the inverse.
pub fn newton_scores(
    train: &Cost,
    matrix: &dyn LinearOperator,
    inverse: &dyn Inverse,
    solutions: &Tensor<2>,
) -> Result<NewtonScores, SolveError> {
    let root = example_root(matrix)?;
    let each = root.rows_per_example()?;
    let bytes = each * matrix.dim() * matrix.dtype().size();
    let at_once = (ROWS / bytes.max(1)).clamp(1, 1_024);
    let all: Vec<usize> = (0..train.len()).collect();
    let queries = solutions.dims()[0];
    let mut found = NewtonScores {
        values: vec![Vec::with_capacity(all.len()); queries],
        leverages: Vec::with_capacity(all.len()),
    };
    let weight = 1.0 / train.len() as f64;
    for examples in all.chunks(at_once) {
        let rows = root.rows_of(examples)?;
        let gradients = train.select(examples)?.gradients()?;
        let parts = Parts::new([rows, gradients, solutions.clone()], inverse, each, weight)?;
        for place in 0..examples.len() {
            let correction = Correction::new(&parts.leverage(place), vec![1.0; each]);
            let correction = correction.ok_or_else(|| not_finite(matrix))?;
            let weights = correction.apply(&parts.of_gradient(place), 0.0);
            for (query, values) in found.values.iter_mut().enumerate() {
                let value = |weights: &Vec<f64>| parts.score(place, query, weights);
                values.push(weights.as_ref().map(value).filter(|it| it.is_finite()));
            }
            found.leverages.push(correction.leverage);
        }
    }
    Ok(found)
}

/// Inner products of some examples' rows, gradients and the queries' solutions, on the host.
struct Parts {
    each: usize,
    weight: f64,
    queries: usize,
    /// `R A^-1 R'` of every example, `[examples, each, each]`.
    own: Vec<f64>,
    /// `R A^-1 grad L`, `[examples, each]`.
    along: Vec<f64>,
    /// `R s`, `[examples * each, queries]`.
    seen: Vec<f64>,
    /// `<grad L, s>`, `[examples, queries]`.
    first: Vec<f64>,
}

impl Parts {
    fn new(
        [rows, gradients, solutions]: [Tensor<2>; 3],
        inverse: &dyn Inverse,
        each: usize,
        weight: f64,
    ) -> Result<Self, SolveError> {
        let ([examples, dim], queries) = (gradients.dims(), solutions.dims()[0]);
        let inverted = inverse.apply_many(rows.clone())?;
        let apart = |rows: Tensor<2>| rows.reshape([examples, each, dim]);
        let inverted = apart(inverted);
        let own = apart(rows.clone()).matmul(inverted.clone().swap_dims(1, 2));
        let along = inverted.matmul(gradients.clone().reshape([examples, dim, 1]));
        let products = |vectors: Tensor<2>| match queries {
            0 => Ok(Vec::new()),
            _ => vectors
                .matmul(solutions.clone().transpose())
                .try_into_vec_as::<f64>(),
        };
        Ok(Self {
            each,
            weight,
            queries,
            own: own.try_into_vec_as::<f64>()?,
            along: along.try_into_vec_as::<f64>()?,
            seen: products(rows)?,
            first: products(gradients)?,
        })
    }

    /// `S` of the example at `place`.
    fn leverage(&self, place: usize) -> DenseMatrix {
        let size = self.each * self.each;
        let own = self.own[place * size..][..size].iter();
        let own = own.map(|it| self.weight * it).collect();
        DenseMatrix::new(self.each, self.each, own).symmetric()
    }

    fn of_gradient(&self, place: usize) -> Vec<f64> {
        let along = self.along[place * self.each..][..self.each].iter();
        along.map(|it| self.weight * it).collect()
    }

    /// `<s, a> + (R s)' weights`, with the roots of the weight in the rows.
    fn score(&self, place: usize, query: usize, weights: &[f64]) -> f64 {
        let row = |k: usize| (place * self.each + k) * self.queries + query;
        let corrected = weights
            .iter()
            .enumerate()
            .map(|(k, it)| it * self.seen[row(k)]);
        let influence = self.weight * self.first[place * self.queries + query];
        influence + self.weight * corrected.sum::<f64>()
    }
}
