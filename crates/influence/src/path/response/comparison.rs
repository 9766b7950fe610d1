//! What straight lines make of a path: its tangents at both ends, and the Newton estimate.

use backdraft_optimize::norm;
use burn::Tensor;
use serde::{Deserialize, Serialize};

use super::{FollowedPath, PathError, followed::integral};

/// How far the tangents at the two ends of a path differ, and what bounds that where the path is smooth: at a kink of a
/// piecewise smooth network the tangent jumps, which no second derivative tells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TangentGap {
    /// `||theta'(1)||`, influence at the trained parameters.
    pub at_one: f64,
    /// `||theta'||` at the other end, `eps = 0` where the path is whole.
    pub at_end: f64,
    /// The norm of their difference.
    pub difference: f64,
    /// `integral of ||theta''|| d eps`, which is no less but for the error of the trapezoidal rule.
    pub integral: f64,
    /// `max ||theta''||` times the range of `eps`, which is no less than the integral. The largest of all points: what
    /// lies between them is not looked at.
    pub bound: f64,
}

/// How far a straight line lands from the far end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landing {
    /// The distance, in the parameters' own units.
    pub distance: f64,
    /// The same relative to that between the ends of the path: 1 is no better than to stay.
    pub relative: f64,
}

/// How far straight lines from the first point land from the last. The path itself lands there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landings {
    /// Along the tangent at `eps = 1`: influence at the trained parameters.
    pub influence_at_one: Landing,
    /// Along the tangent at the other end: influence where the path ends. A step from there along it misses the first
    /// point by as much.
    pub influence_at_end: Landing,
    /// Along the path's Taylor polynomial to second order at `eps = 1`, which bends: influence with its correction.
    pub second_order: Landing,
    /// The Newton estimate, where there is one.
    pub newton: Option<Landing>,
}

impl FollowedPath {
    /// How far the tangents at its ends differ, `||theta'(1) - theta'(0)||`, and what bounds that: the second
    /// derivative.
    ///
    /// # Errors
    /// [`PathError::Response`] if a number cannot be read.
    pub fn tangent_gap(&self) -> Result<TangentGap, PathError> {
        let (first, last) = (self.first(), self.last());
        let largest = self.points().iter().map(|it| it.facts.acceleration);
        Ok(TangentGap {
            at_one: first.facts.speed,
            at_end: last.facts.speed,
            difference: norm(&(first.tangent.clone() - last.tangent.clone()))?,
            integral: integral(self.points(), |it| (it.facts.acceleration, 0.0)),
            bound: largest.fold(0.0, f64::max) * self.span(),
        })
    }

    /// How far straight lines land from its last point. `newton` is the change that the Newton estimate predicts, from
    /// the first point to the last one's `eps`: [`ResponsePath::newton`](super::ResponsePath::newton).
    ///
    /// # Errors
    /// [`PathError::Response`] if a number cannot be read.
    pub fn landings(&self, newton: Option<&Tensor<1>>) -> Result<Landings, PathError> {
        let (first, last) = (self.first(), self.last());
        let moved = last.theta.clone() - first.theta.clone();
        let chord = norm(&moved)?;
        let landing = |change: Tensor<1>| -> Result<Landing, PathError> {
            let distance = norm(&(change - moved.clone()))?;
            let relative = match chord > 0.0 {
                true => distance / chord,
                false => 0.0,
            };
            Ok(Landing { distance, relative })
        };
        let span = self.span();
        let along = |tangent: &Tensor<1>| tangent.clone() * -span;
        let bent = first.predicted(last.facts.eps) - first.theta.clone();
        Ok(Landings {
            influence_at_one: landing(along(&first.tangent))?,
            influence_at_end: landing(along(&last.tangent))?,
            second_order: landing(bent)?,
            newton: newton.map(|it| landing(it.clone())).transpose()?,
        })
    }
}
