//! Bayesian influence of a trained network's examples on any measurement.

mod chains;
mod kept;

use backdraft_curvature::{Cost, IntoRows};
use backdraft_influence::{
    LissaConfig,
    bayes::{BayesError, BayesianInfluence, BayesianScores, SgldConfig},
};

use crate::{AttributionError, Influence, Measurement};

pub use chains::ChainStore;

/// Steps after which a chain's curvature is looked at, and how often at most.
const WARM_UP: usize = 200;
const ROUNDS: usize = 5;
/// What the curvature may have grown by to count as the same.
const SAME: f64 = 1.25;
/// What it is taken to have grown by where a chain diverges.
const DIVERGED: f64 = 4.0;

impl Influence {
    /// The settings of Bayesian influence of which this influence is the first order, as far as the curvature is the
    /// Hessian: an inverse temperature of the number of examples, the localisation that belongs to the damping, and
    /// steps of the [`bayesian_step_size`](Self::bayesian_step_size). [`SgldConfig::new`] takes any localisation and
    /// step size, without any curvature.
    ///
    /// # Errors
    /// As [`bayesian_step_size`](Self::bayesian_step_size); [`AttributionError::Bayes`] for a damping of 0.
    pub fn bayesian_config(&self) -> Result<SgldConfig, AttributionError> {
        let config = SgldConfig::matching(self.config.damping, self.train.len(), 1.0);
        let step_size = self.bayesian_step_size(&config)?;
        Ok(SgldConfig {
            step_size,
            ..config
        })
    }

    /// A step size for chains of `config`, whatever it says of that: half the inverse of the largest curvature, damping
    /// included, a quarter of the longest that is stable. The curvature is that of this influence's matrix at the
    /// trained parameters, or where a chain comes to within 200 steps, if it is larger there, as where a network that
    /// fits all its examples is warmed: found by products with vectors.
    ///
    /// # Errors
    /// [`AttributionError::Bayes`] for settings that make no sense; [`AttributionError::Solve`] if the largest
    /// curvature cannot be found.
    pub fn bayesian_step_size(&self, config: &SgldConfig) -> Result<f64, AttributionError> {
        let examples = self.train.len() as f64;
        let damping = config.localisation / config.inverse_temperature.unwrap_or(examples);
        let one = self.train.select(&[0])?;
        let mut curvature = self.largest_curvature(&self.train, damping)?;
        for _ in 0..ROUNDS {
            let tried = SgldConfig {
                step_size: 0.5 / curvature,
                burn_in: WARM_UP,
                thinning: WARM_UP,
                ..config.clone()
            };
            let chains = BayesianInfluence::new(&self.train, &one, true, &tried)?;
            let mut state = chains.chain(0);
            let found = match chains.advance(&mut state) {
                Err(BayesError::Diverged { .. }) => DIVERGED * curvature,
                done => {
                    done?;
                    self.largest_curvature(&self.train.at(state.theta)?, damping)?
                }
            };
            if found <= SAME * curvature {
                break;
            }
            curvature = found;
        }
        Ok(0.5 / curvature)
    }

    /// The largest eigenvalue of the matrix of `cost`, damped.
    fn largest_curvature(&self, cost: &Cost, damping: f64) -> Result<f64, AttributionError> {
        let all = LissaConfig {
            batch_size: cost.len(),
            ..LissaConfig::default()
        };
        let matrix = self.config.matrix.of(cost).damped(damping);
        // Twice that.
        Ok(0.5 * all.init()?.scale(&matrix)?)
    }

    /// Bayesian influence of all training examples on what is measured of the queries `inputs`: a row a query, one a
    /// query and output ([`Measurement::outputs`]), or one for their mean. No system is solved, and the matrix and
    /// damping of this influence do not matter.
    ///
    /// # Errors
    /// [`AttributionError::Bayes`] for settings that make no sense; [`AttributionError::Curvature`] for queries that
    /// are not what the network reads.
    pub fn bayesian(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
        config: &SgldConfig,
    ) -> Result<BayesianInfluence, AttributionError> {
        let queries = measurement.cost(&self.train, inputs)?;
        let mean = measurement.is_mean();
        Ok(BayesianInfluence::new(&self.train, &queries, mean, config)?)
    }

    /// The scores that its chains come to, sampled here and now, with their standard errors and what tells whether the
    /// chains have mixed: the predicted change of what is measured, in the mean over the local posterior, when an
    /// example is *removed*, in the units of what is measured and with the factor `1/N`, as
    /// [`scores`](Self::scores). A [`ChainStore`] keeps long chains on the way.
    ///
    /// # Errors
    /// As [`bayesian`](Self::bayesian), and [`BayesianInfluence::advance`].
    pub fn bayesian_scores(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
        config: &SgldConfig,
    ) -> Result<BayesianScores, AttributionError> {
        Ok(self.bayesian(measurement, inputs, config)?.run()?)
    }
}
