//! One run of `bayes`, from stage to stage.

use backdraft_curvature::Cost;
use backdraft_influence::Choice;
use backdraft_models::{Metrics, Zoo, to_dtype};
use backdraft_report::{Measure, ModelQuality};
use burn::{
    module::Module,
    tensor::{DType, Device},
};

use super::{compare::Compared, sample::Sampled};
use crate::{
    CliError,
    args::{Bayes, CompareName, Damping, MeasureName},
    dampings::Dampings,
    explain::measurement,
    network_run::NetworkRun,
    progress::say,
    queries::{self, QueryRows},
};

/// What was asked, and where results go.
pub(super) struct BayesRun<'a> {
    pub args: &'a Bayes,
    pub network: NetworkRun<'a>,
    /// The test examples named.
    pub named: Option<&'a QueryRows>,
    /// What is measured, and what scores are told in.
    pub measure: Measure,
    pub damping: &'a Damping,
}

/// What is known once all chains are at their end.
pub(super) struct SampledModel {
    pub module: Zoo,
    pub queries: QueryRows,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub parameters: usize,
    pub dampings: Dampings,
    pub sampled: Sampled,
    pub compared: Option<Compared>,
    /// Of the preconditioner, if there was one.
    pub choice: Option<Choice>,
    /// Of training, if that was here.
    pub training: Option<f64>,
}

impl BayesRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let (module, seconds) = network.model()?;
        let losses = network.losses(&module);
        let queries = queries::chosen(self.named, &losses);
        let dtype = self.args.solving().precision().dtype();
        let computed = to_dtype(module.valid(), dtype);
        let place = (&self.network.inputs.opened.device, dtype);
        let cost = network.cost(&computed, place, None)?;
        let measured = self.measured(&cost, &queries, place)?;
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        if !self.measure.is_loss() || self.measure.mean_over.is_some() {
            say(format_args!("measured: {}", self.measure.told()));
        }
        let dampings = network.dampings(self.damping, &cost)?;
        let sampled = self.sample(&cost, &measured, &queries, dampings.values[0])?;
        let (compared, choice) = match self.args.compare {
            CompareName::None => (None, None),
            CompareName::Influence => {
                let (compared, choice) = self.influence(&cost, &measured, &queries, &dampings)?;
                (Some(compared), choice)
            }
        };
        self.finish(&SampledModel {
            parameters: cost.model().dim(),
            training: self.network.inputs.loaded.is_none().then_some(seconds),
            module,
            queries,
            metrics,
            on_train,
            dampings,
            sampled,
            compared,
            choice,
        })
    }

    /// The cost whose losses are what is measured of the queries.
    fn measured(
        &self,
        cost: &Cost,
        queries: &QueryRows,
        place: (&Device, DType),
    ) -> Result<Cost, CliError> {
        let dataset = &self.network.inputs.dataset;
        let split = dataset.test.select(queries.indices());
        let task = (&dataset.task, dataset.objective());
        let measured = measurement(self.args.measure, task, &split, place);
        let measured = measured.cost(cost, split.inputs(place))?;
        Ok(measured.with_batch_size(self.network.pass)?)
    }

    /// What is measured, in its unit.
    pub(super) fn told(&self, value: f64) -> f64 {
        match self.args.measure {
            // An output is less the target's mean.
            MeasureName::Output(_) => self.network.inputs.dataset.restored_output(value),
            _ => self.measure.factor * value,
        }
    }
}
