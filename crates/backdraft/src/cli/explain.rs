//! `backdraft explain`: train, score, verify, report.

use std::{cell::RefCell, num::NonZeroUsize, path::PathBuf, time::Instant};

use backdraft_curvature::{Cost, Half, Loss, Model};
use backdraft_influence::scores;
use backdraft_models::{
    Optimizer, Preset, Progress, TrainConfig, Training, Zoo, ZooConfig,
    data::{Dataset, LabelNoise, Split},
    evaluate, outputs, per_example_losses, to_dtype, train,
    weights::stable,
};
use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use serde_json::{Map, Value, json};

use super::{
    BURN, CliError,
    args::Explain,
    device::Opened,
    failure::{Remedy, guarded},
    half::Errors,
    judge::judge,
    losses::{TargetsOf, WithLoss, with_loss},
    present::{describe, labels, predictions, quality, report, shown, target},
    progress::{self, say},
    reading::Reading,
    setup::{
        Shape, WRONG_LABELS, announce, check_queries, check_task, corrupt, damping, fresh, network,
    },
    solve::solve,
    verify,
    weights::{self, Loaded, record},
};
use crate::output::{
    Existing, Metrics, QueryRecord, Report, RunFolder, RunRecord, Scores, Settings, Sizes,
    SolveRecord, Timing, Versions, verification_table,
};

/// Queries picked where none are named.
const QUERIES: usize = 3;
/// Examples of each sign in `top.csv`.
const TOP: usize = 20;

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let kind: backdraft_models::Model = args.model.parse()?;
    let opened = args.device.open()?;
    let kept = args.weights.record()?;
    let mut dataset = args.data.load_for(kept.as_ref())?;
    check_task(kind, &dataset)?;
    let noise = corrupt(
        &mut dataset,
        "--corrupt-labels",
        args.corrupt_labels,
        args.seed,
    )?;
    check_queries(args, &dataset)?;
    let shape = Shape {
        preset: Preset::Quick,
        hidden: args.hidden.as_deref(),
        activation: args.activation,
        seed: args.seed,
    };
    let (network, loaded) = args
        .weights
        .load(kept, &mut dataset, &opened.device, |dataset| {
            network(shape, kind, dataset)
        })?;
    let config = TrainConfig {
        seed: args.seed,
        ..TrainConfig::preset(kind, &dataset)
    };
    let damping = damping(args, kind, &config)?;
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
    let place = format_args!("device {}, seed {}", opened.name, args.seed);
    announce(kind, &dataset, noise.as_ref(), place);

    let remedy = Remedy {
        option: "--pass",
        examples: args.pass.map_or(kind.pass(), NonZeroUsize::get),
        resumes: false,
    };
    let run = Run {
        args,
        kind,
        dataset: &dataset,
        pass: remedy.examples,
        network,
        config,
        loaded,
        damping,
        noise,
        out,
        folder,
        opened,
        timings: RefCell::default(),
    };
    guarded(remedy, || {
        with_loss(dataset.task.objective(), &dataset.train, run)
    })
}

/// One run of `explain`: what was asked, and where its results go.
struct Run<'a> {
    args: &'a Explain,
    kind: backdraft_models::Model,
    dataset: &'a Dataset,
    /// Examples that go through the network at once.
    pass: usize,
    network: ZooConfig,
    config: TrainConfig,
    loaded: Option<Loaded>,
    damping: f64,
    noise: Option<LabelNoise>,
    out: PathBuf,
    folder: RunFolder,
    opened: Opened,
    timings: RefCell<Vec<Timing>>,
}

