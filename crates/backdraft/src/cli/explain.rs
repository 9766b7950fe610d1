//! `backdraft explain`: train, score, verify, report.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::Instant,
};

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Damped, GaussNewton, Loss, Model, SquaredError,
};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver, scores,
};
use backdraft_models::{
    Metrics as Measured, TrainConfig, Zoo, ZooConfig,
    data::{self, Dataset, Split, Targets, Task},
    evaluate, outputs, per_example_losses, to_dtype, train,
};
use burn::{
    module::Module,
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{DType, Device},
};
use serde_json::{Map, Value, json};

use super::{
    CliError,
    args::{Explain, SolverName},
    progress::{self, say},
    stable::stable,
    verify,
};
use crate::output::{
    Example, Existing, Explained, Features, Frame, Labels, Layout, Metrics, Quality, QueryRecord,
    Report, RunFolder, RunRecord, ScoredExample, Scores, Settings, Sizes, SolveRecord, Target,
    Timing, Versions, verification_table,
};

/// Queries picked where none are named.
const QUERIES: usize = 3;
/// Examples of each sign in `top.csv`.
const TOP: usize = 20;
/// Examples of each sign in the report.
const SHOWN: usize = 5;
/// Damping unless `--damping` says otherwise: for a network enough to keep the response to one removal among a thousand examples
/// near its first order, and the L2 term where that alone makes the problem strongly convex.
fn default_damping(kind: backdraft_models::Model, config: &TrainConfig) -> f64 {
    match kind {
        backdraft_models::Model::Mlp => 0.03,
        backdraft_models::Model::LogisticRegression => config.weight_decay,
    }
}

/// Burn's version, which the workspace pins.
const BURN: &str = "0.22.1";

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let kind: backdraft_models::Model = args.model.parse()?;
    let device = args.device.open()?;
    let dataset = data::load(&args.data, args.target.as_deref())?;
    check_queries(args, &dataset)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => fresh(&format!("{kind}-{}", dataset.name)),
    };
    let existing = if args.overwrite {
        Existing::Overwrite
    } else {
        Existing::Keep
    };
    let folder = RunFolder::create(&out, existing)?;

    let network = network(args, kind, &dataset)?;
    let config = TrainConfig {
        seed: args.seed,
        ..TrainConfig::preset(kind, &dataset)
    };
    let damping = args
        .damping
        .unwrap_or_else(|| default_damping(kind, &config));
    if !(damping > 0.0 && damping.is_finite()) {
        let problem = format!("is {damping}: it must be positive and finite");
        return Err(CliError::Option {
            option: "--damping",
            problem,
        });
    }
    say(format_args!(
        "{kind} on {}: {}",
        dataset.name,
        describe(&dataset)
    ));
    if let Some(inference) = &dataset.inference {
        say(inference);
    }
    say(format_args!(
        "device {}, seed {}",
        args.device.name(),
        args.seed
    ));

    let run = Run {
        args,
        dataset,
        network,
        config,
        damping,
        out,
        folder,
        device,
        timings: RefCell::default(),
    };
    match run.dataset.task {
        Task::Binary { .. } => run.explain(kind, BinaryCrossEntropy, |split, device, dtype| {
            split.values((device, dtype))
        }),
        Task::Classification { .. } => {
            run.explain(kind, CrossEntropy, |split, device, _| split.classes(device))
        }
        Task::Regression => run.explain(kind, SquaredError, |split, device, dtype| {
            split.values((device, dtype))
        }),
    }
}

/// One run of `explain`: what was asked, and where its results go.
struct Run<'a> {
    args: &'a Explain,
    dataset: Dataset,
    network: ZooConfig,
    config: TrainConfig,
    damping: f64,
    out: PathBuf,
    folder: RunFolder,
    device: Device,
    timings: RefCell<Vec<Timing>>,
}

