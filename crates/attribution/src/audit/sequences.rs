//! Training sequences under audit.

use std::ops::Range;

use backdraft_curvature::IntoRows;
use burn::tensor::Tensor;

use super::{
    Audit, AuditedExample, PredictedToken, Suggestion, TokenTargets, predicted_token::refused,
};
use crate::{AttributionError, Influence, Measurement, SelfInfluenceConfig};

/// How self-influence was found, where it was not asked for.
const NOT_ASKED: &str = "not asked for";

impl Influence {
    /// Looks for wrong tokens among the training sequences, as [`audit`](Self::audit) does for wrong targets: by loss,
    /// by the margin of the worst token, by self-influence if there is a `config` for it, and by `harm` if it is given.
    /// [`Audit::method`] is how self-influence was found. Answers without a sequence are not predicted, which would
    /// take a linear system for each token there is at each of its places; so there is nothing to rank by for
    /// [`AuditBy::LeftOut`](super::AuditBy::LeftOut) and [`AuditBy::Newton`](super::AuditBy::Newton), and what is
    /// suggested at the worst place is what the network says as it is, trained on that token too.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for targets that do not belong to the examples or to the network's outputs, and
    /// for a sequence of padding alone; as [`self_influences`](Self::self_influences) and [`scores`](Self::scores).
    pub fn audit_sequences<X: IntoRows>(
        &self,
        targets: &TokenTargets,
        harm: Option<(&Measurement, X)>,
        config: Option<&SelfInfluenceConfig>,
    ) -> Result<Audit, AttributionError> {
        let mut audit = self.audit_sequence_range(targets, 0..self.train().len())?;
        if let Some((measurement, inputs)) = harm {
            audit = audit.with_harm(&self.harm(measurement, inputs)?);
        }
        if let Some(config) = config {
            audit = audit.with_self_influence(&self.self_influences(config)?);
        }
        Ok(audit)
    }

    /// The same of a range of training sequences alone, by loss and margin: for processes that share them out.
    /// [`Audit::joined`] puts all together, [`Audit::with_harm`] and [`Audit::with_self_influence`] add the rest. What
    /// is found of a range does not depend on the others.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] as [`audit_sequences`](Self::audit_sequences); [`AttributionError::Curvature`] for
    /// an example that there is not.
    pub fn audit_sequence_range(
        &self,
        targets: &TokenTargets,
        examples: Range<usize>,
    ) -> Result<Audit, AttributionError> {
        let mut found = Vec::with_capacity(examples.len());
        let all: Vec<usize> = examples.collect();
        for few in all.chunks(self.train().batch_size()) {
            let losses = self.train().select(few)?.losses()?;
            let losses = losses.try_into_vec_as::<f64>()?;
            let tokens = self.predicted_tokens(targets, few)?;
            for ((&example, loss), tokens) in few.iter().zip(losses).zip(tokens) {
                found.push(audited(example, loss, tokens)?);
            }
        }
        Ok(Audit {
            examples: found,
            method: NOT_ASKED.into(),
        })
    }

    /// What the network says of every token of the training sequences `examples`, padding left out; `targets` are those
    /// of all training sequences.
    ///
    /// # Errors
    /// As [`PredictedToken::of`].
    pub fn predicted_tokens(
        &self,
        targets: &TokenTargets,
        examples: &[usize],
    ) -> Result<Vec<Vec<PredictedToken>>, AttributionError> {
        let [len, _] = targets.next.dims();
        if len != self.train().len() {
            let problem = format!(
                "are of {len} sequences, and there are {}",
                self.train().len()
            );
            return Err(refused(problem));
        }
        let indices: Vec<i64> = examples.iter().map(|it| *it as i64).collect();
        let indices = Tensor::from_data(indices.as_slice(), &targets.next.device());
        let few = TokenTargets {
            next: targets.next.clone().select(0, indices),
            padding: targets.padding,
        };
        PredictedToken::of(&self.train().select(examples)?, &few)
    }
}

/// What is known of one sequence, whose worst token is the one with the lowest margin.
fn audited(
    example: usize,
    loss: f64,
    tokens: Vec<PredictedToken>,
) -> Result<AuditedExample, AttributionError> {
    let worst = tokens
        .into_iter()
        .min_by(|a, b| a.margin.total_cmp(&b.margin));
    let alone = || refused(format!("of sequence {example} are padding alone"));
    let token = worst.ok_or_else(alone)?;
    Ok(AuditedExample {
        example,
        loss,
        margin: token.margin,
        left_out_margin: None,
        self_influence: None,
        newton: None,
        score: None,
        leverage: None,
        suggestion: Some(Suggestion::Class {
            class: token.predicted,
            probability: token.probability,
        }),
        token: Some(token),
    })
}
