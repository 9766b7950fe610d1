//! Whether an example can be told to have been trained on.

use serde::{Deserialize, Serialize};

use super::UnlearnError;

/// How well scores tell members of the training set from others: a member is guessed where the score is at least a
/// threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    /// The probability that a member has the higher score of the two, equal scores counting half: 0.5 where nothing can
    /// be told, the area under the curve of true positives over false ones.
    pub auc: f64,
    /// What that deviates from 0.5 by chance alone, where the two do not differ: `sqrt((m + n + 1) / (12 m n))` (Mann
    /// and Whitney 1947).
    pub chance: f64,
    /// The largest difference of the shares of true and of false positives, over all thresholds (Yeom et al. 2018): 0
    /// where nothing can be told. It is of the best threshold in hindsight, and so above 0 by chance where examples are
    /// few.
    pub advantage: f64,
}

impl Membership {
    /// Of scores of members and of others, the higher the more like a member's: the loss with its sign changed, say
    /// (Yeom et al. 2018), or [`calibrated`] ones.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] if there are none of either, or one is no number.
    pub fn of(members: &[f64], others: &[f64]) -> Result<Self, UnlearnError> {
        for (name, scores) in [("members", members), ("others", others)] {
            if scores.is_empty() {
                return Err(UnlearnError::setting(name, "are none"));
            }
            if let Some(place) = scores.iter().position(|it| it.is_nan()) {
                return Err(UnlearnError::setting(name, format!("have NaN at {place}")));
            }
        }
        let (m, n) = (members.len() as f64, others.len() as f64);
        let all = members.iter().map(|it| (*it, true));
        let mut all: Vec<(f64, bool)> = all.chain(others.iter().map(|it| (*it, false))).collect();
        // The highest first; 0 and -0 are equal.
        all.sort_by(|a, b| b.0.partial_cmp(&a.0).expect("they are numbers"));
        let (mut found, mut false_alarms) = (0.0, 0.0);
        let (mut area, mut advantage) = (0.0, 0.0_f64);
        for tied in all.chunk_by(|a, b| a.0 == b.0) {
            let here = tied.iter().filter(|it| it.1).count() as f64;
            let others = tied.len() as f64 - here;
            area += others * (found + 0.5 * here);
            found += here;
            false_alarms += others;
            advantage = advantage.max(found / m - false_alarms / n);
        }
        Ok(Self {
            auc: area / (m * n),
            chance: ((m + n + 1.0) / (12.0 * m * n)).sqrt(),
            advantage,
        })
    }
}

/// How sure a classifier is of an example's label, `ln(p / (1 - p))` from the loss `-ln p` in nats, which is nearer to
/// normal than the loss (Carlini et al. 2022, "Membership Inference Attacks From First Principles"). A loss below the
/// rounding of 1 counts as that.
pub fn confidence(loss: f64) -> f64 {
    let loss = if loss.is_nan() {
        loss
    } else {
        loss.max(f64::EPSILON)
    };
    -loss - (-(-loss).exp_m1()).ln()
}

/// Scores less what they are for networks that have never seen the examples: `references` has their scores, a list a
/// network, in the order of `scores`. Some examples are easy for every network; this leaves what is the network's own.
///
/// It is the offline likelihood ratio of Carlini et al. (2022) with one variance for all examples, as they take it
/// where networks are few: that divides all scores alike, and changes neither area nor advantage.
///
/// # Errors
/// [`UnlearnError::Setting`] if there are no references, or one has not as many scores.
pub fn calibrated(scores: &[f64], references: &[Vec<f64>]) -> Result<Vec<f64>, UnlearnError> {
    if references.is_empty() {
        return Err(UnlearnError::setting("references", "are none"));
    }
    if let Some(wrong) = references.iter().find(|it| it.len() != scores.len()) {
        let problem = format!("have {} scores for {} examples", wrong.len(), scores.len());
        return Err(UnlearnError::setting("references", problem));
    }
    let count = references.len() as f64;
    let mean = |place: usize| references.iter().map(|it| it[place]).sum::<f64>() / count;
    let apart = scores.iter().enumerate();
    Ok(apart.map(|(place, score)| score - mean(place)).collect())
}
