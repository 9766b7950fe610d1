//! Why an example is suspect, in words.

use super::SuspectRecord;
use crate::{
    Labels, TargetValue,
    number::{change, percent, short},
};

/// From what leverage on an example is said to be fitted by itself alone.
const ALONE: f64 = 0.9;

impl SuspectRecord {
    /// Why its target may be wrong, or not, in a sentence without its stop.
    pub fn reason(&self, labels: &Labels) -> String {
        let mut parts = Vec::new();
        match (self.suggested, self.probability) {
            (None, _) => parts.push(
                "it is fitted by itself alone: what the network would say without it cannot be told"
                    .to_owned(),
            ),
            (Some(class), Some(probability)) if class == self.label => parts.push(format!(
                "without it the network would still say so, with {}",
                percent(probability)
            )),
            (Some(class), Some(probability)) => parts.push(format!(
                "without it the network would say {}, with {}",
                labels.text(class),
                percent(probability)
            )),
            (Some(value), None) => {
                let apart = self.left_out_margin.map_or(0.0, f64::abs);
                parts.push(format!(
                    "without it the network would say {}, {} away",
                    labels.text(value),
                    short(apart)
                ));
            }
        }
        if let Some(score) = self.score.filter(|it| *it < 0.0) {
            parts.push(format!(
                "its removal is predicted to change the mean test loss by {}",
                change(score)
            ));
        }
        if self.suggested.is_some() && self.leverage > ALONE {
            parts.push("it is fitted nearly by itself alone".to_owned());
        }
        parts.join("; ")
    }

    /// What the network would give it in place of its label, where that is another class, or a value.
    pub fn other(&self) -> Option<TargetValue> {
        self.suggested.filter(|it| *it != self.label)
    }
}