impl Run<'_> {
    fn explain<L: Loss>(
        self,
        kind: backdraft_models::Model,
        loss: L,
        targets: impl Fn(&Split, &Device, DType) -> L::Targets,
    ) -> Result<(), CliError> {
        let module = self.timed("train", || self.train())?;
        let objective = self.dataset.task.objective();
        let metrics = Metrics {
            train: quality(&evaluate(&module, &self.dataset.train, objective)),
            test: quality(&evaluate(&module, &self.dataset.test, objective)),
        };
        say(format_args!(
            "train {}; test {}",
            shown(&metrics.train),
            shown(&metrics.test)
        ));

        let (train, test) = (&self.dataset.train, &self.dataset.test);
        let losses = per_example_losses(&module, test, objective);
        let queries = self.queries(&losses);
        let costs = |module: &Zoo, device: &Device, dtype: DType| {
            let model = Model::new(module, Zoo::forward)?;
            let inputs = |split: &Split| split.inputs((device, dtype));
            let cost = Cost::new(
                model,
                loss.clone(),
                inputs(train),
                targets(train, device, dtype),
            )?;
            let tests = cost.with_examples(inputs(test), targets(test, device, dtype))?;
            let measured = queries.iter().map(|&query| tests.select(&[query]));
            Ok::<_, CliError>((cost, measured.collect::<Result<Vec<_>, _>>()?))
        };
        let (cost, measured) = costs(&module, &self.device, DType::F32)?;

        let matrix = cost.gauss_newton().damped(self.damping);
        let solutions = self.timed("solve", || self.solve(&matrix, &queries, &measured))?;
        let values = self.timed("score", || {
            let mut values = Vec::new();
            for solution in &solutions {
                let row = scores(&cost, solution.vector.clone())?;
                values.extend(row.into_data().iter::<f32>());
            }
            Ok(values)
        })?;
        let scores = Scores::new(queries.clone(), cost.len(), values)?;
        let verification = self.timed("verify", || {
            let (device, dtype) = verify::place(&self.device);
            let exact = to_dtype(module.clone().fork(&device), dtype);
            let (cost, measured) = costs(&exact, &device, dtype)?;
            verify::verify(&cost, &measured, &scores, self.damping, self.args.seed)
        })?;
        say(format_args!(
            "\n{}",
            verification_table(&verification).trim_end()
        ));

        let predictions = predictions(&outputs(&module, test), test.rows, &self.dataset.task);
        let label = |split: &Split, i: usize| target(split, i);
        let records = queries
            .iter()
            .zip(&solutions)
            .map(|(&index, solution)| QueryRecord {
                index,
                label: label(test, index),
                predicted: predictions[index],
                loss: losses[index],
                solve: SolveRecord {
                    converged: solution.info.converged,
                    iterations: solution.info.iterations,
                    true_residual: solution.info.true_residual,
                    residuals: solution.info.residuals.clone(),
                },
            });
        let record = RunRecord {
            settings: self.settings(kind),
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            started: None,
            sizes: Sizes {
                train: train.rows,
                test: test.rows,
                parameters: cost.model().dim(),
            },
            timings: self.timings.borrow().clone(),
            metrics,
            queries: records.collect(),
            verification: Some(verification),
        };
        self.write(&module, &scores, record)
    }

    /// Does `work` and notes its wall-clock time.
    fn timed<T>(
        &self,
        stage: &str,
        work: impl FnOnce() -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let start = Instant::now();
        let done = work()?;
        let seconds = start.elapsed().as_secs_f64();
        self.timings.borrow_mut().push(Timing {
            stage: stage.into(),
            seconds,
        });
        Ok(done)
    }

    fn train(&self) -> Result<Zoo, CliError> {
        let module = self.network.init(&self.device);
        let bar = progress::bar("training", 0);
        let objective = self.dataset.task.objective();
        let trained = train(
            module,
            &self.dataset.train,
            objective,
            &self.config,
            |progress| {
                bar.set_length(progress.steps as u64);
                bar.set_position(progress.step as u64);
                bar.set_message(format!("loss {:.4}", progress.loss));
            },
        )?;
        bar.finish_and_clear();
        Ok(trained.model)
    }

    /// The queries named, or the test examples with the highest loss.
    fn queries(&self, losses: &[f64]) -> Vec<usize> {
        if let Some(queries) = &self.args.queries {
            return queries.clone();
        }
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
        order.truncate(QUERIES);
        order
    }

    fn solve<L: Loss>(
        &self,
        matrix: &Damped<GaussNewton<L>>,
        queries: &[usize],
        costs: &[Cost<L>],
    ) -> Result<Vec<Solution>, CliError> {
        let solver: Box<dyn Solver> = match self.args.solver {
            SolverName::Cg => Box::new(ConjugateGradientConfig::default().init()?),
            SolverName::Direct => Box::new(DirectConfig::default().init()?),
            SolverName::Lissa => {
                let config = LissaConfig {
                    depth: self.args.depth,
                    repeats: self.args.repeats,
                    scale: self.args.scale.map_or(Scale::Auto, Scale::Fixed),
                    seed: self.args.seed,
                    ..Default::default()
                };
                Box::new(config.init()?)
            }
        };
        let bar = progress::bar("solving", queries.len() as u64);
        let ready = solver.prepare(matrix)?;
        let mut solutions = Vec::new();
        for (query, cost) in queries.iter().zip(costs) {
            let solution = match ready.solve(cost.gradient()?) {
                Ok(solution) => solution,
                // The verification tells how good its scores are all the same; the record says that it did not converge.
                Err(SolveError::NotConverged { solution, remedy }) => {
                    bar.suspend(|| {
                        eprintln!("warning: query {query} is not solved to the tolerance: {remedy}")
                    });
                    *solution
                }
                Err(error) => return Err(error.into()),
            };
            let info = &solution.info;
            bar.suspend(|| {
                say(format_args!(
                    "query {query}: {} with relative residual {:.1e} after {:.0} products",
                    info.solver, info.true_residual, info.products
                ));
            });
            bar.inc(1);
            solutions.push(solution);
        }
        bar.finish_and_clear();
        Ok(solutions)
    }

    fn settings(&self, kind: backdraft_models::Model) -> Settings {
        let mut details = Map::new();
        details.insert("network".into(), json!(self.network));
        details.insert("training".into(), json!(self.config));
        details.insert("target".into(), json!(self.args.target));
        details.insert(
            "pbrf_epsilon".into(),
            json!(1.0 / self.dataset.train.rows as f64),
        );
        if let Some(inference) = &self.dataset.inference {
            details.insert("inference".into(), Value::from(inference.as_str()));
        }
        Settings {
            model: kind.name().into(),
            data: self.args.data.display().to_string(),
            task: describe(&self.dataset),
            solver: self.args.solver.name().into(),
            damping: self.damping,
            device: self.args.device.name().into(),
            seed: self.args.seed,
            out: self.out.display().to_string(),
            details,
        }
    }

    fn write(mut self, module: &Zoo, scores: &Scores, record: RunRecord) -> Result<(), CliError> {
        let labels = labels(&self.dataset);
        let mut store =
            SafetensorsStore::from_bytes(None).metadata("model", record.settings.model.as_str());
        module
            .save_into(&mut store)
            .map_err(|error| CliError::Weights(error.to_string()))?;
        let weights = store
            .get_bytes()
            .map_err(|error| CliError::Weights(error.to_string()))?;
        let json = record.to_json()?;
        let report = report(&self.dataset, &self.out, scores, labels.clone(), record);

        self.folder.write("model.safetensors", &stable(weights))?;
        let all = scores.to_safetensors(&labels, self.args.seed)?;
        self.folder.write(Scores::FILE, &stable(all))?;
        self.folder
            .write(Scores::TOP_FILE, &scores.to_csv(&labels, TOP)?)?;
        self.folder
            .write(Report::FILE, report.to_html()?.as_bytes())?;
        self.folder.write(RunRecord::FILE, &json)?;
        self.folder.finish()?;
        say(format_args!(
            "\nwritten to {}; open {}",
            self.out.display(),
            self.out.join(Report::FILE).display()
        ));
        Ok(())
    }
}

