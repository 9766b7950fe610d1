use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams, LBFGSConfig, LineSearchFn};
use burn::tensor::{DType, Tensor};

use super::{Progress, TrainConfig, TrainError, Trained};
use crate::data::Split;
use crate::network::{Network, placement, to_dtype};
use crate::objective::{Objective, TargetTensor};

/// Iterations between two looks at the gradient's norm.
const ROUND: usize = 10;

/// The least tolerance in 32 bits.
const MIN_TOLERANCE_F32: f64 = 1e-5;

/// Minimises by L-BFGS with a strong Wolfe line search on all examples.
pub(super) fn minimise<M: Network>(
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    tolerance: f64,
    mut on_progress: impl FnMut(&Progress),
) -> Result<Trained<M>, TrainError> {
    let (device, dtype) = placement(&model);
    let (working, tolerance) = match device.supports_dtype(DType::F64) {
        true => (DType::F64, tolerance),
        false => (dtype, tolerance.max(MIN_TOLERANCE_F32)),
    };
    let cost = Cost::new(split, objective, config, &model, working);
    let mut solver = LBFGSConfig::new()
        .with_max_iter(ROUND)
        .with_max_eval(Some(4 * ROUND))
        .with_tolerance_grad(tolerance / (model.num_params() as f64).sqrt())
        // Burn compares changes of the cost with this, absolutely; the gradient alone shall decide.
        .with_tolerance_change(f64::MIN_POSITIVE)
        .with_line_search_fn(LineSearchFn::StrongWolfe)
        .init();
    let mut model = to_dtype(model, working).train();
    let mut history = Vec::new();
    loop {
        let mut look = |model: &M| {
            let point = cost.at(model);
            history.push(point.loss);
            on_progress(&Progress {
                epoch: history.len(),
                epochs: config.epochs,
                step: history.len(),
                steps: config.epochs,
                loss: point.loss,
                gradient_norm: Some(point.gradient_norm),
            });
            point
        };
        (model, _) = solver.step(1.0, model, |model| {
            let point = look(&model);
            (point.cost, point.gradient)
        });
        let point = look(&model);
        let evaluations = history.len();
        if !point.cost.is_finite() {
            return Err(TrainError::Diverged {
                epoch: evaluations,
                step: evaluations,
                loss: point.loss,
                remedy: "raise the weight decay, or start from smaller weights".to_owned(),
            });
        }
        if point.gradient_norm <= tolerance {
            return Ok(Trained {
                model: to_dtype(model.valid(), dtype),
                history,
                gradient_norm: Some(point.gradient_norm),
            });
        }
        if evaluations >= config.epochs {
            return Err(TrainError::NotConverged {
                evaluations,
                gradient_norm: point.gradient_norm,
                tolerance,
                remedy: "raise the weight decay (a minimum may not exist without it), the epochs or the tolerance"
                    .to_owned(),
            });
        }
    }
}

/// The cost as a function of the model.
struct Cost {
    batches: Vec<(Tensor<2>, TargetTensor)>,
    objective: Objective,
    rows: usize,
    weight_decay: f64,
}

/// The cost at one model.
struct Point {
    loss: f64,
    cost: f64,
    gradient: GradientsParams,
    gradient_norm: f64,
}

impl Cost {
    fn new<M: Network>(
        split: &Split,
        objective: Objective,
        config: &TrainConfig,
        model: &M,
        dtype: DType,
    ) -> Self {
        let (device, _) = placement(model);
        let inputs = split.inputs((&device, dtype));
        let targets = objective.targets(split, (&device, dtype));
        let batches = (0..split.rows)
            .step_by(config.batch_size)
            .map(|start| start..(start + config.batch_size).min(split.rows))
            .map(|range| (inputs.clone().slice([range.clone()]), targets.slice(range)))
            .collect();
        Self {
            batches,
            objective,
            rows: split.rows,
            weight_decay: config.weight_decay,
        }
    }

    fn at<M: Network>(&self, model: &M) -> Point {
        let mut gradient = GradientsAccumulator::new();
        let mut total = 0.0;
        for (inputs, targets) in &self.batches {
            let outputs = model.forward(inputs.clone());
            let losses = self.objective.losses(outputs, targets.clone());
            let part = (losses.clone().sum() / self.rows as f64).backward();
            gradient.accumulate(model, GradientsParams::from_grads(part, model));
            // Summed in 64 bits, because the line search compares costs that differ little.
            total += losses.inner().into_data().iter::<f64>().sum::<f64>();
        }
        let loss = total / self.rows as f64;
        let mut ridge = Ridge {
            weight_decay: self.weight_decay,
            gradient: gradient.grads(),
            squares: Vec::new(),
        };
        model.visit(&mut ridge);
        let (parameters, gradients) = ridge.read();
        Point {
            loss,
            cost: loss + 0.5 * self.weight_decay * parameters,
            gradient: ridge.gradient,
            gradient_norm: gradients.sqrt(),
        }
    }
}

/// Adds the L2 term to a gradient, and takes the squared norms of parameters and gradient on the way.
struct Ridge {
    weight_decay: f64,
    gradient: GradientsParams,
    squares: Vec<Tensor<1>>,
}

impl Ridge {
    /// The squared norms of all parameters and of the whole gradient.
    fn read(&mut self) -> (f64, f64) {
        let squares = Tensor::cat(std::mem::take(&mut self.squares), 0).into_data();
        let squares: Vec<f64> = squares.iter().collect();
        squares
            .chunks_exact(2)
            .fold((0.0, 0.0), |(a, b), pair| (a + pair[0], b + pair[1]))
    }
}

impl ModuleVisitor for Ridge {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val().inner();
        let decay = value.clone() * self.weight_decay;
        let gradient = match self.gradient.remove::<D>(param.id) {
            Some(gradient) => gradient + decay,
            None => decay,
        };
        self.squares.push(value.square().sum());
        self.squares.push(gradient.clone().square().sum());
        self.gradient.register(param.id, gradient);
    }
}
