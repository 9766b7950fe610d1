//! Scores beside the changes that they predict.

use std::collections::{HashMap, HashSet};

use backdraft_influence::statistics::{pearson, slope, spearman};
use burn::config::Config;

use super::{
    Extent, Intervals, PairKind, RemovalResponse, ResponseOutcome, Selection, Verifier,
    verifier::LEAST,
};
use crate::{AttributionError, Influence, NewtonPrediction, PredictionQuality, Scores};

/// Settings of [`Influence::verify`].
#[derive(Config, Debug, PartialEq)]
pub struct VerifyConfig {
    /// Training examples whose removal is followed: those of the strongest scores of each sign for every query, and
    /// some drawn at random.
    #[config(default = 10)]
    pub removals: usize,
    /// Seed of those drawn.
    #[config(default = 0)]
    pub seed: u64,
    /// Most steps of a response.
    #[config(default = 2_000)]
    pub max_steps: usize,
}

/// One training example removed, and what that does to what is measured of one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerifiedPair {
    /// The row of scores.
    pub row: usize,
    /// The training example.
    pub removed: usize,
    /// What it is to the query.
    pub kind: PairKind,
    /// The score: the predicted change.
    pub predicted: f64,
    /// The Newton estimate of the change, where there is one.
    pub newton: Option<f64>,
    /// The change under the response.
    pub found: f64,
}

/// Scores beside the changes that they predict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// The examples whose removal was followed to its end, one after another, each by itself.
    pub removed: Vec<usize>,
    /// Each with the queries that it is something to, row by row from the most positive score down.
    pub pairs: Vec<VerifiedPair>,
    /// Examples whose response could not be found, and why; they are not among the removed.
    pub failed: Vec<(usize, String)>,
    /// The largest gradient left in the objective of a response, relative to that at its start.
    pub gradient: Option<f64>,
}

impl Verification {
    /// Of `scores`, one row a query, with the responses that were found to removals of the selection. The changes are
    /// multiplied by `factor`, which takes them into the unit of the scores.
    pub fn of(
        scores: &[Vec<f64>],
        selection: &Selection,
        responses: Vec<(usize, RemovalResponse)>,
        factor: f64,
    ) -> Self {
        let mut verification = Self::default();
        let mut changes = HashMap::new();
        for (example, response) in responses {
            match response.outcome {
                ResponseOutcome::Done {
                    changes: found,
                    gradient,
                } => {
                    let largest = verification.gradient.unwrap_or(0.0);
                    verification.gradient = Some(gradient.max(largest));
                    verification.removed.push(example);
                    changes.insert(example, found);
                }
                ResponseOutcome::Failed(reason) => verification.failed.push((example, reason)),
            }
        }
        for (row, kinds) in selection.kinds.iter().enumerate() {
            let pair = |(&removed, &kind)| {
                Some(VerifiedPair {
                    row,
                    removed,
                    kind,
                    predicted: scores[row][removed],
                    newton: None,
                    found: factor * changes.get(&removed)?[row],
                })
            };
            let mut pairs: Vec<VerifiedPair> = kinds.iter().filter_map(pair).collect();
            pairs.sort_by(|a, b| b.predicted.total_cmp(&a.predicted));
            verification.pairs.extend(pairs);
        }
        verification
    }

    /// The same with Newton estimates beside the scores, of those removals that have one. The changes are multiplied by
    /// `factor`, as those of [`of`](Self::of).
    #[must_use]
    pub fn with_newton(mut self, predictions: &[NewtonPrediction], factor: f64) -> Self {
        let of: HashMap<usize, _> = predictions.iter().map(|it| (it.removed, it)).collect();
        for pair in &mut self.pairs {
            let change = of.get(&pair.removed).and_then(|it| it.change(pair.row));
            pair.newton = change.map(|it| factor * it);
        }
        self
    }

    /// How well the Newton estimates agree with what was found, over the pairs that have one, with correlations for no
    /// less than three removals; none if there are no estimates.
    pub fn newton(&self) -> Option<PredictionQuality> {
        let with = self.pairs.iter().filter(|pair| pair.newton.is_some());
        let removed: HashSet<usize> = with.clone().map(|pair| pair.removed).collect();
        let pairs = with.filter_map(|pair| Some((pair.newton?, pair.found)));
        let pairs: Vec<(f64, f64)> = pairs.collect();
        match removed.len() {
            0 => None,
            1..LEAST => Some(PredictionQuality {
                pairs: pairs.len(),
                ..Default::default()
            }),
            _ => Some(PredictionQuality::of(&pairs)),
        }
    }

    /// Pearson's correlation of all predicted and found changes; none for fewer than three removals, as two always lie
    /// on a line, or if there is no variation.
    pub fn pearson(&self) -> Option<f64> {
        self.statistic(pearson)
    }

    /// The rank correlation of all predicted and found changes, alike.
    pub fn spearman(&self) -> Option<f64> {
        self.statistic(spearman)
    }

    /// The least-squares slope of the found on the predicted changes, alike: 1 if the size is right too.
    pub fn slope(&self) -> Option<f64> {
        self.statistic(slope)
    }

    /// How sure the correlations are, by samples of the removals from `seed`.
    pub fn intervals(&self, seed: u64) -> Option<Intervals> {
        Intervals::of(&self.pairs, seed)
    }

    fn statistic(&self, of: fn(&[f64], &[f64]) -> Option<f64>) -> Option<f64> {
        let pairs = self.pairs.iter().map(|it| (it.predicted, it.found));
        let (predicted, found): (Vec<f64>, Vec<f64>) = pairs.unzip();
        match self.removed.len() {
            0..LEAST => None,
            _ => of(&predicted, &found),
        }
    }
}

impl Influence {
    /// Holds `scores`, and the Newton estimates beside them, against the response of the network to the removal of some
    /// training examples, as a [`Verifier`] finds it.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for no removals; [`AttributionError::Unverified`] if no response could be found;
    /// [`AttributionError::Response`].
    pub fn verify(
        &self,
        scores: &Scores,
        config: &VerifyConfig,
    ) -> Result<Verification, AttributionError> {
        if config.removals == 0 {
            return Err(AttributionError::Setting {
                name: "removals",
                problem: "is 0, must be at least 1".into(),
            });
        }
        let rows = (0..scores.values.dims()[0]).map(|row| scores.of(row));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let mut selection = Selection::of(&rows, config.seed, Some(config.removals));
        if !scores.of_loss {
            selection = selection.with_kinds([PairKind::Lowering, PairKind::Raising]);
        }
        let kind = self.config.matrix.response();
        let verifier = Verifier::new(&self.train, &scores.queries, self.config.damping, kind)?;
        let verifier = verifier
            .with_mean(scores.mean)
            .with_max_steps(config.max_steps);
        let responses = verifier.run(&selection.removals, Extent::Full)?;
        let verification = Verification::of(&rows, &selection, responses, 1.0);
        let newton = self.newton(scores, &verification.removed)?;
        let verification = verification.with_newton(&newton, 1.0);
        match verification.failed.first() {
            Some((example, reason)) if verification.removed.is_empty() => {
                Err(AttributionError::Unverified {
                    removals: verification.failed.len(),
                    example: *example,
                    reason: reason.clone(),
                })
            }
            _ => Ok(verification),
        }
    }
}
