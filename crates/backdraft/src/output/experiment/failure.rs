//! What could not be computed, in words.

use super::{Correlations, Decomposition, FailedPoint, Mislabel, Sweep};
use crate::output::number::{count, short};

impl Decomposition {
    /// How many removals are missing and why, if any.
    pub(super) fn missing(&self) -> Option<String> {
        removals(&self.failed, self.points.len())
    }
}

impl Correlations {
    /// How many removals are missing and why, if any.
    pub(super) fn missing(&self) -> Option<String> {
        removals(&self.failed, self.points.len())
    }
}

impl Sweep {
    /// How many values and removals are missing and why, if any.
    pub(super) fn missing(&self) -> Option<String> {
        let lost = self.points.iter().filter(|it| it.decomposition.is_none());
        let first = lost.clone().next().map(|point| {
            let Self { over, points } = self;
            let reason = point.failure.as_deref().unwrap_or("no reason was given");
            format!(
                "{} of {} values failed. The first: {over} {}: {reason}.",
                lost.count(),
                points.len(),
                short(point.value)
            )
        });
        let decompositions = self
            .points
            .iter()
            .filter_map(|it| it.decomposition.as_ref());
        let done = decompositions.clone().map(|it| it.points.len()).sum();
        let failed: Vec<FailedPoint> = decompositions.flat_map(|it| it.failed.clone()).collect();
        let parts: Vec<String> = first.into_iter().chain(removals(&failed, done)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

impl Mislabel {
    /// How many examples have no response and why, if any.
    pub(super) fn missing(&self) -> Option<String> {
        let first = self.failed.first()?;
        Some(format!(
            "{} of {} examples failed and are ranked last. The first: {}",
            count(self.failed.len()),
            count(self.setup.sizes.train),
            told(first)
        ))
    }
}

fn removals(failed: &[FailedPoint], done: usize) -> Option<String> {
    let first = failed.first()?;
    Some(format!(
        "{} of {} removals failed and are left out. The first: {}",
        count(failed.len()),
        count(failed.len() + done),
        told(first)
    ))
}

fn told(failed: &FailedPoint) -> String {
    let FailedPoint {
        removed,
        stage,
        reason,
    } = failed;
    let noun = if removed.len() == 1 {
        "example"
    } else {
        "examples"
    };
    format!("{noun} {}, {stage}: {reason}.", indices(removed))
}

/// A removal by its indices, the first few of many: `3, 17, 20 and 97 more`.
pub(super) fn indices(removed: &[usize]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = removed.iter().take(SHOWN).map(usize::to_string).collect();
    let more = match removed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more", count(more)),
    };
    format!("{}{more}", shown.join(", "))
}
