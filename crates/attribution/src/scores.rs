//! Scores of training examples for queries.

use backdraft_curvature::Cost;
use backdraft_influence::SolveInfo;
use burn::tensor::Tensor;

use crate::{AttributionError, TopScores};

/// The score of each training example for each query: the predicted change of what is measured when the example is
/// *removed*, `m(without) - m(with)`, in the units of `m`, factor `1/N` included. Positive: removing it raises `m`; of
/// a loss, the example helped.
pub struct Scores {
    pub(crate) values: Tensor<2>,
    /// What they come from, a row each; none of those that were dealt out to several devices, where they stay.
    pub(crate) solutions: Option<Tensor<2>>,
    pub(crate) solves: Vec<SolveInfo>,
    /// Their examples' losses are what is measured.
    pub(crate) queries: Cost,
    /// Rows a query.
    pub(crate) outputs: usize,
    pub(crate) mean: bool,
    /// Whether a loss is measured.
    pub(crate) of_loss: bool,
}

impl Scores {
    /// All scores, `[queries, examples]`; one row if the mean over the queries is measured, and `[queries * outputs,
    /// examples]` for [`Measurement::outputs`](crate::Measurement::outputs).
    pub fn values(&self) -> Tensor<2> {
        self.values.clone()
    }

    /// Rows that a query has: the number of its outputs where each is measured
    /// ([`Measurement::outputs`](crate::Measurement::outputs)), and else one. The output `k` of the query `q` has the
    /// row `q * outputs + k`, which is what the methods below take for a query.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How the system of each row was solved, and how well.
    pub fn solves(&self) -> &[SolveInfo] {
        &self.solves
    }

    /// What the scores of one query come from, `A^-1 grad m`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`]; [`AttributionError::Setting`] for scores of
    /// [`scores_over`](crate::Influence::scores_over), whose solutions are not kept.
    pub fn solution(&self, query: usize) -> Result<Tensor<1>, AttributionError> {
        let Some(solutions) = &self.solutions else {
            return Err(AttributionError::Setting {
                name: "solutions",
                problem:
                    "are not kept where queries are dealt out to several devices: take `scores`"
                        .into(),
            });
        };
        let [len, dim] = solutions.dims();
        if query >= len {
            return Err(AttributionError::NoSuchQuery { query, len });
        }
        let row = solutions.clone().slice([query..query + 1, 0..dim]);
        Ok(row.reshape([dim]))
    }

    /// The scores of one query, `[examples]`, on the host.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`]; [`AttributionError::Read`].
    pub fn of(&self, query: usize) -> Result<Vec<f64>, AttributionError> {
        let [len, examples] = self.values.dims();
        if query >= len {
            return Err(AttributionError::NoSuchQuery { query, len });
        }
        let row = self.values.clone().slice([query..query + 1, 0..examples]);
        Ok(row.try_into_vec_as::<f64>()?)
    }

    /// The `count` examples whose removal is predicted to raise the measured quantity of `query` most, with their
    /// scores, the highest first; and those whose removal lowers it most, the lowest first: equal ones in the order of
    /// the examples. Those of score 0 are in neither.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    #[allow(clippy::type_complexity)]
    pub fn strongest(
        &self,
        query: usize,
        count: usize,
    ) -> Result<[Vec<(usize, f64)>; 2], AttributionError> {
        Ok(strongest(&self.of(query)?, count))
    }

    /// The predicted change of what is measured, `[queries]`, when the examples `indices` are removed together: to
    /// first order the sum of their scores.
    ///
    /// # Errors
    /// [`AttributionError::Index`]; [`AttributionError::Setting`] for an example named twice;
    /// [`AttributionError::Read`].
    pub fn group(&self, indices: &[usize]) -> Result<Vec<f64>, AttributionError> {
        let [queries, len] = self.values.dims();
        if let Some(&index) = indices.iter().find(|&&index| index >= len) {
            return Err(AttributionError::Index { index, len });
        }
        let mut sorted = indices.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(AttributionError::Setting {
                name: "indices",
                problem: format!("names the example {} twice", pair[0]),
            });
        }
        (0..queries)
            .map(|query| {
                let scores = self.of(query)?;
                Ok(indices.iter().map(|&index| scores[index]).sum())
            })
            .collect()
    }
}

/// The `count` most positive of `scores` with their indices, the highest first, and the most negative, the lowest
/// first; equal ones by index, and zeros in neither.
pub fn strongest(scores: &[f64], count: usize) -> [Vec<(usize, f64)>; 2] {
    let mut top = TopScores::new(count);
    top.extend(scores.iter().copied().enumerate());
    top.into_sides()
}
