//! Scores by place: which tokens of a sequence the score of a training example comes from.

use backdraft_influence::place_scores;
use burn::tensor::Tensor;

use crate::{AttributionError, Influence, Scores};

impl Influence {
    /// The scores of the training examples `examples` for one query by the places that an example's loss is a sum over,
    /// `[examples, places]`: the tokens of sequences under
    /// [`TokenCrossEntropy`](backdraft_curvature::TokenCrossEntropy), or what
    /// [`Loss::per_place`](backdraft_curvature::Loss::per_place) of a loss of one's own says. They sum to the example's
    /// score: each is the predicted change of what is measured, in its units and with the factor `1/N`, if what the
    /// place adds to the training loss were taken away. One forward-mode pass over these examples, from the solution
    /// that the scores came from.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`]; [`AttributionError::Curvature`] for an example that there is not, for none,
    /// and for a loss of examples as a whole
    /// ([`CurvatureError::NoPlaces`](backdraft_curvature::CurvatureError::NoPlaces)).
    pub fn place_scores(
        &self,
        scores: &Scores,
        query: usize,
        examples: &[usize],
    ) -> Result<Tensor<2>, AttributionError> {
        let examples = self.train.select(examples)?;
        let solution = scores.solution(query)?;
        Ok(place_scores(&examples, solution, self.train.len())?)
    }

    /// The self-influence of the training examples `examples` by place, `[examples, places]`, which sums to
    /// [`self_influence`](Self::self_influence): what each place of an example does to the example's own loss. One
    /// solve an example.
    ///
    /// # Errors
    /// [`AttributionError::Query`] with the place in `examples` of one whose system is not solved; as
    /// [`place_scores`](Self::place_scores).
    pub fn place_self_influence(&self, examples: &[usize]) -> Result<Tensor<2>, AttributionError> {
        let examples = self.train.select(examples)?;
        let (solutions, _) = self.solutions(&examples, false)?;
        let rows = solutions.into_iter().enumerate().map(|(row, solution)| {
            let own = examples.select(&[row])?;
            place_scores(&own, solution, self.train.len())
        });
        Ok(Tensor::cat(rows.collect::<Result<Vec<_>, _>>()?, 0))
    }
}
