//! One run of `unlearn`, from stage to stage.

use std::time::Duration;

use backdraft_curvature::{Cost, Damped};
use backdraft_influence::{
    SolveError,
    response::Removal,
    unlearn::{
        Certificate, DescentState, OneShot, Privacy, Regularity, Sensitivity, ShuffledBatches,
        UnlearnError, WeightedDescent, one_shot,
    },
};
use backdraft_models::{Preset, Zoo, to_dtype};
use backdraft_report::{
    plural, short,
    unlearning::{CertificateRecord, UnlearningMethod},
};
use burn::tensor::{DType, Device, Tensor};

use super::{
    descents::{Descents, Reached},
    networks::{Found, Networks},
    training::{descent, plan},
};
use crate::{
    CliError,
    args::{Damping, Unlearn, UnlearnName},
    choice::preconditioner,
    dampings::Dampings,
    network_run::NetworkRun,
    progress::{say, warn},
    solve::solver,
};

/// What was asked, and where results go.
pub(super) struct UnlearnRun<'a> {
    pub args: &'a Unlearn,
    pub network: NetworkRun<'a>,
    pub damping: &'a Damping,
    /// What certificates go by, or why there are none.
    pub regularity: Result<Regularity, String>,
    /// What is to be forgotten.
    pub forgotten: &'a [usize],
}

/// What all methods share.
pub(super) struct Setting<'a> {
    /// At the initial parameters, without the L2 term.
    pub cost: Cost,
    /// The network at initial parameters, in the type that is computed in.
    pub initial: Zoo,
    pub plan: ShuffledBatches,
    /// Of the training.
    pub steps: usize,
    all: WeightedDescent,
    retained: WeightedDescent,
    removal: Removal,
    descents: Descents<'a>,
    start: DescentState,
}

