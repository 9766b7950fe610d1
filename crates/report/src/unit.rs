//! What a run's numbers are measured in.

use serde::{Deserialize, Serialize};

use super::Quality;
use super::number::{own, short};

/// What losses and outputs are measured in, and what those that the network was trained with were multiplied by to be
/// so.
///
/// A regression's network gives the target less its mean, in standard deviations; its losses are half the square of a
/// distance of such outputs. Everything that a run tells is in the target's own units instead. Damping and step sizes
/// are as the network was trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Of losses, of scores, which are changes of a loss, and of gradients of a loss.
    pub loss: String,
    /// Of outputs, and of distances between them.
    pub output: String,
    /// What losses, scores and gradients were multiplied by.
    pub loss_factor: f64,
    /// What outputs were multiplied by.
    pub output_factor: f64,
}

impl Unit {
    /// Cross-entropies of logits.
    pub fn nats() -> Self {
        Self {
            loss: "nats".into(),
            output: "logits".into(),
            loss_factor: 1.0,
            output_factor: 1.0,
        }
    }

    /// Half the squared error of a target that was divided by `std`.
    pub fn squared(target: &str, std: f64) -> Self {
        Self {
            loss: format!("half the square of `{target}`"),
            output: format!("`{target}`"),
            loss_factor: std * std,
            output_factor: std,
        }
    }

    /// Huber's loss of a target that was divided by `std`: half the square of a small error.
    pub fn huber(target: &str, std: f64) -> Self {
        Self {
            loss: format!("Huber's loss of `{target}`"),
            ..Self::squared(target, std)
        }
    }

    /// Negative log-likelihoods of counts.
    pub fn log_rates() -> Self {
        Self {
            output: "logarithmic rates".into(),
            ..Self::nats()
        }
    }

    /// A measurement of the network as it was trained, in this unit.
    #[must_use]
    pub fn quality(&self, trained: Quality) -> Quality {
        Quality {
            loss: self.loss_factor * trained.loss,
            ..trained
        }
    }

    /// The unit of losses and scores, in words.
    pub fn told(&self) -> String {
        if self.is_plain() {
            return self.loss.clone();
        }
        format!(
            "{}: {} times those that the network is trained with, whose target is in units of {}",
            self.loss,
            short(self.loss_factor),
            own(self.output_factor)
        )
    }

    /// Whether numbers are as the network was trained with.
    pub fn is_plain(&self) -> bool {
        self.output_factor == 1.0
    }
}

impl Default for Unit {
    fn default() -> Self {
        Self::nats()
    }
}
