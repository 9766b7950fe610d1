//! What an experiment comes down to, settled before any training.

use std::path::PathBuf;

use backdraft::{SolverConfig, attribution::evaluate::GroupKind};
use backdraft_influence::Preconditioner;
use backdraft_models::{
    Architecture, Optimizer, Preset, TrainConfig, ZooConfig, computes_in_f64,
    data::{Dataset, LabelNoise},
};
use burn::tensor::{DType, Device};
use serde::Serialize;

use super::{
    args::{Common, Rate},
    draw::{self, Removed},
    scaled::ScaledSettings,
    validate::ValidationSettings,
};
use crate::{
    CliError,
    args::{Precision, SolverName, number::check_fits},
    device::Opened,
    fingerprint::fingerprint,
    inputs::{announce, corrupt},
    memory::check_network,
    preparation::Preparation,
    progress::say,
};
use backdraft_report::brief;

/// Everything that decides an experiment's numbers, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    pub command: &'static str,
    pub model: Architecture,
    pub data: String,
    pub target: Option<String>,
    #[serde(flatten)]
    pub reading: Preparation,
    pub preset: &'static str,
    pub scaled: ScaledSettings,
    pub examples: Option<usize>,
    pub corrupt_labels: Option<f64>,
    pub network: ZooConfig,
    pub training: TrainConfig,
    /// Step sizes that are searched through; the training's is of no account then.
    pub search: Vec<f64>,
    pub damping: f64,
    pub hessian: bool,
    /// Whether the proximal Bregman responses are minimised to their end.
    pub converge: bool,
    pub solver: &'static str,
    pub tolerance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preconditioner: Option<Preconditioner>,
    /// Those of a solver in closed form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_form: Option<SolverConfig>,
    /// LiSSA's; without a depth it is found from the residual, up to `max_depth`.
    pub depth: Option<usize>,
    pub max_depth: usize,
    pub repeats: usize,
    pub scale: Option<f64>,
    pub precision: &'static str,
    pub device: &'static str,
    pub seed: u64,
    /// The training examples of each removal, as far as they are known before training.
    pub removals: Vec<Vec<usize>>,
    /// What each of them is made of, where groups are compared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupKind>,
    /// What a validation is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationSettings>,
    /// The test examples that are measured.
    pub tests: Vec<usize>,
    /// Of the data, so that a file that has changed is noticed.
    pub fingerprint: String,
    #[serde(skip)]
    pub solver_name: SolverName,
    #[serde(skip)]
    pub dtype: DType,
    /// Training examples.
    #[serde(skip)]
    pub train: usize,
    /// Examples that go through the network at once.
    #[serde(skip)]
    pub pass: usize,
}

/// An experiment that can begin.
pub(super) struct PreparedExperiment {
    pub plan: Plan,
    pub dataset: Dataset,
    pub noise: Option<LabelNoise>,
    pub device: Device,
    pub out: PathBuf,
}

/// What an experiment asks beyond what all ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub command: &'static str,
    /// Test examples to measure.
    pub tests: usize,
    pub corrupt_labels: Option<f64>,
    /// What to remove.
    pub removed: Removed,
    /// The solver if none is named.
    pub solver: SolverName,
    /// Its tolerance, if it is not to be its own.
    pub tolerance: Option<f64>,
    /// Whether it is one value of a sweep.
    pub sweep: bool,
}

/// Step sizes that are searched through (Bae et al. 2022, appendix E.3), the transformer's, and those that a sweep
/// tries beside (E.4).
const RATES: [f64; 7] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001];
const TRANSFORMER: [f64; 6] = [0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001];
const SWEEP: [f64; 2] = [0.0003, 0.0001];

impl PreparedExperiment {
    /// The training examples whose labels were made wrong.
    pub fn wrong(&self) -> Vec<usize> {
        let noise = self.noise.iter();
        noise
            .flat_map(|noise| noise.changes.iter().map(|change| change.row))
            .collect()
    }