impl UnlearnRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let initial = network.inputs.network.init(&network.inputs.opened.device);
        let initial = to_dtype(initial, self.place().1);
        let cost = network.cost(&initial, self.place(), None)?;
        let setting = self.setting(&cost, initial)?;
        say(format_args!(
            "{} to forget; {} of gradient descent of size {}, {} a pass",
            plural(self.forgotten.len(), "training example"),
            plural(setting.steps, "step"),
            short(network.config.learning_rate),
            setting.plan.steps_a_pass()
        ));
        let trained = self.trained(&setting)?;
        let last = &trained[trained.len() - 1];
        let retrained = setting.descents.reach(
            "retrain",
            (&setting.retained, &setting.plan),
            &setting.start,
            setting.steps,
        )?;
        let mut found = vec![
            Found::of(UnlearningMethod::Trained, last, Some(setting.steps)),
            Found::of(UnlearningMethod::Retrain, &retrained, Some(setting.steps)),
        ];
        found.extend(self.descended(&setting, last)?);
        found.extend(self.rewound(&setting, &trained)?);
        let module = setting
            .cost
            .model()
            .write(setting.initial.clone(), last.state.theta.clone())?;
        let at = setting.cost.at(last.state.theta.clone())?;
        let metrics = network.metrics(&module, &at)?;
        let dampings = network.dampings(self.damping, &at)?;
        found.extend(self.one_shots(&setting, &at, &dampings)?);
        let references = self.references(&setting)?;
        let networks = Networks::new(&self, &setting, &retrained.state.theta, &references)?;
        let networks = networks.judge(found)?;
        self.finish((&setting, &module), metrics, &dampings, networks)
    }

    pub(super) fn place(&self) -> (&Device, DType) {
        let dtype = self.args.solving().precision().dtype();
        (&self.network.inputs.opened.device, dtype)
    }

    fn setting<'s>(&'s self, cost: &'s Cost, initial: Zoo) -> Result<Setting<'s>, CliError> {
        let (network, config) = (&self.network, self.network.config);
        let n = cost.len();
        let removal = Removal::of(self.forgotten.to_vec(), n);
        let penalised = cost.clone().with_l2(config.weight_decay);
        let descent = descent(self.args, config);
        let plan = plan(config, n, config.seed)?;
        Ok(Setting {
            steps: config.epochs * plan.steps_a_pass(),
            plan,
            all: WeightedDescent::new(&penalised, &Removal::none(), descent)?,
            retained: WeightedDescent::new(&penalised, &removal, descent)?,
            removal,
            descents: Descents {
                folder: network.store.folder(),
                cost,
                pause: Duration::from_secs_f64(network.run.checkpoint_every),
            },
            start: DescentState::start(cost.model().theta()),
            cost: cost.clone(),
            initial,
        })
    }

    /// The shares asked for, ascending, with the steps that they are.
    fn shares(&self, steps: usize) -> Vec<(f64, usize)> {
        let mut shares = self.args.shares.clone();
        shares.sort_by(f64::total_cmp);
        let of = |share: f64| ((share * steps as f64).round() as usize).max(1);
        shares.into_iter().map(|share| (share, of(share))).collect()
    }

    /// The training on everything: its states where rewinding begins, the last at its end; each with the seconds of the
    /// way to it from the start.
    fn trained(&self, setting: &Setting<'_>) -> Result<Vec<Reached>, CliError> {
        let mut stops = vec![setting.steps];
        if self.args.has(UnlearnName::R2d) {
            let shares = self.shares(setting.steps);
            stops.extend(shares.iter().map(|it| setting.steps - it.1));
        }
        stops.sort_unstable();
        stops.dedup();
        let mut states: Vec<Reached> = Vec::new();
        let mut last = Reached {
            state: setting.start.clone(),
            seconds: 0.0,
        };
        for stop in stops {
            let way = (&setting.all, &setting.plan);
            let name = format!("train-{stop}");
            let next = setting.descents.reach(&name, way, &last.state, stop)?;
            last = Reached {
                seconds: last.seconds + next.seconds,
                state: next.state,
            };
            states.push(last.clone());
        }
        Ok(states)
    }

    /// Descent-to-delete by each share, one after another on the same way.
    fn descended(&self, setting: &Setting<'_>, trained: &Reached) -> Result<Vec<Found>, CliError> {
        if !self.args.has(UnlearnName::D2d) {
            return Ok(Vec::new());
        }
        let mut last = Reached {
            state: trained.state.clone(),
            seconds: 0.0,
        };
        let mut found = Vec::new();
        for (share, count) in self.shares(setting.steps) {
            let way = (&setting.retained, &setting.plan);
            let name = format!("d2d-{count}");
            let until = setting.steps + count;
            let next = setting.descents.reach(&name, way, &last.state, until);
            let certificate = self.certificate(setting, UnlearningMethod::D2d, count)?;
            let one = Found::stepped(UnlearningMethod::D2d, (share, count), certificate);
            match next {
                Ok(next) => {
                    last = Reached {
                        seconds: last.seconds + next.seconds,
                        state: next.state,
                    };
                    found.push(one.reached(&last));
                }
                Err(error) => found.push(one.failed(error)?),
            }
        }
        Ok(found)
    }

    /// Rewind-to-delete by each share.
    fn rewound(&self, setting: &Setting<'_>, trained: &[Reached]) -> Result<Vec<Found>, CliError> {
        if !self.args.has(UnlearnName::R2d) {
            return Ok(Vec::new());
        }
        let rewound = |(share, count): (f64, usize)| {
            let from = setting.steps - count;
            let from = trained.iter().find(|it| it.state.step == from);
            let from = from.expect("the training kept it");
            let way = (&setting.retained, &setting.plan);
            let name = format!("r2d-{count}");
            let next = setting
                .descents
                .reach(&name, way, &from.state, setting.steps);
            let certificate = self.certificate(setting, UnlearningMethod::R2d, count)?;
            let one = Found::stepped(UnlearningMethod::R2d, (share, count), certificate);
            match next {
                Ok(next) => Ok(one.reached(&next)),
                Err(error) => one.failed(error),
            }
        };
        let shares = self.shares(setting.steps).into_iter();
        shares.map(rewound).collect()
    }

    /// What is certified of `count` steps of a method.
    fn certificate(
        &self,
        setting: &Setting<'_>,
        method: UnlearningMethod,
        count: usize,
    ) -> Result<CertificateRecord, CliError> {
        let refused = |refused: String| Ok(CertificateRecord::Refused { refused });
        let regularity = match &self.regularity {
            Ok(regularity) => *regularity,
            Err(reason) => return refused(format!("no certificate: {reason}")),
        };
        let steps = setting.steps;
        // Further steps are held against as many of retraining: shorter retraining ends elsewhere, however well the
        // examples are forgotten, and the bound would be of that.
        let retrained_steps = match method {
            UnlearningMethod::D2d => steps + count,
            _ => steps,
        };
        let bound = Sensitivity::new(&setting.retained, regularity, &setting.plan).and_then(|it| {
            match method {
                UnlearningMethod::D2d => {
                    let start = norm(&setting.start.theta);
                    it.descended(steps, count, retrained_steps, start)
                }
                _ => it.rewound(steps, count),
            }
        });
        let privacy = Privacy {
            epsilon: self.args.epsilon,
            delta: self.args.delta,
        };
        match bound.and_then(|bound| Certificate::new(bound, privacy)) {
            Ok(certificate) => Ok(CertificateRecord::Certified {
                certificate,
                retrained_steps,
                noisy_test: None,
            }),
            Err(error @ UnlearnError::NoCertificate { .. }) => refused(error.to_string()),
            Err(error) => Err(error.into()),
        }
    }

    /// Influence and the Newton step.
    fn one_shots(
        &self,
        setting: &Setting<'_>,
        at: &Cost,
        dampings: &Dampings,
    ) -> Result<Vec<Found>, CliError> {
        let solving = self.args.solving();
        let curvature = at.gauss_newton();
        let kinds = [
            (UnlearnName::Influence, OneShot::Influence),
            (UnlearnName::Newton, OneShot::Newton),
        ];
        let mut found = Vec::new();
        for (method, kind) in kinds.into_iter().filter(|it| self.args.has(it.0)) {
            let method = UnlearningMethod::from(method);
            let reached = setting.descents.computed(method.name(), || {
                let (preconditioner, _) =
                    preconditioner(&solving, &curvature, &dampings.values, 1)?;
                let matrix = Damped::new(&curvature, dampings.values[0]);
                let solver = solver(&solving, &preconditioner)?;
                let found = one_shot(kind, at, &matrix, &*solver, &setting.removal);
                Ok(unconverged(method, at, found.map(|it| it.0))?)
            });
            let one = Found::new(method);
            found.push(match reached {
                Ok(reached) => one.reached(&reached),
                Err(error) => one.failed(error)?,
            });
        }
        Ok(found)
    }

    /// Networks that have never seen the examples, from other seeds.
    fn references(&self, setting: &Setting<'_>) -> Result<Vec<Tensor<1>>, CliError> {
        let inputs = self.network.inputs;
        let reference = |number: usize| {
            let seed = self.network.config.seed.wrapping_add(1 + number as u64);
            let model = &self.network.run.model;
            let device = &inputs.opened.device;
            let mut dataset = inputs.dataset.clone();
            let other = model.network(Preset::Quick, &mut dataset, device, seed)?;
            let other = to_dtype(other.init(device), self.place().1);
            let other = self.network.cost(&other, self.place(), None)?;
            let start = DescentState::start(other.model().theta());
            let plan = plan(self.network.config, setting.cost.len(), seed)?;
            let way = (&setting.retained, &plan);
            let name = format!("reference-{number}");
            let end = setting.descents.reach(&name, way, &start, setting.steps)?;
            Ok(end.state.theta)
        };
        (0..self.args.references).map(reference).collect()
    }
}

/// What a solver came to without its tolerance is taken, with a warning.
fn unconverged(
    method: UnlearningMethod,
    at: &Cost,
    found: Result<Tensor<1>, UnlearnError>,
) -> Result<Tensor<1>, UnlearnError> {
    match found {
        Err(UnlearnError::Solve(error)) => match *error {
            SolveError::NotConverged { solution, .. } => {
                warn(format_args!(
                    "{} is not solved to the tolerance: its residual is {:.1e}; raise --damping",
                    method.name(),
                    solution.info.true_residual
                ));
                Ok(at.model().theta() + solution.vector)
            }
            error => Err(UnlearnError::Solve(Box::new(error))),
        },
        found => found,
    }
}

/// The Euclidean norm.
pub(super) fn norm(theta: &Tensor<1>) -> f64 {
    let squares = theta.to_data().iter::<f64>().map(|x| x * x).sum::<f64>();
    squares.sqrt()
}
