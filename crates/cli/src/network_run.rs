//! The stages of a run up to its network: taken from the folder or a file, or trained, and measured.

use std::time::{Duration, Instant};

use backdraft_curvature::{Cost, Half, Model};
use backdraft_models::{
    Metrics, Optimizer, TrainConfig, TrainError, TrainProgress, Training, Zoo, data::Split,
    per_example_losses, train,
};
use burn::tensor::{DType, Device, Tensor};

use super::{
    CliError,
    args::RunArgs,
    inputs::Inputs,
    progress::{Bar, say},
    quality::{measured, quality, shown, tell},
    run_folder::PartsFolder,
    train::state::{Stored, resume},
    weights::scaling::check_scaling,
};
use backdraft_report::{ModelQuality, Unit, short};

/// What a run needs to come to its network.
#[derive(Clone, Copy)]
pub(super) struct NetworkRun<'a> {
    pub run: &'a RunArgs,
    pub inputs: &'a Inputs,
    /// What losses are told in.
    pub unit: &'a Unit,
    /// Examples that go through the network at once.
    pub pass: usize,
    pub config: &'a TrainConfig,
    pub store: &'a PartsFolder,
}

/// An error of training, which has no options here.
fn remedied(error: CliError) -> CliError {
    let CliError::Train(mut error) = error else {
        return error;
    };
    if let TrainError::Diverged { remedy, .. } | TrainError::NotConverged { remedy, .. } =
        &mut error
    {
        remedy.push_str(
            " (this command trains as its defaults say: the options for this are those of `backdraft train`, whose weights --weights takes)",
        );
    }
    error.into()
}

