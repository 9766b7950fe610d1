//! A trained network, ready to be evaluated.

use std::{cell::RefCell, collections::BTreeMap};

use backdraft::{
    SolverConfig, ZooTraining,
    attribution::{
        self, EvaluateError, Evaluation, EvaluationConfig, Matrix, Minimize, Progress, Retrain,
        Shard,
    },
};
use backdraft_curvature::{Cost, Model};
use backdraft_influence::{LissaConfig, Scale, response::Removal};
use backdraft_models::{Objective, TrainConfig, Zoo, data::Dataset, quote, to_dtype};
use burn::tensor::Device;
use serde_json::{Map, json};

use super::{
    args::Common,
    base::{Trial, base},
    folder::ExperimentFolder,
    plan::{Plan, PreparedExperiment},
    progress::ExperimentProgress,
    response::{CONVERGED, bregman, retraining},
    solver::words,
};
use crate::{
    BURN, CliError,
    progress::say,
    quality::{shown, tell, unit},
};
use backdraft_report::{
    ModelQuality, Place, Sizes, Unit, Versions,
    experiment::{CorrelationsRecord, Setup},
    plural,
};

/// Removals that LiSSA solves for at once: the least, so that a fifth of twenty can be another process's, and the most,
/// beyond which little is gained.
const TOGETHER: [usize; 2] = [4, 10];
/// Parameters of all of them, which bounds the memory.
const NUMBERS: usize = 1 << 24;

/// A trained network, ready to be evaluated.
pub(super) struct Subject<'a> {
    plan: &'a Plan,
    /// The network.
    pub base: Zoo,
    /// What the record's losses and outputs are measured in.
    unit: Unit,
    pub dataset: &'a Dataset,
    folder: &'a ExperimentFolder,
    progress: ExperimentProgress,
    pub objective: Objective,
    /// As it came to be.
    training: TrainConfig,
    /// Of the training examples.
    cost: Cost,
    search: Vec<Trial>,
    metrics: ModelQuality,
    device: Device,
    /// How estimates are solved for, once that is settled.
    solver: RefCell<SolverConfig>,
}

impl<'a> Subject<'a> {
    /// Trains the base network, or takes it from the folder.
    pub fn new(
        prepared: &'a PreparedExperiment,
        folder: &'a ExperimentFolder,
    ) -> Result<Self, CliError> {
        let PreparedExperiment {
            plan,
            dataset,
            device,
            ..
        } = prepared;
        let objective = plan.model.objective(dataset);
        let unit = unit(plan.model, dataset, plan.target.as_deref());
        let progress = ExperimentProgress::new();
        let (base, choices) = base(prepared, folder, objective, &progress, &unit)?;
        progress.aside(|| {
            tell(&unit);
            say(format_args!(
                "train {}; test {}",
                shown(&unit.quality(choices.train)),
                shown(&unit.quality(choices.test))
            ));
        });
        let training = TrainConfig {
            learning_rate: f64::from_bits(choices.learning_rate),
            ..plan.training.clone()
        };
        let place = (device, plan.dtype);
        let cost = Cost::of_any(
            Model::new(&base, Zoo::forward)?.recorded(),
            objective.loss(&dataset.train),
            dataset.train.inputs(place),
            objective.targets(&dataset.train, place),
        )?
        .with_batch_size(plan.pass.min(dataset.train.rows))?
        .with_l2(training.weight_decay);
        let gradient = cost.clone().with_l2(0.0).gradient()?;
        let metrics = ModelQuality {
            train: unit.quality(choices.train),
            test: unit.quality(choices.test),
            gradient_norm: unit.loss_factor * gradient.square().sum().into_scalar::<f64>().sqrt(),
        };
        Ok(Self {
            plan,
            base,
            dataset,
            folder,
            progress,
            objective,
            training,
            cost,
            search: choices.search.iter().map(|it| it.within(&unit)).collect(),
            unit,
            metrics,
            device: device.clone(),
            solver: RefCell::default(),
        })
    }

