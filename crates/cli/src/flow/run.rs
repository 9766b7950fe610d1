//! One run of `flow`, from stage to stage.

use backdraft_influence::{path::GradientFlowConfig, response::Responses};

use super::{exact::ExactNetwork, follow::Followed, settings::FlowSettings};
use crate::{
    CliError,
    args::Flow,
    groups::WeightGroup,
    network_run::NetworkRun,
    progress::{Bar, say},
};

/// What was asked, and where results go.
pub(super) struct FlowRun<'a> {
    pub args: &'a Flow,
    /// Its initial parameters, and what there is beside them.
    pub network: NetworkRun<'a>,
    pub groups: &'a [WeightGroup],
    pub asked: &'a FlowSettings<'a>,
}

impl FlowRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let exact = ExactNetwork::of(&self)?;
        let responses = Responses::undamped(&exact.train)?;
        let config = GradientFlowConfig {
            relative_tolerance: self.args.tolerance,
            absolute_tolerance: 1e-3 * self.args.tolerance,
            max_steps: self.args.max_steps,
        };
        let bar = Bar::new("flow", 0);
        let mut followed = Followed::new(&self, &exact, &responses, config.init()?, &bar)?;
        let groups = bar.aside(|| self.removals(&followed))?;
        followed.expect(groups.len());
        let groups = groups.iter().enumerate();
        let removals = groups.map(|(place, group)| followed.removal(place, group));
        let removals = removals.collect::<Result<Vec<_>, _>>()?;
        bar.aside(|| self.finish(&followed, removals))
    }

    /// What is removed, one after another: what was asked for, or else the example with the highest loss at the end of
    /// the flow with all.
    fn removals(&self, followed: &Followed<'_>) -> Result<Vec<WeightGroup>, CliError> {
        let mut examples = self.args.remove.clone();
        if examples.is_empty() && self.groups.is_empty() {
            let worst = followed.worst()?;
            say(format_args!(
                "without training example {worst}, {}, which the flow with all fits worst",
                self.network.inputs.dataset.train_place(worst)
            ));
            examples.push(worst);
        }
        let alone = examples.into_iter().map(|example| WeightGroup {
            name: example.to_string(),
            changes: vec![(example, -1.0)],
        });
        Ok(alone.chain(self.groups.iter().cloned()).collect())
    }
}
