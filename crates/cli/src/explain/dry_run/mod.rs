//! `--dry-run`: what a run of `explain` would take, in time and memory, before it begins.
//!
//! What the device does with one batch is measured; everything else is counted or predicted from that, and each line
//! says which.

mod measured;
mod memory;
mod products;

use backdraft_models::{Optimizer, TrainConfig};

use self::{measured::Batch, memory::MemoryNeed, products::ProductNeed};
use crate::{
    CliError,
    args::{Damping, Explain, NewtonName},
    failure::guarded,
    inputs::Inputs,
    progress::{say, words},
    queries::QueryRows,
    verify::Amount,
    words::places,
};
use backdraft::attribution::ChunkConfig;
use backdraft_report::count;

/// Seconds that a quick verification takes, and quick Newton estimates.
const QUICK: f64 = 60.0;

/// Gradients over all examples that a response takes.
const GRADIENTS: [f64; 2] = [20.0, 200.0];

/// Queries where none are named.
const QUERIES: usize = 3;

/// A range of seconds or counts, from the least that is expected to the most.
type Range = [f64; 2];

/// A run that is only looked at.
pub(super) struct DryRun<'a> {
    pub args: &'a Explain,
    pub inputs: &'a Inputs,
    pub queries: Option<&'a QueryRows>,
    pub config: &'a TrainConfig,
    pub damping: &'a Damping,
}

/// How much there is of everything, which is counted.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    parameters: usize,
    /// Bytes of a number.
    number: usize,
    train: usize,
    columns: usize,
    /// Rows of scores, and those that are gone through at once.
    rows: usize,
    at_once: usize,
    dampings: usize,
}

impl DryRun<'_> {
    pub fn run(&self) -> Result<(), CliError> {
        let remedy = self.args.run.model.remedy(self.inputs.kind.pass());
        self.inputs.announce(&self.args.run);
        guarded(remedy, || self.tell(remedy.examples))
    }

    /// With so many examples in a batch.
    fn tell(&self, pass: usize) -> Result<(), CliError> {
        let batch = self.batch(pass)?;
        let sizes = self.sizes(&batch);
        say("\ndry run: nothing is written; times are of this device as it is now");
        say(format_args!(
            "counted: {} parameters; {} training examples; {} rows of scores, {} at a time; {} damping(s)",
            count(sizes.parameters),
            count(sizes.train),
            count(sizes.rows),
            count(sizes.at_once),
            sizes.dampings
        ));
        let times = batch.times(sizes.at_once)?;
        let batches = sizes.train as f64 / batch.examples() as f64;
        say(format_args!(
            "measured, of a batch of {}: gradient {:.2e} s, product with {} vectors {:.2e} s, scores of as many {:.2e} s",
            count(batch.examples()),
            times.gradient,
            sizes.at_once,
            times.products,
            times.scores
        ));
        let needed = ProductNeed::of(self.args, &sizes, self.damping, &batch)?;
        say(format_args!("{needed}"));
        let chunks = (sizes.rows as f64 / sizes.at_once as f64).ceil();
        let product = batches * times.products;
        let stages = [
            ("training", self.training(batches * times.gradient)),
            (
                "preparing the solver",
                needed
                    .preparing
                    .map(|it| it * product / sizes.at_once as f64),
            ),
            ("solving", needed.each.map(|it| it * product * chunks)),
            (
                "scoring",
                [1.0, 1.5].map(|it| it * chunks * batches * times.scores * sizes.dampings as f64),
            ),
            ("Newton estimates", self.newton()),
            (
                "verifying",
                self.verifying(&sizes, batches * times.gradient),
            ),
        ];
        for (name, seconds) in stages.iter().filter(|it| it.1[1] > 0.0) {
            say(format_args!("predicted, {name}: {}", span(*seconds)));
        }
        let total = [0, 1].map(|end| stages.iter().map(|it| it.1[end]).sum());
        say(format_args!("predicted, in all: {}", span(total)));
        let memory = MemoryNeed::of(self.args, &sizes, (&times, batches), needed.steps);
        say(format_args!("{memory}"));
        say(self.disk(&sizes));
        Ok(())
    }

    fn sizes(&self, batch: &Batch) -> Sizes {
        let (parameters, number) = (batch.parameters(), batch.number());
        let train = self.inputs.dataset.train.rows;
        let rows = self.queries.map_or(QUERIES, QueryRows::count);
        let chunk = ChunkConfig {
            memory: self.args.large.bytes(),
            queries: self.args.solving().block,
        };
        let at_once = match self.args.large.store_scores {
            Some(_) => chunk.rows(parameters, number, train),
            None => self.args.solving().block,
        };
        Sizes {
            parameters,
            number,
            train,
            columns: self.inputs.dataset.train.columns,
            rows,
            at_once: at_once.min(rows).max(1),
            dampings: self.damping.given().len().max(1),
        }
    }

    /// Seconds of the training, if there is one: a step takes a gradient of its batch, and what an optimizer does.
    fn training(&self, gradient: f64) -> Range {
        if self.inputs.loaded.is_some() {
            return [0.0; 2];
        }
        let epochs = self.config.epochs as f64;
        match self.config.optimizer {
            Optimizer::Lbfgs { .. } => {
                [(0.02 * epochs).max(1.0) * gradient, 2.0 * epochs * gradient]
            }
            Optimizer::Sgd { .. } | Optimizer::Adam => {
                [0.5, 3.0].map(|factor| factor * epochs * gradient)
            }
        }
    }

    fn newton(&self) -> Range {
        match self.args.newton {
            // Sequences have none.
            _ if places(&self.inputs.dataset.train).is_some() => [0.0; 2],
            NewtonName::None => [0.0; 2],
            NewtonName::Quick => [0.0, 2.0 * QUICK],
            // As many systems as a verification has removals, or more: nothing is known before.
            NewtonName::Full | NewtonName::All => [QUICK, f64::INFINITY],
        }
    }

    fn verifying(&self, sizes: &Sizes, gradient: f64) -> Range {
        let removals = |count: f64| GRADIENTS.map(|each| 2.0 * each * count * gradient);
        match self.args.amount() {
            Amount::Nothing => [0.0; 2],
            Amount::Quick => [0.0, removals(3.0)[1].max(2.0 * QUICK)],
            Amount::Full => removals((10 * sizes.rows + 10).min(sizes.train) as f64),
            Amount::Removals(count) => removals(count as f64),
        }
    }

    /// What would be written.
    fn disk(&self, sizes: &Sizes) -> String {
        let float = self.args.precision().dtype().size();
        let scores = sizes.rows * sizes.train * float * sizes.dampings;
        let place = match &self.args.large.store_scores {
            Some(Some(folder)) => format!("in {}", folder.display()),
            Some(None) => "in the store of the run's folder".into(),
            None => "in scores.safetensors".into(),
        };
        let parts = match self.args.large.store_scores {
            Some(_) => 0,
            // Solutions and scores are kept until the run is whole.
            None => {
                sizes.dampings * sizes.rows * (sizes.parameters * sizes.number + 8 * sizes.train)
            }
        };
        format!(
            "counted, on disk: {} of scores {place}, {} of weights, and {} until the run is whole",
            memory::told(scores),
            memory::told(4 * sizes.parameters),
            memory::told(parts + 4 * sizes.parameters)
        )
    }

    fn batch(&self, pass: usize) -> Result<Batch, CliError> {
        Batch::new(self.args, self.inputs, pass)
    }
}

fn span([least, most]: Range) -> String {
    match most {
        most if most.is_infinite() => format!("{} or more", words(least)),
        most => format!("{} to {}", words(least), words(most)),
    }
}
