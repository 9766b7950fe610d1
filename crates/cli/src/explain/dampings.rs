//! How scores change with the damping.

use backdraft_influence::statistics::pearson;
use serde::Serialize;

use super::store::QueryScores;
use crate::progress::say;
use backdraft_report::{SolveRecord, brief};

/// A further damping, in the run's record.
#[derive(Serialize)]
pub(super) struct DampingRecord {
    damping: f64,
    /// The folder of its scores.
    folder: String,
    /// How the systems were solved, in the order of the queries.
    solves: Vec<SolveRecord>,
    /// Of each query's scores with those of the first damping; none if these do not vary.
    correlations: Vec<Option<f64>>,
}

/// Where the scores of a further damping are.
pub(super) fn folder(damping: f64) -> String {
    format!("{}/{damping}", super::store::DAMPINGS)
}

/// The records of the further dampings, which are said in a line each. `scored` has for each damping all queries.
pub(super) fn records(dampings: &[f64], scored: &[QueryScores]) -> Vec<DampingRecord> {
    let queries = scored.len() / dampings.len();
    let (first, rest) = scored.split_at(queries);
    let further = dampings[1..].iter().zip(rest.chunks(queries.max(1)));
    let record = |(&damping, scored): (&f64, &[QueryScores])| {
        let pairs = first.iter().zip(scored);
        DampingRecord {
            damping,
            folder: folder(damping),
            solves: scored.iter().map(|it| it.record.clone()).collect(),
            correlations: pairs.map(|(a, b)| pearson(&a.values, &b.values)).collect(),
        }
    };
    further.map(record).collect()
}

/// Says how the scores of the further dampings compare with those of the first.
pub(super) fn compare(first: f64, records: &[DampingRecord]) {
    for record in records {
        let known: Vec<f64> = record.correlations.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let residuals = record.solves.iter().map(|it| it.true_residual);
        say(format_args!(
            "damping {}: relative residuals up to {:.1e}; scores correlate with those at {} by {mean:.3} in the mean",
            brief(record.damping),
            residuals.fold(0.0, f64::max),
            brief(first),
        ));
    }
}
