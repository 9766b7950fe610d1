//! Which training examples' targets may be wrong: `run.json`, `audit.csv`, a table and `report.html`.

mod csv;
mod guide;
mod reason;
mod record;
mod report;
mod table;

pub use csv::{AUDIT_FILE, audit_csv};
pub use record::{
    AuditRecord, CorrectionRecord, PlantedRanking, PlantedRecord, SHARES, SuspectRecord, WorstToken,
};
pub use report::AuditReport;
pub use table::audit_table;
