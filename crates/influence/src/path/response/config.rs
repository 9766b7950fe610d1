//! Settings of a path.

use serde::{Deserialize, Serialize};

use super::PathError;

/// Settings of a [`ResponsePath`](super::ResponsePath).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathConfig {
    /// Equal steps from `eps = 1` to 0, at the ends of which there is a point. Where one is too long for what the path
    /// does, it is halved, and there are more.
    pub steps: usize,
    /// Norm of the objective's gradient at which a point counts as stationary, relative to that of `D`: then the
    /// distance from the path is about this share of `||theta'||`.
    pub tolerance: f64,
    /// Most Newton steps of a correction.
    pub corrections: usize,
    /// The shortest step of `eps`: where a shorter one would be needed, the path ends.
    pub shortest: f64,
}

impl Default for PathConfig {
    /// Ten steps, to 1e-8, with at most eight corrections each, and no step shorter than 1e-4.
    fn default() -> Self {
        Self {
            steps: 10,
            tolerance: 1e-8,
            corrections: 8,
            shortest: 1e-4,
        }
    }
}

impl PathConfig {
    pub(super) fn check(&self) -> Result<(), PathError> {
        for (name, count) in [("steps", self.steps), ("corrections", self.corrections)] {
            if count == 0 {
                return Err(PathError::setting(name, "is 0, must be at least 1"));
            }
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let problem = format!("is {:?}, must lie between 0 and 1", self.tolerance);
            return Err(PathError::setting("tolerance", problem));
        }
        let whole = 1.0 / self.steps as f64;
        if !(self.shortest > 0.0 && self.shortest <= whole) {
            let problem = format!(
                "is {:?}, must be above 0 and at most a whole step, {whole:?}",
                self.shortest
            );
            return Err(PathError::setting("shortest", problem));
        }
        // Steps below the precision of a weight near 1 are none.
        if self.shortest < 1e-12 {
            let problem = format!("is {:?}, must be at least 1e-12", self.shortest);
            return Err(PathError::setting("shortest", problem));
        }
        Ok(())
    }
}