impl WithLoss for Run<'_> {
    type Out = Result<(), CliError>;

    fn run<L: Loss>(self, loss: L, targets: TargetsOf<L>) -> Self::Out {
        let module = match &self.loaded {
            Some(loaded) => loaded.model.clone(),
            None => self.timed("train", || self.train())?,
        };
        let objective = self.dataset.task.objective();
        let (train, test) = (&self.dataset.train, &self.dataset.test);
        let measured = [train, test].map(|split| evaluate(&module, split, objective));
        let [on_train, on_test] = measured.each_ref().map(quality);
        say(format_args!(
            "train {}; test {}",
            shown(&on_train),
            shown(&on_test)
        ));
        if let Some(loaded) = &self.loaded {
            judge(&self.args.data, loaded, self.dataset, &measured[0])?;
        }
        let kept = record(self.dataset, "train", train, &measured[0]);

        let losses = per_example_losses(&module, test, objective);
        let queries = self.queries(&losses);
        let costs = |module: &Zoo, device: &Device, dtype: DType, products: Option<Half>| {
            let mut model = Model::new(module, Zoo::forward)?.recorded();
            if let Some(half) = products {
                model = model.with_products(half);
            }
            let inputs = |split: &Split| split.inputs((device, dtype));
            let cost = Cost::new(
                model,
                loss.clone(),
                inputs(train),
                targets(train, device, dtype),
            )?
            .with_batch_size(self.pass);
            let tests = cost.with_examples(inputs(test), targets(test, device, dtype))?;
            let measured = queries.iter().map(|&query| tests.select(&[query]));
            Ok::<_, CliError>((cost, measured.collect::<Result<Vec<_>, _>>()?))
        };
        let here = |products| costs(&module, &self.opened.device, DType::F32, products);
        let (cost, measured) = here(self.args.products.half())?;
        let metrics = Metrics {
            train: on_train,
            test: on_test,
            gradient_norm: norm(cost.gradient()?),
        };
        say(format_args!(
            "gradient of the training loss, without an L2 term: norm {:.2e}",
            metrics.gradient_norm
        ));

        let errors = match self.args.products.half() {
            Some(_) => Some(Errors::of(&cost, &here(None)?.0)?),
            None => None,
        };
        if let Some(errors) = &errors {
            say(format_args!(
                "matrix products in {}: {errors}",
                self.args.products.name()
            ));
        }

        let matrix = cost.gauss_newton().damped(self.damping);
        let solutions = self.timed("solve", || solve(self.args, &matrix, &queries, &measured))?;
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
            let (device, dtype) = verify::place(&self.opened.device);
            let exact = to_dtype(module.valid().fork(&device), dtype);
            let (cost, measured) = costs(&exact, &device, dtype, None)?;
            verify::verify(&cost, &measured, &scores, self.damping, self.args.seed)
        })?;
        say(format_args!(
            "\n{}",
            verification_table(&verification).trim_end()
        ));

        let predictions = predictions(&outputs(&module, test), test.rows, &self.dataset.task);
        let records = queries
            .iter()
            .zip(&solutions)
            .map(|(&index, solution)| QueryRecord {
                index,
                label: target(test, index),
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
            settings: self.settings(errors),
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
        self.write(
            weights::encode(&module, weights::FILE, &kept)?,
            &scores,
            record,
        )
    }
}

impl Run<'_> {
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
        let module = self.network.init(&self.opened.device);
        let bar = progress::bar("training", 0);
        let objective = self.dataset.task.objective();
        let show = |progress: &Progress| {
            bar.set_length(progress.steps as u64);
            bar.set_position(progress.step as u64);
            bar.set_message(format!("loss {:.4}", progress.loss));
        };
        let (split, config) = (&self.dataset.train, &self.config);
        let trained = match config.optimizer {
            Optimizer::Lbfgs { .. } => train(module, split, objective, config, show)?,
            Optimizer::Sgd { .. } | Optimizer::Adam => {
                let training = Training::new(module, split, objective, config)?;
                let mut training = training.with_parts(self.pass);
                while let Some(progress) = training.advance()? {
                    show(&progress);
                }
                training.finish()
            }
        };
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

    fn settings(&self, errors: Option<Errors>) -> Settings {
        let mut details = Map::new();
        details.insert("products".into(), json!(self.args.products.name()));
        if let Some(errors) = errors {
            details.insert("products_errors".into(), json!(errors));
        }
        details.insert("network".into(), json!(self.network));
        let trained = self.loaded.is_none().then_some(&self.config);
        details.insert("training".into(), json!(trained));
        details.insert("target".into(), json!(self.args.data.target));
        let reading = Reading::of(self.dataset);
        details.insert("inputs".into(), json!(reading.inputs));
        details.insert("targets".into(), json!(reading.targets));
        details.insert("parts".into(), json!(reading.parts));
        details.insert("classes".into(), json!(reading.classes));
        details.insert("corrupt_labels".into(), json!(self.args.corrupt_labels));
        details.insert(
            "pbrf_epsilon".into(),
            json!(1.0 / self.dataset.train.rows as f64),
        );
        if let Some(inference) = &self.dataset.inference {
            details.insert("inference".into(), Value::from(inference.as_str()));
        }
        Settings {
            model: self.kind.name().into(),
            data: self.args.data.path.display().to_string(),
            task: describe(self.dataset),
            solver: self.args.solver.name().into(),
            weights: self.loaded.as_ref().map(|loaded| loaded.file.clone()),
            damping: self.damping,
            device: self.opened.name.into(),
            seed: self.args.seed,
            out: self.out.display().to_string(),
            details,
        }
    }

    fn write(
        mut self,
        weights: Vec<u8>,
        scores: &Scores,
        record: RunRecord,
    ) -> Result<(), CliError> {
        let labels = labels(self.dataset);
        let json = record.to_json()?;
        let report = report(self.dataset, &self.out, scores, labels.clone(), record);

        self.folder.write(weights::FILE, &weights)?;
        if let Some(noise) = &self.noise {
            self.folder.write(WRONG_LABELS, noise.csv().as_bytes())?;
        }
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

/// The Euclidean norm, in 64 bits.
fn norm(vector: Tensor<1>) -> f64 {
    let squares = vector.into_data().iter::<f64>().map(|x| x * x).sum::<f64>();
    squares.sqrt()
}
