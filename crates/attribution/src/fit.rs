//! Training with one of Burn's optimizers.

use backdraft_curvature::Model;
use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::{Int, Tensor, TensorData},
};
use serde::Serialize;

use crate::{Retrain, RetrainError, passes::batches, retrain::finite};

/// Settings of a [`Fit`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FitConfig {
    /// Passes over the examples.
    pub epochs: usize,
    /// Examples in a step; the last of a pass may have fewer.
    pub batch_size: usize,
    /// The step size.
    pub learning_rate: f64,
}

impl FitConfig {
    /// Training that begins with `module` of a seed, makes steps with a new `optimizer`, and lowers the mean of
    /// `losses`.
    ///
    /// `losses` is given the module and the indices of a batch's examples, `[batch]`, on the module's device without
    /// autodiff, and returns their losses, `[batch]`, one an example and without weights, which [`Fit`] multiplies by.
    /// The module is in training: batch normalisation uses the batch's statistics, dropout drops.
    ///
    /// # Errors
    /// [`RetrainError::Setting`] for batches of 0 examples or a learning rate that is not finite and positive.
    pub fn init<M, I, O, L>(
        self,
        module: I,
        optimizer: O,
        losses: L,
    ) -> Result<Fit<I, O, L>, RetrainError>
    where
        M: Module + Sync + 'static,
        I: Fn(u64) -> M,
        O: Fn() -> ModuleOptimizer,
        L: Fn(&M, Tensor<1, Int>) -> Tensor<1>,
    {
        let refuse = |name, problem| Err(RetrainError::Setting { name, problem });
        if self.batch_size == 0 {
            return refuse("batch_size", "is 0, must be at least 1".to_owned());
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let problem = format!("is {}, must be finite and positive", self.learning_rate);
            return refuse("learning_rate", problem);
        }
        Ok(Fit {
            config: self,
            module,
            optimizer,
            losses,
        })
    }
}

/// Training with one of Burn's optimizers, from a seed: [`FitConfig::init`] makes it.
///
/// It minimises `1/N sum over i of w_i L_i(theta)`, with the weights `w` of [`Retrain`], by steps on shuffled batches.
/// An L2 term is the optimizer's own (`with_weight_decay`). The seed settles the initial parameters, as far as
/// `module` goes by it, the order of the examples, and what the device draws (dropout).
///
/// ```
/// use backdraft_attribution::{FitConfig, Retrain};
/// use burn::{nn::LinearConfig, optim::SgdConfig, tensor::{Device, Int, Tensor}};
///
/// let device = Device::flex();
/// let x = Tensor::<2>::from_floats([[1.0], [2.0], [3.0], [4.0]], &device);
/// let y = Tensor::<2>::from_floats([[2.0], [4.0], [6.0], [80.0]], &device);
///
/// let config = FitConfig { epochs: 100, batch_size: 2, learning_rate: 0.05 };
/// let fit = config.init(
///     |_seed| LinearConfig::new(1, 1).with_bias(false).init(&device),
///     || SgdConfig::new().init(),
///     |linear, batch: Tensor<1, Int>| {
///         let y = y.clone().select(0, batch.clone());
///         (linear.forward(x.clone().select(0, batch)) - y).square().sum_dim(1).squeeze_dim(1)
///     },
/// )?;
/// // Without the last example the slope is 2.
/// let slope = fit.retrain(&[1.0, 1.0, 1.0, 0.0], 0)?.into_scalar::<f64>();
/// assert!((slope - 2.0).abs() < 1e-5);
/// # Ok::<(), backdraft_attribution::RetrainError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fit<I, O, L> {
    config: FitConfig,
    module: I,
    optimizer: O,
    losses: L,
}

impl<M, I, O, L> Fit<I, O, L>
where
    M: Module + Sync + 'static,
    I: Fn(u64) -> M,
    O: Fn() -> ModuleOptimizer,
    L: Fn(&M, Tensor<1, Int>) -> Tensor<1>,
{
    /// The trained module, without autodiff: [`Retrain::retrain`] has its parameters.
    ///
    /// # Errors
    /// [`RetrainError::Setting`] for no weights; [`RetrainError::Losses`]; [`RetrainError::NotFinite`] if training came
    /// to no numbers.
    pub fn train(&self, weights: &[f64], seed: u64) -> Result<M, RetrainError> {
        let FitConfig {
            epochs,
            batch_size,
            learning_rate,
        } = self.config;
        if weights.is_empty() {
            let problem = "are none: there must be one a training example".to_owned();
            return Err(RetrainError::Setting {
                name: "weights",
                problem,
            });
        }
        let mut module = (self.module)(seed).train();
        let device = module.devices().into_iter().next().unwrap_or_default();
        let device = device.without_autodiff();
        device.seed(seed);
        let mut optimizer = (self.optimizer)();
        for batch in batches(weights.len(), batch_size, epochs, seed) {
            let size = batch.len();
            let indices: Vec<i64> = batch.iter().map(|&i| i as i64).collect();
            let indices = Tensor::from_data(TensorData::new(indices, [size]), &device);
            let losses = (self.losses)(&module, indices);
            if losses.dims() != [size] {
                let [found] = losses.dims();
                return Err(RetrainError::Losses {
                    expected: size,
                    found,
                });
            }
            let weights: Vec<f64> = batch.iter().map(|&i| weights[i]).collect();
            let place = (&losses.device(), losses.dtype());
            let weights = Tensor::from_data(TensorData::new(weights, [size]), place);
            let gradients = (losses * weights).mean().backward();
            let gradients = GradientsParams::from_grads(gradients, &module);
            module = optimizer.step(learning_rate, module, gradients);
        }
        let module = module.valid();
        finite(&parameters(&module)?)?;
        Ok(module)
    }
}

impl<M, I, O, L> Retrain for Fit<I, O, L>
where
    M: Module + Sync + 'static,
    I: Fn(u64) -> M,
    O: Fn() -> ModuleOptimizer,
    L: Fn(&M, Tensor<1, Int>) -> Tensor<1>,
{
    fn retrain(&self, weights: &[f64], seed: u64) -> Result<Tensor<1>, RetrainError> {
        parameters(&self.train(weights, seed)?)
    }

    fn settings(&self) -> String {
        format!("{:?}", self.config)
    }
}

/// The parameters of a module, as a model has them.
fn parameters<M: Module + Sync + 'static>(module: &M) -> Result<Tensor<1>, RetrainError> {
    // What it computes does not matter here, its parameters do.
    let model = Model::new(module, |_: &M, x: Tensor<2>| x).map_err(RetrainError::of)?;
    Ok(model.theta())
}
