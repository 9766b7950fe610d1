//! What the network really answers to changed training examples.

use backdraft_curvature::IntoRows;

use super::Perturbations;
use crate::{
    AttributionError, Influence,
    verify::{RemovalResponse, Verifier},
};

impl Influence {
    /// What replacing training examples, each by itself, does under the response that predictions are of, as a
    /// [`Verifier`] finds it: the example `indices[j]` by the one of row `j` of `inputs` and `targets`. Its changes are
    /// those of the rows of `of`, to be held beside [`Perturbations::replaced`].
    ///
    /// # Errors
    /// As [`Perturbations::replaced`]; [`AttributionError::Response`] for a damping that makes no sense. A response
    /// that cannot be found says so itself.
    pub fn respond_to(
        &self,
        of: &Perturbations,
        indices: &[usize],
        inputs: impl IntoRows,
        targets: impl IntoRows,
        max_steps: usize,
    ) -> Result<Vec<RemovalResponse>, AttributionError> {
        let replacements = self.train.with_examples(inputs, targets)?;
        if indices.len() != replacements.len() {
            return Err(AttributionError::Setting {
                name: "indices",
                problem: format!(
                    "name {} examples for {} replacements: name one for each",
                    indices.len(),
                    replacements.len()
                ),
            });
        }
        let kind = self.config.matrix.response();
        let verifier = Verifier::new(&self.train, &of.queries, self.config.damping, kind)?;
        let verifier = verifier.with_mean(of.mean).with_max_steps(max_steps);
        let responses = indices.iter().enumerate().map(|(place, &index)| {
            let replacement = replacements.select(&[place])?;
            verifier.replaced(&place.to_string(), index, &replacement)
        });
        responses.collect()
    }
}
