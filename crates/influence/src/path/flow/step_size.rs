//! How long the next step is.

/// The exponents of the last error and of the one before it: a proportional and integral controller (Hairer, Norsett
/// and Wanner, Solving Ordinary Differential Equations II, IV.2), which keeps steps even where stability bounds them.
const PROPORTIONAL: f64 = 0.2 - 0.75 * INTEGRAL;
const INTEGRAL: f64 = 0.04;
/// Steps are so much shorter than they need be.
const SAFETY: f64 = 0.9;
/// The most that steps become shorter or longer at once.
const SHORTEST: f64 = 0.1;
const LONGEST: f64 = 10.0;
/// Errors below this are as good as none.
const LEAST: f64 = 1e-4;

/// The size of the next step, by the errors of the last ones in units of the tolerance.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepSize {
    pub size: f64,
    before: f64,
    /// Whether the last step was too long.
    was_too_long: bool,
}

impl StepSize {
    pub fn new(size: f64) -> Self {
        Self {
            size,
            before: LEAST,
            was_too_long: false,
        }
    }

    /// Whether a step of `made`, no longer than the size, is let pass with this error; NaN is not.
    pub fn passes(&mut self, made: f64, error: f64) -> bool {
        let passes = error <= 1.0;
        let factor = match passes {
            true => {
                let most = if self.was_too_long { 1.0 } else { LONGEST };
                let factor = SAFETY * error.powf(-PROPORTIONAL) * self.before.powf(INTEGRAL);
                factor.clamp(SHORTEST, most)
            }
            // Errors that are no number tell nothing.
            false if !error.is_finite() => SHORTEST,
            false => (SAFETY * error.powf(-PROPORTIONAL)).clamp(SHORTEST, 1.0),
        };
        // One that was cut short to end at a time says nothing against longer ones.
        self.size = match passes && made < self.size {
            true => self.size.max(made * factor),
            false => made * factor,
        };
        self.was_too_long = !passes;
        if passes {
            self.before = error.max(LEAST);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::StepSize;

    #[test]
    fn steps_grow_and_shrink_with_their_errors() {
        let mut steps = StepSize::new(1.0);
        assert!(steps.passes(1.0, 0.0));
        assert_eq!(steps.size, 10.0);
        assert!(!steps.passes(10.0, f64::NAN));
        assert_eq!(steps.size, 1.0);
        assert!(!steps.passes(1.0, 2.0));
        let shorter = steps.size;
        assert!(shorter < 0.9 && shorter > 0.5, "{shorter}");
        // After one that was too long none grows.
        assert!(steps.passes(shorter, 1e-9));
        assert_eq!(steps.size, shorter);
        // A short step to a time does not count against the next.
        assert!(steps.passes(1e-9, 0.5));
        assert_eq!(steps.size, shorter);
    }
}
