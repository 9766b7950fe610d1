//! `run.json` of a figure.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Record, RunRecord, Timing, Versions};

/// Everything about a figure: what was asked, what computed, and the numbers behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureRecord<T> {
    /// All settings, the seed among them.
    pub settings: Map<String, Value>,
    /// What computed.
    pub versions: Versions,
    /// How long each stage took, in order.
    pub timings: Vec<Timing>,
    /// The numbers.
    pub data: T,
}

impl<T: Serialize> Record for FigureRecord<T> {
    const FILE: &'static str = RunRecord::FILE;
}
