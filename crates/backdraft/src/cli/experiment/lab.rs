//! A trained network, ready for questions about removals.

use backdraft_curvature::{BatchOperator, Cost, Loss, Model};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Prepared as Ready, Scale, SolveError,
    Solver, response::Responses,
};
use backdraft_models::{
    Objective, TrainConfig, TrainError, Training, Zoo, data::Dataset, evaluate, to_dtype, train,
};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::{
    bars::Bars,
    plan::{Plan, Prepared},
    store::Store,
};
use crate::{
    cli::{
        BURN, CliError,
        args::SolverName,
        losses::TargetsOf,
        present::{quality, shown},
        progress::say,
    },
    output::{Metrics, Quality, Sizes, Versions, experiment::Setup},
};

/// Step sizes that are searched through (Bae et al. 2022, appendix E).
const RATES: [f64; 7] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];
/// The relative residual at which LiSSA's recursion counts as deep enough.
const RESIDUAL: f64 = 0.1;
/// Doublings of LiSSA's depth.
const DOUBLINGS: u32 = 3;

/// What was settled with the base network.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Choices {
    /// As bits, which come back as they were.
    learning_rate: u64,
    train: Quality,
    test: Quality,
}

/// A trained network, ready for questions about removals.
pub(super) struct Lab<'a, L: Loss> {
    pub plan: &'a Plan,
    pub dataset: &'a Dataset,
    pub store: &'a Store,
    pub bars: Bars,
    pub objective: Objective,
    /// As it came to be.
    pub training: TrainConfig,
    pub base: Zoo,
    pub responses: Responses<L>,
    /// The cost of the test examples that are measured.
    pub tests: Option<Cost<L>>,
    metrics: Metrics,
    device: Device,
}