    /// Says what is about to be done.
    pub fn announce(&self) {
        let (plan, dataset) = (&self.plan, &self.dataset);
        let place = format_args!(
            "device {}, {}, seed {}",
            plan.device, plan.precision, plan.seed
        );
        announce(plan.model, dataset, self.noise.as_ref(), place);
        if let Some(factors) = plan.scaled.describe() {
            say(factors);
        }
    }
}

impl Plan {
    /// How many removals there are.
    pub fn removals(&self) -> usize {
        let points = self.validation.as_ref().map(|it| it.points);
        points.unwrap_or(self.removals.len())
    }

    /// Whether L-BFGS trains the base, and then finds all responses too.
    pub fn lbfgs(&self) -> bool {
        matches!(self.training.optimizer, Optimizer::Lbfgs { .. })
    }

    /// Whether a search takes the step size of the highest accuracy rather than of the least loss, as the paper does
    /// for convolutional networks.
    pub fn by_accuracy(&self) -> bool {
        use Architecture::{AlexNet, LeNet, ResNet20, Vgg13};
        matches!(self.model, LeNet | AlexNet | Vgg13 | ResNet20)
    }

    /// Passes over the data of each response.
    pub fn response_epochs(&self) -> usize {
        self.training.epochs.div_ceil(2)
    }
}

/// Settles everything, and refuses what makes no sense.
pub(super) fn prepare(args: &Common, question: Question) -> Result<PreparedExperiment, CliError> {
    let model = args.model.kind()?;
    let (opened, seed) = (args.compute.device.open()?, args.compute.seed);
    let (device, device_name) = (opened.device.clone(), opened.name);
    let (mut dataset, noise) = examples(args, model, &question)?;
    let n = dataset.train.rows;
    let preset = args.training.preset.into();
    // For its refusals, and for what the options say of an MLP.
    let asked = args.model.network(preset, &mut dataset, &device, seed)?;
    let scaled = scaled(args, preset, &asked, &dataset);
    let network = network(args, asked, &scaled);
    let precision = precision(args, &opened)?;
    let dtype = precision.dtype();
    check_network(args.model.size_option(), &network, &opened, dtype)?;
    let training = training(args, &scaled, dtype)?;
    let damping = damping(args, &scaled, &training, dtype)?;
    let removals = draw::removals(seed, n, question.removed)?;
    let tests = draw::tests(seed, dataset.test.rows, question.tests)?;
    let data = args.data.path.display().to_string();
    let solver = args.solver.name.unwrap_or(question.solver);
    args.solver.check(solver, &network, dtype)?;
    args.solver.check_one_by_one()?;
    let plan = Plan {
        command: question.command,
        model,
        target: args.data.target.clone(),
        reading: Preparation::of(&dataset),
        preset: preset.name(),
        examples: args.examples,
        corrupt_labels: question.corrupt_labels,
        network,
        search: match args.learning_rate {
            Some(Rate::Search) => rates(model, question.sweep),
            _ => Vec::new(),
        },
        damping,
        hessian: args.hessian,
        converge: args.converge,
        solver: solver.name(),
        tolerance: args
            .solver
            .tolerance
            .or_else(|| question.tolerance.filter(|_| solver == question.solver)),
        depth: args.solver.depth,
        max_depth: args.solver.depth.unwrap_or(scaled.depth),
        repeats: args.solver.repeats.unwrap_or(REPEATS),
        scale: args.solver.scale,
        preconditioner: args.solver.preconditioner(seed),
        closed_form: args.solver.closed_form(solver, seed),
        precision: precision.name(),
        device: device_name,
        seed,
        removals,
        groups: Vec::new(),
        validation: None,
        tests,
        fingerprint: fingerprint(&dataset),
        solver_name: solver,
        pass: args.remedy()?.examples,
        dtype,
        train: n,
        data,
        scaled,
        training,
    };
    let out = args.folder.out_or(format!(
        "{}-{model}-{}-{preset}-{seed}{}",
        question.command,
        dataset.name,
        args.part()
    ));
    Ok(PreparedExperiment {
        plan,
        dataset,
        noise,
        device,
        out,
    })
}

