//! How far a minimisation is.

/// How far a number is that is to fall from 1 to a tolerance. It falls by about the same factor in the same time, if by
/// leaps.
#[derive(Clone, Copy, Debug)]
pub struct Approach {
    tolerance: f64,
    far: usize,
}

impl Approach {
    /// The parts that the way has.
    pub const PARTS: usize = 1_000;

    /// To a tolerance.
    pub fn new(tolerance: f64) -> Self {
        Self { tolerance, far: 0 }
    }

    /// How many of the parts are made when the number has come to `now`: never fewer than before.
    pub fn at(&mut self, now: f64) -> usize {
        let share = now.ln() / self.tolerance.ln();
        // Not a number, or away from where it is to go: no part of the way.
        let part = (share.clamp(0.0, 1.0) * Self::PARTS as f64).round() as usize;
        self.far = self.far.max(part);
        self.far
    }
}

#[cfg(test)]
mod tests {
    use super::Approach;

    #[test]
    fn the_way_is_measured_in_factors_and_leads_forwards_only() {
        let mut way = Approach::new(1e-10);
        let numbers = [
            1.0,
            2.0,
            f64::NAN,
            f64::INFINITY,
            1e-4,
            1e-2,
            1e-8,
            1e-12,
            0.0,
        ];
        let parts = numbers.map(|now| way.at(now));
        assert_eq!(parts, [0, 0, 0, 0, 400, 400, 800, 1000, 1000]);
    }
}
