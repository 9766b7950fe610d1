use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Progress, TrainConfig, TrainError, Trained};
use crate::data::Split;
use crate::network::{Network, placement};
use crate::objective::Objective;

/// Steps between two readings of the loss, which make the host wait for the device.
const REPORT_EVERY: usize = 32;

/// A loss this many times the first one, or this much if the first is below 1, counts as divergence: rectified
/// units can die of a step too long and leave a loss that is huge but finite.
const DIVERGED: f64 = 1e3;

/// Minimises by steps of one batch each.
pub(super) fn minimise<M: Network>(
    mut optimizer: ModuleOptimizer,
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    mut on_progress: impl FnMut(&Progress),
) -> Result<Trained<M>, TrainError> {
    let (device, dtype) = placement(&model);
    let inputs = split.inputs((&device, dtype));
    let targets = objective.targets(split, (&device, dtype));
    let mut model = model.train();
    let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
    let mut order: Vec<i64> = (0..split.rows as i64).collect();

    let batches = split.rows.div_ceil(config.batch_size);
    let steps = batches * config.epochs;
    let mut step = 0;
    let mut first = None;
    let mut history = Vec::with_capacity(config.epochs);
    for epoch in 1..=config.epochs {
        order.shuffle(&mut rng);
        let shuffled = TensorData::new(order.clone(), [split.rows]);
        let shuffled = Tensor::<1, Int>::from_data(shuffled, &device);
        let inputs = inputs.clone().select(0, shuffled.clone());
        let targets = targets.select(shuffled);

        let mut total = 0.0;
        let mut pending = Vec::new();
        for batch in 0..batches {
            let start = batch * config.batch_size;
            let range = start..(start + config.batch_size).min(split.rows);
            let outputs = model.forward(inputs.clone().slice([range.clone()]));
            let losses = objective.losses(outputs, targets.slice(range.clone()));
            let loss = losses.mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let rate = config.learning_rate * config.schedule.factor(step, steps);
            model = optimizer.step(rate, model, gradients);
            step += 1;

            pending.push((loss.inner(), range.len()));
            if pending.len() == REPORT_EVERY || batch + 1 == batches {
                let reported = pending.len();
                let losses = read(&mut pending);
                for (index, &(loss, _)) in losses.iter().enumerate() {
                    let limit = DIVERGED * first.get_or_insert(loss).max(1.0);
                    if !loss.is_finite() || loss > limit {
                        return Err(TrainError::Diverged {
                            epoch,
                            step: step - reported + index + 1,
                            loss,
                            remedy: format!(
                                "lower the learning rate, now {}, tenfold",
                                config.learning_rate
                            ),
                        });
                    }
                }
                let sum: f64 = losses.iter().map(|&(loss, rows)| loss * rows as f64).sum();
                let rows: usize = losses.iter().map(|&(_, rows)| rows).sum();
                total += sum;
                on_progress(&Progress {
                    epoch,
                    epochs: config.epochs,
                    step,
                    steps,
                    loss: sum / rows as f64,
                    gradient_norm: None,
                });
            }
        }
        history.push(total / split.rows as f64);
    }
    Ok(Trained {
        model: model.valid(),
        history,
        gradient_norm: None,
    })
}

/// Burn's SGD with heavy-ball momentum.
pub(super) fn sgd(momentum: f64, weight_decay: f64) -> ModuleOptimizer {
    SgdConfig::new()
        .with_momentum((momentum > 0.0).then_some(MomentumConfig {
            momentum,
            dampening: 0.0,
            nesterov: false,
        }))
        .with_weight_decay(l2(weight_decay))
        .init()
}

/// Burn's Adam.
pub(super) fn adam(weight_decay: f64) -> ModuleOptimizer {
    AdamConfig::new().with_weight_decay(l2(weight_decay)).init()
}

fn l2(weight_decay: f64) -> Option<WeightDecayConfig> {
    (weight_decay > 0.0).then_some(WeightDecayConfig {
        penalty: weight_decay as f32,
    })
}

/// Empties the list of losses on the device, each with its number of examples, in one reading.
fn read(pending: &mut Vec<(Tensor<1>, usize)>) -> Vec<(f64, usize)> {
    let (losses, rows): (Vec<_>, Vec<_>) = pending.drain(..).unzip();
    let losses = Tensor::cat(losses, 0).into_data();
    losses.iter::<f64>().zip(rows).collect()
}
