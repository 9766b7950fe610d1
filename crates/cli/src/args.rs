//! What can be asked on the command line.

use std::{num::NonZeroUsize, path::PathBuf};

use backdraft_models::{Activation, Preset, computes_in_f64};
use burn::tensor::DType;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::{
    CliError,
    bench::Products,
    data::DataArgs,
    device::{Compare, DeviceName, Opened},
    experiment::{Correlate, Decompose, Mislabelling, Sweeping},
    half::ProductsIn,
    options::{count, not_negative, positive, residual, seconds, seed, share, some, width},
    queries::Query,
    weights::WeightsArgs,
};
use backdraft_report::Float;

/// Which training examples made a network behave like this, and how far can the answer be trusted?
///
/// Without a command, `backdraft` explains the default model on the embedded digits.
#[derive(Debug, Parser)]
#[command(name = "backdraft", version, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub explain: Explain,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Train a model or take one's weights, score every training example for some test examples, and verify the scores.
    Explain(Box<Explain>),
    /// Train a model, or go on where the same command was interrupted.
    Train(Box<Train>),
    /// Take training examples away, and follow each removal from retraining to the influence estimate: the five gaps
    /// between them.
    Decompose(Box<Decompose>),
    /// Hold predicted changes of test losses against retraining and the proximal Bregman response.
    Correlate(Box<Correlate>),
    /// Decompose again and again while one setting varies.
    Sweep(Box<Sweeping>),
    /// Make labels wrong, and see how soon influence finds them.
    Mislabel(Box<Mislabelling>),
    /// List the models, with their numbers of parameters.
    Models(Models),
    /// List the devices that this build and this machine can use.
    Devices,
    /// Compute the same on several devices, and show how far they are apart.
    Compare(Compare),
    /// Measure how fast this machine is.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Time derivatives of one batch on fixed networks with random data.
    Products(Products),
}

const EXAMPLES: &str = "\
Examples:
  backdraft explain
      The default model (an MLP) on the embedded digits, the three test examples with the highest loss.
  backdraft explain --model lr --data cancer --solver direct
      Logistic regression, solved exactly.
  backdraft explain --data mnist/ --queries 0-9,17 --damping 0.01 --out runs/mnist
      A folder of IDX files (MNIST layout, gzipped or not), eleven test examples of your choice.
  backdraft explain --data concrete.csv --target strength --device wgpu
      A table with a header, on the GPU.
  backdraft explain --data mnist/ --hidden 256,256 --weights mlp.pt --map =layers --mean 0.1307 --std 0.3081
      An nn.Sequential that PyTorch trained, as it is, on inputs of torchvision's Normalize.

What a score means:
  The predicted change of a query's loss when the training example is removed, loss(without) - loss(with), first order, factor
  1/N included. Positive: removing it raises the loss, the example helped. Negative: it harmed.";

