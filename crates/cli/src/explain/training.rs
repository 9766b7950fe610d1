//! The network that is explained.

use std::time::{Duration, Instant};

use backdraft_models::{Optimizer, TrainError, TrainProgress, Training, Zoo, train};

use super::run::ExplainRun;
use crate::{
    CliError,
    progress::Bar,
    train::state::{Stored, resume},
};
use backdraft_report::short;

/// An error of training, which has no options here.
fn remedied(error: CliError) -> CliError {
    let CliError::Train(mut error) = error else {
        return error;
    };
    if let TrainError::Diverged { remedy, .. } | TrainError::NotConverged { remedy, .. } =
        &mut error
    {
        remedy.push_str(
            " (explain trains as its defaults say: the options for this are those of `backdraft train`, whose weights --weights takes)",
        );
    }
    error.into()
}

impl ExplainRun<'_> {
    /// The network, and the seconds that its training took: from the folder, from a file of weights, or trained.
    pub fn model(&self) -> Result<(Zoo, f64), CliError> {
        let initial = self.inputs.network.init(&self.inputs.opened.device);
        if let Some(found) = self.store.model(&initial)? {
            return Ok(found);
        }
        let start = Instant::now();
        let model = match &self.inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => self.train(initial.clone()).map_err(remedied)?,
        };
        let seconds = start.elapsed().as_secs_f64();
        self.store.keep_model(&model, seconds)?;
        // As a later run finds it.
        Ok(self.store.model(&initial)?.unwrap_or((model, seconds)))
    }

    fn train(&self, initial: Zoo) -> Result<Zoo, CliError> {
        let bar = Bar::new("training", 0);
        let objective = self.inputs.dataset.task.objective();
        let show = |progress: &TrainProgress| {
            bar.at(progress.step as u64, progress.steps as u64);
            let loss = self.unit.loss_factor * progress.loss;
            bar.message(format!("loss {}", short(loss)));
        };
        let (split, config) = (&self.inputs.dataset.train, self.config);
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
                let pause = Duration::from_secs_f64(self.args.run.checkpoint_every);
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
}
