//! What a run of `bayes` was asked.

use backdraft_influence::bayes::Integrator;
use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Bayes, CompareName, Damping, MeasureName, StepSize},
    inputs::Inputs,
    queries::QueryRows,
    system_settings::SystemSettings,
};

/// Everything that decides the scores, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BayesSettings<'a> {
    #[serde(flatten)]
    systems: SystemSettings<'a>,
    measure: MeasureName,
    compare: bool,
    #[serde(flatten)]
    sampling: SamplingSettings,
}

/// How the posterior is sampled, as it was asked for.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SamplingSettings {
    chains: usize,
    draws: usize,
    burn_in: usize,
    thinning: usize,
    /// None where it is to be found.
    step_size: Option<f64>,
    localisation: Option<f64>,
    /// None for the number of examples.
    inverse_temperature: Option<f64>,
    /// None for all examples.
    batch: Option<usize>,
    control_variate: bool,
    centred: bool,
    integrator: Integrator,
}

impl SamplingSettings {
    pub fn of(args: &Bayes) -> Self {
        Self {
            chains: args.chains.get(),
            draws: args.draws,
            burn_in: args.burn_in,
            thinning: args.thinning.get(),
            step_size: match args.step_size {
                StepSize::Auto => None,
                StepSize::Given(size) => Some(size),
            },
            localisation: args.localisation,
            inverse_temperature: args.inverse_temperature,
            batch: args.batch,
            control_variate: !args.plain_batches,
            centred: !args.uncentred,
            integrator: args.integrator.into(),
        }
    }
}

impl<'a> BayesSettings<'a> {
    pub fn of(
        args: &'a Bayes,
        inputs: &'a Inputs,
        queries: Option<&'a QueryRows>,
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        let asked = (&args.run, &args.solving(), queries);
        Self {
            systems: SystemSettings::of(asked, inputs, config, damping),
            measure: args.measure,
            compare: args.compare == CompareName::Influence,
            sampling: SamplingSettings::of(args),
        }
    }
}
