//! The training itself.

use std::time::{Duration, Instant};

use backdraft_models::{
    Metrics, Model, Objective, Optimizer, Progress, Trained, Training, Zoo,
    data::{Dataset, Split, Task},
    evaluate, train,
    weights::{NameMap, WeightsRecord, load_into},
};
use serde_json::json;

use super::{
    journal::{Epoch, Journal, Part},
    settings::{Settings, brief, shown},
    state,
};
use crate::{
    cli::{
        CliError,
        args::Train,
        present::{tell, unit},
        progress::{Bar, say},
        weights::{self, record},
    },
    output::{OutputError, TrainingFolder, Unit},
};

/// A training with a place for its files.
pub(super) struct Run<'a> {
    pub args: &'a Train,
    pub settings: Settings<'a>,
    pub dataset: &'a Dataset,
    /// With the weights to begin with.
    pub model: Zoo,
    pub folder: TrainingFolder,
}

/// A training between two steps.
struct Standing {
    training: Training<Zoo>,
    journal: Journal,
    /// The network after the best pass with what was measured then, where it is not in the folder yet.
    best: Option<(Zoo, Metrics)>,
}

impl Run<'_> {
    pub fn run(self) -> Result<(), CliError> {
        match self.settings.training.optimizer {
            Optimizer::Lbfgs { .. } => self.whole(),
            Optimizer::Sgd { .. } | Optimizer::Adam => self.by_batches(),
        }
    }

    fn kind(&self) -> Model {
        self.settings.model
    }

    fn objective(&self) -> Objective {
        self.kind().objective(&self.dataset.task)
    }

    /// What the best pass is chosen by.
    fn held_out(&self) -> (Part, &Split) {
        match &self.dataset.valid {
            Some(valid) => (Part::Valid, valid),
            None => (Part::Test, &self.dataset.test),
        }
    }

    /// L-BFGS: nothing is kept before the end, which is the same each time.
    fn whole(self) -> Result<(), CliError> {
        let bar = Bar::new("training", 0);
        let split = &self.dataset.train;
        let trained = train(
            self.model.clone(),
            split,
            self.objective(),
            self.settings.training,
            |it| {
                bar.at(it.step as u64, it.steps as u64);
                bar.message(format!("loss {:.4}", it.loss));
            },
        )?;
        drop(bar);
        let factor = self.unit().loss_factor;
        let lines = trained.history.iter().enumerate().map(|(index, loss)| {
            let loss = factor * loss;
            json!({ "epoch": index + 1, "step": index + 1, "train_loss": loss }).to_string() + "\n"
        });
        let log: String = lines.collect();
        self.folder.write(TrainingFolder::LOG, log.as_bytes())?;
        let kept = WeightsRecord::of(self.dataset, None);
        let bytes = weights::encode(&trained.model, TrainingFolder::BEST, &kept)?;
        self.folder.write(TrainingFolder::BEST, &bytes)?;
        self.end(trained, &Journal::default())
    }

    fn by_batches(self) -> Result<(), CliError> {
        let mut standing = self.start()?;
        let bar = Bar::new("training", 0);
        let mut stored = Instant::now();
        let mut pass = Instant::now();
        let pause = Duration::from_secs_f64(self.args.checkpoint_every);
        let mut measured = String::new();
        while let Some(it) = standing.training.advance()? {
            if standing.training.history().len() == it.epoch {
                measured = self.measure(&mut standing, &it, pass)?;
                pass = Instant::now();
            }
            show(&bar, &it, &measured);
            if stored.elapsed() >= pause && it.step < it.steps {
                self.store(&mut standing)?;
                stored = Instant::now();
            }
        }
        drop(bar);
        self.write_best(&mut standing)?;
        self.end(standing.training.finish(), &standing.journal)
    }

    /// Puts the best network into the folder, with what was measured on the part held out.
    fn write_best(&self, standing: &mut Standing) -> Result<(), CliError> {
        if let Some((best, metrics)) = standing.best.take() {
            let (part, split) = self.held_out();
            let kept = record(self.dataset, part.name(), split, &metrics);
            let best = weights::encode(&best, TrainingFolder::BEST, &kept)?;
            self.folder.write(TrainingFolder::BEST, &best)?;
        }
        Ok(())
    }

    /// Puts into the folder, with the best network, how well it does on the training part.
    fn measure_best(&self) -> Result<(), CliError> {
        let path = self.folder.path().join(TrainingFolder::BEST);
        if !path.exists() {
            return Ok(());
        }
        let best = load_into(self.model.clone(), path, &NameMap::default())?;
        let best = self.encode_trained(&best, TrainingFolder::BEST)?.0;
        Ok(self.folder.write(TrainingFolder::BEST, &best)?)
    }

    /// The file `name` of a network with how well it does on the training part.
    fn encode_trained(&self, model: &Zoo, name: &str) -> Result<(Vec<u8>, Metrics), CliError> {
        let train = &self.dataset.train;
        let metrics = evaluate(model, train, self.objective());
        let kept = record(self.dataset, "train", train, &metrics);
        Ok((weights::encode(model, name, &kept)?, metrics))
    }

    /// From the beginning, or from where an earlier run stopped.
    fn start(&self) -> Result<Standing, CliError> {
        let (split, objective, config) = (
            &self.dataset.train,
            self.objective(),
            self.settings.training,
        );
        let (training, journal) = match self.folder.read(TrainingFolder::STATE)? {
            None => {
                let training = Training::new(self.model.clone(), split, objective, config)?;
                (training, Journal::default())
            }
            Some(bytes) => {
                let path = self.folder.path().join(TrainingFolder::STATE);
                let damaged = |reason| OutputError::Damaged { path, reason };
                let (mut checkpoint, journal) = state::decode(&bytes).map_err(damaged)?;
                // The record's settings were compared, as text; these went through it.
                checkpoint.state.config = config.clone();
                say(format_args!(
                    "going on after {} passes, step {}",
                    checkpoint.state.history.len(),
                    checkpoint.state.step
                ));
                let training =
                    Training::resume(self.model.clone(), split, objective, config, checkpoint)?;
                (training, journal)
            }
        };
        let training = match self.args.pass {
            Some(part) => training.with_parts(part.get()),
            None => training,
        };
        // Without the passes after the checkpoint, which come again.
        let log: String = journal.lines.iter().map(|it| format!("{it}\n")).collect();
        self.folder.write(TrainingFolder::LOG, log.as_bytes())?;
        Ok(Standing {
            training,
            journal,
            best: None,
        })
    }

    /// What losses are told in.
    fn unit(&self) -> Unit {
        unit(self.dataset, self.settings.target)
    }

    /// A measurement of the network as it is trained, in that unit.
    fn told(&self, metrics: &Metrics) -> Metrics {
        Metrics {
            loss: self.unit().loss_factor * metrics.loss,
            ..*metrics
        }
    }

    /// Measures the model after a pass and logs it; the measurement in words.
    fn measure(
        &self,
        standing: &mut Standing,
        it: &Progress,
        since: Instant,
    ) -> Result<String, CliError> {
        let model = standing.training.model();
        let (part, split) = self.held_out();
        let metrics = evaluate(&model, split, self.objective());
        let told = self.told(&metrics);
        let history = standing.training.history();
        let mut epoch = Epoch {
            epoch: it.epoch,
            step: it.step,
            train_loss: self.unit().loss_factor * history[history.len() - 1],
            part,
            metrics: told,
            best: false,
            seconds: since.elapsed().as_secs_f64(),
        };
        let line = standing.journal.note(&mut epoch);
        let line = line.map_err(|error| CliError::Weights(error.to_string()))?;
        self.folder.append(TrainingFolder::LOG, line)?;
        if epoch.best {
            standing.best = Some((model, metrics));
        }
        let brief = brief(&told).unwrap_or_else(|| shown(&told));
        Ok(format!(", {} {brief}", part.name()))
    }

    /// Puts everything needed to go on into the folder.
    fn store(&self, standing: &mut Standing) -> Result<(), CliError> {
        // The best before the state that counts on it.
        self.write_best(standing)?;
        let checkpoint = standing.training.checkpoint();
        let bytes = state::encode(&checkpoint, &standing.journal).map_err(CliError::Weights)?;
        self.folder.write(TrainingFolder::STATE, &bytes)?;
        let kept = WeightsRecord::of(self.dataset, None);
        let last = weights::encode(&standing.training.model(), TrainingFolder::LAST, &kept)?;
        Ok(self.folder.write(TrainingFolder::LAST, &last)?)
    }

    /// Writes what has been trained.
    fn end(self, trained: Trained<Zoo>, journal: &Journal) -> Result<(), CliError> {
        let measure = |split| evaluate(&trained.model, split, self.objective());
        // Of a text, measuring the training part would take a third of a pass; the log has the losses met in training.
        let text = matches!(self.dataset.task, Task::NextToken { .. });
        let on_valid: Option<Metrics> = self.dataset.valid.as_ref().map(measure);
        let on_test = measure(&self.dataset.test);
        let (last, on_train) = if text {
            let kept = record(self.dataset, "test", &self.dataset.test, &on_test);
            (
                weights::encode(&trained.model, TrainingFolder::LAST, &kept)?,
                None,
            )
        } else {
            self.measure_best()?;
            let (last, metrics) = self.encode_trained(&trained.model, TrainingFolder::LAST)?;
            (last, Some(metrics))
        };
        self.folder.write(TrainingFolder::LAST, &last)?;

        let [on_train, on_valid] = [on_train, on_valid].map(|it| it.map(|it| self.told(&it)));
        let on_test = self.told(&on_test);
        let parts = [
            ("train", on_train.as_ref()),
            ("valid", on_valid.as_ref()),
            ("test", Some(&on_test)),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(part, metrics)| Some((part, metrics?)));
        let summary: Vec<String> = parts
            .map(|(part, metrics)| format!("{part} {}", shown(metrics)))
            .collect();
        let summary = summary.join("; ");
        tell(self.dataset, &self.unit());
        let results = json!({
            "summary": summary,
            "unit": self.unit(),
            "train": on_train,
            "valid": on_valid,
            "test": on_test,
            "best": journal.best(),
            "gradient_norm": trained.gradient_norm,
        });
        let ended = self.settings.record(Some(results))?;
        self.folder.write(TrainingFolder::RECORD, &ended)?;
        self.folder.remove(TrainingFolder::STATE)?;
        say(&summary);
        if let Some(best) = journal.best() {
            say(format_args!(
                "best after pass {} by the {} part, whose weights are in {}",
                best["epoch"],
                best["part"].as_str().unwrap_or("held-out"),
                TrainingFolder::BEST
            ));
        }
        say(format_args!("written to {}", self.folder.path().display()));
        Ok(())
    }
}

fn show(bar: &Bar, it: &Progress, measured: &str) {
    bar.at(it.step as u64, it.steps as u64);
    bar.message(format!(
        "pass {}/{}, loss {:.4}{measured}",
        it.epoch, it.epochs, it.loss
    ));
}
