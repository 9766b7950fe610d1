//! What a run of `unlearn` was asked.

use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Damping, Unlearn, UnlearnName},
    inputs::Inputs,
    network_settings::NetworkSettings,
};

/// Everything that decides what comes out, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UnlearnSettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    forgotten: &'a [usize],
    damping: &'a Damping,
    solver: &'static str,
    tolerance: Option<f64>,
    #[serde(flatten)]
    unlearning: UnlearningSettings<'a>,
}

/// How is forgotten.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UnlearningSettings<'a> {
    methods: Vec<&'static str>,
    shares: &'a [f64],
    radius: Option<f64>,
    epsilon: f64,
    delta: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    smoothness: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_bound: Option<f64>,
    noise: bool,
    references: usize,
    precision: &'static str,
}

impl<'a> UnlearningSettings<'a> {
    pub fn of(args: &'a Unlearn) -> Self {
        let name = |method: &UnlearnName| {
            backdraft_report::unlearning::UnlearningMethod::from(*method).name()
        };
        Self {
            methods: args.methods.iter().map(name).collect(),
            shares: &args.shares,
            radius: args.descent.radius,
            epsilon: args.epsilon,
            delta: args.delta,
            smoothness: args.smoothness,
            gradient_bound: args.gradient_bound,
            noise: args.noise,
            references: args.references,
            precision: args.solving().precision().name(),
        }
    }
}

impl<'a> UnlearnSettings<'a> {
    pub fn of(
        args: &'a Unlearn,
        inputs: &'a Inputs,
        config: &'a TrainConfig,
        damping: &'a Damping,
        forgotten: &'a [usize],
    ) -> Self {
        let solving = args.solving();
        Self {
            network: NetworkSettings::of(&args.run, inputs, config),
            forgotten,
            damping,
            solver: solving.solver().name(),
            tolerance: solving.solver.tolerance,
            unlearning: UnlearningSettings::of(args),
        }
    }
}