/// The data, cut and corrupted as was asked.
fn examples(
    args: &Common,
    model: Architecture,
    question: &Question,
) -> Result<(Dataset, Option<LabelNoise>), CliError> {
    let seed = args.compute.seed;
    let mut dataset = args.data.load()?;
    model.check(&dataset)?;
    if let Some(examples) = args.examples {
        let chosen = draw::examples(seed, dataset.train.rows, examples)?;
        dataset.train = dataset.train.select(&chosen);
    }
    let noise = corrupt(&mut dataset, "--corrupt", question.corrupt_labels, seed)?;
    Ok((dataset, noise))
}

/// The preset's settings, scaled but for what was asked for by itself.
fn scaled(args: &Common, preset: Preset, asked: &ZooConfig, dataset: &Dataset) -> ScaledSettings {
    let network = match asked {
        ZooConfig::Onnx(_) => asked.clone(),
        _ => Preset::Paper.network(asked.model(), dataset),
    };
    let mut scaled = ScaledSettings::of(preset, network, dataset);
    if args.model.hidden.is_some() {
        scaled.width_divisor = 1;
    }
    if args.training.epochs.is_some() {
        scaled.epochs_divisor = 1;
    }
    if args.solver.depth.is_some() {
        scaled.depth_divisor = 1;
    }
    scaled
}

/// The scaled network with what the options say.
fn network(args: &Common, asked: ZooConfig, scaled: &ScaledSettings) -> ZooConfig {
    let network = match (scaled.network.clone(), asked) {
        (ZooConfig::Mlp(config), ZooConfig::Mlp(asked)) => {
            let hidden = args.model.hidden.clone();
            let hidden = hidden.unwrap_or_else(|| config.hidden.clone());
            let config = config.with_hidden(hidden);
            ZooConfig::Mlp(config.with_activation(asked.activation))
        }
        (network, _) => network,
    };
    network.with_seed(args.compute.seed)
}

/// The type of all numbers: 64 bits where the device computes in them.
fn precision(args: &Common, opened: &Opened) -> Result<Precision, CliError> {
    let precision = match args.solver.precision {
        Some(precision) => precision,
        None if computes_in_f64(&opened.device) => Precision::F64,
        None => Precision::F32,
    };
    precision.check(opened)?;
    Ok(precision)
}

/// The damping, with which responses have one optimum.
fn damping(
    args: &Common,
    scaled: &ScaledSettings,
    training: &TrainConfig,
    dtype: DType,
) -> Result<f64, CliError> {
    let damping = args.damping.unwrap_or(scaled.damping);
    let strength = damping + training.weight_decay;
    if !(strength > 0.0 && strength.is_finite()) {
        return Err(CliError::Option {
            option: "--damping",
            problem: format!(
                "is {}: it must be positive, or zero beside an L2 term, for the responses to have one optimum",
                brief(damping)
            ),
        });
    }
    check_fits("--damping", Some(damping), dtype)?;
    Ok(damping)
}

/// LiSSA's repeats, where no option says otherwise.
const REPEATS: usize = 5;

/// The step sizes that the paper searches through.
fn rates(model: Architecture, sweep: bool) -> Vec<f64> {
    match (model, sweep) {
        (Architecture::Transformer, _) => TRANSFORMER.into(),
        (_, true) => [&RATES[..], &SWEEP].concat(),
        (_, false) => RATES.into(),
    }
}

/// The scaled settings with what the options say.
fn training(args: &Common, scaled: &ScaledSettings, dtype: DType) -> Result<TrainConfig, CliError> {
    let preset = TrainConfig {
        seed: args.compute.seed,
        learning_rate: match args.learning_rate {
            Some(Rate::Fixed(rate)) => rate,
            _ => scaled.training.learning_rate,
        },
        ..scaled.training.clone()
    };
    let by_batches = [("--learning-rate", args.learning_rate.is_some())];
    args.training.config(preset, &by_batches, dtype)
}
