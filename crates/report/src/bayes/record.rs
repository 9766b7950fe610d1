//! `run.json` of a run of Bayesian influence.

use backdraft_attribution::Convergence;
use serde::{Deserialize, Serialize};

use crate::{
    Measure, ModelQuality, Place, Record, RunRecord, RunSettings, Sizes, SolveRecord, TargetValue,
    Timing, Unit, Versions,
    number::{count, percent, plural, short},
};

/// Everything about a run of Bayesian influence but the scores themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BayesRecord {
    /// What the run was asked to do; the solver is that of the influence beside the scores, if there is one, and the
    /// damping the matched one.
    pub settings: RunSettings,
    /// What did it.
    pub versions: Versions,
    /// What losses and outputs are measured in.
    pub unit: Unit,
    /// What scores are changes of.
    pub measure: Measure,
    /// How much there was to do it with.
    pub sizes: Sizes,
    /// How long each stage took, in order.
    pub timings: Vec<Timing>,
    /// How good the trained model is.
    pub metrics: ModelQuality,
    /// How the posterior was sampled.
    pub sampling: SamplingRecord,
    /// The rows of scores: one a query, or one for their mean.
    pub rows: Vec<BayesRow>,
}

impl Record for BayesRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// How the posterior was sampled, and whether its chains have mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplingRecord {
    /// Number of chains.
    pub chains: usize,
    /// Draws of each.
    pub draws: usize,
    /// Steps of each before the first draw.
    pub burn_in: usize,
    /// Steps between two draws.
    pub thinning: usize,
    /// The step size `eta`, of gradient descent on the cost.
    pub step_size: f64,
    /// The largest curvature that it was chosen by, damping included; none where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_curvature: Option<f64>,
    /// The localisation `gamma`.
    pub localisation: f64,
    /// The inverse temperature `nbeta`.
    pub inverse_temperature: f64,
    /// The mean training loss at the weights, in the record's unit.
    pub loss_at_weights: f64,
    /// Its mean over all draws.
    pub mean_loss: f64,
    /// How far the chains have mixed, by the mean training loss.
    pub convergence: Convergence,
    /// Whether they have, by that and by all that is measured.
    pub mixed: bool,
}

/// One row of scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BayesRow {
    /// Index of the test example; none for the mean over all.
    pub index: Option<usize>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// Its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<TargetValue>,
    /// What the model predicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<TargetValue>,
    /// What is measured at the weights, in its unit.
    pub at_weights: f64,
    /// Its mean over all draws.
    pub mean: f64,
    /// How far the chains have mixed, by what is measured.
    pub convergence: Convergence,
    /// The share of the scores that are twice their standard error or more.
    pub told_apart: f64,
    /// The scores beside influence with the matched damping, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub influence: Option<BayesAgreement>,
}

/// Bayesian influence beside influence with the matched damping, over all training examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BayesAgreement {
    /// Pearson's correlation, where both vary.
    pub pearson: Option<f64>,
    /// Spearman's correlation of the same.
    pub spearman: Option<f64>,
    /// Least-squares slope of the Bayesian scores on the others: 1 if the size is the same.
    pub slope: Option<f64>,
    /// How the system was solved.
    pub solve: SolveRecord,
}

impl BayesRow {
    /// What it is called.
    pub fn name(&self, mean_over: Option<usize>) -> String {
        match (self.index, mean_over) {
            (Some(index), _) => format!("query {index}"),
            (None, Some(examples)) => format!("the mean over {} test examples", count(examples)),
            (None, None) => "the mean over the test examples".into(),
        }
    }
}

impl BayesRecord {
    /// How far the scores can be believed, a sentence or more.
    pub fn verdict(&self) -> String {
        let mut sentences = vec![self.mixing()];
        let shares = self.rows.iter().map(|it| it.told_apart);
        let share = shares.sum::<f64>() / self.rows.len().max(1) as f64;
        sentences.push(format!(
            "{} of the scores are twice their standard error or more.",
            percent(share)
        ));
        sentences.extend(self.agreement());
        sentences.join(" ")
    }

    /// Whether the chains have mixed, and by what that is seen.
    fn mixing(&self) -> String {
        let all = self.rows.iter().map(|it| &it.convergence);
        let all: Vec<&Convergence> = all.chain([&self.sampling.convergence]).collect();
        let r_hat: Option<Vec<f64>> = all.iter().map(|it| it.r_hat).collect();
        let r_hat = r_hat.map(|all| all.into_iter().fold(0.0, f64::max));
        let sizes = all.iter().flat_map(|it| [it.bulk_ess, it.tail_ess]);
        let least = sizes.flatten().fold(f64::INFINITY, f64::min);
        let seen = match r_hat.filter(|it| it.is_finite()) {
            None => "R-hat of some quantity is not finite".to_owned(),
            Some(r_hat) => format!(
                "R-hat is {} at most and the effective sample size {least:.0} at least",
                // To the digits that it is judged by.
                (r_hat * 1e4).round() / 1e4
            ),
        };
        let chains = plural(self.sampling.chains, "chain");
        match self.sampling.mixed {
            true => format!("The {chains} have mixed: {seen}."),
            false => format!(
                "The {chains} have NOT mixed well: {seen}, where at most 1.01 and at least {} are asked for. Read these scores \
                 with care: take more draws, a longer burn-in or more steps between draws, or a higher localisation.",
                count(100 * self.sampling.chains)
            ),
        }
    }

    /// How the scores compare with influence.
    fn agreement(&self) -> Option<String> {
        let found = self.rows.iter().filter_map(|it| it.influence.as_ref());
        let both = found.filter_map(|it| Some((it.pearson?, it.spearman?)));
        let both: Vec<(f64, f64)> = both.collect();
        let count = both.len();
        let mean = |of: fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / count as f64;
        (count > 0).then(|| {
            format!(
                "Beside influence with the damping {}: Pearson {}, Spearman {}{}.",
                short(self.settings.damping.unwrap_or_default()),
                short(mean(|it| it.0)),
                short(mean(|it| it.1)),
                match count {
                    1 => String::new(),
                    count => format!(" in the mean over {count} queries"),
                }
            )
        })
    }
}
