//! A path in a plane, to be drawn.

use backdraft_dense::{DenseMatrix, Eigen};
use backdraft_optimize::norm;
use burn::Tensor;
use serde::{Deserialize, Serialize};

use super::{FollowedPath, PathError, point::dot};

/// A path in the plane of its chord and of the direction, at right angles to it, in which it bends most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Projection {
    /// Of each point how far it is from the first along the chord, and across it, in the parameters' own units.
    pub points: Vec<[f64; 2]>,
    /// The same of the other places that were asked for.
    pub others: Vec<[f64; 2]>,
    /// Share of the points' squared distances from the chord that lies in the plane; 1 where there is none.
    pub share: f64,
}

impl FollowedPath {
    /// The path in the plane of its chord and of the first principal direction of what is at right angles to it, with
    /// `others`, changes of the parameters from the first point, `[dim]`, beside it.
    ///
    /// # Errors
    /// [`PathError::Response`] if a number cannot be read.
    pub fn projection(&self, others: &[Tensor<1>]) -> Result<Projection, PathError> {
        let first = &self.first().theta;
        let moved = |point: &super::PathPoint| point.theta.clone() - first.clone();
        let moves: Vec<Tensor<1>> = self.points().iter().map(moved).collect();
        let chord = moves.last().expect("it has points");
        let length = norm(chord)?;
        let along = match length > 0.0 {
            true => chord.clone() / length,
            false => chord.clone(),
        };
        let mut rests = Vec::with_capacity(moves.len());
        for v in &moves {
            rests.push(v.clone() - along.clone() * dot(v, &along)?);
        }
        let (across, share) = principal(&rests)?;
        // What is left of a straight path is rounding, also along the chord.
        let across = across.clone() - along.clone() * dot(&across, &along)?;
        let size = norm(&across)?;
        let across = match size > 0.5 {
            true => across / size,
            false => across.zeros_like(),
        };
        let place = |v: &Tensor<1>| -> Result<[f64; 2], PathError> {
            Ok([dot(v, &along)?, dot(v, &across)?])
        };
        Ok(Projection {
            points: moves.iter().map(place).collect::<Result<_, _>>()?,
            others: others.iter().map(place).collect::<Result<_, _>>()?,
            share,
        })
    }
}

/// The direction of length 1 in which the sum of squares of `vectors` is largest, and its share of them all; zeros
/// where there is none.
fn principal(vectors: &[Tensor<1>]) -> Result<(Tensor<1>, f64), PathError> {
    let count = vectors.len();
    let mut products = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..=i {
            let product = dot(&vectors[i], &vectors[j])?;
            (products[i * count + j], products[j * count + i]) = (product, product);
        }
    }
    let gram = DenseMatrix::new(count, count, products);
    let none = vectors[0].zeros_like();
    let Some(eigen) = Eigen::new(&gram) else {
        return Ok((none, 1.0));
    };
    let largest = eigen.values[count - 1];
    let all: f64 = (0..count).map(|i| gram.get(i, i)).sum();
    if largest <= 0.0 {
        return Ok((none, 1.0));
    }
    let weights = eigen.vectors.row(count - 1);
    let mixed = vectors.iter().zip(weights);
    let direction = mixed.fold(none, |sum, (v, weight)| sum + v.clone() * *weight);
    let size = norm(&direction)?;
    if size == 0.0 {
        return Ok((direction, 1.0));
    }
    // The way that most of the path bends is up.
    let up = vectors.iter().map(|v| dot(v, &direction));
    let up: f64 = up.sum::<Result<f64, _>>()?;
    let sign = if up < 0.0 { -1.0 } else { 1.0 };
    Ok((direction * (sign / size), (largest / all).min(1.0)))
}
