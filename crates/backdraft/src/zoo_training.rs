//! Training again as the zoo is trained.

use backdraft_attribution::{Retrain, RetrainError};
use backdraft_curvature::Model;
use backdraft_models::{Network, Objective, TrainConfig, Training, data::Split};
use burn::tensor::Tensor;

/// Training of the zoo's networks, or of any [`Network`], as a [`Retrain`].
///
/// It begins with `initial` of the seed, and takes the examples in the seed's order, whatever seed `config` has. By
/// SGD or Adam: L-BFGS, which has no steps to weigh examples in, is refused.
///
/// ```
/// use backdraft::{ZooTraining, attribution::Retrain, curvature::Model as Curved};
/// use backdraft::models::{Model, Network, TrainConfig, Zoo, ZooConfig, data, train};
/// use burn::tensor::Device;
///
/// let (dataset, device) = (data::cancer(), Device::flex());
/// let network = ZooConfig::preset(Model::Mlp, &dataset);
/// let retrain = ZooTraining {
///     initial: |seed| network.clone().with_seed(seed).init(&device),
///     split: &dataset.train,
///     objective: dataset.task.objective(),
///     config: TrainConfig { epochs: 1, ..TrainConfig::preset(Model::Mlp, &dataset) },
/// };
/// let again = retrain.retrain(&vec![1.0; dataset.train.rows], 0)?;
///
/// // With all weights 1 it is training.
/// let once = train((retrain.initial)(0), &dataset.train, retrain.objective, &retrain.config, |_| {})?;
/// let once = Curved::new(&once.model, Zoo::forward)?.theta();
/// assert_eq!(again.into_data(), once.into_data());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ZooTraining<'a, I> {
    /// The network before training, from a seed.
    pub initial: I,
    /// The training examples.
    pub split: &'a Split,
    /// What is minimised.
    pub objective: Objective,
    /// How.
    pub config: TrainConfig,
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
        let initial = (self.initial)(seed);
        let training = Training::new(initial, self.split, self.objective, &config);
        let mut training = training.map_err(RetrainError::of)?.with_weights(weights);
        while training.advance().map_err(RetrainError::of)?.is_some() {}
        let trained = training.finish().model;
        let model = Model::new(&trained, M::forward).map_err(RetrainError::of)?;
        Ok(model.theta())
    }

    fn settings(&self) -> String {
        format!("{:?}", self.config)
    }
}
