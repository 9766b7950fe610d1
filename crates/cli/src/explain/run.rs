//! One run of `explain`, from stage to stage.

use std::time::Instant;

use backdraft_curvature::{Cost, Curvature, Damped, Half, Model};
use backdraft_influence::scores;
use backdraft_models::{
    Metrics as Measured, TrainConfig, Zoo, data::Split, outputs, per_example_losses, quote,
    to_dtype, weights::stable,
};
use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};
use serde_json::{Map, Value, json};

use super::store::{Scored, Store};
use crate::{
    BURN, CliError,
    args::{Explain, Precision, VerifyName},
    half::Errors,
    inputs::Inputs,
    judge::judge,
    present::{describe, examples, measured, predictions, quality, report, shown, target, tell},
    progress::{Bar, say},
    reading::Reading,
    solve::solve,
    verify::{self, Extent, Verify},
    weights::{self, record},
};
use backdraft_report::{
    Metrics, QueryRecord, Report, RunRecord, Scores, Settings, Sizes, Timing, Unit, Verification,
    Versions, verification_table,
};

/// Queries picked where none are named.
const QUERIES: usize = 3;
/// Examples of each sign in `top.csv`.
const TOP: usize = 20;

/// What was asked, and where results go.
pub(super) struct Run<'a> {
    pub args: &'a Explain,
    pub inputs: &'a Inputs,
    /// The test examples named.
    pub named: Option<&'a [usize]>,
    /// What losses and scores are told in.
    pub unit: Unit,
    /// Examples that go through the network at once.
    pub pass: usize,
    pub config: &'a TrainConfig,
    pub damping: f64,
    pub store: &'a Store,
}

/// What is known once all are scored.
struct Found {
    module: Zoo,
    queries: Vec<usize>,
    /// Of every test example, in the unit.
    losses: Vec<f64>,
    metrics: Metrics,
    /// On the training part, as it is kept with the weights.
    on_train: Measured,
    parameters: usize,
    errors: Option<Errors>,
    scores: Scores,
    scored: Vec<Scored>,
    /// Of training, if that was here.
    training: Option<f64>,
}

