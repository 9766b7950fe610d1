//! How far a verification goes, in words.

use super::VerificationRecord;
use super::number::{count, short};

impl VerificationRecord {
    /// How sure the correlations are, how much was verified, and what is missing: a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let tried = self.coverage.as_ref().map(|it| it.removals.len());
        if let Some(it) = self.intervals {
            let range = |[low, high]: [f64; 2]| format!("{} to {}", short(low), short(high));
            notes.push(format!(
                "95 % intervals: Pearson {}, Spearman {}, by {} samples with replacement of the {} removals",
                range(it.pearson),
                range(it.spearman),
                count(it.samples),
                it.removals
            ));
        } else if tried.is_some() {
            notes.push(
                "too few removals, or too little variation, to tell how sure the correlations are"
                    .into(),
            );
        }
        if let Some(it) = &self.coverage {
            notes.push(match (it.removals.len(), it.planned) {
                (tried, planned) if tried < planned => format!(
                    "{tried} of {planned} removals: a quick verification ends after about a minute, or three removals; --verify full takes all"
                ),
                (_, planned) => format!("all {planned} removals that were asked for"),
            });
        }
        if let Some(gradient) = self.max_objective_gradient {
            let left = short(gradient);
            notes.push(format!(
                "largest gradient left in a response objective {left}"
            ));
        }
        if let (Some(tried), 1..) = (tried, self.failed.len()) {
            notes.push(format!(
                "{} of {tried} responses diverged or were not minimised: not counted in the correlations",
                self.failed.len()
            ));
        }
        notes
    }
}
