//! The paths that training examples' weights lead a network along: `run.json`, tables of their points and of the
//! queries along them, a table for the terminal, and `report.html`.

mod csv;
mod guide;
mod plot;
mod record;
mod report;
mod table;

pub use csv::{PATHS_FILE, QUERIES_FILE, path_queries_csv, paths_csv};
pub use record::{
    FollowedPathRecord, ObjectiveRecord, PathExample, PathPointRecord, PathQueryRecord, PathsRecord,
};
pub use report::PathsReport;
pub use table::paths_table;
