//! One run of `path`, from stage to stage.

use std::time::Instant;

use backdraft_curvature::Cost;
use backdraft_influence::{
    ConjugateGradientConfig, DirectConfig, Solver,
    response::{Removal, Responses},
    scores,
};
use backdraft_models::{Metrics, Zoo, to_dtype};
use backdraft_report::{ModelQuality, path::FollowedPathRecord};
use burn::module::Module;

use super::removed;
use crate::{
    CliError,
    args::{Damping, FollowPaths, ObjectiveName, PathSolverName},
    dampings::Dampings,
    groups::WeightGroup,
    network_run::NetworkRun,
    progress::say,
    queries::{self, QueryRows},
    verify,
};

/// Most parameters for which a dense matrix is made unless conjugate gradients are asked for.
const DENSE: usize = 512;

/// What was asked, and where results go.
pub(super) struct PathsRun<'a> {
    pub args: &'a FollowPaths,
    pub network: NetworkRun<'a>,
    /// The test examples named.
    pub named: Option<&'a QueryRows>,
    /// The changes of weights that were asked for.
    pub groups: &'a [WeightGroup],
    pub damping: &'a Damping,
}

/// The network in 64 bits where there are any, and what its paths are minima of.
pub(super) struct PathNetwork {
    pub responses: Responses,
    /// The losses of the queries, and which test examples they are.
    pub queries: Cost,
    pub query_indices: Vec<usize>,
    pub solver: Box<dyn Solver>,
    pub solver_name: &'static str,
    pub l2: f64,
    /// None where the objective has no proximal term.
    pub dampings: Option<Dampings>,
}

/// What is known once all paths are followed.
pub(super) struct FollowedModel {
    pub module: Zoo,
    pub queries: Vec<usize>,
    /// Of every test example, in the unit.
    pub losses: Vec<f64>,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub parameters: usize,
    pub paths: Vec<FollowedPathRecord>,
    /// The seconds of each stage.
    pub seconds: Vec<(&'static str, f64)>,
}

impl PathsRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let (module, training) = network.model()?;
        let losses = network.losses(&module);
        let queries = queries::chosen(self.named, &losses);
        let (device, dtype) = verify::place(&network.inputs.opened.device);
        let exact = to_dtype(module.valid().fork(&device), dtype);
        let cost = network.cost(&exact, (&device, dtype), None)?;
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        let measured = network.query_losses(&cost, queries.indices(), (&device, dtype))?;
        let of = self.path_network(cost, (measured, queries.indices()))?;
        let start = Instant::now();
        let groups = match self.groups {
            [] => vec![self.strongest(&of, &queries)?],
            asked => asked.to_vec(),
        };
        let choosing = start.elapsed().as_secs_f64();
        let followed = groups.iter().enumerate();
        let followed = followed.map(|(place, group)| self.follow(&of, place, group));
        let followed = followed.collect::<Result<Vec<_>, CliError>>()?;
        let mut seconds = vec![
            ("choose", choosing),
            ("paths", followed.iter().map(|it| it.seconds).sum()),
        ];
        if network.inputs.loaded.is_none() {
            seconds.insert(0, ("train", training));
        }
        let found = FollowedModel {
            parameters: of.responses.theta().dims()[0],
            module,
            queries: queries.indices().to_vec(),
            losses,
            metrics,
            on_train,
            paths: followed.into_iter().map(|it| it.record).collect(),
            seconds,
        };
        self.finish(&of, &found)
    }

    /// Of what paths are minima, which is said.
    pub(super) fn objective(&self) -> ObjectiveName {
        self.args.objective(self.network.inputs.kind)
    }

    fn path_network(
        &self,
        cost: Cost,
        (queries, indices): (Cost, &[usize]),
    ) -> Result<PathNetwork, CliError> {
        let objective = self.objective();
        let dampings = match objective {
            ObjectiveName::Retraining => None,
            _ => Some(self.network.dampings(self.damping, &cost)?),
        };
        let l2 = self.args.l2.unwrap_or(match objective {
            ObjectiveName::Bregman => 0.0,
            _ => self.network.config.weight_decay,
        });
        let cost = cost.with_l2(l2);
        let dim = cost.model().dim();
        let solver_name = self.args.solver.unwrap_or(match dim <= DENSE {
            true => PathSolverName::Direct,
            false => PathSolverName::Cg,
        });
        let solver: Box<dyn Solver> = match solver_name {
            PathSolverName::Cg => Box::new(ConjugateGradientConfig::default().init()?),
            PathSolverName::Direct => Box::new(DirectConfig::default().init()?),
        };
        say(format_args!(
            "objective {}: {}",
            objective.name(),
            objective.reason()
        ));
        Ok(PathNetwork {
            responses: match &dampings {
                None => Responses::undamped(&cost)?,
                Some(dampings) => Responses::new(&cost, dampings.values[0])?,
            },
            queries,
            query_indices: indices.to_vec(),
            solver,
            solver_name: solver_name.name(),
            l2,
            dampings,
        })
    }

    /// The training example whose removal influence says changes the loss of the first query most, which is said.
    fn strongest(&self, of: &PathNetwork, queries: &QueryRows) -> Result<WeightGroup, CliError> {
        let kind = self.objective().kind();
        let objective = of.responses.objective(kind, Removal::none())?;
        let hessian = objective.hessian(of.responses.theta())?;
        let gradient = of.queries.select(&[0])?.gradient()?;
        let solution = of.solver.solve(&hessian, gradient)?;
        let scores = scores(of.responses.cost(), solution.vector)?.into_data();
        let sizes = scores.iter::<f64>().map(f64::abs).enumerate();
        let strongest = sizes.max_by(|a, b| a.1.total_cmp(&b.1));
        let (example, _) = strongest.expect("a cost has examples");
        say(format_args!(
            "training example {example}: the one that influence says matters most to {}",
            queries.name(0)
        ));
        Ok(removed(example))
    }
}
