//! How far scores can be from those of the exact solutions.

use backdraft::attribution::verify::PairKind;
use backdraft_curvature::{Cost, LinearOperator};
use backdraft_influence::{ErrorBounds, scores, settled};
use burn::tensor::Tensor;

use crate::{CliError, progress::say, queries::QueryRows};
use backdraft_report::Measure;

/// Places at the top of a ranking of which is told whether they are settled.
const TOP: usize = 10;

/// What bounds scores: the network in 64 bits where there are any.
pub(super) struct ScoreBounding<'a> {
    /// Of the training examples, and of the queries.
    train: &'a Cost,
    measured: (&'a Cost, &'a QueryRows),
    bounds: ErrorBounds<'a>,
}

impl<'a> ScoreBounding<'a> {
    /// `matrix` is that of the cost `train`.
    pub fn new(
        train: &'a Cost,
        measured: (&'a Cost, &'a QueryRows),
        matrix: &'a dyn LinearOperator,
    ) -> Result<Self, CliError> {
        Ok(Self {
            train,
            measured,
            bounds: ErrorBounds::new(train, matrix)?,
        })
    }

    /// For another damping of the same matrix, `matrix`.
    pub fn with_matrix<'b>(
        &'b self,
        matrix: &'b dyn LinearOperator,
    ) -> Result<ScoreBounding<'b>, CliError> {
        Ok(ScoreBounding {
            bounds: self.bounds.with_matrix(matrix)?,
            ..*self
        })
    }

    /// Of the scores `values` of the query in row `row`, which come from `solution`: by the residual, and by how far
    /// the scores are from those that the solution gives in 64 bits.
    pub fn of(
        &self,
        row: usize,
        solution: &Tensor<1>,
        values: &[f64],
    ) -> Result<Vec<f64>, CliError> {
        let theta = self.train.model().theta();
        let solution: Tensor<1> =
            Tensor::from_data(solution.to_data(), (&theta.device(), theta.dtype()));
        let (measured, queries) = self.measured;
        let gradient = queries.gradient(measured, row)?;
        let exact = scores(self.train, solution.clone())?.try_into_vec_as::<f64>();
        let exact = exact.map_err(|error| CliError::Execution(error.to_string()))?;
        let mut found = self.bounds.of(&[gradient], &[solution])?;
        let bounds = found.swap_remove(0).values.into_iter();
        let bounds = bounds.zip(exact.iter().zip(values));
        Ok(bounds
            .map(|(bound, (exact, value))| bound + (exact - value).abs())
            .collect())
    }
}

/// How many of the most positive scores, and of the most negative ones, are settled.
pub(super) fn settled_places(values: &[f64], bounds: &[f64]) -> [usize; 2] {
    let negated: Vec<f64> = values.iter().map(|value| -value).collect();
    [settled(values, bounds), settled(&negated, bounds)]
}

/// Says how near the scores of `query` are, and how much of their order is settled, in the unit of what is measured.
/// `query` is its index, with the damping where there are several.
pub(super) fn tell(query: &str, values: &[f64], bounds: &[f64], measure: &Measure) {
    let largest = bounds.iter().fold(0.0, |most: f64, bound| most.max(*bound));
    let top = TOP.min(values.len());
    let [positive, negative] = settled_places(values, bounds).map(|it| it.min(top));
    let [of_positive, of_negative] = measure.kinds().map(PairKind::name);
    say(format_args!(
        "{query}: scores are within {:.1e} of the exact solution's; settled are the first {positive} of the {top} most \
         {of_positive}, and {negative} of the {top} most {of_negative}",
        measure.factor * largest
    ));
}
