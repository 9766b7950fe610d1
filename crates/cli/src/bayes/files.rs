//! The files of a run of `bayes`.

use backdraft_influence::{
    Choice, ChosenDamping,
    statistics::{pearson, slope, spearman},
};
use backdraft_models::{outputs, weights::stable};
use backdraft_report::{
    Contents, ExampleInfo, Record, Report, RunRecord, RunSettings, ScoreRecord, TargetValue,
    bayes::{
        BayesAgreement, BayesRecord, BayesReport, BayesRow, DIAGNOSTICS_FILE, SampledRow,
        SamplingRecord, bayes_table, diagnostics_csv,
    },
};
use burn::tensor::TensorData;
use serde::Serialize;

use super::{
    run::{BayesRun, SampledModel},
    settings::SamplingSettings,
};
use crate::{
    CliError,
    args::CompareName,
    display::{labels, layout, predictions, target},
    explain::{TOP, examples, explained},
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    tensors::{self, Texts},
    weights,
};

/// What was asked.
const ASKED: &str = "bayes.json";
/// The draws of the mean training loss, `losses` `[chains, draws]`, and of what is measured, `measured` `[rows, chains,
/// draws]`, in their units.
const TRACES: &str = "traces.safetensors";
/// The scores by influence with the matched damping.
const INFLUENCE: &str = "influence.safetensors";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 9] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    ScoreRecord::FILE,
    ScoreRecord::TOP_FILE,
    DIAGNOSTICS_FILE,
    TRACES,
    INFLUENCE,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "a run of bayes",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            ScoreRecord::FILE,
            ScoreRecord::TOP_FILE,
            DIAGNOSTICS_FILE,
            TRACES,
            INFLUENCE,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &["parts/solution-", "parts/bayes-"],
};

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    sampling: SamplingSettings,
    compare: bool,
    precision: &'static str,
    tolerance: Option<f64>,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
    /// Where the preconditioner was to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner_choice: Option<&'a Choice>,
}

