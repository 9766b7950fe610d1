//! What training examples are worth: `run.json`, `values.csv`, a table and `report.html`.

mod csv;
mod guide;
mod plot;
mod record;
mod report;
mod table;

pub use csv::{VALUES_FILE, values_csv};
pub use record::{
    CurveRecord, FoundLabels, MeasuredPerformance, MethodRecord, Player, RandomRecord,
    ValuationRecord, ValueAgreement, ValueColumn,
};
pub use report::{ValuationReport, ends};
pub use table::valuation_table;
