//! The self-influence of all training examples.

use backdraft::{InfluenceConfig, attribution::SelfInfluenceConfig};
use backdraft_curvature::Cost;

use super::{report::examples, run::ExplainRun};
use crate::{CliError, progress::say};
use backdraft_report::{SELF_INFLUENCE_FILE, self_influence_csv};

impl ExplainRun<'_> {
    /// Writes the self-influence of all training examples, if that was asked for, with the first damping, and says how
    /// it was found.
    pub(super) fn write_self_influence(&self, train: &Cost, damping: f64) -> Result<(), CliError> {
        if !self.args.self_influence {
            return Ok(());
        }
        let config = InfluenceConfig::new().with_damping(damping);
        let influence = config.over(train.clone())?;
        let found = influence.self_influences(&SelfInfluenceConfig::default())?;
        say(format_args!("self-influence: {}", found.method));
        let examples = examples(&self.inputs.dataset, &self.unit);
        let table = self_influence_csv(&found, &examples, self.unit.loss_factor)?;
        self.store.folder().write(SELF_INFLUENCE_FILE, &table)
    }
}