impl Run<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let (module, seconds) = self.model()?;
        let dataset = &self.inputs.dataset;
        let (train, test) = (&dataset.train, &dataset.test);
        let objective = dataset.task.objective();
        let loss = objective.loss(train);
        let losses: Vec<f64> = per_example_losses(&module, test, objective)
            .into_iter()
            .map(|loss| self.unit.loss_factor * loss)
            .collect();
        let queries = self.queries(&losses);
        let asked = test.select(&queries);
        // Of the training examples, and of the queries.
        let costs = |module: &Zoo, device: &Device, dtype: DType, products: Option<Half>| {
            let mut model = Model::new(module, Zoo::forward)?.recorded();
            if let Some(half) = products {
                model = model.with_products(half);
            }
            let place = (device, dtype);
            let of = |split: &Split| (split.inputs(place), objective.targets(split, place));
            let (inputs, wanted) = of(train);
            let cost = Cost::of_any(model, loss.clone(), inputs, wanted)?;
            let cost = cost.with_batch_size(self.pass)?;
            let (inputs, wanted) = of(&asked);
            let measured = cost.with_examples(inputs, wanted)?;
            Ok::<_, CliError>((cost, measured))
        };
        let precision = self.args.precision();
        let computed = match precision {
            Precision::F32 => module.clone(),
            Precision::F64 => to_dtype(module.valid(), DType::F64),
        };
        let here = |products| {
            let dtype = precision.dtype();
            costs(&computed, &self.inputs.opened.device, dtype, products)
        };
        let half = self.args.products.half();
        let (cost, measured) = here(half)?;
        let (metrics, on_train) = self.metrics(&module, &cost)?;
        let errors = half
            .map(|_| Errors::of(&cost, &here(None)?.0))
            .transpose()?;
        if let Some(errors) = &errors {
            let products = self.args.products.name();
            say(format_args!("matrix products in {products}: {errors}"));
        }

        let matrix = cost.gauss_newton().damped(self.damping);
        let scored = self.scored(&cost, &matrix, &queries, &measured)?;
        let factor = self.unit.loss_factor;
        let values = scored.iter().flat_map(|it| &it.values);
        let values = values.map(|score| factor * score).collect();
        let found = Found {
            scores: Scores::new(queries.clone(), cost.len(), values, precision.float())?,
            parameters: cost.model().dim(),
            training: self.inputs.loaded.is_none().then_some(seconds),
            queries: queries.clone(),
            module: module.clone(),
            losses,
            metrics,
            on_train,
            errors,
            scored,
        };
        self.write(&found)?;

        let extent = self.extent();
        if extent == Extent::Nothing {
            return self.finish(&found, None);
        }
        let (device, dtype) = verify::place(&self.inputs.opened.device);
        let exact = to_dtype(module.valid().fork(&device), dtype);
        let (cost, measured) = costs(&exact, &device, dtype, None)?;
        let verify = Verify {
            train: &cost,
            queries: &measured,
            scores: &found.scores,
            unit: &self.unit,
            dataset: &self.inputs.dataset,
            damping: self.damping,
            seed: self.args.run.compute.seed,
            extent,
            store: self.store,
        };
        self.finish(&found, Some(verify.run()?))
    }

    /// How good the network is, and how far from a minimum, which is said.
    fn metrics(&self, module: &Zoo, cost: &Cost) -> Result<(Metrics, Measured), CliError> {
        let objective = self.inputs.dataset.task.objective();
        let measured = [
            measured("train", module, &self.inputs.dataset.train, objective)?,
            measured("test", module, &self.inputs.dataset.test, objective)?,
        ];
        let [train, test] = measured.each_ref().map(|it| self.unit.quality(quality(it)));
        tell(&self.unit);
        say(format_args!(
            "train {}; test {}",
            shown(&train),
            shown(&test)
        ));
        if let Some(loaded) = &self.inputs.loaded {
            judge(
                &self.args.run.data,
                loaded,
                &self.inputs.dataset,
                &measured[0],
            )?;
        }
        let gradient_norm = self.unit.loss_factor * norm(cost.gradient()?);
        say(format_args!(
            "gradient of the training loss, without an L2 term: norm {gradient_norm:.2e}"
        ));
        let metrics = Metrics {
            train,
            test,
            gradient_norm,
        };
        let [on_train, _] = measured;
        Ok((metrics, on_train))
    }

    /// The scores of every query, from the folder where they are there.
    fn scored(
        &self,
        cost: &Cost,
        matrix: &Damped<Curvature>,
        queries: &[usize],
        measured: &Cost,
    ) -> Result<Vec<Scored>, CliError> {
        let mut open = Vec::new();
        for row in 0..queries.len() {
            if self.store.scored(row)?.is_none() {
                open.push(row);
            }
        }
        let mut unsolved = Vec::new();
        for &row in &open {
            if self.store.solved(row, matrix)?.is_none() {
                unsolved.push((row, queries[row]));
            }
        }
        solve(self.args, matrix, &unsolved, measured, self.store)?;
        let bar = Bar::new("scoring", open.len() as u64);
        for row in open {
            // As a later run finds it.
            let Some(solved) = self.store.solved(row, matrix)? else {
                continue;
            };
            let start = Instant::now();
            let values = scores(cost, solved.vector)?;
            let values = values.into_data().iter::<f64>().collect();
            let scored = Scored {
                values,
                record: solved.record,
                solving: solved.seconds,
                scoring: start.elapsed().as_secs_f64(),
            };
            self.store.keep_scored(row, scored)?;
            bar.inc(1);
        }
        let rows = (0..queries.len()).map(|row| self.store.scored(row));
        Ok(rows
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn extent(&self) -> Extent {
        match (self.args.verify_removals, self.args.verify) {
            (Some(count), _) => Extent::Removals(count.get()),
            (None, VerifyName::None) => Extent::Nothing,
            (None, VerifyName::Quick) => Extent::Quick,
            (None, VerifyName::Full) => Extent::Full,
        }
    }

    /// The queries named, or the test examples with the highest loss.
    fn queries(&self, losses: &[f64]) -> Vec<usize> {
        if let Some(queries) = self.named {
            return queries.to_vec();
        }
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
        order.truncate(QUERIES);
        order
    }

    /// Writes the weights, the scores, and the report as it is before the verification.
    fn write(&self, found: &Found) -> Result<(), CliError> {
        let folder = self.store.folder();
        let examples = examples(&self.inputs.dataset, &self.unit);
        let train = &self.inputs.dataset.train;
        let kept = record(&self.inputs.dataset, "train", train, &found.on_train);
        let weights = weights::encode(&found.module, weights::FILE, &kept)?;
        folder.write(weights::FILE, &weights)?;
        let all = found
            .scores
            .to_safetensors(&examples, self.args.run.compute.seed)?;
        folder.write(Scores::FILE, &stable(all))?;
        folder.write(Scores::TOP_FILE, &found.scores.to_csv(&examples, TOP)?)?;
        self.report(found, self.record(found, None))?;
        say(format_args!(
            "scores written to {}",
            quote::path(folder.path())
        ));
        Ok(())
    }

    fn report(&self, found: &Found, record: RunRecord) -> Result<(), CliError> {
        let folder = self.store.folder();
        let examples = examples(&self.inputs.dataset, &self.unit);
        let report = report(
            &self.inputs.dataset,
            folder.path(),
            &found.scores,
            &examples,
            record,
        );
        folder.write(Report::FILE, report.to_html()?.as_bytes())
    }

    /// Writes what is left, the record last: it says that the run is whole.
    fn finish(&self, found: &Found, verified: Option<(Verification, f64)>) -> Result<(), CliError> {
        if let Some((verification, _)) = &verified {
            let table = verification_table(verification);
            say(format_args!("\n{}", table.trim_end()));
        }
        let record = self.record(found, verified);
        let json = record.to_json()?;
        self.report(found, record)?;
        let folder = self.store.folder();
        self.store.finish(&json)?;
        say(format_args!(
            "\nwritten to {}; open {}",
            quote::path(folder.path()),
            quote::path(&folder.path().join(Report::FILE))
        ));
        Ok(())
    }

    /// All about the run, with the verification and the seconds that it took.
    fn record(&self, found: &Found, verified: Option<(Verification, f64)>) -> RunRecord {
        let (train, test) = (&self.inputs.dataset.train, &self.inputs.dataset.test);
        let outputs = outputs(&found.module, test);
        let predictions = predictions(&outputs, test.rows, &self.inputs.dataset);
        let queries = found.queries.iter().zip(&found.scored);
        let queries = queries.map(|(&index, scored)| QueryRecord {
            index,
            source: Some(self.inputs.dataset.test_place(index)),
            label: target(&self.inputs.dataset, test, index),
            predicted: predictions[index],
            loss: found.losses[index],
            solve: scored.record.clone(),
        });
        let timing = |stage: &str, seconds| Timing {
            stage: stage.into(),
            seconds,
        };
        let sum = |of: fn(&Scored) -> f64| found.scored.iter().map(of).sum();
        let mut timings: Vec<_> = found
            .training
            .map(|it| timing("train", it))
            .into_iter()
            .collect();
        timings.push(timing("solve", sum(|it| it.solving)));
        timings.push(timing("score", sum(|it| it.scoring)));
        let (verification, seconds) = verified.unzip();
        timings.extend(seconds.map(|it| timing("verify", it)));
        RunRecord {
            settings: self.settings(found.errors),
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            started: None,
            unit: self.unit.clone(),
            sizes: Sizes {
                train: train.rows,
                test: test.rows,
                parameters: found.parameters,
            },
            timings,
            metrics: found.metrics,
            queries: queries.collect(),
            verification,
        }
    }

    fn settings(&self, errors: Option<Errors>) -> Settings {
        let mut details = Map::new();
        details.insert("precision".into(), json!(self.args.precision().name()));
        details.insert("tolerance".into(), json!(self.args.solver.tolerance));
        details.insert("products".into(), json!(self.args.products.name()));
        if let Some(errors) = errors {
            details.insert("products_errors".into(), json!(errors));
        }
        details.insert("network".into(), json!(&self.inputs.network));
        let trained = self.inputs.loaded.is_none().then_some(self.config);
        details.insert("training".into(), json!(trained));
        details.insert("target".into(), json!(self.args.run.data.target));
        let reading = Reading::of(&self.inputs.dataset);
        details.insert("inputs".into(), json!(reading.inputs));
        details.insert("targets".into(), json!(reading.targets));
        details.insert("parts".into(), json!(reading.parts));
        details.insert("classes".into(), json!(reading.classes));
        details.insert("corrupt_labels".into(), json!(self.args.run.corrupt_labels));
        details.insert("verify".into(), json!(self.extent().name()));
        details.insert(
            "pbrf_epsilon".into(),
            json!(1.0 / self.inputs.dataset.train.rows as f64),
        );
        if let Some(inference) = &self.inputs.dataset.inference {
            details.insert("inference".into(), Value::from(inference.as_str()));
        }
        Settings {
            model: self.inputs.kind.name().into(),
            data: self.args.run.data.path.display().to_string(),
            task: describe(&self.inputs.dataset),
            solver: self.args.solver().name().into(),
            weights: self
                .inputs
                .loaded
                .as_ref()
                .map(|loaded| loaded.file.clone()),
            damping: self.damping,
            device: self.inputs.opened.name.into(),
            seed: self.args.run.compute.seed,
            out: self.store.folder().path().display().to_string(),
            details,
        }
    }
}

/// The Euclidean norm, in 64 bits.
fn norm(vector: Tensor<1>) -> f64 {
    let squares = vector.into_data().iter::<f64>().map(|x| x * x).sum::<f64>();
    squares.sqrt()
}
