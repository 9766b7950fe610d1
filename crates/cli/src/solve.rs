//! The linear systems of `explain`.

use std::{cell::Cell, time::Instant};

use backdraft_curvature::{Cost, CountedOperator, Curvature, Damped};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver,
};
use burn::tensor::Tensor;

use super::{
    CliError,
    args::{Explain, Precision, SolverName},
    explain::{Solved, Store},
    mixed_precision::TOLERANCE,
    progress::{Bar, say, warn},
};
use backdraft_report::SolveRecord;

/// LiSSA's recursion steps and repeats, where no option says otherwise.
pub(super) const DEPTH: usize = 1000;
pub(super) const REPEATS: usize = 10;

/// What the options have against a residual that is too large.
fn remedy(args: &Explain) -> &'static str {
    match (args.solver(), args.precision()) {
        (SolverName::Lissa, _) => "raise --depth, --repeats or --damping, or take --solver cg",
        (_, Precision::F32) => "raise --damping or --tolerance, or take --precision f64",
        (_, Precision::F64) => "raise --damping or --tolerance",
    }
}

/// Solves for the gradient of each of `queries`, its row in `measured` and its index, and keeps the solutions.
pub(super) fn solve(
    args: &Explain,
    matrix: &Damped<Curvature>,
    queries: &[(usize, usize)],
    measured: &Cost,
    store: &Store,
) -> Result<(), CliError> {
    if queries.is_empty() {
        return Ok(());
    }
    let bar = Bar::new("solving", queries.len() as u64);
    let mut start = Instant::now();
    let solver = solver(args)?;
    let products = Cell::new(0);
    let watched = CountedOperator::new(matrix, |count| {
        products.set(products.get() + count);
        bar.message(format!("{} products", products.get()));
    });
    let ready = solver.prepare(&watched)?;
    // LiSSA shares its batches among all; the others are done one after another.
    let at_once = match args.solver() {
        SolverName::Lissa => queries.len(),
        SolverName::Cg | SolverName::Direct => 1,
    };
    for queries in queries.chunks(at_once) {
        let gradients = queries
            .iter()
            .map(|(row, _)| Ok(measured.select(&[*row])?.gradient()?));
        let gradients = gradients.collect::<Result<Vec<_>, CliError>>()?;
        for ((_, query), gradient) in queries.iter().zip(&gradients) {
            bar.aside(|| tell_small(*query, gradient, args.precision()));
        }
        let found = ready.solve_many(gradients)?;
        let seconds = start.elapsed().as_secs_f64() / queries.len() as f64;
        for (&(row, query), found) in queries.iter().zip(found) {
            let solution = bar.aside(|| told(args, query, found))?;
            bar.inc(1);
            store.keep_solved(row, &solved(solution, seconds))?;
        }
        start = Instant::now();
    }
    Ok(())
}

/// The solution for a query, which is said. One that did not converge has a warning: the verification tells how good
/// its scores are all the same, and the record says so.
fn told(
    args: &Explain,
    query: usize,
    found: Result<Solution, SolveError>,
) -> Result<Solution, CliError> {
    let solution = match found {
        Ok(solution) => solution,
        Err(SolveError::NotConverged { solution, .. }) => {
            warn(format_args!(
                "query {query} is not solved to the tolerance: its residual is {:.1e}, above {:.1e}; {}",
                solution.info.true_residual,
                solution.info.tolerance,
                remedy(args)
            ));
            *solution
        }
        Err(error) => return Err(error.into()),
    };
    let info = &solution.info;
    say(format_args!(
        "query {query}: {} with relative residual {:.1e} after {:.0} products",
        info.solver, info.true_residual, info.products
    ));
    Ok(solution)
}

/// Warns of a query whose gradient is at the end of what numbers can be, so that its scores have few digits, or are 0.
fn tell_small(query: usize, gradient: &Tensor<1>, precision: Precision) {
    let largest = gradient.clone().abs().max().into_scalar::<f64>();
    let (least, remedy) = match precision {
        Precision::F32 => (
            f64::from(f32::MIN_POSITIVE / f32::EPSILON),
            "; --precision f64 has more",
        ),
        Precision::F64 => (f64::MIN_POSITIVE / f64::EPSILON, ""),
    };
    if largest < least {
        warn(format_args!(
            "query {query}: the largest number of its gradient is {largest:.1e}, where {} ends: its scores have few digits, or are 0{remedy}",
            precision.name()
        ));
    }
}

fn solver(args: &Explain) -> Result<Box<dyn Solver>, CliError> {
    Ok(match args.solver() {
        SolverName::Cg => {
            let config = ConjugateGradientConfig {
                tolerance: args
                    .solver
                    .tolerance
                    .or_else(|| args.products.half().map(|_| TOLERANCE)),
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Direct => {
            let config = DirectConfig {
                tolerance: args.solver.tolerance,
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Lissa => {
            let default = LissaConfig::default();
            let config = LissaConfig {
                tolerance: args.solver.tolerance.unwrap_or(default.tolerance),
                depth: args.solver.depth.unwrap_or(DEPTH),
                repeats: args.solver.repeats.unwrap_or(REPEATS),
                scale: args.solver.scale.map_or(Scale::Auto, Scale::Fixed),
                seed: args.run.compute.seed,
                ..default
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
