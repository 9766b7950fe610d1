//! What can be asked of `backdraft train`.

use clap::Args;

use super::{
    RunArgs, TrainingArgs,
    number::{count, positive},
};

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
#[derive(Clone, Debug, Args)]
#[command(after_help = TRAIN_EXAMPLES)]
pub(crate) struct Train {
    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub training: TrainingArgs,

    /// Examples in a step. Default: the preset's.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub batch_size: Option<usize>,

    /// The step size at the start. Default: the preset's.
    #[arg(long, value_name = "RATE", value_parser = positive, allow_hyphen_values = true)]
    pub learning_rate: Option<f64>,
}
