//! Influence with the matched damping, beside Bayesian influence.

use std::time::Instant;

use backdraft_curvature::{Cost, Damped};
use backdraft_influence::{Choice, scores};
use backdraft_report::SolveRecord;

use super::run::BayesRun;
use crate::{
    CliError, choice::preconditioner, dampings::Dampings, queries::QueryRows, solve::QuerySystems,
};

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
        let curvature = cost.gauss_newton();
        let (preconditioner, choice) =
            preconditioner(&args, &curvature, &dampings.values, queries.count())?;
        let systems = QuerySystems {
            args,
            curvature: &curvature,
            dampings: &dampings.values,
            preconditioner: &preconditioner,
            queries,
            measured,
            store: self.network.store.folder(),
        };
        let matrix = Damped::new(&curvature, dampings.values[0]);
        let solved = |system| self.network.store.folder().solved(system, &matrix);
        let all = 0..systems.count();
        let open = all.clone().map(|system| Ok(solved(system)?.is_none()));
        systems.solve(&open.collect::<Result<Vec<_>, CliError>>()?)?;
        // As a later run finds them.
        let solved = all.map(solved).collect::<Result<Option<Vec<_>>, _>>()?;
        let solved = solved.unwrap_or_default();
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