/// The model's shape: the preset's, with what the options say.
fn network(
    args: &Explain,
    kind: backdraft_models::Model,
    dataset: &Dataset,
) -> Result<ZooConfig, CliError> {
    let refuse = |option, problem: &str| {
        let problem = problem.into();
        Err(CliError::Option { option, problem })
    };
    let mut network = ZooConfig::preset(kind, dataset).with_seed(args.seed);
    match &mut network {
        ZooConfig::Mlp(config) => {
            if let Some(hidden) = &args.hidden {
                if hidden.contains(&0) {
                    return refuse(
                        "--hidden",
                        "has a width of 0: a layer needs at least one unit",
                    );
                }
                config.hidden.clone_from(hidden);
            }
            config.activation = args.activation.map_or(config.activation, Into::into);
        }
        ZooConfig::LogisticRegression(_) => {
            if args.hidden.is_some() {
                return refuse(
                    "--hidden",
                    "is for the mlp: a logistic regression has no hidden layers",
                );
            }
            if args.activation.is_some() {
                return refuse(
                    "--activation",
                    "is for the mlp: a logistic regression has none",
                );
            }
        }
    }
    Ok(network)
}

fn check_queries(args: &Explain, dataset: &Dataset) -> Result<(), CliError> {
    let len = dataset.test.rows;
    match args.queries.iter().flatten().find(|&&index| index >= len) {
        Some(&index) => Err(CliError::Query {
            index,
            name: dataset.name.clone(),
            len,
        }),
        None => Ok(()),
    }
}

