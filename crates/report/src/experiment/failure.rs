//! What could not be computed, in words.

use std::collections::BTreeMap;

use super::{Correlations, Decomposition, FailedPoint, Mislabel, Sweep};
use crate::Place;
use crate::number::{count, short};

/// Where examples stand, by index.
type Places = BTreeMap<usize, Place>;

/// What is missing from an experiment.
pub(super) struct Missing {
    /// How much is missing, and why the first of it.
    pub summary: String,
    /// All that is missing, each with its reason.
    pub all: Vec<String>,
}

impl Decomposition {
    /// The removals that are missing, if any.
    pub(super) fn missing(&self) -> Option<Missing> {
        removals(&self.failed, self.points.len(), &self.setup.train)
    }

    /// How many estimates are above the solver's tolerance, if any.
    pub(super) fn unsolved(&self) -> Option<String> {
        unsolved(self.points.iter().map(|it| (it.solved, it.residual)))
    }
}

impl Correlations {
    /// The removals that are missing, if any.
    pub(super) fn missing(&self) -> Option<Missing> {
        removals(&self.failed, self.points.len(), &self.setup.train)
    }

    /// How many estimates are above the solver's tolerance, if any.
    pub(super) fn unsolved(&self) -> Option<String> {
        unsolved(self.points.iter().map(|it| (it.solved, it.residual)))
    }
}

impl Sweep {
    /// The values and removals that are missing, if any.
    pub(super) fn missing(&self) -> Option<Missing> {
        let lost = self.points.iter().filter(|it| it.decomposition.is_none());
        let mut all: Vec<String> = lost
            .map(|point| {
                let reason = point.failure.as_deref().unwrap_or("no reason was given");
                format!("{} {}: {reason}.", self.over, short(point.value))
            })
            .collect();
        let values = all.first().map(|first| {
            format!(
                "{} of {} values failed. The first: {first}",
                all.len(),
                self.points.len()
            )
        });
        let mut failed: Vec<FailedPoint> = Vec::new();
        let mut places = Places::new();
        let mut done = 0;
        for point in &self.points {
            let Some(it) = &point.decomposition else {
                continue;
            };
            done += it.points.len();
            failed.extend(it.failed.iter().cloned());
            places.extend(it.setup.train.clone());
            let at = |failed| {
                let told = told(failed, &it.setup.train);
                format!("{} {}, {told}", self.over, short(point.value))
            };
            all.extend(it.failed.iter().map(at));
        }
        let removals = removals(&failed, done, &places).map(|it| it.summary);
        let summary: Vec<String> = values.into_iter().chain(removals).collect();
        (!summary.is_empty()).then(|| Missing {
            summary: summary.join(" "),
            all,
        })
    }

    /// How many estimates are above the solver's tolerance, if any.
    pub(super) fn unsolved(&self) -> Option<String> {
        let decompositions = self
            .points
            .iter()
            .filter_map(|it| it.decomposition.as_ref());
        let points = decompositions.flat_map(|it| &it.points);
        unsolved(points.map(|it| (it.solved, it.residual)))
    }
}

impl Mislabel {
    /// The examples that have no response, if any.
    pub(super) fn missing(&self) -> Option<Missing> {
        let first = self.failed.first()?;
        Some(Missing {
            summary: format!(
                "{} of {} examples failed and are ranked last. The first: {}",
                count(self.failed.len()),
                count(self.setup.sizes.train),
                told(first, &self.setup.train)
            ),
            all: self
                .failed
                .iter()
                .map(|it| told(it, &self.setup.train))
                .collect(),
        })
    }

    /// How many estimates are above the solver's tolerance, if any.
    pub(super) fn unsolved(&self) -> Option<String> {
        (self.unsolved > 0).then(|| {
            format!(
                "{} of {} influence estimates have a residual above the solver's tolerance",
                count(self.unsolved),
                count(self.setup.sizes.train - self.failed.len())
            )
        })
    }
}

fn removals(failed: &[FailedPoint], done: usize, places: &Places) -> Option<Missing> {
    let first = failed.first()?;
    Some(Missing {
        summary: format!(
            "{} of {} removals failed and are left out. The first: {}",
            count(failed.len()),
            count(failed.len() + done),
            told(first, places)
        ),
        all: failed.iter().map(|it| told(it, places)).collect(),
    })
}

/// Of estimates, whether each is solved and its residual.
fn unsolved(estimates: impl Iterator<Item = (bool, f64)>) -> Option<String> {
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

fn told(failed: &FailedPoint, places: &Places) -> String {
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
