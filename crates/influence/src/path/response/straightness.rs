//! How straight a path is.

use backdraft_optimize::norm;
use burn::Tensor;
use serde::{Deserialize, Serialize};

use super::{FollowedPath, PathError, PathPoint, followed::integral};

/// How straight a path is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Straightness {
    /// The distance between its ends, `||theta(1) - theta(0)||`.
    pub chord: f64,
    /// Its length, by the points' `||theta'||` and its derivative, of fourth order in the steps; no step is shorter
    /// than the distance between its points.
    pub arc: f64,
    /// `chord / arc`, at most 1; 1 is a straight line, and so is a path of no length.
    pub ratio: f64,
    /// The angle between the tangents at the two ends, in degrees.
    pub angle: f64,
    /// The largest angle of a point's tangent with the chord, in degrees.
    pub widest: f64,
}

impl FollowedPath {
    /// How straight it is, from `eps = 1` to where it ends.
    ///
    /// # Errors
    /// [`PathError::Response`] if a number cannot be read.
    pub fn straightness(&self) -> Result<Straightness, PathError> {
        let (first, last) = (self.first(), self.last());
        let between = first.theta.clone() - last.theta.clone();
        let chord = norm(&between)?;
        let mut arc = 0.0;
        for pair in self.points().windows(2) {
            let apart = norm(&(pair[0].theta.clone() - pair[1].theta.clone()))?;
            arc += integral(pair, speed).max(apart);
        }
        let mut widest: f64 = 0.0;
        for point in self.points() {
            widest = widest.max(degrees(&point.tangent, &between)?);
        }
        Ok(Straightness {
            chord,
            arc,
            ratio: if arc > 0.0 { chord / arc } else { 1.0 },
            angle: degrees(&first.tangent, &last.tangent)?,
            widest,
        })
    }
}

/// `||theta'||` and its derivative in `eps`.
fn speed(point: &PathPoint) -> (f64, f64) {
    let facts = &point.facts;
    let slope = match facts.speed > 0.0 {
        true => facts.stretch / facts.speed,
        false => 0.0,
    };
    (facts.speed, slope)
}

/// The angle between two vectors, 0 where one is zero. Small angles keep their precision: by the distance of the unit
/// vectors, not by their cosine.
fn degrees(a: &Tensor<1>, b: &Tensor<1>) -> Result<f64, PathError> {
    let (a_norm, b_norm) = (norm(a)?, norm(b)?);
    if !(a_norm > 0.0 && b_norm > 0.0) {
        return Ok(0.0);
    }
    let (a, b) = (a.clone() / a_norm, b.clone() / b_norm);
    let (apart, together) = (norm(&(a.clone() - b.clone()))?, norm(&(a + b))?);
    Ok((2.0 * apart.atan2(together)).to_degrees())
}
