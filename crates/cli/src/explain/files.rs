//! The files of a run of `explain`.

use std::collections::BTreeMap;

use backdraft_influence::{Choice, ChosenDamping};
use backdraft_models::{TrainConfig, ZooConfig, outputs, quote, weights::stable};
use serde::Serialize;

use super::{
    dampings::{self, DampingRecord},
    report::{examples, predictions, report, target},
    run::{ExplainRun, ScoredModel},
    store::QueryScores,
};
use crate::{
    BURN, CliError,
    mixed_precision::ProductErrors,
    preparation::{Preparation, describe},
    progress::say,
    weights::{self, record},
};
use backdraft_report::{
    CLOSED_FORM_FILE, ExampleInfo, MeanRecord, QueryRecord, Record, Report, RunRecord, RunSettings,
    ScoreRecord, Sizes, Timing, VerificationRecord, Versions, closed_form_csv, details_of,
    groups_table, verification_table,
};

/// Examples of each sign in `top.csv`.
pub(super) const TOP: usize = 20;

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    precision: &'static str,
    tolerance: Option<f64>,
    products: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    products_errors: Option<ProductErrors>,
    network: &'a ZooConfig,
    /// None if the weights are from a file.
    training: Option<&'a TrainConfig>,
    target: Option<&'a str>,
    #[serde(flatten)]
    preparation: Preparation,
    corrupt_labels: Option<f64>,
    /// The file of groups whose weights are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
    /// Where the preconditioner was to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner_choice: Option<&'a Choice>,
    /// Removals with a Newton estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    newton: Option<NewtonDetails<'a>>,
    /// The dampings after the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dampings: Vec<DampingRecord>,
    verify: String,
    pbrf_epsilon: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    inference: Option<&'a str>,
}

/// Which removals have a Newton estimate.
#[derive(Serialize)]
struct NewtonDetails<'a> {
    asked: &'static str,
    planned: usize,
    /// Those that were tried, in their order.
    removals: Vec<usize>,
    /// Those without an estimate, and why.
    failed: Option<&'a BTreeMap<usize, String>>,
}

