//! A trained network, ready for questions about removals.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use backdraft_curvature::{BatchOperator, Cost, Model};
use backdraft_influence::response::Responses;
use backdraft_models::{Objective, TrainConfig, Zoo, data::Dataset, to_dtype};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::{
    bars::Bars,
    base::{Trainer, Trial},
    method::Method,
    plan::{Plan, Prepared},
    store::Store,
};
use crate::{
    BURN, CliError,
    progress::say,
    quality::{measured, quality, shown, tell, unit},
};
use backdraft_report::{Metrics, Place, Quality, Sizes, Unit, Versions, experiment::Setup};

/// What was settled with the base network.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Choices {
    /// As bits, which come back as they were.
    learning_rate: u64,
    train: Quality,
    test: Quality,
    /// What was tried, if step sizes were searched through.
    search: Vec<Trial>,
}

/// A trained network, ready for questions about removals.
pub(super) struct Lab<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a Dataset,
    pub store: &'a Store,
    pub bars: Bars,
    pub objective: Objective,
    /// As it came to be.
    pub training: TrainConfig,
    pub base: Zoo,
    pub responses: Responses,
    /// The cost of the test examples that are measured.
    pub tests: Option<Cost>,
    /// Products that the next estimate takes, about.
    pub products: Cell<usize>,
    /// The removals that are to be done here, in order.
    pub open: RefCell<Vec<usize>>,
    /// Why there is no estimate for some of them.
    pub given_up: RefCell<BTreeMap<usize, String>>,
    /// What the record's losses and outputs are measured in.
    pub unit: Unit,
    search: Vec<Trial>,
    metrics: Metrics,
    device: Device,
}

impl<'a> Lab<'a> {
    /// Trains the base network, or takes it from the folder.
    pub fn new(prepared: &'a Prepared, store: &'a Store) -> Result<Self, CliError> {
        let Prepared {
            plan,
            dataset,
            device,
            ..
        } = prepared;
        let objective = plan.model.objective(&dataset.task);
        let loss = objective.loss(&dataset.train);
        let unit = unit(plan.model, dataset, plan.target.as_deref());
        let bars = Bars::new();
        let initial = to_dtype(plan.network.init(device), plan.dtype);
        let (base, choices) = match store.base::<Choices>(&initial)? {
            Some(found) => found,
            None => {
                let trainer = Trainer {
                    plan,
                    dataset,
                    store,
                    objective,
                    initial: &initial,
                    bars: &bars,
                    unit: &unit,
                };
                let (base, rate, search) = trainer.base()?;
                let choices = Choices {
                    learning_rate: rate.to_bits(),
                    train: quality(&measured("train", &base, &dataset.train, objective)?),
                    test: quality(&measured("test", &base, &dataset.test, objective)?),
                    search,
                };
                store.keep_base(&base, &choices)?;
                // As a later run finds it.
                store.base(&initial)?.unwrap_or((base, choices))
            }
        };
        bars.aside(|| {
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
        let rows = dataset.train.rows;
        let place = (device, plan.dtype);
        let cost = Cost::of_any(
            Model::new(&base, Zoo::forward)?.recorded(),
            loss,
            dataset.train.inputs(place),
            objective.targets(&dataset.train, place),
        )?
        .with_batch_size(plan.pass.min(rows))?
        .with_l2(training.weight_decay);
        let gradient = cost.clone().with_l2(0.0).gradient()?;
        let metrics = Metrics {
            train: unit.quality(choices.train),
            test: unit.quality(choices.test),
            gradient_norm: unit.loss_factor * gradient.square().sum().into_scalar::<f64>().sqrt(),
        };
        let tests = match plan.tests.as_slice() {
            [] => None,
            chosen => {
                let split = dataset.test.select(chosen);
                Some(cost.with_examples(split.inputs(place), objective.targets(&split, place))?)
            }
        };
        Ok(Self {
            plan,
            dataset,
            store,
            bars,
            objective,
            training,
            responses: Responses::new(&cost, plan.damping)?,
            tests,
            products: Cell::new(1),
            open: RefCell::default(),
            given_up: RefCell::default(),
            search: choices.search.iter().map(|it| it.within(&unit)).collect(),
            unit,
            metrics,
            device: device.clone(),
            base,
        })
    }

    /// The network before training.
    pub fn initial(&self) -> Zoo {
        to_dtype(self.plan.network.init(&self.device), self.plan.dtype)
    }

    /// The damped curvature of the influence estimate.
    pub fn matrix(&self) -> Box<dyn BatchOperator> {
        let cost = self.responses.cost();
        match self.plan.hessian {
            true => Box::new(cost.hessian().damped(self.plan.damping)),
            false => Box::new(cost.gauss_newton().damped(self.plan.damping)),
        }
    }

    /// Where the examples that are removed stand.
    fn places(&self) -> BTreeMap<usize, Place> {
        let removed = self.plan.removals.iter().flatten();
        removed
            .map(|&example| (example, self.dataset.train_place(example)))
            .collect()
    }

    /// What the experiment's record tells before its findings.
    pub fn setup(&self, method: &Method) -> Setup {
        let plan = self.plan;
        let lissa = method.lissa().map(|config| {
            json!({
                "scale": method.scale(),
                "depth": config.depth,
                "repeats": config.repeats,
                "batch_size": config.batch_size,
                "tolerance": config.tolerance,
            })
        });
        let mut details = Map::new();
        details.insert("network".into(), json!(plan.network));
        details.insert("target".into(), json!(plan.target));
        details.insert("inputs".into(), json!(plan.reading.inputs));
        details.insert("targets".into(), json!(plan.reading.targets));
        details.insert("parts".into(), json!(plan.reading.parts));
        details.insert("training".into(), json!(self.training));
        details.insert("scaled".into(), json!(plan.scaled));
        details.insert("response_epochs".into(), json!(plan.response_epochs()));
        details.insert("converge".into(), json!(plan.lbfgs() || plan.converge));
        details.insert("precision".into(), json!(plan.precision));
        details.insert(
            "examples_in_a_removal".into(),
            json!(plan.removals[0].len()),
        );
        details.insert(
            "epsilon".into(),
            json!(1.0 / self.dataset.train.rows as f64),
        );
        details.insert("corrupt_labels".into(), json!(plan.corrupt_labels));
        details.insert("fingerprint".into(), json!(plan.fingerprint));
        details.insert("lissa".into(), json!(lissa));
        details.insert("search".into(), json!(self.search));
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
            solver: method.words(),
            device: plan.device.into(),
            seed: plan.seed,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            unit: self.unit.clone(),
            train: self.places(),
            tests: plan
                .tests
                .iter()
                .map(|&test| (test, self.dataset.test_place(test)))
                .collect(),
            sizes: Sizes {
                train: self.dataset.train.rows,
                test: self.dataset.test.rows,
                parameters: self.responses.cost().model().dim(),
            },
            metrics: self.metrics,
            details,
        }
    }
}
