//! What changed training examples are predicted to do to queries: `run.json`, `perturbations.csv`, a table and
//! `report.html`.

mod csv;
mod guide;
mod moved;
mod record;
mod report;
mod table;

pub use csv::{PERTURBATIONS_FILE, perturbations_csv};
pub use moved::MovedExample;
pub use record::{
    ChangeAgreement, ChangeKind, ChangeOutcome, ChangeRecord, LabelChange, PerturbationRecord,
};
pub use report::PerturbationReport;
pub use table::perturbation_table;
