//! The files of a run of `unlearn`.

use backdraft_influence::ChosenDamping;
use backdraft_models::{Metrics, Zoo, to_dtype};
use backdraft_report::{
    Contents, ModelQuality, Record, Report, RunRecord,
    unlearning::{
        ForgottenExample, UNLEARN_FILE, UnlearnedRecord, UnlearningRecord, UnlearningReport,
        unlearn_csv, unlearning_table,
    },
};
use burn::tensor::DType;
use serde::Serialize;

use super::{
    run::{Setting, UnlearnRun},
    settings::UnlearningSettings,
};
use crate::{
    CliError,
    dampings::Dampings,
    display::target,
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    weights,
};

/// What was asked.
const ASKED: &str = "unlearn.json";
/// The folder of the networks that methods came to.
const NETWORKS: &str = "networks";

/// What is in the folder of a whole run, but for its record and the networks.
const WHOLE: [&str; 5] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    UNLEARN_FILE,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "a run of unlearn",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            UNLEARN_FILE,
            NETWORKS,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &[],
};

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    unlearning: UnlearningSettings<'a>,
    tolerance: Option<f64>,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
}

/// The file of what a method came to.
pub(super) fn network_file(record: &UnlearnedRecord) -> String {
    let name = record.method.name();
    match (record.share, record.steps) {
        (Some(_), Some(steps)) => format!("{NETWORKS}/{name}-{steps}.safetensors"),
        _ => format!("{NETWORKS}/{name}.safetensors"),
    }
}

impl UnlearnRun<'_> {
    /// Writes all, and the record last: it says that the run is whole.
    pub(super) fn finish(
        &self,
        (setting, module): (&Setting<'_>, &Zoo),
        (metrics, on_train): (ModelQuality, Metrics),
        dampings: &Dampings,
        networks: Vec<UnlearnedRecord>,
    ) -> Result<(), CliError> {
        let network = self.network;
        let single = to_dtype(module.clone(), DType::F32);
        network.write_weights(&single, &on_train)?;
        let dataset = &network.inputs.dataset;
        let forgotten = self.forgotten.iter().map(|&train| ForgottenExample {
            train,
            source: dataset.train_place(train),
            label: target(dataset, &dataset.train, train),
        });
        let files = networks.iter().filter_map(|it| it.file.clone());
        let files: Vec<String> = WHOLE.map(String::from).into_iter().chain(files).collect();
        let record = UnlearningRecord {
            run: self.run_record(setting, metrics, dampings, &networks)?,
            forgotten: forgotten.collect(),
            steps: setting.steps,
            references: self.args.references,
            regularity: self.regularity.as_ref().ok().copied(),
            networks,
        };
        let folder = network.store.folder();
        folder.write(UNLEARN_FILE, &unlearn_csv(&record.networks)?)?;
        say(format_args!("\n{}", unlearning_table(&record).trim_end()));
        let json = record.to_json()?;
        let report = UnlearningReport {
            title: folder.title(),
            record,
        };
        folder.write(Report::FILE, report.to_html()?.as_bytes())?;
        network.finish(&json, &files)
    }

    fn run_record(
        &self,
        setting: &Setting<'_>,
        metrics: ModelQuality,
        dampings: &Dampings,
        networks: &[UnlearnedRecord],
    ) -> Result<RunRecord, CliError> {
        let solving = self.args.solving();
        let details = Details {
            unlearning: UnlearningSettings::of(self.args),
            tolerance: solving.solver.tolerance,
            damping_rule: dampings.chosen.as_ref(),
        };
        let system = (solving.solver().name(), dampings.values[0]);
        let settings = self.network.settings(Some(system), &details)?;
        let names = networks.iter().map(|it| match it.steps {
            Some(steps) => format!("{} {steps}", it.method.name()),
            None => it.method.name().to_owned(),
        });
        let names: Vec<String> = names.collect();
        let seconds = names.iter().zip(networks);
        let seconds: Vec<(&str, f64)> = seconds.map(|it| (it.0.as_str(), it.1.seconds)).collect();
        let parameters = setting.cost.model().dim();
        Ok(self.network.record(settings, metrics, parameters, &seconds))
    }
}
