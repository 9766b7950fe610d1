//! The linear systems of `explain`.

use backdraft_curvature::{Cost, Damped, GaussNewton, Loss};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver,
};

use super::{
    CliError,
    args::{Explain, SolverName},
    half::TOLERANCE,
    progress::{self, say, warn},
};

/// Solves for the gradient of every query.
pub(super) fn solve<L: Loss>(
    args: &Explain,
    matrix: &Damped<GaussNewton<L>>,
    queries: &[usize],
    costs: &[Cost<L>],
) -> Result<Vec<Solution>, CliError> {
    let solver: Box<dyn Solver> = match args.solver {
        SolverName::Cg => {
            let config = ConjugateGradientConfig {
                tolerance: args.products.half().map(|_| TOLERANCE),
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Direct => Box::new(DirectConfig::default().init()?),
        SolverName::Lissa => {
            let config = LissaConfig {
                depth: args.depth,
                repeats: args.repeats,
                scale: args.scale.map_or(Scale::Auto, Scale::Fixed),
                seed: args.seed,
                ..Default::default()
            };
            Box::new(config.init()?)
        }
    };
    let bar = progress::bar("solving", queries.len() as u64);
    let ready = solver.prepare(matrix)?;
    let mut solutions = Vec::new();
    // LiSSA shares its batches among all; the others are done one after another.
    let at_once = match args.solver {
        SolverName::Lissa => queries.len().max(1),
        SolverName::Cg | SolverName::Direct => 1,
    };
    for (queries, costs) in queries.chunks(at_once).zip(costs.chunks(at_once)) {
        let gradients = costs.iter().map(Cost::gradient);
        let found = ready.solve_many(gradients.collect::<Result<_, _>>()?)?;
        for (query, found) in queries.iter().zip(found) {
            let solution = match found {
                Ok(solution) => solution,
                // The verification tells how good its scores are all the same; the record says that it did not converge.
                Err(SolveError::NotConverged { solution, remedy }) => {
                    bar.suspend(|| {
                        warn(format_args!(
                            "query {query} is not solved to the tolerance: {remedy}"
                        ));
                    });
                    *solution
                }
                Err(error) => return Err(error.into()),
            };
            let info = &solution.info;
            bar.suspend(|| {
                say(format_args!(
                    "query {query}: {} with relative residual {:.1e} after {:.0} products",
                    info.solver, info.true_residual, info.products
                ));
            });
            bar.inc(1);
            solutions.push(solution);
        }
    }
    bar.finish_and_clear();
    Ok(solutions)
}
