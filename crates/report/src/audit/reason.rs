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
            _ if self.token.is_some() => parts.extend(self.worst(labels)),
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
        if self.suggested.is_some() && self.leverage.is_some_and(|it| it > ALONE) {
            parts.push("it is fitted nearly by itself alone".to_owned());
        }
        parts.join("; ")
    }

    /// Of a sequence, what the network says of its worst token.
    fn worst(&self, labels: &Labels) -> Option<String> {
        let (token, suggested) = (self.token.as_ref()?, self.suggested?);
        let own = format!(
            "{} at place {} ({})",
            quoted(&labels.text(self.label)),
            token.place,
            token.source
        );
        let sure = percent(self.probability?);
        Some(match suggested == self.label {
            true => {
                format!("its least likely word is {own}, which the network says too, with {sure}")
            }
            false => format!(
                "its least likely word is {own}: the network gives it {}, and says {}, with {sure}",
                likelihood(self.margin),
                quoted(&labels.text(suggested)),
            ),
        })
    }

    /// What the network would give it in place of its label, where that is another class, or a value.
    pub fn other(&self) -> Option<TargetValue> {
        self.suggested.filter(|it| *it != self.label)
    }
}

/// A word as it is told.
fn quoted(word: &str) -> String {
    format!("\u{201c}{word}\u{201d}")
}

/// The probability that has the margin `log(p / (1 - p))`, in words.
fn likelihood(margin: f64) -> String {
    let p = 1.0 / (1.0 + (-margin).exp());
    match p < 0.001 {
        true => format!("a probability of {p:.0e}"),
        false => percent(p),
    }
}
