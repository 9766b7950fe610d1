//! The chains of the posterior.

use std::time::Duration;

use backdraft::{
    InfluenceConfig,
    attribution::{BayesianInfluence, BayesianScores, ChainStore, SgldConfig},
};
use backdraft_curvature::Cost;
use backdraft_report::{brief, plural, short};

use super::run::BayesRun;
use crate::{
    CliError,
    args::{IntegratorName, StepSize},
    progress::{Bar, say, warn},
    queries::QueryRows,
};

/// What the chains came to.
pub(super) struct Sampled {
    pub scores: BayesianScores,
    pub config: SgldConfig,
    /// `nbeta`.
    pub inverse_temperature: f64,
    /// What the step size was chosen by.
    pub largest_curvature: Option<f64>,
    /// The mean training loss, and what is measured, at the weights.
    pub start: (f64, Vec<f64>),
}

impl BayesRun<'_> {
    /// Runs the chains, from where they are in the folder.
    pub(super) fn sample(
        &self,
        cost: &Cost,
        measured: &Cost,
        queries: &QueryRows,
        damping: f64,
    ) -> Result<Sampled, CliError> {
        let (config, largest_curvature) = self.sgld(cost, damping)?;
        let mean = queries.mean_over().is_some();
        let influence = BayesianInfluence::new(cost, measured, mean, &config)
            .map_err(backdraft::AttributionError::from)?;
        let inverse_temperature = influence.sgld().inverse_temperature();
        self.tell(&config, inverse_temperature, damping);
        let every = Duration::from_secs_f64(self.args.run.checkpoint_every);
        let chains = ChainStore::new(&influence, self.network.store, every)?;
        let steps = config.steps().unwrap_or(0) as u64;
        let bar = Bar::new("sampling", 0);
        let scores = chains.run(|state| {
            let before = state.chain as u64 * steps;
            bar.at(before + state.steps as u64, config.chains as u64 * steps);
            if let Some(loss) = state.losses.last() {
                let loss = self.network.unit.loss_factor * loss;
                bar.message(format!("chain {}, loss {}", state.chain + 1, short(loss)));
            }
        })?;
        drop(bar);
        self.tell_mixing(&scores);
        let (loss, measured) = influence.start();
        Ok(Sampled {
            start: (loss, measured.to_vec()),
            scores,
            config,
            inverse_temperature,
            largest_curvature,
        })
    }

    /// The settings, and the largest curvature where the step size was to be found.
    fn sgld(&self, cost: &Cost, damping: f64) -> Result<(SgldConfig, Option<f64>), CliError> {
        let args = self.args;
        let nbeta = args.temperature(cost.len());
        let localisation = args.localisation.unwrap_or(damping * nbeta);
        let config = SgldConfig::new(localisation, 1.0)
            .with_inverse_temperature(Some(nbeta))
            .with_chains(args.chains.get())
            .with_draws(args.draws)
            .with_burn_in(args.burn_in)
            .with_thinning(args.thinning.get())
            .with_batch_size(args.batch)
            .with_control_variate(!args.plain_batches)
            .with_centred(!args.uncentred)
            .with_integrator(args.integrator.into())
            .with_seed(args.run.compute.seed);
        let (step_size, curvature) = match args.step_size {
            StepSize::Given(size) => (size, None),
            StepSize::Auto => {
                let influence = InfluenceConfig::new().over(cost.clone())?;
                let size = influence.bayesian_step_size(&config)?;
                let share = match args.integrator {
                    IntegratorName::LeimkuhlerMatthews => 1.0,
                    // Which leaves a variance that is too large by a twentieth.
                    IntegratorName::Euler => 0.2,
                };
                (share * size, Some(0.5 / size))
            }
        };
        Ok((
            SgldConfig {
                step_size,
                ..config
            },
            curvature,
        ))
    }

    /// Says how the posterior is sampled.
    fn tell(&self, config: &SgldConfig, nbeta: f64, damping: f64) {
        say(format_args!(
            "localisation {}, inverse temperature {}: matched damping {}",
            short(config.localisation),
            brief(nbeta),
            short(damping)
        ));
        say(format_args!(
            "{} of {}, {} of {} apart, after {}; seed {}",
            plural(config.chains, "chain"),
            plural(config.draws, "draw"),
            plural(config.thinning, "step"),
            short(config.step_size),
            config.burn_in,
            config.seed
        ));
    }

    /// Warns of chains that have not mixed.
    fn tell_mixing(&self, scores: &BayesianScores) {
        if !scores.has_mixed() {
            warn(
                "the chains have not mixed well: R-hat above 1.01, or an effective sample size below 100 a chain; take more --draws, a \
                 longer --burn-in or --thinning, or more --damping",
            );
        }
    }
}
