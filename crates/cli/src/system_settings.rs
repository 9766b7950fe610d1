//! What was asked of the systems of queries, and of the network that they are of.

use backdraft_influence::Preconditioner;
use backdraft_models::{Architecture, TrainConfig, ZooConfig};
use serde::Serialize;

use super::{
    args::{Damping, PreconditionerName, Rank, RunArgs, SolverName, Solving},
    fingerprint::fingerprint,
    inputs::Inputs,
    preparation::Preparation,
    queries::QueryRows,
    solve::{DEPTH, REPEATS},
};
use backdraft_report::WeightsFile;

/// Everything that decides solutions, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SystemSettings<'a> {
    pub model: Architecture,
    pub data: String,
    pub target: Option<&'a str>,
    #[serde(flatten)]
    pub reading: Preparation,
    pub corrupt_labels: Option<f64>,
    pub network: &'a ZooConfig,
    /// None if the weights are from a file.
    pub training: Option<&'a TrainConfig>,
    pub weights: Option<&'a WeightsFile>,
    /// None for those with the highest loss.
    pub queries: Option<&'a QueryRows>,
    pub damping: &'a Damping,
    pub solver: &'static str,
    pub tolerance: Option<f64>,
    lissa: Option<LissaSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner: Option<Preconditioner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<Rank>,
    /// Whether that is to be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditioner_choice: Option<&'static str>,
    pub precision: &'static str,
    pub products: &'static str,
    pub device: &'static str,
    pub seed: u64,
    /// Of the data, so that a file that has changed is noticed.
    pub fingerprint: String,
}

impl<'a> SystemSettings<'a> {
    /// Of the queries named, if any were.
    pub fn of(
        (run, solving, queries): (&'a RunArgs, &Solving, Option<&'a QueryRows>),
        inputs: &'a Inputs,
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        let weights = inputs.loaded.as_ref().map(|loaded| &loaded.file);
        let of_rank = matches!(solving.solver(), SolverName::Nystroem | SolverName::Lanczos);
        let auto = solving.solver.preconditioner;
        let auto = auto.filter(|name| *name == PreconditionerName::Auto);
        Self {
            model: inputs.kind,
            data: run.data.path.display().to_string(),
            target: run.data.target.as_deref(),
            reading: Preparation::of(&inputs.dataset),
            corrupt_labels: run.corrupt_labels,
            network: &inputs.network,
            training: weights.is_none().then_some(config),
            weights,
            queries,
            damping,
            solver: solving.solver().name(),
            tolerance: solving.solver.tolerance,
            lissa: LissaSettings::of(solving),
            preconditioner: solving.solver.preconditioner(solving.seed),
            rank: solving.solver.rank.filter(|_| of_rank),
            preconditioner_choice: auto.map(PreconditionerName::name),
            precision: solving.precision().name(),
            products: solving.products.name(),
            device: inputs.opened.name,
            seed: solving.seed,
            fingerprint: fingerprint(&inputs.dataset),
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
