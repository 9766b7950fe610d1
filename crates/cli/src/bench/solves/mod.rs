//! `backdraft bench solves`: how many products and seconds it takes to solve for all queries.

mod args;
mod lockstep;
mod workload;

use std::{cell::Cell, num::NonZeroUsize, time::Instant};

use backdraft_curvature::{CountedOperator, Damped, LinearOperator};
use backdraft_influence::{
    ConjugateGradient, ConjugateGradientConfig, Solution, SolveError, Solver,
};
use serde_json::json;

use self::args::SolveMethod;
pub(crate) use self::args::{SolveWorkload, Solves};
pub(super) use self::workload::LoadedProblem;
use super::start_threads;
use crate::{
    CliError,
    args::{Precision, PreconditionerName, Rank},
    choice,
    progress::say,
};

/// Runs `backdraft bench solves`.
pub(crate) fn solves(args: &Solves) -> Result<(), CliError> {
    for &method in &args.methods {
        for &preconditioner in &args.preconditioners {
            check(method, preconditioner)?;
        }
    }
    start_threads(args.threads.get())?;
    let opened = args.compute.device.open()?;
    args.precision.check(&opened)?;
    let (queries, dtype) = (args.queries.map(Into::into), args.precision.dtype());
    let load = |workload: &SolveWorkload| {
        let loaded = workload.load(&args.from, queries, &opened.device, dtype)?;
        Ok((*workload, loaded))
    };
    let workloads = args.workloads.iter().map(load);
    let workloads: Vec<_> = workloads.collect::<Result<_, CliError>>()?;
    if !args.json {
        say(format_args!(
            "device {}, {} threads, {}",
            opened.name,
            args.threads,
            args.precision.name()
        ));
        say("workload method   preconditioner damping  block products  seconds  true residual");
    }
    for (workload, loaded) in workloads {
        let damping = match args.damping.as_slice() {
            [] => workload.damping(),
            given => given,
        };
        for &method in &args.methods {
            let each: Vec<&[f64]> = match method {
                SolveMethod::Path => vec![damping],
                _ => damping.chunks(1).collect(),
            };
            for dampings in each {
                for &preconditioner in &args.preconditioners {
                    let case = Case {
                        workload,
                        dampings: falling(dampings),
                        method,
                        preconditioner,
                    };
                    let measured = measure(args, &loaded, &case)?;
                    report(args, &case, &measured);
                }
            }
        }
    }
    Ok(())
}

/// What is measured.
struct Case {
    workload: SolveWorkload,
    /// From the largest to the least.
    dampings: Vec<f64>,
    method: SolveMethod,
    preconditioner: PreconditionerName,
}

impl Case {
    /// That which is told.
    fn damping(&self) -> f64 {
        self.dampings[self.dampings.len() - 1]
    }
}

/// Refuses a preconditioner of a method that goes without.
fn check(method: SolveMethod, preconditioner: PreconditionerName) -> Result<(), CliError> {
    let goes_without = match method {
        SolveMethod::Lockstep | SolveMethod::Path => preconditioner != PreconditionerName::None,
        SolveMethod::Single => preconditioner == PreconditionerName::Recycled,
        SolveMethod::Later => preconditioner == PreconditionerName::Auto,
        SolveMethod::Block => false,
    };
    if !goes_without {
        return Ok(());
    }
    Err(CliError::Option {
        option: "--preconditioners",
        problem: format!(
            "{} is not what --methods {} goes with: leave one of the two out",
            preconditioner.name(),
            method.name()
        ),
    })
}

fn falling(dampings: &[f64]) -> Vec<f64> {
    let mut dampings = dampings.to_vec();
    dampings.sort_by(|a, b| b.total_cmp(a));
    dampings
}

/// All queries solved once.
struct SolveCost {
    block_products: f64,
    seconds: f64,
    /// The largest of all queries.
    true_residual: f64,
}