impl NetworkRun<'_> {
    /// The network, and the seconds that its training took: from the folder, from a file of weights, or trained.
    pub fn model(&self) -> Result<(Zoo, f64), CliError> {
        let initial = self.inputs.network.init(&self.inputs.opened.device);
        if let Some(found) = self.store.model(&initial)? {
            return Ok(found);
        }
        let start = Instant::now();
        let model = match &self.inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => self.train(initial.clone(), &self.inputs.dataset.train)?,
        };
        let seconds = start.elapsed().as_secs_f64();
        self.store.keep_model(&model, seconds)?;
        // As a later run finds it.
        Ok(self.store.model(&initial)?.unwrap_or((model, seconds)))
    }

    /// Trains on the examples of `split`, as the command trains, from where an earlier run of the same was stopped.
    pub fn train(&self, initial: Zoo, split: &Split) -> Result<Zoo, CliError> {
        self.trained(initial, split).map_err(remedied)
    }

    fn trained(&self, initial: Zoo, split: &Split) -> Result<Zoo, CliError> {
        let bar = Bar::new("training", 0);
        let objective = self.inputs.dataset.objective();
        let show = |progress: &TrainProgress| {
            bar.at(progress.step as u64, progress.steps as u64);
            let loss = self.unit.loss_factor * progress.loss;
            bar.message(format!("loss {}", short(loss)));
        };
        let config = self.config;
        let trained = match config.optimizer {
            Optimizer::Lbfgs { .. } => train(initial, split, objective, config, show)?,
            Optimizer::Sgd { .. } | Optimizer::Adam => {
                let folder = self.store.folder();
                let training = match Stored::read(folder)? {
                    None => Training::new(initial, split, objective, config)?,
                    Some(stored) => {
                        let checkpoint = stored.checkpoint;
                        resume(folder, checkpoint, initial, split, objective, config)?
                    }
                };
                let mut training = training.with_parts(self.pass);
                let pause = Duration::from_secs_f64(self.run.checkpoint_every);
                let mut stored = Instant::now();
                while let Some(progress) = training.advance()? {
                    show(&progress);
                    if stored.elapsed() >= pause && progress.step < progress.steps {
                        Stored::of(training.checkpoint()).write(folder)?;
                        stored = Instant::now();
                    }
                }
                training.finish()
            }
        };
        Ok(trained.model)
    }

    /// The cost of the training examples, without an L2 term.
    pub fn cost(
        &self,
        module: &Zoo,
        place: (&Device, DType),
        products: Option<Half>,
    ) -> Result<Cost, CliError> {
        let mut model = self.of(module)?;
        if let Some(half) = products {
            model = model.with_products(half);
        }
        self.over(model, &self.inputs.dataset.train, place)
    }

    /// The cost of other examples, in the network's own place.
    pub fn cost_of(&self, module: &Zoo, examples: &Split) -> Result<Cost, CliError> {
        let model = self.of(module)?;
        self.over(model, examples, (&self.inputs.opened.device, DType::F32))
    }

    /// The network as its derivatives are to be computed.
    fn of(&self, module: &Zoo) -> Result<Model, CliError> {
        let model = self.inputs.model(module)?;
        let model = match self.inputs.opened.records() {
            true => model.recorded(),
            false => model,
        };
        Ok(match self.run.recompute {
            true => model.recomputing(0),
            false => model,
        })
    }

    fn over(
        &self,
        model: Model,
        examples: &Split,
        place: (&Device, DType),
    ) -> Result<Cost, CliError> {
        let objective = self.inputs.dataset.objective();
        let (inputs, targets) = (examples.inputs(place), objective.targets(examples, place));
        let cost = Cost::of_any(model, objective.loss(examples), inputs, targets)?;
        Ok(cost.with_batch_size(self.pass)?)
    }

    /// The norm of the gradient of a cost, in the unit.
    pub fn gradient_norm(&self, cost: &Cost) -> Result<f64, CliError> {
        Ok(self.unit.loss_factor * norm(cost.gradient()?))
    }

    /// The losses of some test examples at the parameters of `train`, as a cost.
    pub fn query_losses(
        &self,
        train: &Cost,
        queries: &[usize],
        place: (&Device, DType),
    ) -> Result<Cost, CliError> {
        let dataset = &self.inputs.dataset;
        let queries = dataset.test.select(queries);
        let targets = dataset.objective().targets(&queries, place);
        Ok(train.with_examples(queries.inputs(place), targets)?)
    }

    /// The loss of every test example, in the unit.
    pub fn losses(&self, module: &Zoo) -> Vec<f64> {
        let dataset = &self.inputs.dataset;
        let losses = per_example_losses(module, &dataset.test, dataset.objective());
        let factor = self.unit.loss_factor;
        losses.into_iter().map(|loss| factor * loss).collect()
    }

    /// How good the network is, and how far from a minimum, which is said.
    pub fn metrics(&self, module: &Zoo, cost: &Cost) -> Result<(ModelQuality, Metrics), CliError> {
        let objective = self.inputs.dataset.objective();
        let measured = [
            measured("train", module, &self.inputs.dataset.train, objective)?,
            measured("test", module, &self.inputs.dataset.test, objective)?,
        ];
        let [train, test] = measured.each_ref().map(|it| self.unit.quality(quality(it)));
        tell(self.unit);
        say(format_args!(
            "train {}; test {}",
            shown(&train),
            shown(&test)
        ));
        if let Some(loaded) = &self.inputs.loaded {
            check_scaling(&self.run.data, loaded, &self.inputs.dataset, &measured[0])?;
        }
        let gradient_norm = self.gradient_norm(cost)?;
        say(format_args!(
            "gradient of the training loss, without an L2 term: norm {gradient_norm:.2e}"
        ));
        let metrics = ModelQuality {
            train,
            test,
            gradient_norm,
        };
        let [on_train, _] = measured;
        Ok((metrics, on_train))
    }
}

/// The Euclidean norm, in 64 bits.
fn norm(vector: Tensor<1>) -> f64 {
    let squares = vector.into_data().iter::<f64>().map(|x| x * x).sum::<f64>();
    squares.sqrt()
}
