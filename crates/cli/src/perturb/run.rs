//! One run of `perturb`, from stage to stage.

use backdraft::attribution::Perturbations;
use backdraft_influence::Choice;
use backdraft_models::{Metrics, Zoo, to_dtype};
use backdraft_report::{ModelQuality, SolveRecord};
use burn::{module::Module, tensor::Tensor};

use super::{change::FoundChange, outcome::Outcomes};
use crate::{
    CliError,
    args::{Damping, Perturb},
    dampings::Dampings,
    network_run::NetworkRun,
    queries::{self, QueryRows},
};

/// What was asked, and where results go.
pub(super) struct PerturbRun<'a> {
    pub args: &'a Perturb,
    pub network: NetworkRun<'a>,
    /// The test examples named.
    pub named: Option<&'a QueryRows>,
    pub damping: &'a Damping,
}

/// What is known once the changes are found.
pub(super) struct PerturbedModel {
    pub module: Zoo,
    pub queries: Vec<usize>,
    /// Of every test example, in the unit.
    pub losses: Vec<f64>,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub parameters: usize,
    pub dampings: Dampings,
    /// Of the preconditioner, if there was one.
    pub choice: Option<Choice>,
    /// Of each query.
    pub solves: Vec<SolveRecord>,
    pub changes: Vec<FoundChange>,
    /// The seconds of each stage.
    pub seconds: Vec<(&'static str, f64)>,
}

impl PerturbRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let (module, training) = network.model()?;
        let losses = network.losses(&module);
        let queries = queries::chosen(self.named, &losses);
        let dtype = self.args.solving().precision().dtype();
        let computed = to_dtype(module.valid(), dtype);
        let place = (&self.network.inputs.opened.device, dtype);
        let cost = network.cost(&computed, place, None)?;
        let measured = network.query_losses(&cost, queries.indices(), place)?;
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        let dampings = network.dampings(self.damping, &cost)?;
        let (solved, choice) =
            network.solutions(self.args.solving(), (&cost, &measured), &queries, &dampings)?;
        let vectors = solved.iter().map(|it| it.vector.clone()).collect();
        let of = Perturbations::new(&cost, &measured, Tensor::stack(vectors, 0))?;
        let (changes, looking) = self.changes(&of, place)?;
        let mut seconds = vec![
            ("solve", solved.iter().map(|it| it.seconds).sum()),
            ("changes", looking),
        ];
        if self.network.inputs.loaded.is_none() {
            seconds.insert(0, ("train", training));
        }
        let found = PerturbedModel {
            parameters: cost.model().dim(),
            solves: solved.into_iter().map(|it| it.record).collect(),
            module,
            queries: queries.indices().to_vec(),
            losses,
            metrics,
            on_train,
            dampings,
            choice,
            changes,
            seconds,
        };
        self.write(&found, &Outcomes::default())?;
        let outcomes = self.outcomes(&found)?;
        self.finish(&found, &outcomes)
    }
}
