//! What the experiments of `decompose`, `correlate`, `sweep` and `mislabel` leave behind.

mod record;

pub use record::{
    Correlation, Correlations, Decomposition, FailedPoint, Gaps, Mislabel, PointChanges, PointGaps,
    Printed, Ranking, Responses, Setup, Spread, Sweep, SweepPoint,
};
