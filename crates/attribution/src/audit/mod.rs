//! Which targets of training examples are wrong?
//!
//! An [`Audit`] ranks the training examples of a network by how far their targets are from what the network would say
//! had it not been trained on them, and by what they do to it. It takes no training again: [`LeftOut`]
//! predicts leave-one-out answers.

mod audit_by;
mod audit_targets;
mod audited;

use backdraft_curvature::{Cost, IntoRows};
use serde::{Deserialize, Serialize};

pub use audit_by::AuditBy;
pub use audit_targets::AuditTargets;
pub use audited::{AuditedExample, Suggestion};

use crate::{AttributionError, Influence, LeftOut, Measurement, NewtonConfig};

/// What is known of all training examples by which wrong targets are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// One an example, in the order of the training set.
    pub examples: Vec<AuditedExample>,
    /// How leave-one-out answers were found, in words.
    pub method: String,
}

impl Influence {
    /// Looks for wrong targets among the training examples. `harm`, if given, measures what the examples do to others,
    /// such as the mean loss over a test set: [`Measurement::loss`] with [`mean`](Measurement::mean), and its inputs.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for another number of targets than of examples, a class that the network has no
    /// output for, or values for a network with several outputs; as [`left_out`](Self::left_out) and
    /// [`scores`](Self::scores).
    pub fn audit<X: IntoRows>(
        &self,
        targets: &AuditTargets,
        harm: Option<(&Measurement, X)>,
        config: &NewtonConfig,
    ) -> Result<Audit, AttributionError> {
        let harm = harm
            .map(|(measurement, inputs)| {
                let scores = self.scores(measurement, inputs)?;
                // Of several rows the mean.
                let mean = scores.values().mean_dim(0);
                Ok::<_, AttributionError>(mean.try_into_vec_as::<f64>()?)
            })
            .transpose()?;
        Audit::of(
            self.train(),
            targets,
            harm.as_deref(),
            &self.left_out(config)?,
        )
    }
}

impl Audit {
    /// From what is known already: the scores of the examples for what counts as harm, if any, as [`Influence::scores`]
    /// has them, and what the network would answer without each.
    ///
    /// # Errors
    /// As [`Influence::audit`].
    pub fn of(
        train: &Cost,
        targets: &AuditTargets,
        scores: Option<&[f64]>,
        left_out: &LeftOut,
    ) -> Result<Self, AttributionError> {
        targets.check(train.len(), left_out.width)?;
        let losses = train.losses()?.try_into_vec_as::<f64>()?;
        let examples = (0..train.len()).map(|example| {
            let outputs = left_out.outputs_of(example);
            let without = left_out.outputs_without(example);
            AuditedExample {
                example,
                loss: losses[example],
                margin: targets.margin(example, outputs),
                left_out_margin: without.as_deref().map(|it| targets.margin(example, it)),
                self_influence: left_out.losses.influence[example],
                newton: left_out.losses.newton[example],
                score: scores.map(|it| it[example]),
                leverage: left_out.leverages[example].largest(),
                suggestion: without.map(|it| targets.suggestion(&it)),
            }
        });
        Ok(Self {
            examples: examples.collect(),
            method: left_out.method.clone(),
        })
    }

    /// How suspect each example's target is, by its index; larger is more suspect. None where it cannot be told.
    pub fn suspicions(&self, by: AuditBy) -> Vec<Option<f64>> {
        self.examples.iter().map(|it| by.of(it)).collect()
    }

    /// The examples, the most suspect first, equal ones by index, and those of which nothing can be told last.
    pub fn order(&self, by: AuditBy) -> Vec<usize> {
        crate::evaluate::Ranking::of(self.suspicions(by), &[]).order
    }
}