impl<'a, L: Loss> Lab<'a, L> {
    /// Trains the base network, or takes it from the folder.
    pub fn new(
        prepared: &'a Prepared,
        store: &'a Store,
        loss: L,
        targets: TargetsOf<L>,
    ) -> Result<Self, CliError> {
        let Prepared {
            plan,
            dataset,
            device,
            ..
        } = prepared;
        let objective = plan.model.objective(&dataset.task);
        let bars = Bars::new();
        let initial = to_dtype(plan.network.init(device), plan.dtype);
        let (base, choices) = match store.base::<Choices>(&initial)? {
            Some(found) => found,
            None => {
                let (base, training) = base(plan, dataset, objective, &initial, &bars)?;
                let choices = Choices {
                    learning_rate: training.learning_rate.to_bits(),
                    train: quality(&evaluate(&base, &dataset.train, objective)),
                    test: quality(&evaluate(&base, &dataset.test, objective)),
                };
                store.keep_base(&base, &choices)?;
                // As a later run finds it.
                store.base(&initial)?.unwrap_or((base, choices))
            }
        };
        bars.aside(|| {
            say(format_args!(
                "train {}; test {}",
                shown(&choices.train),
                shown(&choices.test)
            ));
        });
        let training = TrainConfig {
            learning_rate: f64::from_bits(choices.learning_rate),
            ..plan.training.clone()
        };
        let rows = dataset.train.rows;
        let place = (device, plan.dtype);
        let cost = Cost::new(
            Model::new(&base, Zoo::forward)?,
            loss,
            dataset.train.inputs(place),
            targets(&dataset.train, device, plan.dtype),
        )?
        .with_batch_size(backdraft_models::Network::batch(&base).min(rows))
        .with_l2(training.weight_decay);
        let gradient = cost.clone().with_l2(0.0).gradient()?;
        let metrics = Metrics {
            train: choices.train,
            test: choices.test,
            gradient_norm: gradient.square().sum().into_scalar::<f64>().sqrt(),
        };
        let tests = match plan.tests.as_slice() {
            [] => None,
            chosen => {
                let split = dataset.test.select(chosen);
                Some(cost.with_examples(split.inputs(place), targets(&split, device, plan.dtype))?)
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

    /// The solver of the influence estimate, and what it is, in words. What LiSSA leaves open is settled on the first removal.
    pub fn solver(
        &self,
        matrix: &dyn BatchOperator,
    ) -> Result<(Box<dyn Solver>, String), CliError> {
        match self.plan.solver_name {
            SolverName::Cg => {
                let config = ConjugateGradientConfig {
                    tolerance: self.plan.tolerance,
                    ..Default::default()
                };
                let words = match config.tolerance {
                    Some(tolerance) => format!("conjugate gradients, residual {tolerance}"),
                    None => "conjugate gradients".to_owned(),
                };
                Ok((Box::new(config.init()?), words))
            }
            SolverName::Direct => Ok((
                Box::new(DirectConfig::default().init()?),
                "Cholesky factorisation".to_owned(),
            )),
            SolverName::Lissa => {
                let config = self.lissa(matrix)?;
                let Scale::Fixed(scale) = config.scale else {
                    unreachable!("the scale was settled");
                };
                let words = format!(
                    "LiSSA, depth {}, {} repeats, batches of {}, scale {scale:.4}",
                    config.depth, config.repeats, config.batch_size
                );
                Ok((Box::new(config.init()?), words))
            }
        }
    }

    fn lissa(&self, matrix: &dyn BatchOperator) -> Result<LissaConfig, CliError> {
        let plan = self.plan;
        let mut config = LissaConfig {
            depth: plan.max_depth,
            repeats: plan.repeats,
            scale: plan.scale.map_or(Scale::Auto, Scale::Fixed),
            batch_size: self.training.batch_size,
            seed: plan.seed,
            tolerance: plan.tolerance.unwrap_or(RESIDUAL),
        };
        if let (Some(_), Some(_)) = (plan.depth, plan.scale) {
            return Ok(config);
        }
        let first = self
            .responses
            .cost()
            .select(&plan.removals[0])?
            .gradient()?;
        let doublings = if plan.depth.is_some() { 0 } else { DOUBLINGS };
        for doubling in (0..=doublings).rev() {
            config.depth = (plan.max_depth >> doubling).max(1);
            let solver = config.clone().init()?;
            let solution = match solver.prepare(matrix)?.solve(first.clone()) {
                Ok(solution) => solution,
                Err(SolveError::NotConverged { solution, .. }) => *solution,
                Err(error) => return Err(error.into()),
            };
            config.scale = Scale::Fixed(solution.info.scale.unwrap_or(1.0));
            if solution.info.converged {
                break;
            }
        }
        Ok(config)
    }

    /// With a solver made ready, does `work`.
    pub fn with_solver<T>(
        &self,
        work: impl FnOnce(&dyn Ready, &str) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let matrix = self.matrix();
        let (solver, words) = self.solver(&*matrix)?;
        self.bars
            .aside(|| say(format_args!("influence by {words}")));
        let ready = solver.prepare(&*matrix)?;
        work(&*ready, &words)
    }

    /// What the experiment's record tells before its findings.
    pub fn setup(&self, solver: &str) -> Setup {
        let plan = self.plan;
        let mut details = Map::new();
        details.insert("network".into(), json!(plan.network));
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
            solver: solver.into(),
            device: plan.device.into(),
            seed: plan.seed,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
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

/// Trains the base network, with the step size found if one is searched for.
fn base(
    plan: &Plan,
    dataset: &Dataset,
    objective: Objective,
    initial: &Zoo,
    bars: &Bars,
) -> Result<(Zoo, TrainConfig), CliError> {
    if plan.lbfgs() {
        bars.stage("base network", 1);
        let trained = train(
            initial.clone(),
            &dataset.train,
            objective,
            &plan.training,
            |_| {},
        )?;
        return Ok((trained.model, plan.training.clone()));
    }
    let run = |config: &TrainConfig| -> Result<Zoo, TrainError> {
        let mut training = Training::new(initial.clone(), &dataset.train, objective, config)?;
        let batches = dataset.train.rows.div_ceil(config.batch_size);
        bars.stage("base network", batches * config.epochs);
        while let Some(progress) = training.advance()? {
            bars.set(progress.step);
        }
        Ok(training.finish().model)
    };
    if !plan.search {
        return Ok((run(&plan.training)?, plan.training.clone()));
    }
    let held_out = dataset.valid.as_ref().unwrap_or(&dataset.test);
    let mut best: Option<(f64, Zoo, TrainConfig)> = None;
    for learning_rate in RATES {
        let config = TrainConfig {
            learning_rate,
            ..plan.training.clone()
        };
        let model = match run(&config) {
            Ok(model) => model,
            Err(TrainError::Diverged { .. }) => {
                bars.aside(|| say(format_args!("learning rate {learning_rate}: diverged")));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let loss = evaluate(&model, held_out, objective).loss;
        bars.aside(|| {
            say(format_args!(
                "learning rate {learning_rate}: loss {loss:.4} held out"
            ))
        });
        if loss.is_finite() && best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, model, config));
        }
    }
    match best {
        Some((_, model, config)) => Ok((model, config)),
        None => Err(CliError::Option {
            option: "--learning-rate",
            problem: "search found none at which training does not diverge".to_owned(),
        }),
    }
}