/// A folder below `runs` that is not there yet.
fn fresh(name: &str) -> PathBuf {
    let numbered = |i: usize| Path::new("runs").join(format!("{name}-{i}"));
    (1..)
        .map(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| numbered(0))
}

fn describe(dataset: &Dataset) -> String {
    let (train, test, columns) = (dataset.train.rows, dataset.test.rows, dataset.train.columns);
    let task = match &dataset.task {
        Task::Binary { names } => format!("classification, {} or {}", names[0], names[1]),
        Task::Classification { names } => format!("classification, {} classes", names.len()),
        Task::Regression => "regression".into(),
    };
    format!("{task}; {train} training and {test} test examples of {columns} features")
}

fn quality(measured: &Measured) -> Quality {
    Quality {
        loss: measured.loss,
        accuracy: measured.accuracy,
    }
}

fn shown(quality: &Quality) -> String {
    match quality.accuracy {
        Some(accuracy) => format!(
            "accuracy {:.2}%, loss {:.4}",
            100.0 * accuracy,
            quality.loss
        ),
        None => format!("loss {:.4}", quality.loss),
    }
}

fn target(split: &Split, index: usize) -> Target {
    match &split.targets {
        Targets::Classes(classes) => Target::Class(classes[index]),
        Targets::Values(values) => Target::Value(values[index].into()),
    }
}

fn labels(dataset: &Dataset) -> Labels {
    match &dataset.train.targets {
        Targets::Classes(of) => Labels::Classes {
            of: of.clone(),
            names: dataset.task.classes().to_vec(),
        },
        Targets::Values(values) => Labels::Values(values.iter().map(|&v| v.into()).collect()),
    }
}

/// What the model says of every row, from its outputs `[rows, outputs]`.
fn predictions(outputs: &[f64], rows: usize, task: &Task) -> Vec<Target> {
    let decide = |outputs: &[f64]| match task {
        Task::Binary { .. } => Target::Class(i64::from(outputs[0] > 0.0)),
        Task::Regression => Target::Value(outputs[0]),
        Task::Classification { .. } => {
            let best =
                (1..outputs.len()).fold(
                    0,
                    |best, i| if outputs[i] > outputs[best] { i } else { best },
                );
            Target::Class(best as i64)
        }
    };
    outputs
        .chunks_exact(outputs.len() / rows)
        .map(decide)
        .collect()
}

fn report(
    dataset: &Dataset,
    out: &Path,
    scores: &Scores,
    labels: Labels,
    record: RunRecord,
) -> Report {
    let example = |split: &Split, index: usize| Example {
        index,
        label: target(split, index),
        features: split.row(index).to_vec(),
    };
    let side = |scored: Vec<crate::output::Scored>| {
        let shown = |it: crate::output::Scored| ScoredExample {
            example: example(&dataset.train, it.train),
            score: it.score,
        };
        scored.into_iter().map(shown).collect()
    };
    let explained = scores.queries().iter().enumerate().map(|(row, &query)| {
        let strongest = scores.strongest(row, SHOWN);
        Explained {
            query: example(&dataset.test, query),
            helpful: side(strongest.helpful),
            harmful: side(strongest.harmful),
        }
    });
    let layout = match dataset.image {
        Some(shape) => Layout::Pictures(Frame {
            height: shape.height,
            width: shape.width,
            black: 0.0,
            white: 1.0,
        }),
        None => Layout::Table(Features {
            names: dataset.features.clone(),
            mean: vec![0.0; dataset.features.len()],
            std: vec![1.0; dataset.features.len()],
        }),
    };
    let title = out.file_name().map_or_else(
        || dataset.name.clone(),
        |name| name.to_string_lossy().into(),
    );
    Report {
        title,
        labels,
        layout,
        explained: explained.collect(),
        record,
    }
}
