//! What LiSSA's settings leave open, settled once for all removals.

use backdraft_curvature::{BatchOperator, Cost, LinearOperator};
use backdraft_influence::{LissaConfig, Scale, SolveError, Solver, response::Removal};
use serde::{Deserialize, Serialize};

use super::{
    EvaluateError, EvaluationConfig, EvaluationTask, entries::Entries, error::StageError, kept,
    progress::Meter,
};
use crate::SolverConfig;

/// Halvings of LiSSA's depth, of which the deepest is tried first.
const HALVINGS: u32 = 3;
/// Products of LiSSA's power iteration, about.
const PROBE: usize = 160;
/// Products of conjugate gradients for each parameter, at most, and in all.
const PER_PARAMETER: usize = 10;
const AT_MOST: usize = 1_000;

/// What was settled for LiSSA.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Settled {
    /// As bits, which come back as they were.
    scale: u64,
    depth: usize,
}

/// The solver of an evaluation, with LiSSA's scale and depth as an earlier run settled them, or by the first of
/// `removals`.
pub(super) fn settle(
    config: &EvaluationConfig,
    cost: &Cost,
    matrix: &dyn LinearOperator,
    removals: &[Removal],
    entries: &Entries<'_>,
    meter: &Meter<'_>,
) -> Result<SolverConfig, EvaluateError> {
    let SolverConfig::Lissa(mut lissa) = config.solver.clone() else {
        return Ok(config.solver.clone());
    };
    let key = entries.keys.lissa();
    if let Some(settled) = entries.get(&key, kept::read_result::<Settled>)? {
        lissa.scale = Scale::Fixed(f64::from_bits(settled.scale));
        lissa.depth = settled.depth;
        return Ok(SolverConfig::Lissa(lissa));
    }
    let scale = match lissa.scale {
        Scale::Fixed(scale) => scale,
        Scale::Auto => {
            meter.begin(EvaluationTask::Scale, PROBE);
            lissa.clone().init()?.scale(matrix)?
        }
    };
    lissa.scale = Scale::Fixed(scale);
    if let (true, Some(first)) = (config.settle_depth, removals.first()) {
        lissa.depth = depth(&lissa, cost, matrix, first, meter)?;
    }
    let settled = Settled {
        scale: scale.to_bits(),
        depth: lissa.depth,
    };
    entries.put(&key, &kept::result(&settled)?)?;
    Ok(SolverConfig::Lissa(lissa))
}

/// The first depth at which the residual of a removal is small enough, the deepest if none is. If it fails, that says
/// nothing of the others: the deepest too, and each is left to itself.
fn depth(
    config: &LissaConfig,
    cost: &Cost,
    matrix: &dyn LinearOperator,
    first: &Removal,
    meter: &Meter<'_>,
) -> Result<usize, EvaluateError> {
    let gradient = cost.select(&first.examples)?.gradient()?;
    for halvings in (0..=HALVINGS).rev() {
        let config = LissaConfig {
            depth: (config.depth >> halvings).max(1),
            ..config.clone()
        };
        let depth = config.depth;
        meter.begin(EvaluationTask::Depth, lissa_products(&config, matrix));
        match config.init()?.prepare(matrix)?.solve(gradient.clone()) {
            Ok(_) => return Ok(depth),
            Err(SolveError::NotConverged { .. }) => {}
            Err(error) => match StageError::from(error) {
                StageError::Run(error) => return Err(error),
                StageError::Removal(_) => break,
            },
        }
    }
    Ok(config.depth)
}

/// Products that one solve takes, about; for conjugate gradients, at most.
pub(super) fn products(config: &SolverConfig, matrix: &dyn LinearOperator) -> usize {
    match config {
        SolverConfig::ConjugateGradient(_) => {
            matrix.dim().saturating_mul(PER_PARAMETER).min(AT_MOST)
        }
        SolverConfig::Lissa(config) => lissa_products(config, matrix),
        SolverConfig::Direct(_)
        | SolverConfig::Diagonal(_)
        | SolverConfig::Nystroem(_)
        | SolverConfig::Kfac(_)
        | SolverConfig::Dual(_)
        | SolverConfig::Lanczos(_) => 1,
    }
}

fn lissa_products(config: &LissaConfig, matrix: &dyn LinearOperator) -> usize {
    let examples = matrix.over_examples().map_or(0, |it| it.examples());
    // Without chance there is nothing to repeat.
    let repeats = match config.batch_size < examples {
        true => config.repeats,
        false => 1,
    };
    repeats * (config.depth + 1)
}
