//! The linear systems of `explain`.

use std::{cell::Cell, time::Instant};

use backdraft_curvature::{Cost, Curvature, Damped};
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, LissaConfig, Scale, Solution, SolveError, Solver,
};

use backdraft_models::ZooConfig;
use burn::tensor::{DType, Tensor};

use super::{
    CliError,
    args::{Explain, Precision, SolverName},
    explain::{Solved, Store},
    half::TOLERANCE,
    options::check_fits,
    progress::{Bar, say, warn},
    watched::Watched,
};
use backdraft_report::{SolveRecord, brief};

/// LiSSA's recursion steps and repeats, where no option says otherwise.
pub(super) const DEPTH: usize = 1000;
pub(super) const REPEATS: usize = 10;

/// Refuses settings that the solver could not go by, before anything is trained.
pub(super) fn check(args: &Explain, damping: f64, network: &ZooConfig) -> Result<(), CliError> {
    let dtype = args.precision.dtype();
    if args.precision == Precision::F64 && args.products.half().is_some() {
        return Err(CliError::Option {
            option: "--products",
            problem: format!(
                "{} is for f32: with --precision f64 everything is computed in f64",
                args.products.name()
            ),
        });
    }
    check_fits("--damping", Some(damping), dtype)?;
    check_lissa(args.solver, args.depth, args.repeats, args.scale)?;
    check_fits("--scale", args.scale, dtype)?;
    match args.solver {
        SolverName::Cg => check_tolerance(args.tolerance, dtype),
        SolverName::Direct => check_direct(network),
        SolverName::Lissa => Ok(()),
    }
}

/// Refuses LiSSA's settings of another solver.
pub(super) fn check_lissa(
    solver: SolverName,
    depth: Option<usize>,
    repeats: Option<usize>,
    scale: Option<f64>,
) -> Result<(), CliError> {
    let given = [
        ("--depth", depth.is_some()),
        ("--repeats", repeats.is_some()),
        ("--scale", scale.is_some()),
    ];
    match given.into_iter().find(|it| it.1) {
        Some((option, _)) if solver != SolverName::Lissa => Err(CliError::Option {
            option,
            problem: format!(
                "is LiSSA's: add --solver lissa, or leave it out; {} has no use for it",
                solver.name()
            ),
        }),
        _ => Ok(()),
    }
}

/// Refuses a residual that rounding is above.
pub(super) fn check_tolerance(tolerance: Option<f64>, dtype: DType) -> Result<(), CliError> {
    let least = match dtype {
        DType::F64 => f64::EPSILON,
        _ => f32::EPSILON.into(),
    };
    match tolerance {
        Some(tolerance) if tolerance < least => Err(CliError::Option {
            option: "--tolerance",
            problem: format!(
                "is {}: conjugate gradients in {} cannot go below {least:.1e}{}",
                brief(tolerance),
                if dtype == DType::F64 { "f64" } else { "f32" },
                if dtype == DType::F64 {
                    ""
                } else {
                    ", those with --precision f64 can"
                },
            ),
        }),
        _ => Ok(()),
    }
}

/// Refuses a dense matrix of too many parameters.
pub(super) fn check_direct(network: &ZooConfig) -> Result<(), CliError> {
    let (dim, limit) = (network.parameters(), DirectConfig::default().limit);
    if dim <= limit as u128 {
        return Ok(());
    }
    Err(CliError::Option {
        option: "--solver direct",
        problem: format!(
            "would form a dense matrix of {dim} x {dim}, its limit is {limit}: take cg or lissa"
        ),
    })
}

/// What the options have against a residual that is too large.
fn remedy(args: &Explain) -> &'static str {
    match (args.solver, args.precision) {
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
        let gradients = gradients.collect::<Result<Vec<_>, CliError>>()?;
        for ((_, query), gradient) in queries.iter().zip(&gradients) {
            bar.aside(|| tell_small(*query, gradient, args.precision));
        }
        let found = ready.solve_many(gradients)?;
        let seconds = start.elapsed().as_secs_f64() / queries.len() as f64;
        for (&(row, query), found) in queries.iter().zip(found) {
            let solution = match found {
                Ok(solution) => solution,
                // The verification tells how good its scores are all the same; the record says that it did not
                // converge.
                Err(SolveError::NotConverged { solution, .. }) => {
                    bar.aside(|| {
                        warn(format_args!(
                            "query {query} is not solved to the tolerance: its residual is {:.1e}, above {:.1e}; {}",
                            solution.info.true_residual,
                            solution.info.tolerance,
                            remedy(args)
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
    Ok(match args.solver {
        SolverName::Cg => {
            let config = ConjugateGradientConfig {
                tolerance: args
                    .tolerance
                    .or_else(|| args.products.half().map(|_| TOLERANCE)),
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Direct => {
            let config = DirectConfig {
                tolerance: args.tolerance,
                ..Default::default()
            };
            Box::new(config.init()?)
        }
        SolverName::Lissa => {
            let default = LissaConfig::default();
            let config = LissaConfig {
                tolerance: args.tolerance.unwrap_or(default.tolerance),
                depth: args.depth.unwrap_or(DEPTH),
                repeats: args.repeats.unwrap_or(REPEATS),
                scale: args.scale.map_or(Scale::Auto, Scale::Fixed),
                seed: args.seed,
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
