//! The training itself.

use std::time::{Duration, Instant};

use backdraft::attribution::Digest;
use backdraft_models::{
    Architecture, Metrics, Objective, Optimizer, TrainProgress, Trained, Training, Zoo,
    data::{Dataset, Split, Task},
    evaluate, quote, train,
    weights::{NameMap, WeightsRecord, load_into},
};
use serde_json::json;

use super::{
    folder::LOG,
    journal::{Epoch, HeldOut, Journal},
    settings::{TrainSettings, brief, shown},
    state::{self, Stored, resume},
};
use crate::{
    CliError,
    args::Train,
    progress::{Bar, say},
    quality::{measured, tell, unit},
    run_folder::RunFolder,
    weights::{self, BEST, LAST, record},
};
use backdraft_report::{Unit, short};

/// A training with a place for its files.
pub(super) struct TrainRun<'a> {
    pub args: &'a Train,
    pub settings: TrainSettings<'a>,
    pub dataset: &'a Dataset,
    /// With the weights to begin with.
    pub model: Zoo,
    pub folder: RunFolder,
}

/// A training between two steps.
struct Standing {
    training: Training<Zoo>,
    journal: Journal,
    /// The file with the weights of the best pass.
    best: Option<Vec<u8>>,
    /// Whether it is not in the folder yet.
    unwritten: bool,
}

