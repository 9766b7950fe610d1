//! How far apart a network's outputs are at two points.

use backdraft_curvature::{Cost, CurvatureError};
use burn::tensor::Tensor;

/// Outputs that are computed at once, about, which bounds the memory.
const NUMBERS: usize = 1 << 24;

/// The Euclidean distance of the outputs for an example at the parameters `a` from those at `b`, on average over the
/// examples of `cost`; NaN or infinite if it is too large for the outputs' float type.
pub(super) fn output_distance(
    cost: &Cost,
    a: &Tensor<1>,
    b: &Tensor<1>,
) -> Result<f64, CurvatureError> {
    let n = cost.len();
    let [_, width] = cost.select(&[0])?.outputs()?.dims();
    let at_once = (NUMBERS / width.max(1)).max(cost.batch_size());
    let mut sum = 0.0;
    for start in (0..n).step_by(at_once) {
        let chunk = match at_once < n {
            true => {
                let range: Vec<usize> = (start..n.min(start + at_once)).collect();
                cost.select(&range)?
            }
            false => cost.clone(),
        };
        let [a, b] = [a, b].map(|theta| chunk.at(theta.clone())?.outputs());
        let distances = (a? - b?).square().sum_dim(1).sqrt();
        sum += distances.into_data().iter::<f64>().sum::<f64>();
    }
    Ok(sum / n as f64)
}
