//! How far a verification goes, in words.

use super::VerificationRecord;
use super::number::{count, plural, short};

/// From which correlation on the order of predictions is trusted, and a tendency seen in them; the report's guide says
/// the same.
const ORDER: f64 = 0.95;
const TENDENCY: f64 = 0.8;
/// The slopes of found on predicted changes at which their size is trusted.
const SIZE: std::ops::RangeInclusive<f64> = 0.8..=1.25;

impl VerificationRecord {
    /// How far the predictions can be trusted, in a sentence, and how far the Newton estimates, in another.
    pub fn verdict(&self) -> String {
        let interval = match (&self.coverage, self.intervals) {
            (Some(coverage), None) => {
                let tried = coverage.removals.len();
                let followed = tried.saturating_sub(self.failed.len());
                return format!(
                    "These predictions were held against what {} really did: too few, or too little variation, for a verdict.",
                    plural(followed, "removal")
                );
            }
            (_, Some(it)) => {
                let [low, high] = it.pearson.map(short);
                format!(", 95 % interval {low} to {high}")
            }
            (None, None) => String::new(),
        };
        let Some(pearson) = self.pearson else {
            return "The predictions could not be correlated with actual changes, for lack of pairs that vary."
                .into();
        };
        let slope = self.slope.map_or_else(String::new, slope);
        let influence = format!(
            "Held against actual changes of {}, the scores {} (Pearson {}{interval}{slope}).",
            plural(self.pairs.len(), "pair"),
            trusted(pearson, self.slope),
            short(pearson)
        );
        let Some((newton, pearson)) = self.newton.and_then(|it| Some((it, it.pearson?))) else {
            return influence;
        };
        format!(
            "{influence} The Newton estimates of the same changes {} (Pearson {}{}).",
            trusted(pearson, newton.slope),
            short(pearson),
            newton.slope.map_or_else(String::new, self::slope),
        )
    }

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
                (_, 1) => "the one removal that was asked for".into(),
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

/// What predictions are worth by their correlation with what was found, and its slope.
fn trusted(pearson: f64, slope: Option<f64>) -> &'static str {
    let sized = slope.is_some_and(|slope| SIZE.contains(&slope));
    match pearson {
        r if r >= ORDER && sized => "can be trusted in order and in size",
        r if r >= ORDER => "can be trusted in order, but not in size",
        r if r >= TENDENCY => "show the tendency and should be checked one by one",
        _ => "should not be relied on",
    }
}

fn slope(slope: f64) -> String {
    format!(", slope {}", short(slope))
}
