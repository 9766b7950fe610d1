//! What was asked of the systems of queries, and of the network that they are of.

use backdraft_influence::Preconditioner;
use backdraft_models::TrainConfig;
use serde::Serialize;

use super::{
    args::{Damping, PreconditionerName, Rank, RunArgs, SolverName, Solving},
    inputs::Inputs,
    network_settings::NetworkSettings,
    queries::QueryRows,
    solve::{DEPTH, REPEATS},
};

/// Everything that decides solutions, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SystemSettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    /// None for those with the highest loss.
    queries: Option<&'a QueryRows>,
    #[serde(flatten)]
    solving: SolvingSettings<'a>,
}

/// Everything that decides the solution of one right-hand side, but for the network and the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SolvingSettings<'a> {
    damping: &'a Damping,
    solver: &'static str,
    tolerance: Option<f64>,
    lissa: Option<LissaSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner: Option<Preconditioner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<Rank>,
    /// Whether that is to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner_choice: Option<&'static str>,
    precision: &'static str,
    products: &'static str,
}

impl<'a> SystemSettings<'a> {
    /// Of the queries named, if any were.
    pub fn of(
        (run, solving, queries): (&'a RunArgs, &Solving, Option<&'a QueryRows>),
        inputs: &'a Inputs,
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        Self {
            network: NetworkSettings::of(run, inputs, config),
            queries,
            solving: SolvingSettings::of(solving, damping),
        }
    }
}

impl<'a> SolvingSettings<'a> {
    pub fn of(solving: &Solving, damping: &'a Damping) -> Self {
        let of_rank = matches!(solving.solver(), SolverName::Nystroem | SolverName::Lanczos);
        let auto = solving.solver.preconditioner;
        let auto = auto.filter(|name| *name == PreconditionerName::Auto);
        Self {
            damping,
            solver: solving.solver().name(),
            tolerance: solving.solver.tolerance,
            lissa: LissaSettings::of(solving),
            preconditioner: solving.solver.preconditioner(solving.seed),
            rank: solving.solver.rank.filter(|_| of_rank),
            preconditioner_choice: auto.map(PreconditionerName::name),
            precision: solving.precision().name(),
            products: solving.products.name(),
        }
    }
}

/// LiSSA's settings; without a scale it is found.
#[derive(Clone, Copy, Debug, Serialize)]
struct LissaSettings {
    depth: usize,
    repeats: usize,
    scale: Option<f64>,
}

impl LissaSettings {
    /// Of a run that is solved by it.
    fn of(solving: &Solving) -> Option<Self> {
        (solving.solver() == SolverName::Lissa).then_some(Self {
            depth: solving.solver.depth.unwrap_or(DEPTH),
            repeats: solving.solver.repeats.unwrap_or(REPEATS),
            scale: solving.solver.scale,
        })
    }
}