impl ExplainRun<'_> {
    /// Writes the weights, the scores, and the report as it is before the verification.
    pub(super) fn write(&self, found: &ScoredModel) -> Result<(), CliError> {
        let folder = self.store.folder();
        let examples = self.examples();
        let train = &self.inputs.dataset.train;
        let kept = record(&self.inputs.dataset, "train", train, &found.on_train);
        let weights = weights::encode(&found.module, weights::FILE, &kept)?;
        folder.write(weights::FILE, &weights)?;
        let all = found
            .scores
            .to_safetensors(&examples, self.args.run.compute.seed)?;
        folder.write(ScoreRecord::FILE, &stable(all))?;
        folder.write(ScoreRecord::TOP_FILE, &found.scores.to_csv(&examples, TOP)?)?;
        if found.closed_form.is_some() {
            let table = closed_form_csv(&found.scores, &examples)?;
            folder.write(CLOSED_FORM_FILE, &table)?;
        }
        self.write_further(found, &examples)?;
        self.write_groups(&found.groups)?;
        self.report(found, self.record(found, None)?)?;
        say(format_args!(
            "scores written to {}",
            quote::path(folder.path())
        ));
        Ok(())
    }

    /// Writes the scores of the dampings after the first, and says how they compare.
    fn write_further(&self, found: &ScoredModel, examples: &ExampleInfo) -> Result<(), CliError> {
        let folder = self.store.folder();
        let (queries, train) = (&found.queries, found.scores.train());
        let further = found.dampings.values.iter().enumerate().skip(1);
        for (place, &damping) in further {
            let scored = &found.scored[place * queries.count()..][..queries.count()];
            let scores = self.scores(queries, train, scored)?;
            let all = scores.to_safetensors(examples, self.args.run.compute.seed)?;
            let name = |file| format!("{}/{file}", dampings::folder(damping));
            folder.write(&name(ScoreRecord::FILE), &stable(all))?;
            folder.write(&name(ScoreRecord::TOP_FILE), &scores.to_csv(examples, TOP)?)?;
        }
        let records = dampings::records(&found.dampings.values, &found.scored);
        dampings::compare(found.dampings.values[0], &records);
        Ok(())
    }

    /// What is known of all examples.
    pub(super) fn examples(&self) -> ExampleInfo {
        examples(&self.inputs.dataset, &self.unit, &self.measure)
    }

    fn report(&self, found: &ScoredModel, record: RunRecord) -> Result<(), CliError> {
        let folder = self.store.folder();
        let examples = self.examples();
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
    pub(super) fn finish(
        &self,
        found: &ScoredModel,
        verified: Option<(VerificationRecord, f64)>,
    ) -> Result<(), CliError> {
        if let Some((verification, _)) = &verified {
            let table = verification_table(verification);
            say(format_args!("\n{}", table.trim_end()));
        }
        if !found.groups.records.is_empty() {
            say(format_args!(
                "\n{}",
                groups_table(&found.groups.records).trim_end()
            ));
            self.write_groups(&found.groups)?;
        }
        let record = self.record(found, verified)?;
        let json = record.to_json()?;
        self.report(found, record)?;
        let folder = self.store.folder();
        self.store
            .finish_scores(&json, &found.dampings.values[1..])?;
        say(format_args!(
            "\nwritten to {}; open {}",
            quote::path(folder.path()),
            quote::path(&folder.path().join(Report::FILE))
        ));
        Ok(())
    }

    /// All about the run, with the verification and the seconds that it took.
    fn record(
        &self,
        found: &ScoredModel,
        verified: Option<(VerificationRecord, f64)>,
    ) -> Result<RunRecord, CliError> {
        let (train, test) = (&self.inputs.dataset.train, &self.inputs.dataset.test);
        let (queries, mean) = self.query_records(found);
        let timing = |stage: &str, seconds| Timing {
            stage: stage.into(),
            seconds,
        };
        let sum = |of: fn(&QueryScores) -> f64| found.scored.iter().map(of).sum();
        let mut timings: Vec<_> = found
            .training
            .map(|it| timing("train", it))
            .into_iter()
            .collect();
        timings.push(timing("solve", sum(|it| it.solving)));
        timings.push(timing("score", sum(|it| it.scoring)));
        timings.extend(found.newton.as_ref().map(|it| timing("newton", it.seconds)));
        if !found.groups.records.is_empty() {
            timings.push(timing("groups", found.groups.seconds));
        }
        let (verification, seconds) = verified.unzip();
        let seconds = seconds.map(|it| it + found.groups.verifying);
        timings.extend(seconds.map(|it| timing("verify", it)));
        Ok(RunRecord {
            settings: self.settings(found)?,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            started: None,
            unit: self.unit.clone(),
            measure: Some(self.measure.clone()),
            sizes: Sizes {
                train: train.rows,
                test: test.rows,
                parameters: found.parameters,
            },
            timings,
            metrics: found.metrics,
            queries,
            mean,
            groups: found.groups.records.clone(),
            closed_form: found.closed_form.clone(),
            verification,
        })
    }

    /// The queries, or their mean.
    fn query_records(&self, found: &ScoredModel) -> (Vec<QueryRecord>, Option<MeanRecord>) {
        let test = &self.inputs.dataset.test;
        let outputs = outputs(&found.module, test);
        let predictions = predictions(&outputs, test.rows, &self.inputs.dataset);
        let measured = |row: usize| found.measured.as_ref().map(|it| it[row]);
        let query = |(row, (&index, scored)): (usize, (&usize, &QueryScores))| QueryRecord {
            index,
            source: Some(self.inputs.dataset.test_place(index)),
            label: target(&self.inputs.dataset, test, index),
            predicted: predictions[index],
            loss: found.losses[index],
            measured: measured(row),
            solve: scored.record.clone(),
        };
        let queries = match found.queries.mean_over() {
            Some(_) => Vec::new(),
            None => {
                let each = found.queries.indices().iter().zip(&found.scored);
                each.enumerate().map(query).collect()
            }
        };
        let mean = found.queries.mean_over().map(|examples| MeanRecord {
            examples,
            loss: found.losses.iter().sum::<f64>() / examples as f64,
            measured: measured(0),
            solve: found.scored[0].record.clone(),
        });
        (queries, mean)
    }

    fn settings(&self, found: &ScoredModel) -> Result<RunSettings, CliError> {
        let dataset = &self.inputs.dataset;
        let details = Details {
            precision: self.args.precision().name(),
            tolerance: self.args.solver.tolerance,
            products: self.args.products.name(),
            products_errors: found.errors,
            network: &self.inputs.network,
            training: self.inputs.loaded.is_none().then_some(self.config),
            target: self.args.run.data.target.as_deref(),
            preparation: Preparation::of(dataset),
            corrupt_labels: self.args.run.corrupt_labels,
            group: self.args.group.as_ref().map(|it| it.display().to_string()),
            damping_rule: found.dampings.chosen.as_ref(),
            preconditioner_choice: found.choice.as_ref(),
            newton: found.newton.as_ref().map(|it| NewtonDetails {
                asked: self.args.newton.name(),
                planned: it.planned,
                removals: it.predictions.iter().map(|it| it.removed).collect(),
                failed: found.scores.newton().map(|it| &it.failed),
            }),
            dampings: dampings::records(&found.dampings.values, &found.scored),
            verify: self.amount().name(),
            pbrf_epsilon: 1.0 / dataset.train.rows as f64,
            inference: dataset.inference.as_deref(),
        };
        Ok(RunSettings {
            model: self.inputs.kind.name().into(),
            data: self.args.run.data.path.display().to_string(),
            task: describe(dataset),
            solver: self.args.solver().name().into(),
            weights: self
                .inputs
                .loaded
                .as_ref()
                .map(|loaded| loaded.file.clone()),
            damping: found.dampings.values[0],
            device: self.inputs.opened.name.into(),
            seed: self.args.run.compute.seed,
            out: self.store.folder().path().display().to_string(),
            details: details_of(&details)?,
        })
    }
}