impl TrainRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        match self.settings.training.optimizer {
            Optimizer::Lbfgs { .. } => self.whole(),
            Optimizer::Sgd { .. } | Optimizer::Adam => self.by_batches(),
        }
    }

    fn kind(&self) -> Architecture {
        self.settings.model
    }

    fn objective(&self) -> Objective {
        self.kind().objective(self.dataset)
    }

    /// What the best pass is chosen by.
    fn held_out(&self) -> (HeldOut, &Split) {
        match &self.dataset.valid {
            Some(valid) => (HeldOut::Valid, valid),
            None => (HeldOut::Test, &self.dataset.test),
        }
    }

    /// L-BFGS: nothing is kept before the end, which is the same each time.
    fn whole(self) -> Result<(), CliError> {
        let bar = Bar::new("training", 0);
        let split = &self.dataset.train;
        let factor = self.unit().loss_factor;
        let trained = train(
            self.model.clone(),
            split,
            self.objective(),
            self.settings.training,
            |it| {
                bar.at(it.step as u64, it.steps as u64);
                bar.message(format!("loss {}", short(factor * it.loss)));
            },
        )?;
        drop(bar);
        let lines = trained.history.iter().enumerate().map(|(index, loss)| {
            let loss = factor * loss;
            json!({ "epoch": index + 1, "step": index + 1, "train_loss": loss }).to_string() + "\n"
        });
        let log: String = lines.collect();
        self.folder.write(LOG, log.as_bytes())?;
        let kept = WeightsRecord::of(self.dataset, None);
        let bytes = weights::encode(&trained.model, BEST, &kept)?;
        self.folder.write(BEST, &bytes)?;
        self.end(trained, &Journal::default(), bytes)
    }

    fn by_batches(self) -> Result<(), CliError> {
        let factor = self.unit().loss_factor;
        let mut standing = self.start()?;
        let bar = Bar::new("training", 0);
        let mut stored = Instant::now();
        let mut pass = Instant::now();
        let pause = Duration::from_secs_f64(self.args.run.checkpoint_every);
        let mut measured = String::new();
        while let Some(it) = standing.training.advance()? {
            if standing.training.history().len() == it.epoch {
                measured = self.measure(&mut standing, &it, pass)?;
                pass = Instant::now();
            }
            show(&bar, &it, factor * it.loss, &measured);
            if stored.elapsed() >= pause && it.step < it.steps {
                self.store(&mut standing)?;
                stored = Instant::now();
            }
        }
        drop(bar);
        self.write_best(&mut standing)?;
        let best = standing.best.unwrap_or_default();
        self.end(standing.training.finish(), &standing.journal, best)
    }

    /// Puts the best network into the folder, with what was measured on the part held out.
    fn write_best(&self, standing: &mut Standing) -> Result<(), CliError> {
        if let (Some(best), true) = (&standing.best, standing.unwritten) {
            self.folder.write(BEST, best)?;
        }
        standing.unwritten = false;
        Ok(())
    }

    /// Puts into the folder, with the best network, how well it does on the training part. Returns the file.
    fn measure_best(&self) -> Result<Vec<u8>, CliError> {
        let path = self.folder.path().join(BEST);
        let best = load_into(self.model.clone(), path, &NameMap::default())?;
        let best = self.encode_trained(&best, BEST)?.0;
        self.folder.write(BEST, &best)?;
        Ok(best)
    }

    /// The file `name` of a network with how well it does on the training part.
    fn encode_trained(&self, model: &Zoo, name: &str) -> Result<(Vec<u8>, Metrics), CliError> {
        let train = &self.dataset.train;
        let metrics = measured("train", model, train, self.objective())?;
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
        let (training, journal, best) = match Stored::read(&self.folder)? {
            None => {
                let training = Training::new(self.model.clone(), split, objective, config)?;
                (training, Journal::default(), None)
            }
            Some(Stored {
                checkpoint,
                journal,
                best,
            }) => {
                say(format_args!(
                    "going on after {} passes, step {}",
                    checkpoint.state.history.len(),
                    checkpoint.state.step
                ));
                let model = self.model.clone();
                let training = resume(&self.folder, checkpoint, model, split, objective, config)?;
                (training, journal, best)
            }
        };
        let training = match self.args.run.model.pass {
            Some(part) => training.with_parts(part.get()),
            None => training,
        };
        // Without the passes after the checkpoint, which come again.
        let log: String = journal.lines.iter().map(|it| format!("{it}\n")).collect();
        self.folder.write(LOG, log.as_bytes())?;
        Ok(Standing {
            training,
            journal,
            best,
            // What is there may be of a later pass, or damaged.
            unwritten: true,
        })
    }

    /// What losses are told in.
    fn unit(&self) -> Unit {
        unit(self.kind(), self.dataset, self.settings.target)
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
        it: &TrainProgress,
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
        self.folder.append(LOG, line)?;
        if epoch.best {
            let kept = record(self.dataset, part.name(), split, &metrics);
            standing.best = Some(weights::encode(&model, BEST, &kept)?);
            standing.unwritten = true;
        }
        let brief = brief(&told).unwrap_or_else(|| shown(&told));
        Ok(format!(", {} {brief}", part.name()))
    }

    /// Puts everything needed to go on into the folder.
    fn store(&self, standing: &mut Standing) -> Result<(), CliError> {
        let stored = Stored {
            checkpoint: standing.training.checkpoint(),
            journal: standing.journal.clone(),
            best: standing.best.clone(),
        };
        stored.write(&self.folder)?;
        self.write_best(standing)?;
        let kept = WeightsRecord::of(self.dataset, None);
        let last = weights::encode(&standing.training.model(), LAST, &kept)?;
        self.folder.write(LAST, &last)
    }

    /// Writes what has been trained; `best` is the file with the best weights.
    fn end(self, trained: Trained<Zoo>, journal: &Journal, best: Vec<u8>) -> Result<(), CliError> {
        let measure = |part, split| measured(part, &trained.model, split, self.objective());
        // Of a text, measuring the training part would take a third of a pass; the log has the losses met in training.
        let text = matches!(self.dataset.task, Task::NextToken { .. });
        let valid = self.dataset.valid.as_ref();
        let on_valid = valid.map(|valid| measure("valid", valid)).transpose()?;
        let on_test = measure("test", &self.dataset.test)?;
        let (last, on_train, best) = if text {
            let kept = record(self.dataset, "test", &self.dataset.test, &on_test);
            let last = weights::encode(&trained.model, LAST, &kept)?;
            (last, None, best)
        } else {
            let (last, metrics) = self.encode_trained(&trained.model, LAST)?;
            (last, Some(metrics), self.measure_best()?)
        };
        self.folder.write(LAST, &last)?;

        let [on_train, on_valid] = [on_train, on_valid].map(|it| it.map(|it| self.told(&it)));
        let on_test = self.told(&on_test);
        let summary = summary(on_train.as_ref(), on_valid.as_ref(), &on_test);
        tell(&self.unit());
        let log = self.folder.read(LOG)?.unwrap_or_default();
        let results = json!({
            "summary": summary,
            "unit": self.unit(),
            "train": on_train,
            "valid": on_valid,
            "test": on_test,
            "best": journal.best(),
            "gradient_norm": trained.gradient_norm,
            "sha256": {
                BEST: Digest::of(&best).digits(),
                LAST: Digest::of(&last).digits(),
                LOG: Digest::of(&log).digits(),
            },
        });
        self.folder.write_record(&self.settings, Some(results))?;
        self.folder.remove(state::FILE)?;
        say(&summary);
        if let Some(best) = journal.best() {
            say(format_args!(
                "best after pass {} by the {} part, whose weights are in {}",
                best["epoch"],
                best["part"].as_str().unwrap_or("held-out"),
                BEST
            ));
        }
        say(format_args!(
            "written to {}",
            quote::path(self.folder.path())
        ));
        Ok(())
    }
}

/// What was measured on each part, in words.
fn summary(train: Option<&Metrics>, valid: Option<&Metrics>, test: &Metrics) -> String {
    let parts = [("train", train), ("valid", valid), ("test", Some(test))];
    let parts = parts.into_iter().filter_map(|(part, it)| Some((part, it?)));
    let parts = parts.map(|(part, metrics)| format!("{part} {}", shown(metrics)));
    parts.collect::<Vec<_>>().join("; ")
}

fn show(bar: &Bar, it: &TrainProgress, loss: f64, measured: &str) {
    bar.at(it.step as u64, it.steps as u64);
    bar.message(format!(
        "pass {}/{}, loss {}{measured}",
        it.epoch,
        it.epochs,
        short(loss)
    ));
}
