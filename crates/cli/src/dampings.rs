//! The dampings of a run.

use backdraft_curvature::Cost;
use backdraft_influence::{ChosenDamping, DampingRule};
use backdraft_models::{Architecture, TrainConfig};

use super::{
    CliError,
    args::{Damping, number::check_fits},
    network_run::NetworkRun,
    progress::say,
};

/// What is added to the curvature's diagonal.
#[derive(Clone)]
pub(super) struct Dampings {
    /// The first is that of the report and of the verification.
    pub values: Vec<f64>,
    /// Why it is what it is, where a rule chose.
    pub chosen: Option<ChosenDamping>,
}

/// The damping asked for, or the default: for a network enough to keep the response to one removal among a thousand
/// examples near its first order, and the L2 term where that alone makes the problem strongly convex.
pub(super) fn default_damping(
    asked: Option<&Damping>,
    kind: Architecture,
    config: &TrainConfig,
) -> Damping {
    let default = || match kind {
        Architecture::LogisticRegression => config.weight_decay,
        _ => 0.03,
    };
    let asked = asked.cloned();
    asked.unwrap_or_else(|| Damping::Given(vec![default()]))
}

impl NetworkRun<'_> {
    /// The dampings, by the curvature of the trained network where a rule is to choose, which is said.
    pub fn dampings(&self, asked: &Damping, cost: &Cost) -> Result<Dampings, CliError> {
        if let Damping::Given(values) = asked {
            return Ok(Dampings {
                values: values.clone(),
                chosen: None,
            });
        }
        let rule = DampingRule {
            seed: self.run.compute.seed,
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
