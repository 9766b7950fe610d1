//! L-BFGS, until nothing more is to be had in a float type.

use burn::optim::{LBFGSConfig, LineSearchFn};
use burn::tensor::DType;

use super::cost::{Cost, Point};
use super::{Progress, TrainConfig, TrainError, Trained};
use crate::data::Split;
use crate::network::{Network, computes_in_f64, placement, to_dtype, zero_if_finite};
use crate::objective::Objective;

/// Iterations between two looks at the gradient's norm.
const ROUND: usize = 10;

/// Rounds at the limit of precision without halving the gradient's norm, after which nothing more is to be had.
const PATIENCE: usize = 25;

/// What a floating-point type allows.
struct Precision {
    dtype: DType,
    /// Distance between 1 and the next number.
    epsilon: f64,
    /// The least gradient norm to hope for.
    tolerance: f64,
    /// Factor on the cost: Burn's solver forgets curvature once (change of gradient) · step is below 1e-10.
    scale: f64,
}

const SINGLE: Precision = Precision {
    dtype: DType::F32,
    epsilon: f32::EPSILON as f64,
    tolerance: 1e-6,
    scale: 1e6,
};

const DOUBLE: Precision = Precision {
    dtype: DType::F64,
    epsilon: f64::EPSILON,
    tolerance: 1e-14,
    scale: 1e12,
};

/// Minimises by Burn's L-BFGS with a strong Wolfe line search on all examples.
pub(super) fn minimise<M: Network>(
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    tolerance: f64,
    on_progress: impl FnMut(&Progress),
) -> Result<Trained<M>, TrainError> {
    let (device, _) = placement(&model);
    let precision = match computes_in_f64(&device) {
        true => DOUBLE,
        false => SINGLE,
    };
    minimise_in(
        &precision,
        model,
        split,
        objective,
        config,
        tolerance,
        on_progress,
    )
}

fn minimise_in<M: Network>(
    precision: &Precision,
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    tolerance: f64,
    on_progress: impl FnMut(&Progress),
) -> Result<Trained<M>, TrainError> {
    let (device, dtype) = placement(&model);
    let tolerance = tolerance.max(precision.tolerance);
    let mut solver = LBFGSConfig::new()
        .with_max_iter(ROUND)
        .with_max_eval(Some(4 * ROUND))
        .with_tolerance_grad(precision.scale * tolerance / (model.num_params() as f64).sqrt())
        // The gradient alone shall decide, not an absolute change of the cost.
        .with_tolerance_change(f64::MIN_POSITIVE)
        .with_line_search_fn(LineSearchFn::StrongWolfe)
        .init();
    let cost = Cost::new(
        split,
        objective,
        config,
        (&device, precision.dtype),
        precision.scale,
    );
    let mut watch = Watch {
        cost,
        epochs: config.epochs,
        history: Vec::new(),
        on_progress,
    };
    let mut model = to_dtype(model, precision.dtype).train();
    let mut point = watch.evaluate(&model);
    let mut by_gradients = false;
    let mut best = f64::INFINITY;
    let mut idle = 0;
    loop {
        let evaluations = watch.history.len();
        if !point.cost.is_finite() || !point.gradient_norm.is_finite() {
            return Err(TrainError::Diverged {
                epoch: evaluations,
                step: evaluations,
                loss: point.loss,
                remedy: "start from smaller weights, or standardise the inputs".to_owned(),
            });
        }
        if point.gradient_norm <= tolerance {
            let model = to_dtype(model.valid(), dtype);
            if !zero_if_finite(&model).into_scalar::<f64>().is_finite() {
                return Err(TrainError::Diverged {
                    epoch: evaluations,
                    step: evaluations,
                    loss: f64::INFINITY,
                    remedy: format!(
                        "standardise the inputs: {dtype:?} does not hold the parameters"
                    ),
                });
            }
            return Ok(Trained {
                model,
                history: watch.history,
                gradient_norm: Some(point.gradient_norm),
            });
        }
        if evaluations >= config.epochs || idle == PATIENCE {
            return Err(TrainError::NotConverged {
                evaluations,
                gradient_norm: point.gradient_norm,
                tolerance,
                remedy: "raise the weight decay (without it there may be no minimum), the epochs or the tolerance"
                    .to_owned(),
            });
        }
        let start = point;
        (model, _) = solver.step(1.0, model, |model| {
            let point = watch.evaluate(&model);
            let value = match by_gradients {
                true => point.rise_from(&start),
                false => point.cost,
            };
            (precision.scale * value, point.gradients)
        });
        point = watch.evaluate(&model);
        // Near the minimum the line search would compare rounding errors of the cost. What the gradients say
        // of its changes is exact to second order there, and keeps its relative precision
        // (Hager and Zhang, 2005, use it likewise).
        by_gradients |= start.cost - point.cost <= precision.epsilon.sqrt() * point.cost.abs();
        idle = match by_gradients && point.gradient_norm > 0.5 * best {
            true => idle + 1,
            false => 0,
        };
        best = best.min(point.gradient_norm);
    }
}

/// Evaluates the cost and tells of it.
struct Watch<F> {
    cost: Cost,
    epochs: usize,
    history: Vec<f64>,
    on_progress: F,
}

impl<F: FnMut(&Progress)> Watch<F> {
    fn evaluate<M: Network>(&mut self, model: &M) -> Point {
        let point = self.cost.at(model);
        self.history.push(point.loss);
        let evaluations = self.history.len();
        let limit = self.epochs.max(evaluations);
        (self.on_progress)(&Progress {
            epoch: evaluations,
            epochs: limit,
            step: evaluations,
            steps: limit,
            loss: point.loss,
            gradient_norm: Some(point.gradient_norm),
        });
        point
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::data::cancer;
    use crate::model::Model;
    use crate::train::Optimizer;
    use crate::zoo::ZooConfig;

    #[test]
    fn single_precision_reaches_its_own_tolerance() {
        let data = cancer();
        let mut config = TrainConfig::preset(Model::LogisticRegression, &data);
        config.optimizer = Optimizer::Lbfgs { tolerance: 1e-20 };
        for weight_decay in [1e-1, 1e-2, 1e-3, 1e-4] {
            config.weight_decay = weight_decay;
            let model = ZooConfig::preset(Model::LogisticRegression, &data).init(&Device::flex());
            let objective = data.task.objective();
            let trained = minimise_in(
                &SINGLE,
                model,
                &data.train,
                objective,
                &config,
                1e-20,
                |_| {},
            )
            .unwrap();
            assert!(trained.gradient_norm.unwrap() <= SINGLE.tolerance);
        }
    }
}
