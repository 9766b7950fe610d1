//! The files of a run of `explain`.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf};

use backdraft_influence::{Choice, ChosenDamping};
use backdraft_models::{outputs, quote, weights::stable};
use serde::Serialize;

use super::{
    dampings::{self, DampingRecord},
    report::{examples, report},
    run::{ExplainRun, ScoredModel},
    store::QueryScores,
    stored::StoreRecord,
    tokens::Words,
};
use crate::{
    CliError,
    display::{predictions, target},
    mixed_precision::ProductErrors,
    progress::say,
};
use backdraft_report::{
    CLOSED_FORM_FILE, ExampleInfo, Layout, MeanRecord, QueryRecord, Record, Report, RunRecord,
    RunSettings, ScoreRecord, TOKENS_FILE, VerificationRecord, closed_form_csv, groups_table,
    verification_table,
};

/// Examples of each sign in `top.csv`.
pub(crate) const TOP: usize = 20;

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    precision: &'static str,
    tolerance: Option<f64>,
    products: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    products_errors: Option<ProductErrors>,
    /// The file of groups whose weights are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The place of each query that is measured, if it is one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<usize>,
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
    /// In how many parts of the training examples products were made, where they were split.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<usize>,
    /// Queries that were solved for together, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<NonZeroUsize>,
    verify: String,
    pbrf_epsilon: f64,
    /// Where the scores are, if that is a store.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a StoreRecord>,
    /// What is asked about, where that is not the test part.
    #[serde(skip_serializing_if = "Option::is_none")]
    query_data: Option<String>,
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
        let folder = self.network.store.folder();
        let examples = self.examples();
        self.network
            .write_weights(&found.subject.module, &found.subject.on_train)?;
        let top = match &found.stored {
            Some((stored, queries)) => self.stored_top(stored, (queries, &examples))?,
            None => {
                let seed = self.args.run.compute.seed;
                let all = found.scores.to_safetensors(&examples, seed)?;
                folder.write(ScoreRecord::FILE, &stable(all))?;
                found.scores.to_csv(&examples, TOP)?
            }
        };
        folder.write(ScoreRecord::TOP_FILE, &top)?;
        let words = found.words.as_ref().map(Words::table).transpose()?;
        if let Some(table) = words.flatten() {
            folder.write(TOKENS_FILE, &table)?;
        }
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
        let folder = self.network.store.folder();
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
        examples(
            &self.network.inputs.dataset,
            self.network.unit,
            &self.measure,
        )
    }

    fn report(&self, found: &ScoredModel, record: RunRecord) -> Result<(), CliError> {
        let folder = self.network.store.folder();
        let examples = self.examples();
        let mut report = report(
            &self.network.inputs.dataset,
            folder.path(),
            &found.scores,
            &examples,
            record,
        );
        if let Some(words) = &found.words {
            report.layout = Layout::Text(words.sequences.clone());
        }
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
        let further = &found.dampings.values[1..];
        self.network.store.finish_scores(&json, further)?;
        self.network.tell_place();
        Ok(())
    }

    /// All about the run, with the verification and the seconds that it took.
    fn record(
        &self,
        found: &ScoredModel,
        verified: Option<(VerificationRecord, f64)>,
    ) -> Result<RunRecord, CliError> {
        let (queries, mean) = self.query_records(found);
        let sum = |of: fn(&QueryScores) -> f64| found.scored.iter().map(of).sum();
        let mut seconds: Vec<_> = found
            .subject
            .training
            .map(|it| ("train", it))
            .into_iter()
            .collect();
        seconds.push(("solve", sum(|it| it.solving)));
        seconds.push(("score", sum(|it| it.scoring)));
        seconds.extend(found.newton.as_ref().map(|it| ("newton", it.seconds)));
        if !found.groups.records.is_empty() {
            seconds.push(("groups", found.groups.seconds));
        }
        let (verification, verifying) = verified.unzip();
        let verifying = verifying.map(|it| it + found.groups.verifying);
        seconds.extend(verifying.map(|it| ("verify", it)));
        let settings = self.settings(found)?;
        let record =
            self.network
                .record(settings, found.subject.metrics, found.parameters, &seconds);
        Ok(RunRecord {
            measure: Some(self.measure.clone()),
            queries,
            mean,
            groups: found.groups.records.clone(),
            closed_form: found.closed_form.clone(),
            verification,
            ..record
        })
    }

    /// The queries, or their mean.
    fn query_records(&self, found: &ScoredModel) -> (Vec<QueryRecord>, Option<MeanRecord>) {
        let test = &self.network.inputs.dataset.test;
        let dataset = &self.network.inputs.dataset;
        let predicted = match &found.words {
            Some(_) => Vec::new(),
            None => predictions(&outputs(&found.subject.module, test), test.rows, dataset),
        };
        let answers = |index: usize| match &found.words {
            Some(words) => words.answers(index),
            None => [target(dataset, test, index), predicted[index]],
        };
        let measured = |row: usize| found.measured.as_ref().map(|it| it[row]);
        let query = |(row, (&index, scored)): (usize, (&usize, &QueryScores))| {
            let [label, predicted] = answers(index);
            QueryRecord {
                index,
                source: Some(dataset.test_place(index)),
                label,
                predicted,
                loss: found.subject.losses[index],
                measured: measured(row),
                solve: scored.record.clone(),
            }
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
            loss: found.subject.losses.iter().sum::<f64>() / examples as f64,
            measured: measured(0),
            solve: found.scored[0].record.clone(),
        });
        (queries, mean)
    }

    fn settings(&self, found: &ScoredModel) -> Result<RunSettings, CliError> {
        let dataset = &self.network.inputs.dataset;
        let path = |it: &Option<PathBuf>| it.as_ref().map(|it| it.display().to_string());
        let details = Details {
            precision: self.args.precision().name(),
            tolerance: self.args.solver.tolerance,
            products: self.args.products.name(),
            products_errors: found.subject.errors,
            group: path(&self.args.group),
            token: self.args.token,
            damping_rule: found.dampings.chosen.as_ref(),
            preconditioner_choice: found.subject.choice.as_ref(),
            newton: found.newton.as_ref().map(|it| NewtonDetails {
                asked: self.args.newton.name(),
                planned: it.planned,
                removals: it.predictions.iter().map(|it| it.removed).collect(),
                failed: found.scores.newton().map(|it| &it.failed),
            }),
            dampings: dampings::records(&found.dampings.values, &found.scored),
            parts: Some(self.parts).filter(|parts| *parts > 1),
            block: self.args.block,
            verify: self.amount().name(),
            pbrf_epsilon: 1.0 / dataset.train.rows as f64,
            store: found.stored.as_ref().map(|(stored, _)| &stored.record),
            query_data: path(&self.args.large.query_data),
        };
        let system = (self.args.solver().name(), found.dampings.values[0]);
        self.network.settings(Some(system), &details)
    }
}
