//! The linear systems of `explain`.

use std::{cell::Cell, time::Instant};

use backdraft_curvature::{Cost, Damped, GaussNewton, Loss};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver,
};

use super::{
    CliError,
    args::{Explain, SolverName},
    explain::{Solved, Store},
    half::TOLERANCE,
    progress::{Bar, say, warn},
    watched::Watched,
};
use crate::output::SolveRecord;

/// Solves for the gradient of each of `queries`, its row in `measured` and its index, and keeps the solutions.
pub(super) fn solve<L: Loss>(
    args: &Explain,
    matrix: &Damped<GaussNewton<L>>,
    queries: &[(usize, usize)],
    measured: &Cost<L>,
    store: &Store,
) -> Result<(), CliError> {
    if queries.is_empty() {
        return Ok(());
    }
    let bar = Bar::new("solving", queries.len() as u64);
    let mut start = Instant::now();
    let solver = solver(args)?;
    let products = Cell::new(0);
    let watched = Watched::new(matrix, |count| {
        products.set(products.get() + count);
        bar.message(format!("{} products", products.get()));
    });
    let ready = solver.prepare(&watched)?;
    // LiSSA shares its batches among all; the others are done one after another.
    let at_once = match args.solver {
        SolverName::Lissa => queries.len(),
        SolverName::Cg | SolverName::Direct => 1,
    };
    for queries in queries.chunks(at_once) {
        let gradients = queries
            .iter()
            .map(|(row, _)| Ok(measured.select(&[*row])?.gradient()?));
        let found = ready.solve_many(gradients.collect::<Result<_, CliError>>()?)?;
        let seconds = start.elapsed().as_secs_f64() / queries.len() as f64;
        for (&(row, query), found) in queries.iter().zip(found) {
            let solution = match found {
                Ok(solution) => solution,
                // The verification tells how good its scores are all the same; the record says that it did not converge.
                Err(SolveError::NotConverged { solution, remedy }) => {
                    bar.aside(|| {
                        warn(format_args!(
                            "query {query} is not solved to the tolerance: {remedy}"
                        ));
                    });
                    *solution
                }
                Err(error) => return Err(error.into()),
            };
            let info = &solution.info;
            bar.aside(|| {
                say(format_args!(
                    "query {query}: {} with relative residual {:.1e} after {:.0} products",
                    info.solver, info.true_residual, info.products
                ));
            });
            bar.inc(1);
            store.keep_solved(row, &solved(solution, seconds))?;
        }
        start = Instant::now();
    }
    Ok(())
}

fn solver(args: &Explain) -> Result<Box<dyn Solver>, CliError> {
    Ok(match args.solver {
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
    })
}

fn solved(solution: Solution, seconds: f64) -> Solved {
    let Solution { vector, info } = solution;
    let record = SolveRecord {
        converged: info.converged,
        iterations: info.iterations,
        true_residual: info.true_residual,
        residuals: info.residuals,
    };
    Solved {
        vector,
        record,
        seconds,
    }
}
