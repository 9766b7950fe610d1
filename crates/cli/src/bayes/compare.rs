//! Influence with the matched damping, beside Bayesian influence.

use std::time::Instant;

use backdraft_curvature::Cost;
use backdraft_influence::{Choice, scores};
use backdraft_report::SolveRecord;

use super::run::BayesRun;
use crate::{CliError, dampings::Dampings, queries::QueryRows};

/// Scores by influence.
pub(super) struct Compared {
    /// A list a row, of all training examples, as the network is trained.
    pub scores: Vec<Vec<f64>>,
    /// How the system of each row was solved.
    pub solves: Vec<SolveRecord>,
    pub solving: f64,
    pub scoring: f64,
}

impl BayesRun<'_> {
    /// Solves for each row, or takes the solutions from the folder, and scores all training examples.
    pub(super) fn influence(
        &self,
        cost: &Cost,
        measured: &Cost,
        queries: &QueryRows,
        dampings: &Dampings,
    ) -> Result<(Compared, Option<Choice>), CliError> {
        let args = self.args.solving();
        let costs = (cost, measured);
        let (solved, choice) = self.network.solutions(args, costs, queries, dampings)?;
        let start = Instant::now();
        let values = solved.iter().map(|it| {
            let values = scores(cost, it.vector.clone())?.into_data();
            Ok(values.iter::<f64>().collect())
        });
        let compared = Compared {
            scores: values.collect::<Result<_, CliError>>()?,
            scoring: start.elapsed().as_secs_f64(),
            solving: solved.iter().map(|it| it.seconds).sum(),
            solves: solved.into_iter().map(|it| it.record).collect(),
        };
        Ok((compared, choice))
    }
}
