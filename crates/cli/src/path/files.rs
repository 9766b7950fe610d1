//! The files of a run of `path`.

use backdraft_influence::{ChosenDamping, path::PathConfig};
use backdraft_models::outputs;
use backdraft_report::{
    Contents, Record, Report, RunRecord,
    path::{
        ObjectiveRecord, PATHS_FILE, PathExample, PathsRecord, PathsReport, QUERIES_FILE,
        path_queries_csv, paths_csv, paths_table,
    },
};
use serde::Serialize;

use super::{
    run::{FollowedModel, PathNetwork, PathsRun},
    settings::WaySettings,
};
use crate::{
    CliError,
    display::{labels, predictions, target},
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    weights,
};

/// What was asked.
const ASKED: &str = "path.json";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 6] = [
    ASKED,
    weights::FILE,
    WRONG_LABELS,
    PATHS_FILE,
    QUERIES_FILE,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "a run of path",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            WRONG_LABELS,
            PATHS_FILE,
            QUERIES_FILE,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &["parts/path-"],
};

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    way: WaySettings,
    /// With what was not asked for by an option.
    following: PathConfig,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
}

impl PathsRun<'_> {
    /// Writes all, and the record last: it says that the run is whole.
    pub(super) fn finish(&self, of: &PathNetwork, found: &FollowedModel) -> Result<(), CliError> {
        let folder = self.network.store.folder();
        self.network.write_weights(&found.module, &found.on_train)?;
        let record = self.record(of, found)?;
        folder.write(PATHS_FILE, &paths_csv(&record)?)?;
        folder.write(QUERIES_FILE, &path_queries_csv(&record)?)?;
        let report = PathsReport {
            title: folder.title(),
            labels: labels(&self.network.inputs.dataset),
            record: record.clone(),
        };
        folder.write(PathsReport::FILE, report.to_html()?.as_bytes())?;
        say(format_args!("\n{}", paths_table(&record).trim_end()));
        let files = WHOLE.map(String::from);
        self.network.finish(&record.to_json()?, &files)
    }

    fn record(&self, of: &PathNetwork, found: &FollowedModel) -> Result<PathsRecord, CliError> {
        let damping = of.dampings.as_ref().map(|it| it.values[0]);
        let details = Details {
            way: WaySettings::of(self.args, self.network.inputs),
            following: self.config(of),
            damping_rule: of.dampings.as_ref().and_then(|it| it.chosen.as_ref()),
        };
        let system = (of.solver_name, damping.unwrap_or(0.0));
        let settings = self.network.settings(Some(system), &details)?;
        let objective = self.objective();
        Ok(PathsRecord {
            run: self
                .network
                .record(settings, found.metrics, found.parameters, &found.seconds),
            objective: ObjectiveRecord {
                kind: objective.name().into(),
                l2: of.l2,
                proximal: damping.unwrap_or(0.0),
                reason: objective.reason().into(),
            },
            examples: self.examples(found),
            paths: found.paths.clone(),
        })
    }

    fn examples(&self, found: &FollowedModel) -> Vec<PathExample> {
        let dataset = &self.network.inputs.dataset;
        let test = &dataset.test;
        let predicted = predictions(&outputs(&found.module, test), test.rows, dataset);
        let example = |&index: &usize| PathExample {
            index,
            source: dataset.test_place(index),
            label: target(dataset, test, index),
            predicted: predicted[index],
            loss: found.losses[index],
        };
        found.queries.iter().map(example).collect()
    }
}
