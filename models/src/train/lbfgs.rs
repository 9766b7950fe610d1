//! L-BFGS on all examples, until nothing more is to be had in a float type.

use backdraft_optimize::{Bounds, Lbfgs, LineSearch, Point, norm};
use burn::tensor::{DType, Tensor, TensorReadError};

use super::config::TrainConfig;
use super::cost::{CostValue, TrainCost};
use super::error::TrainError;
use super::progress::TrainProgress;
use super::trained::Trained;
use crate::data::Split;
use crate::network::{Network, computes_in_f64, placement, to_dtype, zero_if_finite};
use crate::objective::Objective;

/// Steps at the limit of precision without halving the gradient's norm, after which nothing more is to be had.
const PATIENCE: usize = 250;

/// Minimises the cost in 64 bits where the device has them, and rounds the result to the model's own type.
pub(super) fn minimise<M: Network>(
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    tolerance: f64,
    on_progress: impl FnMut(&TrainProgress),
) -> Result<Trained<M>, TrainError> {
    let (device, own) = placement(&model);
    let dtype = match computes_in_f64(&device) {
        true => DType::F64,
        false => DType::F32,
    };
    let cost = TrainCost::new(to_dtype(model, dtype), split, objective, config);
    Minimisation {
        tolerance: tolerance.max(least_tolerance(dtype)),
        cost,
        config,
        history: Vec::new(),
        on_progress,
    }
    .run(own)
}

/// The least gradient norm to hope for.
fn least_tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-14,
        _ => 1e-6,
    }
}

/// A cost on its way to the minimum, every evaluation of which is told of.
struct Minimisation<'a, M, F> {
    cost: TrainCost<M>,
    config: &'a TrainConfig,
    tolerance: f64,
    history: Vec<f64>,
    on_progress: F,
}

impl<M: Network, F: FnMut(&TrainProgress)> Minimisation<'_, M, F> {
    /// The model at the minimum, in the element type `own`.
    fn run(mut self, own: DType) -> Result<Trained<M>, TrainError> {
        let start = self.cost.parameters();
        let epsilon = start.dtype().finfo().map_or(0.0, |info| info.epsilon);
        let here = Point::at(start, &mut |theta| self.evaluate(theta));
        let mut here = here.map_err(|error| self.device(&error))?;
        let mut lbfgs = Lbfgs::default();
        let (mut best, mut idle) = (f64::INFINITY, 0);
        loop {
            let Some(point) = here else {
                return Err(self.diverged("start from smaller weights, or standardise the inputs"));
            };
            if point.norm <= self.tolerance {
                return self.trained(&point, own);
            }
            if self.history.len() >= self.config.epochs || idle == PATIENCE {
                return Err(self.not_converged(point.norm));
            }
            let rounding = epsilon.sqrt() * point.value.abs();
            let bounds = Bounds {
                modulus: 0.0,
                rounding,
            };
            let next = lbfgs.step(&point, bounds, |theta| self.evaluate(theta));
            here = match next.map_err(|error| self.device(&error))? {
                LineSearch::Lower(next) => {
                    let gained = point.value - next.value > rounding || next.norm <= 0.5 * best;
                    idle = if gained { 0 } else { idle + 1 };
                    best = best.min(next.norm);
                    Some(next)
                }
                LineSearch::Stuck => return Err(self.not_converged(point.norm)),
                LineSearch::Endless => None,
            };
        }
    }

    fn evaluate(&mut self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), TensorReadError> {
        let CostValue {
            loss,
            cost,
            gradient,
        } = self.cost.at(theta)?;
        self.history.push(loss);
        let evaluations = self.history.len();
        let limit = self.config.epochs.max(evaluations);
        (self.on_progress)(&TrainProgress {
            epoch: evaluations,
            epochs: limit,
            step: evaluations,
            steps: limit,
            loss,
            gradient_norm: Some(norm(&gradient)?),
        });
        Ok((cost, gradient))
    }

    fn trained(self, point: &Point, own: DType) -> Result<Trained<M>, TrainError> {
        let model = to_dtype(self.cost.model_at(&point.theta), own);
        if !zero_if_finite(&model).into_scalar::<f64>().is_finite() {
            return Err(TrainError::Diverged {
                epoch: self.history.len(),
                step: self.history.len(),
                loss: f64::INFINITY,
                remedy: format!("standardise the inputs: {own:?} does not hold the parameters"),
            });
        }
        Ok(Trained {
            model,
            history: self.history,
            gradient_norm: Some(point.norm),
        })
    }

    fn diverged(&self, remedy: &str) -> TrainError {
        TrainError::Diverged {
            epoch: self.history.len(),
            step: self.history.len(),
            loss: self.history.last().copied().unwrap_or(f64::NAN),
            remedy: remedy.to_owned(),
        }
    }

    fn not_converged(&self, gradient_norm: f64) -> TrainError {
        TrainError::NotConverged {
            evaluations: self.history.len(),
            gradient_norm,
            tolerance: self.tolerance,
            remedy:
                "raise the weight decay (without it there may be no minimum), the epochs or the tolerance"
                    .to_owned(),
        }
    }

    fn device(&self, error: &TensorReadError) -> TrainError {
        TrainError::Device {
            examples: self.config.batch_size,
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::architecture::Architecture;
    use crate::data::cancer;
    use crate::zoo::ZooConfig;

    #[test]
    fn single_precision_reaches_its_own_tolerance() {
        let data = cancer();
        let mut config = TrainConfig::preset(Architecture::LogisticRegression, &data);
        for weight_decay in [1e-1, 1e-2, 1e-3, 1e-4] {
            config.weight_decay = weight_decay;
            let model =
                ZooConfig::preset(Architecture::LogisticRegression, &data).init(&Device::flex());
            let objective = data.objective();
            let model = to_dtype(model, DType::F32);
            let minimisation = Minimisation {
                cost: TrainCost::new(model, &data.train, objective, &config),
                config: &config,
                tolerance: least_tolerance(DType::F32),
                history: Vec::new(),
                on_progress: |_: &TrainProgress| {},
            };
            let trained = minimisation.run(DType::F32).unwrap();
            assert!(trained.gradient_norm.unwrap() <= 1e-6);
        }
    }
}
