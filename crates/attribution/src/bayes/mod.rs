//! Bayesian influence of a trained network's examples on any measurement.

mod chains;
mod kept;

use backdraft_curvature::IntoRows;
use backdraft_influence::{
    LissaConfig,
    bayes::{BayesianInfluence, BayesianScores, SgldConfig},
};

use crate::{AttributionError, Influence, Measurement};

pub use chains::ChainStore;

impl Influence {
    /// The settings of Bayesian influence of which this influence is the first order, as far as the curvature is the
    /// Hessian: an inverse temperature of the number of examples, the localisation that belongs to the damping, and
    /// steps of half the inverse of the largest curvature, which is found by products with the damped matrix. All else
    /// needs none: [`SgldConfig::new`] takes any localisation and step size.
    ///
    /// # Errors
    /// [`AttributionError::Solve`] if the largest curvature cannot be found.
    pub fn bayesian_config(&self) -> Result<SgldConfig, AttributionError> {
        let all = LissaConfig {
            batch_size: self.train.len(),
            ..LissaConfig::default()
        };
        // Twice the largest eigenvalue.
        let scale = all.init()?.scale(self.matrix())?;
        let (damping, examples) = (self.config.damping, self.train.len());
        Ok(SgldConfig::matching(damping, examples, 1.0 / scale))
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