/// Settings of `explain`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// The model: `mlp` (two hidden layers), `lr` (logistic or linear regression), or another of `backdraft models`.
    #[arg(long, value_name = "NAME", default_value = "mlp")]
    pub model: String,

    /// Widths of the MLP's hidden layers. Default: 32,32 for classes of tables and small images, else 128,128.
    #[arg(long, value_name = "W1,W2,..", value_delimiter = ',', value_parser = width, allow_hyphen_values = true)]
    pub hidden: Option<Vec<usize>>,

    /// The MLP's activation function.
    #[arg(long, value_enum)]
    pub activation: Option<ActivationName>,

    #[command(flatten)]
    pub data: DataArgs,

    /// Make the labels of this share of the training examples wrong, to see what becomes of them: from 0 to 1. Which
    /// ones, and their true labels, are written beside the results.
    #[arg(long, value_name = "FRACTION", value_parser = share, allow_hyphen_values = true)]
    pub corrupt_labels: Option<f64>,

    #[command(flatten)]
    pub weights: WeightsArgs,

    /// Test examples to explain, by index from 0: such as `3,17`, `0-9,12` or `all`. Default: the three with the
    /// highest loss.
    #[arg(
        long,
        value_name = "I,J-K,..|all",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub queries: Option<Vec<Query>>,

    /// How `(G + damping I) s = gradient` is solved.
    #[arg(long, value_enum, default_value_t = SolverName::Cg)]
    pub solver: SolverName,

    /// The relative residual at which `(G + damping I) s = gradient` counts as solved. Default: for cg 1e-5, in f64
    /// 1e-10, with products in 16 bits 0.01; for direct 0.001, in f64 1e-8; for lissa 0.1.
    #[arg(long, value_name = "RESIDUAL", value_parser = residual, allow_hyphen_values = true)]
    pub tolerance: Option<f64>,

    /// The type of all numbers while systems are solved and examples scored, and of the scores that are written. f64
    /// takes twice the memory and time. Training is in f32, the verification in f64 where that is there.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,

    /// LiSSA's recursion steps in one repeat. Default: 1000.
    #[arg(long, value_name = "STEPS", value_parser = count, allow_hyphen_values = true)]
    pub depth: Option<usize>,

    /// LiSSA's independent recursions, of which the mean is taken. Default: 10.
    #[arg(long, value_name = "COUNT", value_parser = count, allow_hyphen_values = true)]
    pub repeats: Option<usize>,

    /// LiSSA's scale. Default: twice the largest eigenvalue seen in a few batches.
    #[arg(long, value_name = "SIGMA", value_parser = positive, allow_hyphen_values = true)]
    pub scale: Option<f64>,

    /// The damping. Default: 0.03 for the mlp, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA", value_parser = positive, allow_hyphen_values = true)]
    pub damping: Option<f64>,

    /// What matrix products are computed in while systems are solved and examples scored. How far 16 bits put
    /// derivatives off is told; conjugate gradients go to a residual of 0.01 then. The verification is exact all the
    /// same.
    #[arg(long, value_enum, default_value_t = ProductsIn::F32)]
    pub products: ProductsIn,

    /// Examples that go through the network at once: fewer need less memory. Default: 1024 rows of a table, 250
    /// pictures or 20 sequences.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub pass: Option<NonZeroUsize>,

    /// How much is verified: `quick` as many removals as fit into about a minute, and at least three; `full` all of the
    /// choice, five of each sign for every query and ten at random.
    #[arg(long, value_enum, default_value_t = VerifyName::Quick)]
    pub verify: VerifyName,

    /// Verify the first N removals of the choice, however long that takes. `quick` depends on how fast the machine is,
    /// this does not.
    #[arg(long, value_name = "N", conflicts_with = "verify", value_parser = some, allow_hyphen_values = true)]
    pub verify_removals: Option<NonZeroUsize>,

    /// Where to compute; `backdraft devices` lists what there is.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,

    /// The seed of every random choice.
    #[arg(long, default_value_t = 0, value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,

    /// The run's own folder. Stopped, the same command with it goes on. Default: a new one,
    /// runs/<model>-<data>-<number>.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Replace an earlier run in the folder given with --out.
    #[arg(long, requires = "out")]
    pub overwrite: bool,

    /// Seconds between checkpoints of the training: what is lost at most when it is stopped.
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = seconds, allow_hyphen_values = true)]
    pub checkpoint_every: f64,
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  backdraft train --model lenet --data mnist/
      LeNet on a folder of IDX files, some minutes on two cores.
  backdraft train --model mlp --data concrete.csv --target strength --preset paper
      As in Bae et al. 2022: two hidden layers of 128 units, 1000 passes of SGD.
  backdraft train --model transformer --data ptb/ --out runs/ptb
      A language model on ptb.train.txt, ptb.valid.txt and ptb.test.txt.

Stopped (Ctrl-C, kill, power cut), the same command goes on from its last checkpoint and ends with the same weights, to the bit.

What it writes:
  best.safetensors      the weights that did best on the part held out: the validation part, or the test part where there is none
  last.safetensors      the latest weights
  log.jsonl             one line of JSON for each pass over the data
  train.json            all settings, and the results in the end
  training.safetensors  what it takes to go on, until the end
  wrong-labels.csv      with --corrupt-labels: the examples, their true and their wrong labels";

/// Settings of `train`.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_help = TRAIN_EXAMPLES)]
pub(super) struct Train {
    /// The model, one of `backdraft models`.
    #[arg(long, value_name = "NAME", default_value = "mlp")]
    pub model: String,

    #[command(flatten)]
    pub data: DataArgs,

    /// Make the labels of this share of the training examples wrong, to see what becomes of them: from 0 to 1. Which
    /// ones, and their true labels, are written beside the results.
    #[arg(long, value_name = "FRACTION", value_parser = share, allow_hyphen_values = true)]
    pub corrupt_labels: Option<f64>,

    /// The model's size and the settings of its training.
    #[arg(long, value_enum, default_value_t = PresetName::Quick)]
    pub preset: PresetName,

    /// Widths of the MLP's hidden layers. Default: the preset's.
    #[arg(long, value_name = "W1,W2,..", value_delimiter = ',', value_parser = width, allow_hyphen_values = true)]
    pub hidden: Option<Vec<usize>>,

    /// The MLP's activation function.
    #[arg(long, value_enum)]
    pub activation: Option<ActivationName>,

    #[command(flatten)]
    pub weights: WeightsArgs,

    /// Passes over the data; for lr, the most evaluations of L-BFGS. Default: the preset's.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub epochs: Option<usize>,