    /// What is removed.
    pub fn removals(&self) -> Vec<Removal> {
        let n = self.dataset.train.rows;
        let removals = self.plan.removals.iter();
        removals
            .map(|examples| Removal::of(examples.clone(), n))
            .collect()
    }

    /// The cost of the test examples that are measured, if any are.
    pub fn tests(&self) -> Result<Option<Cost>, CliError> {
        if self.plan.tests.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.test_cost(&self.plan.tests)?))
    }

    /// The cost of these test examples.
    pub fn test_cost(&self, tests: &[usize]) -> Result<Cost, CliError> {
        let split = self.dataset.test.select(tests);
        let place = (&self.device, self.plan.dtype);
        let targets = self.objective.targets(&split, place);
        Ok(self.cost.with_examples(split.inputs(place), targets)?)
    }

    /// The cost of the training examples.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Measures what `measure` does of an evaluation of the network, whose parts are kept in the folder.
    pub fn evaluate<T>(
        &self,
        args: &Common,
        measure: impl FnOnce(&Evaluation<'_>) -> Result<T, EvaluateError>,
    ) -> Result<T, CliError> {
        let on_step = |done: usize, of: usize| self.progress.at(done, of);
        let first = Model::new(&self.initial(), Zoo::forward)?.theta();
        let (minimize, zoo);
        let retrain: &dyn Retrain = if self.plan.lbfgs() {
            let initial = |_| first.clone();
            minimize = Minimize::new(&self.cost, initial, CONVERGED)?.with_progress(on_step);
            &minimize
        } else {
            zoo = ZooTraining {
                initial: |_| self.initial(),
                split: &self.dataset.train,
                objective: self.objective,
                // Half as long again as the base network, which a validation has trained again as it was.
                config: TrainConfig {
                    epochs: match self.plan.validation {
                        Some(_) => self.training.epochs,
                        None => self.training.epochs + self.plan.response_epochs(),
                    },
                    ..self.training.clone()
                },
                part: self.plan.pass,
                on_step: &on_step,
            };
            &zoo
        };
        let evaluation = self.config().init(&self.cost, retrain)?;
        let evaluation = evaluation
            .with_own_store(self.folder)
            .with_shard(args.shard.unwrap_or(Shard::WHOLE))
            .with_progress(|progress| self.tell(progress));
        let found = measure(&evaluation);
        self.progress.end();
        if let Err(EvaluateError::AllFailed { .. }) = &found {
            self.folder.tidy()?;
        }
        Ok(found?)
    }

    /// Whether no removals are left to other parts, which is said; then the parameters found on the way are let go of.
    pub fn is_whole(&self, done: usize, left: usize) -> Result<bool, CliError> {
        if left == 0 {
            self.folder.tidy()?;
            return Ok(true);
        }
        say(format_args!(
            "{} done, {left} left to other parts; `--merge DIR,..` puts the parts together. In {}",
            plural(done, "removal"),
            quote::path(self.folder.path())
        ));
        Ok(false)
    }

    /// The record of what was found of the tests.
    pub fn correlations(&self, found: attribution::Correlations) -> CorrelationsRecord {
        let (setup, tests) = (self.setup(), self.plan.tests.clone());
        CorrelationsRecord::new(setup, tests, found.removals, found.failed)
    }

    /// The network before training.
    fn initial(&self) -> Zoo {
        to_dtype(self.plan.network.init(&self.device), self.plan.dtype)
    }

    fn config(&self) -> EvaluationConfig {
        let plan = self.plan;
        EvaluationConfig {
            matrix: match plan.hessian {
                true => Matrix::Hessian,
                false => Matrix::GaussNewton,
            },
            solver: plan.solver_config(),
            settle_depth: plan.depth.is_none(),
            retraining: retraining(plan, &self.training),
            bregman: bregman(plan, &self.training),
            seed: plan.seed,
            together: self.together(),
            keep_parameters: false,
            keep_failures: true,
            ..EvaluationConfig::new(plan.damping)
        }
    }

    /// Removals whose estimates are solved for at once.
    fn together(&self) -> usize {
        let SolverConfig::Lissa(_) = self.plan.solver_config() else {
            return 1;
        };
        let removals = self.plan.removals.len();
        let most = NUMBERS / self.cost.model().dim();
        let [least, enough] = TOGETHER;
        let together = (removals / 10).clamp(least, enough);
        together.min(most).min(removals).max(1)
    }

    fn tell(&self, progress: Progress<'_>) {
        let Progress::Solver(solver) = progress else {
            return self.progress.tell(progress);
        };
        let mut line = format!("influence by {}", words(solver));
        if let many @ 2.. = self.together() {
            line += &format!(", {many} removals at a time");
        }
        self.progress.aside(|| say(line));
        self.solver.replace(solver.clone());
    }

    /// Where the examples that are removed stand.
    fn places(&self) -> BTreeMap<usize, Place> {
        // Groups hold most of the examples, again and again.
        let removed = self.plan.removals.iter().flatten().copied();
        let removed = removed.filter(|_| self.plan.groups.is_empty());
        self.train_places(&removed.collect::<Vec<_>>())
    }

    /// Where training examples stand.
    pub fn train_places(&self, examples: &[usize]) -> BTreeMap<usize, Place> {
        let place = |&example| (example, self.dataset.train_place(example));
        examples.iter().map(place).collect()
    }

    /// What the experiment's record tells before its findings.
    pub fn setup(&self) -> Setup {
        let plan = self.plan;
        let tests = plan.tests.iter();
        Setup {
            model: plan.model.name().into(),
            data: self.dataset.name.clone(),
            preset: plan.preset.into(),
            epochs: self.training.epochs,
            damping: plan.damping,
            matrix: if plan.hessian {
                "hessian"
            } else {
                "gauss-newton"
            }
            .into(),
            solver: words(&self.solver.borrow()),
            device: plan.device.into(),
            seed: plan.seed,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            unit: self.unit.clone(),
            train: self.places(),
            tests: tests
                .map(|&test| (test, self.dataset.test_place(test)))
                .collect(),
            sizes: Sizes {
                train: self.dataset.train.rows,
                test: self.dataset.test.rows,
                parameters: self.cost.model().dim(),
            },
            metrics: self.metrics,
            details: self.details(),
        }
    }

    /// What the record tells beside the rest.
    fn details(&self) -> Map<String, serde_json::Value> {
        let plan = self.plan;
        let lissa = match &*self.solver.borrow() {
            SolverConfig::Lissa(LissaConfig {
                scale: Scale::Fixed(scale),
                depth,
                repeats,
                batch_size,
                tolerance,
                ..
            }) => json!({
                "scale": scale,
                "depth": depth,
                "repeats": repeats,
                "batch_size": batch_size,
                "tolerance": tolerance,
            }),
            _ => json!(null),
        };
        let details = [
            ("network", json!(plan.network)),
            ("target", json!(plan.target)),
            ("inputs", json!(plan.reading.inputs)),
            ("targets", json!(plan.reading.targets)),
            ("parts", json!(plan.reading.parts)),
            ("columns", json!(plan.reading.columns)),
            ("loss", json!(plan.reading.loss)),
            ("class_weights", json!(plan.reading.class_weights)),
            ("training", json!(self.training)),
            ("scaled", json!(plan.scaled)),
            ("response_epochs", json!(plan.response_epochs())),
            ("converge", json!(plan.lbfgs() || plan.converge)),
            ("precision", json!(plan.precision)),
            (
                "examples_in_a_removal",
                json!(plan.removals.first().map_or(1, Vec::len)),
            ),
            ("epsilon", json!(1.0 / self.dataset.train.rows as f64)),
            ("corrupt_labels", json!(plan.corrupt_labels)),
            ("fingerprint", json!(plan.fingerprint)),
            ("lissa", lissa),
            ("search", json!(self.search)),
            ("validation", json!(plan.validation)),
        ];
        let named = |(key, value): (&str, _)| (key.to_owned(), value);
        details.into_iter().map(named).collect()
    }
}
