//! How far an experiment is: the removals, and what is being done about one.

use backdraft::attribution::{
    Progress,
    evaluate::{EstimatorOutcome, ValidatedEstimator},
};
use backdraft_report::short;

use crate::progress::{Nested, say, warn};

/// The removals, and within them the stage.
pub(super) struct ExperimentProgress(Nested);

impl ExperimentProgress {
    pub fn new() -> Self {
        Self(Nested::new("removals"))
    }

    /// What an evaluation tells.
    pub fn tell(&self, progress: Progress<'_>) {
        match progress {
            Progress::Removals { done, of } => {
                self.0.outer.begin(done as u64, of as u64);
                self.0.outer.show();
            }
            Progress::Estimator { name } => {
                self.0.inner.begin(0, 0);
                self.0.inner.message(name);
            }
            Progress::Estimated(it) => self.aside(|| told(it)),
            Progress::Step { task, done: 0, of } => self.stage(task.name(), of),
            Progress::Step { done, of, .. } => self.at(done, of),
            Progress::Unsolved {
                removal,
                residual,
                tolerance,
            } => self.aside(|| {
                warn(format_args!(
                    "removal {removal}: the estimate's relative residual is {residual:.1e}, above {tolerance:.0e}"
                ));
            }),
            Progress::Failed { removal, failed } => {
                self.aside(|| {
                    warn(format_args!(
                        "removal {removal} is given up at {}: {}",
                        failed.stage, failed.reason
                    ));
                });
                self.0.outer.inc(1);
            }
            Progress::Done { .. } => self.0.outer.inc(1),
            Progress::Damaged(entry) => self.aside(|| {
                warn(format_args!(
                    "{} is damaged ({}): it is made anew",
                    entry.key, entry.reason
                ));
            }),
            _ => {}
        }
    }

    /// Begins something of so many steps.
    pub fn stage(&self, name: &'static str, steps: usize) {
        self.0.inner.begin(0, steps as u64);
        self.0.inner.message(name);
    }

    pub fn set(&self, step: usize) {
        self.0.inner.set(step as u64);
    }

    /// At a step, of as many as are told with it.
    pub fn at(&self, step: usize, steps: usize) {
        self.0.inner.at(step as u64, steps as u64);
    }

    /// Prints between the bars.
    pub fn aside(&self, print: impl FnOnce()) {
        self.0.aside(print);
    }

    pub fn end(&self) {
        self.0.end();
    }
}

/// Says what came of an estimator.
fn told(it: &ValidatedEstimator) {
    let name = &it.estimator.name;
    match &it.outcome {
        EstimatorOutcome::Done(found) => {
            let residual = found.residual.map(|it| format!(", residual {}", short(it)));
            let scale = found.scale.map(|it| format!(", scale {}", short(it)));
            say(format_args!(
                "{name}: {} s{}{}",
                short(found.seconds),
                residual.unwrap_or_default(),
                scale.unwrap_or_default()
            ));
        }
        EstimatorOutcome::Failed(reason) => warn(format_args!("{name} is left out: {reason}")),
    }
}
