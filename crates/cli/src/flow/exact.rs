//! The network that flows, in 64 bits where there are any.

use backdraft_curvature::Cost;
use backdraft_influence::ResponseError;
use backdraft_models::to_dtype;
use burn::{
    module::Module,
    tensor::{DType, Device, Tensor, TensorData},
};

use super::run::FlowRun;
use crate::{CliError, verify};

/// The network where the flow begins.
pub(super) struct ExactNetwork {
    /// The training examples, with the L2 term.
    pub train: Cost,
    /// The test examples.
    pub tests: Cost,
    place: (Device, DType),
}

impl ExactNetwork {
    /// With its initial parameters, or those of a file of weights.
    pub fn of(run: &FlowRun<'_>) -> Result<Self, CliError> {
        let inputs = run.network.inputs;
        let module = match &inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => inputs.network.init(&inputs.opened.device),
        };
        let (device, dtype) = verify::place(&inputs.opened.device);
        let module = to_dtype(module.valid().fork(&device), dtype);
        let network = run.network;
        let train = network.cost(&module, (&device, dtype), None)?;
        let all: Vec<usize> = (0..inputs.dataset.test.rows).collect();
        Ok(Self {
            tests: network.query_losses(&train, &all, (&device, dtype))?,
            train: train.with_l2(run.args.l2),
            place: (device, dtype),
        })
    }

    /// Where the flow begins, `[dim]`.
    pub fn start(&self) -> Tensor<1> {
        self.train.model().theta()
    }

    /// The mean loss of some examples at some parameters.
    pub fn loss(&self, of: &Cost, theta: &Tensor<1>) -> Result<f64, CliError> {
        number(of.at(theta.clone())?.losses()?.mean())
    }

    /// The distance of parameters.
    pub fn distance(&self, a: &Tensor<1>, b: &Tensor<1>) -> Result<f64, CliError> {
        length(a.clone() - b.clone())
    }

    /// The inner product.
    pub fn product(&self, a: &Tensor<1>, b: &Tensor<1>) -> Result<f64, CliError> {
        number((a.clone() * b.clone()).sum())
    }

    /// The vector of length 1 in a direction; of zeros zeros.
    pub fn unit(&self, v: Tensor<1>) -> Result<Tensor<1>, CliError> {
        let length = length(v.clone())?;
        Ok(if length > 0.0 { v / length } else { v })
    }

    /// Vectors of the parameters as they are kept, one after another.
    pub fn vector(&self, kept: TensorData) -> Tensor<1> {
        Tensor::from_data(kept, (&self.place.0, self.place.1))
    }
}

/// The Euclidean norm.
fn length(v: Tensor<1>) -> Result<f64, CliError> {
    Ok(number(v.square().sum())?.sqrt())
}

fn number(value: Tensor<1>) -> Result<f64, CliError> {
    Ok(value.try_into_scalar().map_err(ResponseError::from)?)
}
