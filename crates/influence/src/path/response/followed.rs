//! A path that was followed, and what it tells.

use super::{PathEnd, PathError, PathPoint};

/// A path from `eps = 1` to its end.
#[derive(Clone, Debug)]
pub struct FollowedPath {
    points: Vec<PathPoint>,
    end: PathEnd,
}

impl FollowedPath {
    /// Of its points, from `eps = 1` down, and its end.
    ///
    /// # Errors
    /// [`PathError::Setting`] where there is no point, or one does not have less weight than the one before.
    pub fn new(points: Vec<PathPoint>, end: PathEnd) -> Result<Self, PathError> {
        if points.is_empty() {
            return Err(PathError::setting("points", "has none"));
        }
        let falls = |pair: &[PathPoint]| pair[1].facts.eps < pair[0].facts.eps;
        if !points.windows(2).all(falls) {
            return Err(PathError::setting(
                "points",
                "must be in order, from `eps = 1` down",
            ));
        }
        Ok(Self { points, end })
    }

    /// Its points, from `eps = 1` down.
    pub fn points(&self) -> &[PathPoint] {
        &self.points
    }

    /// Where it ends.
    pub fn end(&self) -> &PathEnd {
        &self.end
    }

    /// The first point, at `eps = 1`.
    pub fn first(&self) -> &PathPoint {
        &self.points[0]
    }

    /// The last point: at `eps = 0` where the path is whole.
    pub fn last(&self) -> &PathPoint {
        self.points.last().expect("it has points")
    }

    /// How much of `eps` it goes through: 1 where it is whole.
    pub fn span(&self) -> f64 {
        self.first().facts.eps - self.last().facts.eps
    }
}

/// The integral over `eps`, from point to point, of a function of which the points have the value and the derivative,
/// by the trapezoidal rule with its end correction: of fourth order in the steps, and of second where the derivative is
/// given as 0.
pub(super) fn integral(points: &[PathPoint], of: impl Fn(&PathPoint) -> (f64, f64)) -> f64 {
    let over = |pair: &[PathPoint]| {
        let h = pair[0].facts.eps - pair[1].facts.eps;
        let ((low, low_slope), (high, high_slope)) = (of(&pair[1]), of(&pair[0]));
        0.5 * h * (low + high) + h * h / 12.0 * (low_slope - high_slope)
    };
    points.windows(2).map(over).sum()
}