fn measure(args: &Solves, loaded: &LoadedProblem, case: &Case) -> Result<SolveCost, CliError> {
    let tolerance = args.tolerance.unwrap_or(match args.precision {
        Precision::F32 => 1e-5,
        Precision::F64 => 1e-8,
    });
    let config = ConjugateGradientConfig {
        tolerance: Some(tolerance),
        block_size: match case.method {
            SolveMethod::Single => Some(1),
            SolveMethod::Block => args.block.map(NonZeroUsize::get),
            _ => None,
        },
        preconditioner: case
            .preconditioner
            .with(Some(Rank::Of(args.rank)), args.compute.seed)
            .unwrap_or_default(),
        ..ConjugateGradientConfig::default()
    };
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        runs.push(run(args, loaded, case, config.clone(), tolerance)?);
    }
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(runs.swap_remove(runs.len() / 2))
}

/// Queries that come later.
const LATER: usize = 10;

/// From the matrix to the last solution, as somebody would who has trained.
fn run(
    args: &Solves,
    loaded: &LoadedProblem,
    case: &Case,
    config: ConjugateGradientConfig,
    tolerance: f64,
) -> Result<SolveCost, CliError> {
    let mut gradients = loaded.gradients()?;
    let mut start = Instant::now();
    let matrix = loaded.train.gauss_newton();
    let products = Cell::new(0);
    let counted = CountedOperator::new(&matrix, |count| products.set(products.get() + count));
    let damped = Damped::new(&counted, case.damping());
    let mut queries = gradients.len();
    let solver = solver(args, case, config, &damped, queries)?;
    let true_residual = match case.method {
        SolveMethod::Path => {
            let path = solver.solve_path(&counted, gradients, &case.dampings)?;
            worst(path.into_iter().flatten())?
        }
        SolveMethod::Lockstep => lockstep::solve(&damped, gradients, tolerance)?,
        SolveMethod::Single | SolveMethod::Block => {
            worst(solver.prepare(&damped)?.solve_many(gradients)?)?
        }
        SolveMethod::Later => {
            let later = gradients.split_off(queries.saturating_sub(LATER).max(1));
            queries = later.len().max(1);
            let inverse = solver.prepare(&damped)?;
            worst(inverse.solve_many(gradients)?)?;
            products.set(0);
            start = Instant::now();
            worst(later.into_iter().map(|rhs| inverse.solve(rhs)))?
        }
    };
    Ok(SolveCost {
        block_products: f64::from(products.get() as u32) / queries as f64,
        seconds: start.elapsed().as_secs_f64(),
        true_residual,
    })
}

/// With these settings, and with the preconditioner that they choose where one is to be chosen, which is said.
fn solver(
    args: &Solves,
    case: &Case,
    config: ConjugateGradientConfig,
    matrix: &dyn LinearOperator,
    queries: usize,
) -> Result<ConjugateGradient, CliError> {
    let solver = config.clone().init()?;
    if case.preconditioner != PreconditionerName::Auto {
        return Ok(solver);
    }
    let seed = args.compute.seed;
    let choice = solver.choose_preconditioner(matrix, queries, queries, seed)?;
    if !args.json {
        say(choice::words(&choice));
    }
    let preconditioner = choice.preconditioner;
    let chosen = ConjugateGradientConfig {
        preconditioner,
        ..config
    };
    Ok(chosen.init()?)
}

/// The largest true residual.
fn worst(found: impl IntoIterator<Item = Result<Solution, SolveError>>) -> Result<f64, CliError> {
    let mut worst: f64 = 0.0;
    for solution in found {
        let solution = match solution {
            Err(SolveError::NotConverged { solution, .. }) => *solution,
            other => other?,
        };
        worst = worst.max(solution.info.true_residual);
    }
    Ok(worst)
}

fn report(args: &Solves, case: &Case, measured: &SolveCost) {
    let SolveCost {
        block_products,
        seconds,
        true_residual,
    } = measured;
    if args.json {
        return say(json!({
            "workload": case.workload.name(),
            "method": case.method.name(),
            "preconditioner": case.preconditioner.name(),
            "damping": case.damping(),
            "block_products": block_products,
            "seconds": seconds,
            "true_residual": true_residual,
            "precision": args.precision.name(),
        }));
    }
    say(format_args!(
        "{:8} {:8} {:14} {:<8} {block_products:14.1} {seconds:8.2}  {true_residual:.1e}",
        case.workload.name(),
        case.method.name(),
        case.preconditioner.name(),
        case.damping()
    ));
}
