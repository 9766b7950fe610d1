//! The cost that L-BFGS minimises, as a function of a flat vector.

use burn::module::{ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{DType, Device, Tensor};

use super::TrainConfig;
use crate::criterion::Criterion;
use crate::data::Split;
use crate::network::Network;
use crate::objective::Objective;

/// The cost of a model: the mean loss over all examples plus the L2 term.
pub(super) struct Cost {
    inputs: Tensor<2>,
    criterion: Criterion,
    batch_size: usize,
    rows: usize,
    weight_decay: f64,
    scale: f64,
}

/// The cost at one model.
pub(super) struct Point {
    /// Mean loss.
    pub(super) loss: f64,
    /// Mean loss plus the L2 term.
    pub(super) cost: f64,
    /// Euclidean norm of the cost's gradient.
    pub(super) gradient_norm: f64,
    /// The cost's gradient times the scale, by parameter.
    pub(super) gradients: GradientsParams,
    parameters: Tensor<1>,
    gradient: Tensor<1>,
}

impl Point {
    /// How much higher the cost is here than there, by the trapezoidal rule from both gradients.
    pub(super) fn rise_from(&self, other: &Self) -> f64 {
        let step = self.parameters.clone() - other.parameters.clone();
        let slope = (self.gradient.clone() + other.gradient.clone()) / 2.0;
        slope.dot(step).into_scalar()
    }
}

impl Cost {
    /// The cost on a split, in batches of the config's size; `scale` is a factor on [`Point::gradients`] only.
    pub(super) fn new(
        split: &Split,
        objective: Objective,
        config: &TrainConfig,
        place: (&Device, DType),
        scale: f64,
    ) -> Self {
        Self {
            inputs: split.inputs(place),
            criterion: Criterion::new(objective, split, place),
            batch_size: config.batch_size,
            rows: split.rows,
            weight_decay: config.weight_decay,
            scale,
        }
    }

    /// Cost and gradient at a model with autodiff.
    pub(super) fn at<M: Network>(&self, model: &M) -> Point {
        let mut gradients = GradientsAccumulator::new();
        let mut total = 0.0;
        for start in (0..self.rows).step_by(self.batch_size) {
            let range = start..(start + self.batch_size).min(self.rows);
            let outputs = model.forward(self.inputs.clone().slice([range.clone()]));
            let losses = self.criterion.of_range(outputs, range);
            // Not divided: the backward pass of Burn 0.22's division by a number rounds it to 32 bits.
            let part = (losses.clone().sum() * (1.0 / self.rows as f64)).backward();
            gradients.accumulate(model, GradientsParams::from_grads(part, model));
            // Summed in 64 bits, because the line search compares costs that differ little.
            total += losses.inner().into_data().iter::<f64>().sum::<f64>();
        }
        let mut ridge = Ridge {
            cost: self,
            gradients: gradients.grads(),
            flat_parameters: Vec::new(),
            flat_gradient: Vec::new(),
        };
        model.visit(&mut ridge);
        let parameters = Tensor::cat(ridge.flat_parameters, 0);
        let gradient = Tensor::cat(ridge.flat_gradient, 0);
        let loss = total / self.rows as f64;
        let square = |vector: &Tensor<1>| vector.clone().square().sum().into_scalar::<f64>();
        Point {
            loss,
            cost: loss + 0.5 * self.weight_decay * square(&parameters),
            gradient_norm: square(&gradient).sqrt(),
            gradients: ridge.gradients,
            parameters,
            gradient,
        }
    }
}

/// Adds the L2 term to a gradient, parameter by parameter, and scales it; lays both end to end, unscaled.
struct Ridge<'a> {
    cost: &'a Cost,
    gradients: GradientsParams,
    flat_parameters: Vec<Tensor<1>>,
    flat_gradient: Vec<Tensor<1>>,
}

impl ModuleVisitor for Ridge<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.val().is_require_grad() {
            // A running statistic.
            return;
        }
        let value = param.val().inner();
        let decay = value.clone() * self.cost.weight_decay;
        let gradient = match self.gradients.remove::<D>(param.id) {
            Some(gradient) => gradient + decay,
            None => decay,
        };
        self.flat_parameters.push(value.reshape([-1]));
        self.flat_gradient.push(gradient.clone().reshape([-1]));
        self.gradients
            .register(param.id, gradient * self.cost.scale);
    }
}
