//! The solutions of all queries' systems, solved for or from the folder.

use backdraft_curvature::{Cost, Damped};
use backdraft_influence::Choice;

use super::{
    CliError, args::Solving, choice::preconditioner, dampings::Dampings, network_run::NetworkRun,
    queries::QueryRows, run_folder::Solved, solve::QuerySystems,
};

impl NetworkRun<'_> {
    /// The solutions for the gradients of what is `measured` of the queries, with the curvature of `cost` and the first
    /// damping of all, from the folder where they are there; and what was chosen of preconditioners, if that was asked.
    pub fn solutions(
        &self,
        args: Solving,
        (cost, measured): (&Cost, &Cost),
        queries: &QueryRows,
        dampings: &Dampings,
    ) -> Result<(Vec<Solved>, Option<Choice>), CliError> {
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
            store: self.store.folder(),
            factors: None,
            passes: None,
            shown: true,
        };
        let matrix = Damped::new(&curvature, dampings.values[0]);
        let solved = |system| self.store.folder().solved(system, &matrix);
        let all = 0..systems.count();
        let open = all.clone().map(|system| Ok(solved(system)?.is_none()));
        systems.solve(&open.collect::<Result<Vec<_>, CliError>>()?)?;
        // As a later run finds them.
        let solved = all.map(solved).collect::<Result<Option<Vec<_>>, _>>()?;
        Ok((solved.unwrap_or_default(), choice))
    }
}
