//! How far scores can be trusted: held against what the network's response to removals really does.

use backdraft_influence::{
    Minimum, ResponseError,
    response::{Removal, ResponseKind, Responses, Stop},
    statistics::{pearson, spearman},
};
use burn::{config::Config, tensor::DType};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{AttributionError, Influence, Matrix, Scores};

/// The gradient, relative to the one at the start, that a response can reach in 32 bits.
const SINGLE: f64 = 0.1;

/// Settings of [`Influence::verify`].
#[derive(Config, Debug, PartialEq)]
pub struct VerifyConfig {
    /// Training examples whose removal is followed: half of them those of the largest scores for any query, half drawn
    /// at random.
    #[config(default = 10)]
    pub removals: usize,
    /// Seed of those drawn.
    #[config(default = 0)]
    pub seed: u64,
    /// Most steps of a response.
    #[config(default = 2_000)]
    pub max_steps: usize,
}

/// Scores beside the changes that they predict.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// The examples removed, one after another, each by itself.
    pub removed: Vec<usize>,
    /// The scores, for each of them one a row of scores.
    pub predicted: Vec<Vec<f64>>,
    /// The change of what is measured under the response, alike.
    pub found: Vec<Vec<f64>>,
    /// Examples whose response could not be found, and why; they are not among the removed.
    pub failed: Vec<(usize, String)>,
}

impl Verification {
    /// Pearson's correlation of all predicted and found changes; `None` if there are fewer than two, or no variation.
    pub fn pearson(&self) -> Option<f64> {
        pearson(&self.predicted.concat(), &self.found.concat())
    }

    /// The rank correlation of all predicted and found changes, alike.
    pub fn spearman(&self) -> Option<f64> {
        spearman(&self.predicted.concat(), &self.found.concat())
    }
}

impl Influence {
    /// Holds `scores` against the response of the network to the removal of some training examples: the proximal
    /// Bregman response function with the damping as the proximal strength, which influence functions approximate to
    /// first order (Bae et al. 2022, Eqns 8 and 10), or for the Hessian the proximal response (Eqn 7), less what it
    /// does without any removal. Each response is a minimisation over the training set. A network in 64 bits lets
    /// changes of losses be told that 32 bits round away.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for no removals; [`AttributionError::Unverified`] if no response could be found;
    /// [`AttributionError::Response`].
    pub fn verify(
        &self,
        scores: &Scores,
        config: &VerifyConfig,
    ) -> Result<Verification, AttributionError> {
        let removals = self.removals(scores, config)?;
        let responses = Responses::new(&self.train, self.config.damping)?;
        let before = match self.kind() {
            // Its minimum is the trained network itself.
            ResponseKind::Bregman => measured(scores, None)?,
            _ => {
                let training_on = self.respond(&responses, Removal::none(), config)?;
                measured(scores, Some(training_on))?
            }
        };
        let rows = (0..before.len()).map(|row| scores.of(row));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let mut verification = Verification::default();
        let mut first = None;
        for &example in &removals {
            let removal = Removal::of(vec![example], self.train.len());
            match self.respond(&responses, removal, config) {
                Ok(minimum) => {
                    let after = measured(scores, Some(minimum))?;
                    let pairs = after.iter().zip(&before);
                    let found = pairs.map(|(after, before)| after - before);
                    let predicted = rows.iter().map(|row| row[example]);
                    verification.removed.push(example);
                    verification.found.push(found.collect());
                    verification.predicted.push(predicted.collect());
                }
                Err(error) => {
                    verification.failed.push((example, error.to_string()));
                    first.get_or_insert((example, error));
                }
            }
        }
        match first {
            Some((example, source)) if verification.removed.is_empty() => {
                let removals = removals.len();
                Err(AttributionError::Unverified {
                    removals,
                    example,
                    source,
                })
            }
            _ => Ok(verification),
        }
    }

    /// The response that scores are held against.
    fn kind(&self) -> ResponseKind {
        match self.config.matrix {
            Matrix::Hessian => ResponseKind::Proximal,
            Matrix::GaussNewton | Matrix::Fisher | Matrix::EmpiricalFisher => ResponseKind::Bregman,
        }
    }

    fn respond(
        &self,
        responses: &Responses,
        removal: Removal,
        config: &VerifyConfig,
    ) -> Result<Minimum, ResponseError> {
        let tolerance = match self.dtype() {
            DType::F64 => 1e-4,
            _ => SINGLE,
        };
        let stop = Stop {
            tolerance,
            decrease: 1e-6,
            max_steps: config.max_steps,
        };
        let objective = responses.objective(self.kind(), removal)?;
        objective.minimize(responses.theta().clone(), stop)
    }

    /// The examples of the largest scores, then some drawn at random.
    fn removals(
        &self,
        scores: &Scores,
        config: &VerifyConfig,
    ) -> Result<Vec<usize>, AttributionError> {
        let n = self.train.len();
        if config.removals == 0 {
            return Err(AttributionError::Setting {
                name: "removals",
                problem: "is 0, must be at least 1".into(),
            });
        }
        let count = config.removals.min(n);
        let largest = scores.values().abs().max_dim(0).try_into_vec_as::<f64>()?;
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| largest[b].total_cmp(&largest[a]));
        let (strongest, others) = order.split_at_mut(count.div_ceil(2));
        others.shuffle(&mut ChaCha8Rng::seed_from_u64(config.seed));
        Ok([strongest, &mut others[..count / 2]].concat())
    }
}

/// What is measured, one number a row of scores, at other parameters if there are any.
fn measured(scores: &Scores, at: Option<Minimum>) -> Result<Vec<f64>, AttributionError> {
    let losses = match at {
        Some(minimum) => scores.queries.at(minimum.theta)?.losses()?,
        None => scores.queries.losses()?,
    };
    let losses = match scores.mean {
        true => losses.mean(),
        false => losses,
    };
    Ok(losses.try_into_vec_as::<f64>()?)
}
