//! `backdraft bench solves`: how many products and seconds it takes to solve for all queries.

mod args;
mod workload;

use std::{cell::Cell, time::Instant};

use backdraft_curvature::CountedOperator;
use backdraft_influence::{ConjugateGradientConfig, Solution, SolveError, Solver};
use serde_json::json;

use self::args::SolveMethod;
pub(crate) use self::args::{SolveWorkload, Solves};
pub(super) use self::workload::LoadedProblem;
use super::start_threads;
use crate::{
    CliError,
    args::{Precision, PreconditionerName},
    progress::say,
};

/// Runs `backdraft bench solves`.
pub(crate) fn solves(args: &Solves) -> Result<(), CliError> {
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
        say("workload method preconditioner damping  block products  seconds  true residual");
    }
    for (workload, loaded) in workloads {
        let damping = match args.damping.as_slice() {
            [] => workload.damping(),
            given => given,
        };
        for &damping in damping {
            for &method in &args.methods {
                for &preconditioner in &args.preconditioners {
                    let measured = measure(args, &loaded, damping, method, preconditioner)?;
                    report(args, workload, damping, method, preconditioner, &measured);
                }
            }
        }
    }
    Ok(())
}

/// All queries solved once.
struct SolveCost {
    block_products: f64,
    seconds: f64,
    /// The largest of all queries.
    true_residual: f64,
}

fn measure(
    args: &Solves,
    loaded: &LoadedProblem,
    damping: f64,
    method: SolveMethod,
    preconditioner: PreconditionerName,
) -> Result<SolveCost, CliError> {
    let config = ConjugateGradientConfig {
        tolerance: Some(args.tolerance.unwrap_or(match args.precision {
            Precision::F32 => 1e-5,
            Precision::F64 => 1e-8,
        })),
        block_size: (method == SolveMethod::Single).then_some(1),
        preconditioner: preconditioner.with(Some(args.rank), args.compute.seed),
        ..ConjugateGradientConfig::default()
    };
    let solver = config.init()?;
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        runs.push(run(loaded, damping, &solver)?);
    }
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    Ok(runs.swap_remove(runs.len() / 2))
}

/// From the matrix to the last solution, as somebody would who has trained.
fn run(loaded: &LoadedProblem, damping: f64, solver: &dyn Solver) -> Result<SolveCost, CliError> {
    let gradients = loaded.gradients()?;
    let (start, count) = (Instant::now(), gradients.len());
    let matrix = loaded.train.gauss_newton().damped(damping);
    let products = Cell::new(0);
    let counted = CountedOperator::new(&matrix, |count| products.set(products.get() + count));
    let found = solver.prepare(&counted)?.solve_many(gradients)?;
    let mut true_residual: f64 = 0.0;
    for solution in found {
        let solution: Solution = match solution {
            Err(SolveError::NotConverged { solution, .. }) => *solution,
            other => other?,
        };
        true_residual = true_residual.max(solution.info.true_residual);
    }
    Ok(SolveCost {
        block_products: f64::from(products.get() as u32) / count as f64,
        seconds: start.elapsed().as_secs_f64(),
        true_residual,
    })
}

fn report(
    args: &Solves,
    workload: SolveWorkload,
    damping: f64,
    method: SolveMethod,
    preconditioner: PreconditionerName,
    measured: &SolveCost,
) {
    let SolveCost {
        block_products,
        seconds,
        true_residual,
    } = measured;
    if args.json {
        return say(json!({
            "workload": workload.name(),
            "method": method.name(),
            "preconditioner": preconditioner.name(),
            "damping": damping,
            "block_products": block_products,
            "seconds": seconds,
            "true_residual": true_residual,
            "precision": args.precision.name(),
        }));
    }
    say(format_args!(
        "{:8} {:6} {:14} {damping:<8} {block_products:14.1} {seconds:8.2}  {true_residual:.1e}",
        workload.name(),
        method.name(),
        preconditioner.name()
    ));
}
