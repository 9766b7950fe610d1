//! What unlearning leaves behind: `run.json`, `unlearn.csv`, a table and `report.html`.

mod csv;
mod guide;
mod plot;
mod record;
mod report;
mod table;

pub use csv::{UNLEARN_FILE, unlearn_csv};
pub use record::{
    CertificateRecord, ForgottenExample, PartQuality, UnlearnedRecord, UnlearningMethod,
    UnlearningRecord,
};
pub use report::UnlearningReport;
pub use table::unlearning_table;
