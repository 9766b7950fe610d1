//! The self-influence of all training examples.

use backdraft::{InfluenceConfig, attribution::SelfInfluenceConfig};
use backdraft_curvature::Cost;

use super::run::ExplainRun;
use crate::{
    CliError,
    progress::{Bar, say},
};
use backdraft_report::{SELF_INFLUENCE_FILE, self_influence_csv};

impl ExplainRun<'_> {
    /// Writes the self-influence of all training examples, if that was asked for, with the first damping, and says how
    /// it was found.
    pub(super) fn write_self_influence(&self, train: &Cost, damping: f64) -> Result<(), CliError> {
        if !self.args.self_influence {
            return Ok(());
        }
        let bar = Bar::new("self-influence", 0);
        let shown = self.passes.show(&bar);
        let config = InfluenceConfig::new().with_damping(damping);
        let influence = config.over(train.clone())?;
        let config = SelfInfluenceConfig::default();
        let found = if self.measure.is_loss() {
            influence.self_influences(&config)?
        } else {
            let (device, dtype) = (train.model().device(), train.model().dtype());
            let of_itself = self.measurement(&self.network.inputs.dataset.train, (device, dtype));
            influence.self_influences_of(&of_itself, &config)?
        };
        drop((shown, bar));
        match self.measure.is_loss() {
            true => say(format_args!("self-influence: {}", found.method)),
            false => say(format_args!(
                "self-influence on the {}: {}",
                self.measure.words, found.method
            )),
        }
        let table = self_influence_csv(&found, &self.examples())?;
        self.network
            .store
            .folder()
            .write(SELF_INFLUENCE_FILE, &table)
    }
}
