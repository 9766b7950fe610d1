//! What a run of `explain` was asked.

use backdraft::attribution::Digest;
use backdraft_influence::Preconditioner;
use backdraft_models::{Architecture, TrainConfig, ZooConfig};
use serde::Serialize;

use crate::{
    args::{Damping, Explain, MeasureName, PreconditionerName, Rank, SolverName},
    fingerprint::fingerprint,
    groups::WeightGroup,
    inputs::Inputs,
    preparation::Preparation,
    queries::QueryRows,
    solve::{DEPTH, REPEATS},
};
use backdraft_report::WeightsFile;

/// Everything that decides the scores, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ScoreSettings<'a> {
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
    /// None for the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<MeasureName>,
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_influence: bool,
    /// A digest of the groups whose weights are changed, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<String>,
    pub newton: &'static str,
    pub precision: &'static str,
    pub products: &'static str,
    pub device: &'static str,
    pub seed: u64,
    /// Of the data, so that a file that has changed is noticed.
    pub fingerprint: String,
}

impl<'a> ScoreSettings<'a> {
    pub fn of(
        args: &'a Explain,
        inputs: &'a Inputs,
        (queries, groups): (Option<&'a QueryRows>, &[WeightGroup]),
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        let weights = inputs.loaded.as_ref().map(|loaded| &loaded.file);
        Self {
            model: inputs.kind,
            data: args.run.data.path.display().to_string(),
            target: args.run.data.target.as_deref(),
            reading: Preparation::of(&inputs.dataset),
            corrupt_labels: args.run.corrupt_labels,
            network: &inputs.network,
            training: weights.is_none().then_some(config),
            weights,
            queries,
            measure: Some(args.measure).filter(|it| *it != MeasureName::Loss),
            damping,
            solver: args.solver().name(),
            tolerance: args.solver.tolerance,
            lissa: LissaSettings::of(args),
            preconditioner: args.solver.preconditioner(args.run.compute.seed),
            rank: args
                .solver
                .rank
                .filter(|_| matches!(args.solver(), SolverName::Nystroem | SolverName::Lanczos)),
            preconditioner_choice: args
                .solver
                .preconditioner
                .filter(|name| *name == PreconditionerName::Auto)
                .map(PreconditionerName::name),
            self_influence: args.self_influence,
            groups: digest(groups),
            newton: args.newton.name(),
            precision: args.precision().name(),
            products: args.products.name(),
            device: inputs.opened.name,
            seed: args.run.compute.seed,
            fingerprint: fingerprint(&inputs.dataset),
        }
    }
}

/// Of what the groups hold.
fn digest(groups: &[WeightGroup]) -> Option<String> {
    let of_group = |digest: Digest, group: &WeightGroup| {
        let count = group.changes.len() as u64;
        let digest = digest
            .part(group.name.as_bytes())
            .part(&count.to_le_bytes());
        group
            .changes
            .iter()
            .fold(digest, |digest, (example, change)| {
                let digest = digest.part(&(*example as u64).to_le_bytes());
                digest.part(&change.to_le_bytes())
            })
    };
    let all = groups.iter().fold(Digest::default(), of_group);
    (!groups.is_empty()).then(|| all.name())
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
    fn of(args: &Explain) -> Option<Self> {
        (args.solver() == SolverName::Lissa).then_some(Self {
            depth: args.solver.depth.unwrap_or(DEPTH),
            repeats: args.solver.repeats.unwrap_or(REPEATS),
            scale: args.solver.scale,
        })
    }
}