    /// Examples in a step. Default: the preset's.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub batch_size: Option<usize>,

    /// Examples of a step that go through the network at once: fewer need less memory, and give the same gradients up
    /// to rounding (but not with batch normalisation). Default: all.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub pass: Option<NonZeroUsize>,

    /// The step size at the start. Default: the preset's.
    #[arg(long, value_name = "RATE", value_parser = positive, allow_hyphen_values = true)]
    pub learning_rate: Option<f64>,

    /// The coefficient of the L2 term, `1/2 coefficient ||theta||^2`. Default: the preset's.
    #[arg(long, value_name = "L2", value_parser = not_negative, allow_hyphen_values = true)]
    pub weight_decay: Option<f64>,

    /// Where to compute; `backdraft devices` lists what there is.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,

    /// The seed of the initial weights and of the examples' order.
    #[arg(long, default_value_t = 0, value_parser = seed, allow_hyphen_values = true)]
    pub seed: u64,

    /// The training's own folder. Default: runs/train-<model>-<data>-<preset>-<seed>.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Train anew where an earlier training is in the folder.
    #[arg(long)]
    pub overwrite: bool,

    /// Seconds between checkpoints: what is lost at most when it is stopped.
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = seconds, allow_hyphen_values = true)]
    pub checkpoint_every: f64,
}

/// Settings of `models`.
#[derive(Clone, Debug, ClapArgs)]
pub(super) struct Models {
    /// Where to make the models, to count their parameters.
    #[arg(long, value_enum, default_value_t = DeviceName::Flex)]
    pub device: DeviceName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PresetName {
    /// As in Bae et al. (2022).
    Paper,
    /// Minutes on two cores.
    Quick,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Paper => Self::Paper,
            PresetName::Quick => Self::Quick,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ActivationName {
    Relu,
    Tanh,
    Sigmoid,
    Gelu,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Relu => Self::Relu,
            ActivationName::Tanh => Self::Tanh,
            ActivationName::Sigmoid => Self::Sigmoid,
            ActivationName::Gelu => Self::Gelu,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyName {
    None,
    Quick,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SolverName {
    /// Conjugate gradients: exact to a tolerance, any size.
    Cg,
    /// LiSSA: a stochastic recursion on batches, for data too large for full products.
    Lissa,
    /// A dense Cholesky factorisation: exact, for small models.
    Direct,
}

/// The type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Precision {
    F32,
    F64,
}

impl Precision {
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// What scores are written in.
    pub fn float(self) -> Float {
        match self {
            Self::F32 => Float::F32,
            Self::F64 => Float::F64,
        }
    }

    pub fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F64 => DType::F64,
        }
    }

    /// Refuses 64 bits where the device has none.
    pub fn check(self, opened: &Opened) -> Result<(), CliError> {
        if self == Self::F64 && !computes_in_f64(&opened.device) {
            return Err(CliError::Option {
                option: "--precision",
                problem: format!("f64 is not what {} computes in: take f32", opened.name),
            });
        }
        Ok(())
    }
}

impl SolverName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cg => "cg",
            Self::Lissa => "lissa",
            Self::Direct => "direct",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{CommandFactory, Parser};

    use super::Args;

    fn understood(line: &str) {
        let words = line.split_whitespace();
        if let Err(error) = Args::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }

    #[test]
    fn commands_of_the_readme_are_understood_and_name_what_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let readme = include_str!("../../../README.md");
        let blocks = readme.split("```console\n").skip(1);
        let lines = blocks.flat_map(|it| it.split("```").next().unwrap_or_default().lines());
        let mut count = 0;
        for line in lines {
            let ours = line.find("backdraft ").filter(|&start| start == 0);
            let run = line
                .strip_prefix("cargo run ")
                .and_then(|it| it.split_once("-- "));
            match (ours, run) {
                (Some(_), _) => understood(line),
                (None, Some((_, arguments))) => understood(&format!("backdraft {arguments}")),
                (None, None) => continue,
            }
            count += 1;
            let files = line.split_whitespace();
            for file in files.filter(|it| it.starts_with("models/") || it.starts_with("crates/")) {
                assert!(root.join(file).exists(), "{line}: there is no {file}");
            }
        }
        assert!(count > 10, "{count} commands were found");
    }

    #[test]
    fn examples_of_the_help_are_understood() {
        let mut count = 0;
        for command in Args::command().get_subcommands() {
            let Some(help) = command.get_after_help() else {
                continue;
            };
            let help = help.to_string();
            let examples = help.lines().map(str::trim);
            for line in examples.filter(|line| line.starts_with("backdraft ")) {
                understood(line);
                count += 1;
            }
        }
        assert!(count > 10, "{count} examples were found");
    }
}
