//! What a run of `shapley` was asked.

use backdraft_models::TrainConfig;
use serde::Serialize;

use super::players::Players;
use crate::{
    args::{Damping, FeaturesName, GroupsOf, MethodName, Shapley, Tolerance},
    inputs::Inputs,
    network_settings::NetworkSettings,
};

/// Everything that decides the values, but for the machine and which part of them is computed here.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ShapleySettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    #[serde(flatten)]
    game: GameSettings<'a>,
    /// The members of each group, where there are groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<&'a [Vec<usize>]>,
    damping: &'a Damping,
}

/// What is played, and how values are found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct GameSettings<'a> {
    method: &'a [MethodName],
    examples: usize,
    groups: Option<&'a GroupsOf>,
    held_out: f64,
    permutations: usize,
    convergence: f64,
    tolerance: Tolerance,
    antithetic: bool,
    learning_rate: Option<f64>,
    neighbours: usize,
    features: FeaturesName,
    steps: usize,
    orders: usize,
}

impl<'a> GameSettings<'a> {
    pub fn of(args: &'a Shapley, examples: usize) -> Self {
        Self {
            method: &args.method,
            examples,
            groups: args.groups.as_ref(),
            held_out: args.held_out,
            permutations: args.permutations.get(),
            convergence: args.convergence,
            tolerance: args.tolerance,
            antithetic: args.antithetic,
            learning_rate: args.learning_rate,
            neighbours: args.neighbours.get(),
            features: args.features,
            steps: args.steps.get(),
            orders: args.orders.get(),
        }
    }
}

impl<'a> ShapleySettings<'a> {
    pub fn of(
        args: &'a Shapley,
        inputs: &'a Inputs,
        config: &'a TrainConfig,
        damping: &'a Damping,
        players: &'a Players,
    ) -> Self {
        Self {
            network: NetworkSettings::of(&args.run, inputs, config),
            game: GameSettings::of(args, inputs.dataset.train.rows),
            members: players.is_grouped().then(|| players.groups().members()),
            damping,
        }
    }
}
