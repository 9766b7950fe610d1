//! What decides a validation's numbers, beside the trained network.

use backdraft::{
    SolverConfig,
    attribution::{
        Estimator,
        evaluate::{Refit, ValidationConfig},
    },
};
use backdraft_curvature::Cost;
use backdraft_influence::{
    ConjugateGradientConfig, LissaConfig, NystroemConfig, Preconditioner, Scale, response::Stop,
};
use burn::tensor::DType;
use serde::Serialize;

use super::args::{RefitName, Validating};
use crate::{
    CliError,
    args::number::check_fits,
    estimators::{EstimatorName, EstimatorSettings},
    experiment::plan::PreparedExperiment,
};
use backdraft_report::brief;

/// Vectors of the sketch that refits begin with.
const SKETCH: usize = 300;

/// What decides a validation's numbers, beside the trained network.
#[derive(Clone, Debug, Serialize)]
pub(in crate::experiment) struct ValidationSettings {
    /// Training examples that are removed.
    pub points: usize,
    /// The test example that was named.
    pub query: Option<usize>,
    estimators: Vec<EstimatorName>,
    newton: bool,
    settings: EstimatorSettings,
    /// When a refit is at its minimum; none for training again.
    minimum: Option<Stop>,
    #[serde(skip)]
    l2: f64,
}

impl ValidationSettings {
    /// What was asked for, if it makes sense for the data.
    pub fn of(args: &Validating, prepared: &PreparedExperiment) -> Result<Self, CliError> {
        let (plan, dataset) = (&prepared.plan, &prepared.dataset);
        let refuse = |option, problem| Err(CliError::Option { option, problem });
        if let Some(query) = args.query.filter(|&query| query >= dataset.test.rows) {
            let len = dataset.test.rows;
            let problem = format!("is {query}: there are {len} test examples, counted from 0");
            return refuse("--query", problem);
        }
        for (place, estimator) in args.estimators.iter().enumerate() {
            if args.estimators[..place].contains(estimator) {
                let problem = format!("has {} twice: name each once", estimator.name());
                return refuse("--estimators", problem);
            }
        }
        check_fits("--scale", args.scale, plan.dtype)?;
        let seed = plan.seed;
        let [tolerance, gradient] = match plan.dtype {
            DType::F64 => [1e-10, 1e-8],
            _ => [1e-5, 1e-4],
        };
        let settings = EstimatorSettings {
            seed,
            rank: args.rank,
            tolerance,
            direct_limit: args.direct_limit,
            lissa: LissaConfig {
                depth: args.depth,
                repeats: args.repeats,
                scale: args.scale.map_or(Scale::Auto, Scale::Fixed),
                batch_size: args.lissa_batch,
                seed,
                ..LissaConfig::default()
            },
            outer_product: SolverConfig::default(),
        };
        let outer_product = settings.exact();
        let minimum = Stop {
            tolerance: gradient,
            decrease: 1e-6,
            max_steps: 1_000,
        };
        Ok(Self {
            points: args.points.min(dataset.train.rows),
            query: args.query,
            estimators: args.estimators.clone(),
            newton: args.newton,
            settings: EstimatorSettings {
                outer_product,
                ..settings
            },
            minimum: (args.refit()? == RefitName::Minimum).then_some(minimum),
            l2: plan.training.weight_decay,
        })
    }

    /// How many estimators there are.
    pub fn estimators(&self) -> usize {
        self.estimators.len() + usize::from(self.newton)
    }

    /// What is asked of an evaluation of the network of `train`.
    pub fn config(&self, train: &Cost) -> ValidationConfig {
        let newton = || Estimator::new("newton", newton(self.settings.tolerance));
        let estimators = self.estimators.iter();
        ValidationConfig {
            points: self.points,
            estimators: estimators
                .map(|it| it.with(&self.settings, train))
                .collect(),
            newton: self.newton.then(newton).into_iter().collect(),
            refit: match self.minimum {
                Some(stop) => Refit::Minimum {
                    stop,
                    inverse: SolverConfig::Nystroem(NystroemConfig {
                        rank: SKETCH,
                        seed: self.settings.seed,
                        ..NystroemConfig::default()
                    }),
                },
                None => Refit::Training,
            },
        }
    }

    /// How the network is fitted again, in words.
    pub fn refit_words(&self) -> String {
        let l2 = format!(
            "the mean loss and an L2 term of {}/2 ||theta||^2",
            brief(self.l2)
        );
        match self.minimum {
            Some(stop) => format!(
                "to the minimum of {l2}, by L-BFGS from the trained parameters until the gradient is {} of its first \
                 norm",
                brief(stop.tolerance)
            ),
            None => format!(
                "trained again with {l2}, from the same initial parameters and with the same batches"
            ),
        }
    }
}

/// The solver of Newton estimates: a solve for each output of each point, of which later blocks gain from the first.
/// What is solved for corrects the estimate, and needs fewer digits than the estimate itself.
fn newton(tolerance: f64) -> SolverConfig {
    SolverConfig::ConjugateGradient(ConjugateGradientConfig {
        tolerance: Some(tolerance.sqrt()),
        preconditioner: Preconditioner::Recycled,
        ..ConjugateGradientConfig::default()
    })
}
