//! Training on coalitions.

use backdraft::{
    ZooTraining,
    attribution::{LinearRetrain, Minimize, Retrain, RetrainError},
};
use backdraft_curvature::{Cost, Model};
use backdraft_influence::{
    closed::{DenseMatrix, DesignConfig, LogisticConfig},
    response::Stop,
};
use backdraft_models::{Optimizer, Zoo, data::Targets};
use burn::tensor::Tensor;

use crate::{CliError, network_run::NetworkRun};

/// Coefficients of a linear model above which its minimum is found by L-BFGS, from the minimum with all examples: a
/// Newton step factors a matrix of as many rows.
const NEWTON: usize = 128;

/// Until rounding in 32 bits is all that is left.
const STOP: Stop = Stop {
    tolerance: 1e-5,
    decrease: 1e-7,
    max_steps: 1_000,
};

/// Training on the examples of weight 1, and the network of nobody.
pub(super) struct Retraining<'a> {
    pub retrain: Box<dyn Retrain + 'a>,
    /// The parameters of the empty coalition.
    pub empty: Tensor<1>,
    /// Which network that is, in words.
    pub empty_is: &'static str,
    /// How coalitions are trained on, in words.
    pub words: &'static str,
}

impl<'a> Retraining<'a> {
    /// As `network` is trained; `cost` is that of its training examples.
    pub fn of(network: &'a NetworkRun<'a>, cost: &'a Cost) -> Result<Self, CliError> {
        match network.config.optimizer {
            Optimizer::Lbfgs { .. } => linear(network, cost),
            Optimizer::Sgd { .. } | Optimizer::Adam => Ok(Self {
                empty: Model::new(&initial(network, network.config.seed), Zoo::forward)?.state(),
                retrain: Box::new(by_steps(network)),
                empty_is: "the network before training",
                words: "trained from the same initial weights by the same steps on the coalition alone",
            }),
        }
    }
}

/// The network before training, from a seed.
pub(super) fn initial(network: &NetworkRun<'_>, seed: u64) -> Zoo {
    let config = network.inputs.network.clone().with_seed(seed);
    config.init(&network.inputs.opened.device)
}

/// To the minimum.
fn linear<'a>(network: &'a NetworkRun<'a>, cost: &'a Cost) -> Result<Retraining<'a>, CliError> {
    let (model, train) = (cost.model(), &network.inputs.dataset.train);
    let design = DesignConfig {
        ridge: network.config.weight_decay * train.rows as f64,
        ..DesignConfig::default()
    };
    let features: Vec<f64> = train.features.iter().map(|&it| f64::from(it)).collect();
    let inputs = DenseMatrix::new(train.rows, train.columns, features);
    let retrain: Box<dyn Retrain + 'a> = match &train.targets {
        Targets::Classes(_) if model.dim() > NEWTON => {
            let cost = cost.clone().with_l2(network.config.weight_decay);
            let trained = model.theta();
            Box::new(Minimize::new(&cost, move |_| trained.clone(), STOP)?)
        }
        Targets::Classes(classes) => {
            let outputs = network.inputs.dataset.task.outputs();
            let config = LogisticConfig {
                design,
                ..LogisticConfig::new(outputs)
            };
            let classes = classes.iter().map(|&it| it as usize).collect();
            Box::new(retrained(LinearRetrain::logistic(
                config, inputs, classes, model,
            ))?)
        }
        Targets::Values(values) => {
            let values = values.iter().map(|&it| f64::from(it)).collect();
            Box::new(retrained(LinearRetrain::least_squares(
                design, inputs, values, model,
            ))?)
        }
        Targets::Tokens { .. } => unreachable!("text was refused"),
    };
    Ok(Retraining {
        retrain,
        empty: model.theta().zeros_like(),
        empty_is: "the network with all parameters 0, the minimum of the L2 term alone",
        words: "trained to the minimum of the sum of losses with the L2 term of all examples",
    })
}

/// An error of settings.
fn retrained<T>(found: Result<T, RetrainError>) -> Result<T, CliError> {
    found.map_err(|error| CliError::Option {
        option: "--model",
        problem: error.to_string(),
    })
}

/// By the steps of the network's training, on the examples of weight 1 alone.
fn by_steps<'a>(
    network: &'a NetworkRun<'a>,
) -> impl Fn(&[f64], u64) -> Result<Tensor<1>, RetrainError> + 'a {
    move |weights, seed| {
        let dataset = &network.inputs.dataset;
        let members: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] == 1.0).collect();
        let split = dataset.train.select(&members);
        let training = ZooTraining {
            initial: |seed| initial(network, seed),
            split: &split,
            objective: dataset.objective(),
            config: network.config.clone(),
            part: network.pass,
            on_step: &|_, _| {},
        };
        training.retrain(&vec![1.0; members.len()], seed)
    }
}
