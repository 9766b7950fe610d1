//! Noisy examples of a small network, and another that learns them.

use backdraft_curvature::{Cost, CurvatureError, Model, SquaredError};
use backdraft_models::{Activation, Mlp, MlpConfig, normals, to_dtype};
use burn::tensor::{DType, Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{CURVE, HomotopyConfig, RANGE};
use crate::illustration::{
    IllustrationError,
    draw::{evenly, host, matrix},
};

pub(super) struct Data {
    pub inputs: Vec<f64>,
    pub truth: Vec<f64>,
    pub targets: Vec<f64>,
    pub curve_truth: Vec<f64>,
    /// The network at its initial parameters on the examples, with the L2 term.
    pub cost: Cost,
    /// The network where functions are drawn.
    pub curve: Cost,
}

impl Data {
    pub fn draw(config: &HomotopyConfig, device: &Device) -> Result<Self, IllustrationError> {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let [low, high] = RANGE;
        let inputs = (0..config.examples).map(|_| rng.random_range(low..high));
        let mut inputs: Vec<f64> = inputs.collect();
        inputs.sort_by(f64::total_cmp);
        let noise = normals(config.examples, config.noise.sqrt(), &mut rng);
        let target = network(config, config.seed.wrapping_add(1), device)?;
        let target = target.at(target.theta() * config.scale)?;
        let curve = matrix(&evenly(RANGE, CURVE), 1, device);
        let x = matrix(&inputs, 1, device);
        let truth = host(without_targets(target.clone(), x.clone())?.outputs()?)?;
        let targets: Vec<f64> = truth.iter().zip(noise).map(|(f, e)| f + e).collect();
        let learner = network(config, config.seed, device)?;
        let y = matrix(&targets, 1, device);
        Ok(Self {
            curve_truth: host(without_targets(target, curve.clone())?.outputs()?)?,
            curve: without_targets(learner.clone(), curve)?,
            cost: Cost::new(learner, SquaredError, x, y)?.with_l2(config.l2),
            inputs,
            truth,
            targets,
        })
    }
}

/// A network of one hidden layer at the initial parameters of a seed.
fn network(config: &HomotopyConfig, seed: u64, device: &Device) -> Result<Model, CurvatureError> {
    let network = MlpConfig::new(1, 1)
        .with_hidden(vec![config.hidden])
        .with_activation(Activation::Tanh)
        .with_seed(seed);
    Model::new(&to_dtype(network.init(device), DType::F64), Mlp::forward)
}

/// A cost of which outputs alone are asked for.
fn without_targets(model: Model, inputs: Tensor<2>) -> Result<Cost, CurvatureError> {
    let targets = inputs.zeros_like();
    Cost::new(model, SquaredError, inputs, targets)
}
