//! The report of a sweep.

use backdraft_attribution::evaluate::{FailedRemoval, Gaps, Spread};

use super::{DISTANCE, PBRF};
use super::{Seconds, Shown, cells, figure, gap_keys, headed, plot, remark, spread, total};
use crate::experiment::failure::{Missing, Places, removals, told, unsolved};
use crate::experiment::{DecompositionRecord, Setup, SweepPointRecord, SweepRecord, paper};
use crate::number::{count, plural, short};
use crate::page::{Html, section, table, text};
use crate::{OutputError, Record};

const GUIDE: [(&str, &str); 4] = [
    (
        "The gaps",
        "The way from retraining to an influence estimate in five steps: warm start, retraining from the trained weights; \
         proximity, staying near them; non-convergence, keeping the trained outputs instead of fitting the targets; \
         linearization, of the network; solver, what it left over.",
    ),
    DISTANCE,
    PBRF,
    (
        "What to expect",
        "Figure 5 of Bae et al. (2022) has the same sweeps with an MLP on a tenth of MNIST. Wider networks are closer to \
         linear, longer training shrinks the non-convergence gap, and damping trades solver and linearization errors \
         for the proximity gap.",
    ),
];

impl Record for SweepRecord {
    const FILE: &'static str = "sweep.json";
}

impl Shown for SweepRecord {
    const GUIDE: &'static [(&'static str, &'static str)] = &GUIDE;

    fn missing(&self) -> Option<Missing> {
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
        let mut failed: Vec<FailedRemoval> = Vec::new();
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

    fn unsolved(&self) -> Option<String> {
        let points = self.decompositions().flat_map(|it| &it.points);
        unsolved(points.map(|it| (it.solved, it.residual)))
    }

    fn source(&self) -> Option<String> {
        let shown = paper::sweep(&self.over)?;
        Some(format!("paper: Figure 5, MLP on a tenth of MNIST: {shown}"))
    }

    /// The mean gaps, a row a value.
    fn rows(&self) -> (Vec<Vec<String>>, &'static [usize]) {
        let rows = self
            .points
            .iter()
            .map(|it| value(it, |gap| short(gap.mean)));
        (headed(head(&self.over), rows), &[])
    }

    fn note(&self) -> String {
        "mean over the training set of the L2 distance between outputs, mean over the removals"
            .into()
    }

    fn heading(&self) -> String {
        format!("How do the gaps depend on {}?", self.over())
    }

    fn question(&self) -> String {
        format!(
            "how do the five gaps between retraining and an influence estimate change with {}?",
            self.over()
        )
    }

    fn answer(&self) -> String {
        format!(
            "{} of {} were followed to their end.",
            self.decompositions().count(),
            plural(self.points.len(), "value"),
        )
    }

    /// The settings that the sweep does not vary are the first's as much as any other's.
    fn setup(&self) -> Option<&Setup> {
        self.decompositions().next().map(|it| &it.setup)
    }

    fn seconds(&self) -> Seconds {
        let points = self.decompositions().flat_map(|it| &it.points);
        total(points.map(|it| &it.seconds))
    }

    fn sections(&self) -> Result<Vec<Html>, OutputError> {
        Ok(vec![self.gaps(&self.over())?])
    }
}

impl SweepRecord {
    /// Those that came to their end.
    fn decompositions(&self) -> impl Iterator<Item = &DecompositionRecord> {
        self.points
            .iter()
            .filter_map(|it| it.decomposition.as_ref())
    }

    /// What is varied, in words.
    fn over(&self) -> String {
        self.over.replace('-', " ")
    }

    fn gaps(&self, over: &str) -> Result<Html, OutputError> {
        let found =
            |point: &SweepPointRecord| Some((point.value, point.decomposition.as_ref()?.gaps));
        let found: Vec<(f64, Gaps<Spread>)> = self.points.iter().filter_map(found).collect();
        let caption = "Means over the removals. Where an axis goes by powers of ten, a zero has no place on it.";
        let failed = self.points.iter().filter_map(|point| {
            let reason = point.failure.as_ref()?;
            Some(text(
                "p",
                format!("{over} {}: {reason}", short(point.value)),
            ))
        });
        let rows = self.points.iter().map(|it| cells(&value(it, spread)));
        let content = [
            text("p", DISTANCE.1),
            figure(plot::sweep(over, &found)?, gap_keys(), caption),
            table("told", &head(over), rows),
        ];
        let last = [remark(self.source()), remark(self.unsolved())];
        Ok(section(
            "The gaps",
            content
                .into_iter()
                .chain(failed)
                .chain(last.into_iter().flatten()),
        ))
    }
}

fn head(over: &str) -> Vec<&str> {
    let gaps = Gaps::<Spread>::NAMES.map(|name| name.title);
    [over].into_iter().chain(gaps).chain(["removals"]).collect()
}

/// The row of one value, with the gaps as `shown`.
fn value(point: &SweepPointRecord, shown: fn(Spread) -> String) -> Vec<String> {
    let mut row = vec![short(point.value)];
    match &point.decomposition {
        Some(it) => {
            row.extend(it.gaps.into_array().map(shown));
            row.push(count(it.points.len()));
        }
        None => row.extend(["–", "–", "–", "–", "–", "failed"].map(String::from)),
    }
    row
}
