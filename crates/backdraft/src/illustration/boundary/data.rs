//! Two half moons, and an example on the wrong side.

use std::f64::consts::PI;

use backdraft_models::normals;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::BoundaryConfig;
use crate::illustration::draw::evenly;

/// Inputs and classes: the moons, and after them the example in the lower right corner, of the class that is up there.
pub(super) fn draw(config: &BoundaryConfig) -> (Vec<[f64; 2]>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let noise = normals(2 * config.examples, config.noise, &mut rng);
    let half = config.examples / 2;
    let upper = evenly([0.0, PI], half).into_iter();
    let upper = upper.map(|it| ([it.cos(), it.sin()], 0));
    let lower = evenly([0.0, PI], config.examples - half).into_iter();
    let lower = lower.map(|it| ([1.0 - it.cos(), 0.5 - it.sin()], 1));
    let exact = upper.chain(lower).zip(noise.chunks_exact(2));
    let moons = exact.map(|((x, class), e)| ([x[0] + e[0], x[1] + e[1]], class));
    moons.chain([([2.2, -0.6], 0)]).unzip()
}

/// Where the removed example is.
pub(super) fn corner(inputs: &[[f64; 2]]) -> [f64; 2] {
    inputs[inputs.len() - 1]
}