impl BayesRun<'_> {
    /// Writes all files, the record last: it says that the run is whole.
    pub(super) fn finish(&self, found: &SampledModel) -> Result<(), CliError> {
        let folder = self.network.store.folder();
        let dataset = &self.network.inputs.dataset;
        self.network.write_weights(&found.module, &found.on_train)?;
        let info = examples(dataset, self.network.unit, &self.measure);
        let scores = self.scores(found)?;
        let seed = self.args.run.compute.seed;
        let all = scores.to_safetensors(&info, seed)?;
        folder.write(ScoreRecord::FILE, &stable(all))?;
        folder.write(ScoreRecord::TOP_FILE, &scores.to_csv(&info, TOP)?)?;
        if let Some(compared) = &found.compared {
            let by_influence = self.score_record(found, compared.scores.concat())?;
            let by_influence = by_influence.to_safetensors(&info, seed)?;
            folder.write(INFLUENCE, &stable(by_influence))?;
        }
        folder.write(TRACES, &self.traces_file(found)?)?;
        let record = self.record(found, &info)?;
        folder.write(DIAGNOSTICS_FILE, &diagnostics_csv(&record)?)?;
        say(format_args!("\n{}", bayes_table(&record).trim_end()));
        say(record.verdict());
        self.tell_times(&record);
        let json = record.to_json()?;
        let report = self.report(found, &scores, &info, record);
        folder.write(Report::FILE, report.to_html()?.as_bytes())?;
        self.network.finish(&json, &WHOLE.map(String::from))
    }

    fn tell_times(&self, record: &BayesRecord) {
        let times = record.timings.iter().filter(|it| it.stage != "train");
        let times = times.map(|it| format!("{} {:.1} s", it.stage, it.seconds));
        say(times.collect::<Vec<_>>().join(", "));
    }

    /// The scores in their unit, with their standard errors.
    fn scores(&self, found: &SampledModel) -> Result<ScoreRecord, CliError> {
        let scores = &found.sampled.scores;
        let factor = self.measure.factor.abs();
        let errors = scores.all_standard_errors().iter();
        let errors = errors.map(|it| factor * it).collect();
        let record = self.score_record(found, scores.values().to_vec())?;
        Ok(record.with_standard_errors(errors)?)
    }

    fn score_record(
        &self,
        found: &SampledModel,
        scores: Vec<f64>,
    ) -> Result<ScoreRecord, CliError> {
        let values = scores.into_iter().map(|it| self.measure.factor * it);
        let float = self.args.solving().precision().float();
        let train = self.network.inputs.dataset.train.rows;
        let (indices, values) = (found.queries.indices().to_vec(), values.collect());
        Ok(match found.queries.mean_over() {
            Some(_) => ScoreRecord::of_mean(indices, train, values, float)?,
            None => ScoreRecord::new(indices, train, values, float)?,
        })
    }

    /// What is measured at each draw, in its unit: for each row a list a chain.
    fn traces(&self, found: &SampledModel) -> Vec<Vec<Vec<f64>>> {
        let told = |chain: &Vec<f64>| chain.iter().map(|it| self.told(*it)).collect();
        let rows = found.sampled.scores.measured.iter();
        rows.map(|row| row.iter().map(told).collect()).collect()
    }

    /// The mean training loss at each draw, in its unit, a list a chain.
    fn losses(&self, found: &SampledModel) -> Vec<Vec<f64>> {
        let factor = self.network.unit.loss_factor;
        let told = |chain: &Vec<f64>| chain.iter().map(|it| factor * it).collect();
        found.sampled.scores.losses.iter().map(told).collect()
    }

    fn traces_file(&self, found: &SampledModel) -> Result<Vec<u8>, CliError> {
        let config = &found.sampled.config;
        let (losses, measured) = (self.losses(found), self.traces(found));
        let shape = [measured.len(), config.chains, config.draws];
        let measured = TensorData::new(measured.concat().concat(), shape);
        let losses = TensorData::new(losses.concat(), [config.chains, config.draws]);
        let tables = [
            ("losses".to_owned(), losses),
            ("measured".to_owned(), measured),
        ];
        tensors::encode(&tables, Texts::new()).map_err(CliError::Weights)
    }

    fn report(
        &self,
        found: &SampledModel,
        scores: &ScoreRecord,
        info: &ExampleInfo,
        record: BayesRecord,
    ) -> BayesReport {
        let dataset = &self.network.inputs.dataset;
        let factor = self.measure.factor;
        let influence = |row: usize| {
            let compared = found.compared.as_ref();
            let scores = compared.map(|it| it.scores[row].iter().map(|it| factor * it));
            scores.map(Iterator::collect).unwrap_or_default()
        };
        let explained = explained(dataset, scores, info);
        let traces = self.traces(found);
        let rows = explained.into_iter().zip(traces).enumerate();
        let rows = rows.map(|(row, (explained, traces))| SampledRow {
            explained,
            traces,
            scores: scores.row(row).to_vec(),
            errors: scores
                .standard_errors(row)
                .map(<[f64]>::to_vec)
                .unwrap_or_default(),
            influence: influence(row),
        });
        BayesReport {
            title: self.network.store.folder().title(),
            labels: labels(dataset),
            layout: layout(dataset),
            losses: self.losses(found),
            rows: rows.collect(),
            record,
        }
    }

    /// All about the run.
    fn record(&self, found: &SampledModel, info: &ExampleInfo) -> Result<BayesRecord, CliError> {
        let (dataset, sampled) = (&self.network.inputs.dataset, &found.sampled);
        let mut seconds = vec![("sample", sampled.scores.seconds)];
        let compared = found.compared.iter();
        seconds.extend(compared.flat_map(|it| [("solve", it.solving), ("score", it.scoring)]));
        if let Some(training) = found.training {
            seconds.insert(0, ("train", training));
        }
        let outputs = outputs(&found.module, &dataset.test);
        let predicted = predictions(&outputs, dataset.test.rows, dataset);
        let rows = 0..found.queries.count();
        let rows = rows.map(|row| self.row(found, (info, &predicted), row));
        let settings = self.settings(found)?;
        let run = self
            .network
            .record(settings, found.metrics, found.parameters, &seconds);
        Ok(BayesRecord {
            settings: run.settings,
            versions: run.versions,
            unit: run.unit,
            measure: self.measure.clone(),
            sizes: run.sizes,
            timings: run.timings,
            metrics: run.metrics,
            sampling: self.sampling(found),
            rows: rows.collect::<Result<_, _>>()?,
        })
    }

    fn sampling(&self, found: &SampledModel) -> SamplingRecord {
        let sampled = &found.sampled;
        let (config, scores) = (&sampled.config, &sampled.scores);
        let factor = self.network.unit.loss_factor;
        SamplingRecord {
            chains: config.chains,
            draws: config.draws,
            burn_in: config.burn_in,
            thinning: config.thinning,
            step_size: config.step_size,
            largest_curvature: sampled.largest_curvature,
            localisation: config.localisation,
            inverse_temperature: sampled.inverse_temperature,
            loss_at_weights: factor * sampled.start.0,
            mean_loss: factor * mean(&scores.losses),
            convergence: scores.loss_convergence,
            mixed: scores.has_mixed(),
        }
    }

    fn row(
        &self,
        found: &SampledModel,
        (info, predicted): (&ExampleInfo, &[TargetValue]),
        row: usize,
    ) -> Result<BayesRow, CliError> {
        let (dataset, scores) = (&self.network.inputs.dataset, &found.sampled.scores);
        let index = found.queries.index(row);
        let of_row = scores
            .of_row(row)
            .map_err(backdraft::AttributionError::from)?;
        let told_apart = scores.told_apart(row);
        let influence = found.compared.as_ref().map(|compared| {
            let influence = &compared.scores[row];
            BayesAgreement {
                pearson: pearson(influence, of_row),
                spearman: spearman(influence, of_row),
                slope: slope(influence, of_row),
                solve: compared.solves[row].clone(),
            }
        });
        Ok(BayesRow {
            index,
            source: index.map(|it| info.test[it].clone()),
            label: index.map(|it| target(dataset, &dataset.test, it)),
            predicted: index.map(|it| predicted[it]),
            at_weights: self.told(found.sampled.start.1[row]),
            mean: self.told(mean(&scores.measured[row])),
            convergence: scores.convergence[row],
            told_apart: told_apart.map_err(backdraft::AttributionError::from)?,
            influence,
        })
    }

    fn settings(&self, found: &SampledModel) -> Result<RunSettings, CliError> {
        let solving = self.args.solving();
        let compare = self.args.compare == CompareName::Influence;
        let details = Details {
            sampling: SamplingSettings::of(self.args),
            compare,
            precision: solving.precision().name(),
            tolerance: solving.solver.tolerance,
            damping_rule: found.dampings.chosen.as_ref(),
            preconditioner_choice: found.choice.as_ref(),
        };
        let damping = found.dampings.values[0];
        let system = compare.then_some((solving.solver().name(), damping));
        let settings = self.network.settings(system, &details)?;
        Ok(RunSettings {
            damping: Some(damping),
            ..settings
        })
    }
}

/// Over all chains.
fn mean(chains: &[Vec<f64>]) -> f64 {
    let count = chains.iter().map(Vec::len).sum::<usize>();
    chains.iter().flatten().sum::<f64>() / count as f64
}
