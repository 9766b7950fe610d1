//! Training again as the zoo is trained.

use backdraft_attribution::{Retrain, RetrainError};
use backdraft_curvature::Model;
use backdraft_models::{Network, Objective, TrainConfig, TrainError, Training, data::Split};
use burn::tensor::Tensor;

/// Training of the zoo's networks, or of any [`Network`], as a [`Retrain`].
///
/// It begins with `initial` of the seed, and takes the examples in the seed's order, whatever seed `config` has. By
/// SGD or Adam: L-BFGS, which has no steps to weigh examples in, is refused; [`Minimize`] does what it does. What it
/// comes to is the network's whole state, with its running statistics.
///
/// [`Minimize`]: backdraft_attribution::Minimize
///
/// ```
/// use backdraft::{ZooTraining, attribution::Retrain, curvature::Model};
/// use backdraft::models::{Architecture, Network, TrainConfig, Zoo, ZooConfig, data, train};
/// use burn::tensor::Device;
///
/// let (dataset, device) = (data::cancer(), Device::flex());
/// let network = ZooConfig::preset(Architecture::Mlp, &dataset);
/// let retrain = ZooTraining {
///     initial: |seed| network.clone().with_seed(seed).init(&device),
///     split: &dataset.train,
///     objective: dataset.objective(),
///     config: TrainConfig { epochs: 1, ..TrainConfig::preset(Architecture::Mlp, &dataset) },
///     part: 1024,
///     on_step: &|_, _| {},
/// };
/// let again = retrain.retrain(&vec![1.0; dataset.train.rows], 0)?;
///
/// // With all weights 1 it is training.
/// let once = train((retrain.initial)(0), &dataset.train, retrain.objective, &retrain.config, |_| {})?;
/// let once = Model::new(&once.model, Zoo::forward)?.theta();
/// assert_eq!(again.into_data(), once.into_data());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ZooTraining<'a, I> {
    /// The network before training, from a seed.
    pub initial: I,
    /// The training examples.
    pub split: &'a Split,
    /// What is minimised.
    pub objective: Objective,
    /// How.
    pub config: TrainConfig,
    /// Most examples of a batch that go through the network at once, for devices whose memory does not suffice for all.
    pub part: usize,
    /// Is told how many of so many steps are made.
    pub on_step: &'a dyn Fn(usize, usize),
}

impl<M, I> Retrain for ZooTraining<'_, I>
where
    M: Network + Sync + 'static,
    I: Fn(u64) -> M,
{
    fn retrain(&self, weights: &[f64], seed: u64) -> Result<Tensor<1>, RetrainError> {
        if weights.len() != self.split.rows {
            let problem = format!("are {} for {} examples", weights.len(), self.split.rows);
            return Err(RetrainError::Setting {
                name: "weights",
                problem,
            });
        }
        let config = TrainConfig {
            seed,
            ..self.config.clone()
        };
        let trained = self.train((self.initial)(seed), weights, &config);
        let trained = trained.map_err(|error| match error {
            TrainError::Diverged { .. } | TrainError::NotConverged { .. } => {
                RetrainError::Failed(error.into())
            }
            error => RetrainError::Broken(error.into()),
        })?;
        let model = Model::new(&trained, M::forward).map_err(RetrainError::of)?;
        Ok(model.state())
    }

    fn settings(&self) -> String {
        format!("{:?}", self.config)
    }
}

impl<I> ZooTraining<'_, I> {
    fn train<M: Network>(
        &self,
        initial: M,
        weights: &[f64],
        config: &TrainConfig,
    ) -> Result<M, TrainError> {
        let training = Training::new(initial, self.split, self.objective, config)?;
        let mut training = training.with_weights(weights).with_parts(self.part);
        let steps = config.epochs * self.split.rows.div_ceil(config.batch_size);
        while let Some(progress) = training.advance()? {
            (self.on_step)(progress.step, steps);
        }
        Ok(training.finish().model)
    }
}
