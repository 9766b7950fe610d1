//! The files of a run of `audit`.

use std::num::NonZeroUsize;

use backdraft_influence::ChosenDamping;
use backdraft_report::{
    Contents, Example, Layout, Record, Report, RunRecord,
    audit::{AUDIT_FILE, AuditRecord, AuditReport, audit_csv, audit_table},
};
use serde::Serialize;

use super::{
    run::{AuditRun, AuditedModel},
    suspects,
};
use crate::{
    CliError,
    display::{labels, layout},
    inputs::WRONG_LABELS,
    progress::say,
    run_folder::{CHECKSUMS, Kind, MODEL, PARTS, STATE},
    weights,
};

/// What was asked.
const ASKED: &str = "audit.json";
/// The network trained on the corrected data.
pub(super) const CORRECTED: &str = weights::CORRECTED;

/// What is in the folder of a whole run, but for its record.
const WHOLE: [&str; 6] = [
    ASKED,
    weights::FILE,
    CORRECTED,
    WRONG_LABELS,
    AUDIT_FILE,
    Report::FILE,
];

pub(super) const KIND: Kind = Kind {
    name: "an audit",
    contents: Contents {
        record: ASKED,
        results: &[RunRecord::FILE],
        others: &[
            weights::FILE,
            CORRECTED,
            WRONG_LABELS,
            AUDIT_FILE,
            Report::FILE,
            CHECKSUMS,
            STATE,
            PARTS,
        ],
        parts: &[],
    },
    network: MODEL,
    computed: &["parts/audit-"],
};

/// The settings that the record has beside those that every run has by name.
#[derive(Serialize)]
struct Details<'a> {
    top: usize,
    /// Examples that were looked at together, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<NonZeroUsize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// Where a rule chose the damping.
    #[serde(skip_serializing_if = "Option::is_none")]
    damping_rule: Option<&'a ChosenDamping>,
}

impl AuditRun<'_> {
    /// Writes the weights and what was found so far.
    pub(super) fn write(&self, found: &AuditedModel) -> Result<(), CliError> {
        let folder = self.network.store.folder();
        self.network.write_weights(&found.module, &found.on_train)?;
        let dataset = &self.network.inputs.dataset;
        folder.write(AUDIT_FILE, &audit_csv(&found.suspects, &labels(dataset))?)?;
        let report = self.report(found)?;
        folder.write(Report::FILE, report.to_html()?.as_bytes())
    }

    /// Writes all again, and the record last: it says that the run is whole.
    pub(super) fn finish(&self, found: &AuditedModel) -> Result<(), CliError> {
        self.write(found)?;
        let record = self.record(found)?;
        let table = audit_table(&record, &labels(&self.network.inputs.dataset));
        say(format_args!("\n{}", table.trim_end()));
        self.network
            .finish(&record.to_json()?, &WHOLE.map(String::from))
    }

    fn report(&self, found: &AuditedModel) -> Result<AuditReport, CliError> {
        let dataset = &self.network.inputs.dataset;
        let record = self.record(found)?;
        let examples = record.suspects.iter().map(|it| Example {
            index: it.train,
            source: it.source.clone(),
            label: it.label,
            features: dataset.original_inputs(dataset.train.row(it.train)),
        });
        Ok(AuditReport {
            title: self.network.store.folder().title(),
            labels: labels(dataset),
            layout: match &found.sequences {
                Some(sequences) => Layout::Text(sequences.clone()),
                None => layout(dataset),
            },
            examples: examples.collect(),
            record,
        })
    }

    fn record(&self, found: &AuditedModel) -> Result<AuditRecord, CliError> {
        let inputs = self.network.inputs;
        let details = Details {
            top: self.args.top.get(),
            block: self.args.block,
            fix: self.args.fix.as_ref().map(|it| it.display().to_string()),
            damping_rule: found.dampings.chosen.as_ref(),
        };
        let system = ("cg", found.dampings.values[0]);
        let settings = self.network.settings(Some(system), &details)?;
        let run = self
            .network
            .record(settings, found.metrics, found.parameters, &found.seconds);
        let first = found.suspects.iter().take(self.args.top.get());
        let targets = suspects::targets(&inputs.dataset);
        Ok(AuditRecord {
            run,
            by: self.by(),
            method: found.audit.method.clone(),
            other_class: suspects::other_class(&found.audit, targets.as_ref()),
            suspects: first.cloned().collect(),
            planted: inputs
                .noise
                .as_ref()
                .map(|it| suspects::planted(&found.audit, it)),
            corrections: found.corrections.clone(),
        })
    }
}
