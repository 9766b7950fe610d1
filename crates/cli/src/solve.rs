//! The linear systems of `explain`.

use std::{cell::Cell, time::Instant};

use backdraft_curvature::{Cost, CountedOperator, Curvature, Damped, LinearOperator};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver,
};
use burn::tensor::Tensor;

use super::{
    CliError,
    args::{Explain, Precision, SolverName},
    explain::{ExplainFolder, Solved},
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

/// Queries that are solved for as one block.
const BLOCK: usize = 128;

/// Solves for the gradient of each of `queries`, whose rows in `measured` are in the same order, where `open` says that
/// there is no solution yet, and keeps the solutions.
pub(super) fn solve(
    args: &Explain,
    matrix: &Damped<Curvature>,
    queries: &[usize],
    open: &[bool],
    measured: &Cost,
    store: &ExplainFolder,
) -> Result<(), CliError> {
    let unsolved = open.iter().filter(|open| **open).count();
    if unsolved == 0 {
        return Ok(());
    }
    let bar = Bar::new("solving", unsolved as u64);
    let solver = solver(args)?;
    let products = Cell::new(0);
    let counted = CountedOperator::new(matrix, |count| {
        products.set(products.get() + count);
        bar.message(format!("{} products", products.get()));
    });
    let mut start = Instant::now();
    let inverse = solver.prepare(&counted)?;
    if let Some(text) = inverse.describe() {
        bar.aside(|| say(text));
    }
    for rows in together(args.solver(), open) {
        let gradients = rows
            .iter()
            .map(|&row| Ok(measured.select(&[row])?.gradient()?));
        let gradients = gradients.collect::<Result<Vec<_>, CliError>>()?;
        for (&row, gradient) in rows.iter().zip(&gradients).filter(|(row, _)| open[**row]) {
            bar.aside(|| tell_small(queries[row], gradient, args.precision()));
        }
        let found = inverse.solve_many(gradients)?;
        let seconds = start.elapsed().as_secs_f64() / rows.len() as f64;
        for (&row, found) in rows.iter().zip(found).filter(|(row, _)| open[**row]) {
            let solution = bar.aside(|| told(args, queries[row], found))?;
            bar.inc(1);
            store.keep_solved(row, &solved(solution, seconds))?;
        }
        start = Instant::now();
    }
    Ok(())
}

/// The rows that are solved at once, those that have to be: LiSSA shares its batches among all. In which numbers
/// conjugate gradients solve for a query depends on the others of its block: a run that goes on solves the same block.
fn together(solver: SolverName, open: &[bool]) -> Vec<Vec<usize>> {
    let unsolved = || (0..open.len()).filter(|&row| open[row]);
    match solver {
        SolverName::Lissa => vec![unsolved().collect()],
        SolverName::Direct => unsolved().map(|row| vec![row]).collect(),
        _ => {
            let rows: Vec<usize> = (0..open.len()).collect();
            let blocks = rows.chunks(BLOCK);
            let blocks = blocks.filter(|rows| rows.iter().any(|&row| open[row]));
            blocks.map(<[usize]>::to_vec).collect()
        }
    }
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
    let closed_form = args
        .solver
        .closed_form(args.solver(), args.run.compute.seed);
    if let Some(config) = closed_form {
        return Ok(config.init()?);
    }
    Ok(match args.solver() {
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
        _ => {
            let config = ConjugateGradientConfig {
                tolerance: args
                    .solver
                    .tolerance
                    .or_else(|| args.products.half().map(|_| TOLERANCE)),
                preconditioner: args
                    .solver
                    .preconditioner(args.run.compute.seed)
                    .unwrap_or_default(),
                ..Default::default()
            };
            Box::new(config.init()?)
        }
    })
}

/// Solves on for `gradient`, to a tenth of the residual so far, from the solution `solved`. `None` where rounding does
/// not let the residual fall any more.
pub(super) fn solve_on(
    matrix: &Damped<Curvature>,
    gradient: Tensor<1>,
    solved: &Solved,
) -> Result<Option<Solved>, CliError> {
    let start = Instant::now();
    let before = solved.record.true_residual;
    let precision = matrix
        .dtype()
        .finfo()
        .map_or(f64::INFINITY, |it| it.epsilon);
    let tolerance = 0.1 * before;
    if tolerance < precision {
        return Ok(None);
    }
    let config = ConjugateGradientConfig {
        tolerance: Some(tolerance),
        ..Default::default()
    };
    let found = config
        .init()?
        .solve_from(matrix, gradient, solved.vector.clone());
    let mut solution = match found {
        Err(SolveError::NotConverged { solution, .. }) => *solution,
        found => found?,
    };
    if solution.info.true_residual > 0.5 * before {
        return Ok(None);
    }
    solution.info.converged |= solved.record.converged;
    solution.info.iterations += solved.record.iterations;
    let mut residuals = solved.record.residuals.clone();
    residuals.append(&mut solution.info.residuals);
    solution.info.residuals = residuals;
    let seconds = solved.seconds + start.elapsed().as_secs_f64();
    Ok(Some(self::solved(solution, seconds)))
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
