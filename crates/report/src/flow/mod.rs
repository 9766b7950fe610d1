//! Gradient flows with and without training examples: the record, the tables and the report.

mod csv;
mod guide;
mod record;
mod report;
mod table;

pub use csv::{FLOW_FILE, flow_csv};
pub use record::{
    FlowRecord, FlowedState, MinimumRecord, RemovalFlows, SwitchedFlow, TrainingState, WeightedFlow,
};
pub use table::flow_table;
