//! The dampings of a run, and how scores change with them.

use backdraft_curvature::Cost;
use backdraft_influence::{ChosenDamping, DampingRule, statistics::pearson};
use serde::Serialize;

use super::{run::ExplainRun, store::QueryScores};
use crate::{
    CliError,
    args::{Damping, number::check_fits},
    progress::say,
};
use backdraft_report::{SolveRecord, brief};

/// What is added to the curvature's diagonal.
pub(super) struct Dampings {
    /// The first is that of the report and of the verification.
    pub values: Vec<f64>,
    /// Why it is what it is, where a rule chose.
    pub chosen: Option<ChosenDamping>,
}

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

impl ExplainRun<'_> {
    /// The dampings, by the curvature of the trained network where a rule is to choose, which is said.
    pub(super) fn dampings(&self, cost: &Cost) -> Result<Dampings, CliError> {
        if let Damping::Given(values) = self.damping {
            return Ok(Dampings {
                values: values.clone(),
                chosen: None,
            });
        }
        let rule = DampingRule {
            seed: self.args.run.compute.seed,
            ..DampingRule::default()
        };
        let trained = self.inputs.loaded.is_none();
        let steps = trained.then(|| self.config.steps_in_all(cost.len()));
        let chosen = rule.choose(&cost.gauss_newton(), steps.flatten())?;
        tell(&chosen);
        check_fits("--damping auto", Some(chosen.damping), cost.model().dtype())?;
        Ok(Dampings {
            values: vec![chosen.damping],
            chosen: Some(chosen),
        })
    }
}

/// Says why a damping is what it is.
fn tell(chosen: &ChosenDamping) {
    let ChosenDamping {
        damping,
        rule,
        mean_eigenvalue,
        standard_error,
        training,
    } = chosen;
    let mean = format!(
        "{} of the mean eigenvalue {mean_eigenvalue:.3e} (+- {standard_error:.0e}, {} probes, seed {}) is {:.3e}",
        rule.share,
        rule.probes,
        rule.seed,
        rule.share * mean_eigenvalue
    );
    let training = match training {
        Some(training) => format!("1 over the training's step sizes is {training:.3e}"),
        None => "the training's step sizes are not known, or not of plain gradient descent".into(),
    };
    let which = match chosen.is_by_training() {
        true => "by the training",
        false => "by the mean eigenvalue",
    };
    say(format_args!(
        "damping {damping:.3e}, {which}: {mean}; {training}"
    ));
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
