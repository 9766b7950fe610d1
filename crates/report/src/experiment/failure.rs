//! What could not be computed, in words.

use backdraft_attribution::evaluate::FailedRemoval;

use std::collections::BTreeMap;

use crate::Place;
use crate::number::{count, short};

/// Where examples stand, by index.
pub(super) type Places = BTreeMap<usize, Place>;

/// What is missing from an experiment.
pub(super) struct Missing {
    /// How much is missing, and why the first of it.
    pub summary: String,
    /// All that is missing, each with its reason.
    pub all: Vec<String>,
}

/// The removals that are missing, if any, where so many are `done`.
pub(super) fn removals(failed: &[FailedRemoval], done: usize, places: &Places) -> Option<Missing> {
    let first = failed.first()?;
    Some(Missing {
        summary: format!(
            "{} of {} removals failed and {} left out. The first: {}",
            count(failed.len()),
            count(failed.len() + done),
            match failed.len() {
                1 => "is",
                _ => "are",
            },
            told(first, places)
        ),
        all: failed.iter().map(|it| told(it, places)).collect(),
    })
}

/// How many estimates are above the solver's tolerance, if any: of each, whether it is solved, and its residual.
pub(super) fn unsolved(estimates: impl Iterator<Item = (bool, f64)>) -> Option<String> {
    let (mut all, mut above, mut largest) = (0, 0, 0.0_f64);
    for (solved, residual) in estimates {
        all += 1;
        if !solved {
            above += 1;
            largest = largest.max(residual);
        }
    }
    (above > 0).then(|| {
        format!(
            "{} of {} influence estimates have a residual above the solver's tolerance, {} at the most",
            count(above),
            count(all),
            short(largest)
        )
    })
}

/// A removal and why it failed.
pub(super) fn told(failed: &FailedRemoval, places: &Places) -> String {
    let FailedRemoval {
        removed,
        stage,
        reason,
    } = failed;
    let noun = if removed.len() == 1 {
        "example"
    } else {
        "examples"
    };
    format!("{noun} {}, {stage}: {reason}.", indices(removed, places))
}

/// A removal by its indices and where the examples stand, the first few of many:
/// `3 (concrete.csv line 8), 17, 20 and 97 more` where but the first place is known.
pub(super) fn indices(removed: &[usize], places: &Places) -> String {
    const SHOWN: usize = 3;
    let told = |example| match places.get(example) {
        Some(place) => format!("{example} ({place})"),
        None => example.to_string(),
    };
    let shown: Vec<String> = removed.iter().take(SHOWN).map(told).collect();
    let more = match removed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more", count(more)),
    };
    format!("{}{more}", shown.join(", "))
}
