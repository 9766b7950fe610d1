//! Bayesian influence: `run.json`, `diagnostics.csv`, a table and `report.html`.

mod drawing;
mod guide;
mod record;
mod report;
mod table;

pub use record::{BayesAgreement, BayesRecord, BayesRow, SamplingRecord};
pub use report::{BayesReport, SampledRow};
pub use table::{DIAGNOSTICS_FILE, bayes_table, diagnostics_csv};
