//! What can be asked of `backdraft flow`.

use std::path::PathBuf;

use clap::Args;

use super::{
    RunArgs,
    number::{count, count_or_none, not_negative, positive, residual, share},
};
use crate::CliError;

const EXAMPLES: &str = "\
Examples:
  backdraft flow
      The default model (an MLP, here of tanh units) on the embedded digits, without the training example that it fits worst. The flow
      of a network with kinks (--activation relu) may slide along one, in many tiny steps.
  backdraft flow --model lr --data cancer --remove 3,17 --times 10,100,1000
      Logistic regression without each of two examples, further on.
  backdraft flow --model lr --group groups.csv --switches 0,5,50 --times 1,10,100
      Groups of examples, by chosen times of the switch.

What it follows:
  Gradient flow, which is gradient descent in the limit of short steps; time is step size times number of steps. theta(T, s) has all
  training examples until s and is without the removed ones from s to T; theta(t, eps) has them with the weight eps from the start.";

/// Settings of `flow`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Flow {
    #[command(flatten)]
    pub run: RunArgs,

    /// Training examples to remove, each by itself, by index from 0. Default: the one with the highest loss at the end
    /// of the flow with all.
    #[arg(long, value_name = "I,J,..", value_delimiter = ',', value_parser = count_or_none, allow_hyphen_values = true)]
    pub remove: Vec<usize>,

    /// Groups of training examples whose weights change, one group after another: a CSV file with a column `train`, and
    /// if you like `weight_change` (-1 removes) and `group`.
    #[arg(long, value_name = "FILE")]
    pub group: Option<PathBuf>,

    /// The times T at which flows are told.
    #[arg(long, value_name = "T,..", value_delimiter = ',', default_value = "1,3,10,30,100", value_parser = positive, allow_hyphen_values = true)]
    pub times: Vec<f64>,

    /// The times s of the switch. Default: 0, and the times but for the last.
    #[arg(long, value_name = "S,..", value_delimiter = ',', value_parser = not_negative, allow_hyphen_values = true)]
    pub switches: Vec<f64>,

    /// The weights of the removed examples whose flows are followed from the start, from 0 to 1.
    #[arg(long, value_name = "EPS,..", value_delimiter = ',', default_value = "1,0.75,0.5,0.25,0", value_parser = share, allow_hyphen_values = true)]
    pub eps: Vec<f64>,

    /// The coefficient of the L2 term, `1/2 coefficient ||theta||^2`, with which there is a minimum.
    #[arg(long, value_name = "L2", default_value_t = 0.01, value_parser = positive, allow_hyphen_values = true)]
    pub l2: f64,

    /// The error of a step that is let pass, relative to each parameter.
    #[arg(long, value_name = "TOL", default_value_t = 1e-6, value_parser = residual, allow_hyphen_values = true)]
    pub tolerance: f64,

    /// Most steps of one flow.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = count, allow_hyphen_values = true)]
    pub max_steps: usize,
}

impl Flow {
    /// The times at which flows are told, ascending.
    pub fn ends(&self) -> Vec<f64> {
        ascending(self.times.clone())
    }

    /// The times of the switch, ascending.
    pub fn switches(&self) -> Vec<f64> {
        if !self.switches.is_empty() {
            return ascending(self.switches.clone());
        }
        let mut ends = self.ends();
        ends.pop();
        ascending([0.0].into_iter().chain(ends).collect())
    }

    /// Refuses what nothing could go by, for `n` training examples, before anything is computed.
    pub fn check(&self, n: usize) -> Result<(), CliError> {
        let refused = |option, problem| Err(CliError::Option { option, problem });
        if let Some(wrong) = self.remove.iter().find(|it| **it >= n) {
            let problem = format!("{wrong}: there are {n} training examples, counted from 0");
            return refused("--remove", problem);
        }
        if n < 2 && !self.remove.is_empty() {
            return refused("--remove", "takes the only training example away".into());
        }
        let last = self.ends().last().copied().unwrap_or_default();
        if let Some(late) = self.switches().into_iter().find(|it| *it > last) {
            let problem =
                format!("has {late}, after the last of --times, {last}: name a later end");
            return refused("--switches", problem);
        }
        Ok(())
    }
}

fn ascending(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}
