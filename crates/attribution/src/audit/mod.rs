//! Which targets of training examples are wrong?
//!
//! An [`Audit`] ranks the training examples of a network by how far their targets are from what the network would say
//! had it not been trained on them, and by what they do to it. It takes no training again: [`LeftOut`]
//! predicts leave-one-out answers.
//!
//! Sequences, which have a target at each of their tokens, are looked through by [`Influence::audit_sequences`].

mod audit_by;
mod audit_targets;
mod audited;
mod predicted_token;
mod sequences;

use std::ops::Range;

use backdraft_curvature::{Cost, IntoRows};
use serde::{Deserialize, Serialize};

pub use audit_by::AuditBy;
pub use audit_targets::AuditTargets;
pub use audited::{AuditedExample, Suggestion};
pub use predicted_token::{PredictedToken, TokenTargets};

use crate::{
    AttributionError, Influence, LeftOut, Measurement, NewtonConfig, self_influence::SelfInfluences,
};

/// What is known of all training examples by which wrong targets are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// One an example, in the order of the training set.
    pub examples: Vec<AuditedExample>,
    /// How leave-one-out answers were found, in words; of sequences, self-influence.
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
        let harm = harm.map(|(measurement, inputs)| self.harm(measurement, inputs));
        let harm = harm.transpose()?;
        let left_out = self.left_out(config)?;
        Audit::of(self.train(), targets, harm.as_deref(), &left_out)
    }

    /// What the removal of each training example is predicted to change of what is measured, in the mean over the
    /// queries `inputs`: what an audit takes for harm.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn harm<X: IntoRows>(
        &self,
        measurement: &Measurement,
        inputs: X,
    ) -> Result<Vec<f64>, AttributionError> {
        let scores = self.scores(measurement, inputs)?;
        // Of several rows the mean.
        let mean = scores.values().mean_dim(0);
        Ok(mean.try_into_vec_as::<f64>()?)
    }

    /// The audit of some ranges of training examples alone, without harm, one after another, each handed to `done` with
    /// its place among `parts`: for processes that share them out, or go on where one was stopped. What is found of a
    /// range does not depend on the others; [`Audit::joined`] puts all together.
    ///
    /// # Errors
    /// As [`audit`](Self::audit), and those of `done`.
    pub fn audit_parts(
        &self,
        targets: &AuditTargets,
        config: &NewtonConfig,
        parts: &[Range<usize>],
        done: &mut dyn FnMut(usize, Audit) -> Result<(), AttributionError>,
    ) -> Result<(), AttributionError> {
        self.left_out_parts(config, parts, &mut |place, left_out| {
            let of = (self.train(), parts[place].clone());
            done(place, Audit::of_examples(of, targets, &left_out)?)
        })
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
        let audit = Self::of_examples((train, 0..train.len()), targets, left_out)?;
        Ok(match scores {
            Some(scores) => audit.with_harm(scores),
            None => audit,
        })
    }

    /// The same of a range of examples, which `left_out` is of.
    fn of_examples(
        (train, examples): (&Cost, Range<usize>),
        targets: &AuditTargets,
        left_out: &LeftOut,
    ) -> Result<Self, AttributionError> {
        targets.check(train.len(), left_out.width)?;
        let losses = match examples == (0..train.len()) {
            true => train.losses()?,
            false => train
                .select(&examples.clone().collect::<Vec<_>>())?
                .losses()?,
        };
        let losses = losses.try_into_vec_as::<f64>()?;
        let examples = examples.enumerate().map(|(place, example)| {
            let outputs = left_out.outputs_of(place);
            let without = left_out.outputs_without(place);
            AuditedExample {
                example,
                loss: losses[place],
                margin: targets.margin(example, outputs),
                left_out_margin: without.as_deref().map(|it| targets.margin(example, it)),
                self_influence: Some(left_out.losses.influence[place]),
                newton: left_out.losses.newton[place],
                score: None,
                leverage: Some(left_out.leverages[place].largest()),
                suggestion: without.map(|it| targets.suggestion(&it)),
                token: None,
            }
        });
        Ok(Self {
            examples: examples.collect(),
            method: left_out.method.clone(),
        })
    }

    /// The same with what each example's removal changes of what counts as harm ([`Influence::harm`]), one number an
    /// example of the training set.
    #[must_use]
    pub fn with_harm(mut self, scores: &[f64]) -> Self {
        for found in &mut self.examples {
            found.score = scores.get(found.example).copied();
        }
        self
    }

    /// The same with each example's self-influence, and how that was found: what [`Influence::audit_sequences`] has of
    /// all training sequences.
    #[must_use]
    pub fn with_self_influence(mut self, own: &SelfInfluences) -> Self {
        for found in &mut self.examples {
            found.self_influence = own.values.get(found.example).copied();
        }
        self.method.clone_from(&own.method);
        self
    }

    /// The audits of several ranges ([`Influence::audit_parts`], [`Influence::audit_sequence_range`]), in their order,
    /// as one.
    #[must_use]
    pub fn joined(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Self {
            examples: Vec::new(),
            method: String::new(),
        });
        all.examples.extend(parts.flat_map(|it| it.examples));
        all
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
