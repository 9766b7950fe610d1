//! The files of a run of `flow`.

use std::collections::BTreeMap;

use backdraft_models::quote;
use backdraft_report::{
    Contents, Record, Report, RunRecord, Sizes, Timing, Versions, details_of,
    flow::{FLOW_FILE, FlowRecord, RemovalFlows, flow_csv, flow_table},
};

use super::{follow::Followed, run::FlowRun};
use crate::{
    BURN, CliError,
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS},
};

/// What was asked.
const ASKED: &str = "flow.json";

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 4] = [ASKED, WRONG_LABELS, FLOW_FILE, Report::FILE];

pub(super) const KIND: Kind = Kind {
    name: "a run of flow",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[WRONG_LABELS, FLOW_FILE, Report::FILE, CHECKSUMS, PARTS],
        parts: &[],
    },
    network: MODEL,
    computed: &[],
};

impl FlowRun<'_> {
    /// Writes everything, the record last: it says that the run is whole.
    pub(super) fn finish(
        &self,
        followed: &Followed<'_>,
        removals: Vec<RemovalFlows>,
    ) -> Result<(), CliError> {
        let record = self.record(followed, removals)?;
        let folder = self.network.store.folder();
        folder.write(FLOW_FILE, &flow_csv(&record)?)?;
        folder.write(Report::FILE, record.to_html(&folder.title())?.as_bytes())?;
        say(format_args!("\n{}", flow_table(&record).trim_end()));
        self.network
            .store
            .finish(&record.to_json()?, &WHOLE.map(String::from))?;
        say(format_args!(
            "\nwritten to {}; open {}",
            quote::path(folder.path()),
            quote::path(&folder.path().join(Report::FILE))
        ));
        Ok(())
    }

    fn record(
        &self,
        followed: &Followed<'_>,
        removals: Vec<RemovalFlows>,
    ) -> Result<FlowRecord, CliError> {
        let dataset = &self.network.inputs.dataset;
        let mut seconds: BTreeMap<&str, f64> = BTreeMap::new();
        for (stage, it) in &followed.seconds {
            *seconds.entry(stage).or_default() += it;
        }
        let timing = |(stage, seconds): (&str, f64)| Timing {
            stage: stage.into(),
            seconds,
        };
        Ok(FlowRecord {
            settings: details_of(self.asked)?,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            unit: self.network.unit.clone(),
            sizes: Sizes {
                train: dataset.train.rows,
                test: dataset.test.rows,
                parameters: followed.exact.train.model().dim(),
            },
            timings: seconds.into_iter().map(timing).collect(),
            training: followed.training_states()?,
            minimum: followed.minimum.record,
            removals,
        })
    }
}
