//! The leverage of all training examples, and their Newton estimates.

use backdraft::{InfluenceConfig, attribution::NewtonConfig};
use backdraft_curvature::{Cost, Damped};
use burn::tensor::Tensor;

use super::run::ExplainRun;
use crate::{
    CliError,
    args::NewtonName,
    progress::{Bar, say},
    solve::QuerySystems,
};
use backdraft_report::{LEVERAGE_FILE, ScoreRecord, leverage_csv};

impl ExplainRun<'_> {
    /// Writes the leverage of all training examples, and their Newton estimates for every query, if that was asked for,
    /// with the first damping, and says how they were found.
    pub(super) fn write_leverages(
        &self,
        train: &Cost,
        systems: &QuerySystems<'_>,
        scores: &ScoreRecord,
    ) -> Result<(), CliError> {
        if self.args.newton != NewtonName::All {
            return Ok(());
        }
        let damping = systems.dampings[0];
        let matrix = Damped::new(systems.curvature, damping);
        let solutions = (0..systems.queries.count())
            .map(|system| self.network.store.folder().solved(system, &matrix));
        let solutions = solutions.collect::<Result<Option<Vec<_>>, _>>()?;
        // They are kept until here.
        let Some(solutions) = solutions else {
            return Ok(());
        };
        let solutions = solutions.into_iter().map(|it| it.vector).collect();
        let bar = Bar::new("leverage", 0);
        let shown = self.passes.show(&bar);
        let influence = InfluenceConfig::new().with_damping(damping);
        let influence = influence.over(train.clone())?;
        let config = NewtonConfig::default();
        let (found, method) =
            influence.newton_scores_from(&Tensor::stack(solutions, 0), &config)?;
        drop((shown, bar));
        say(format_args!("leverage: {method}"));
        let table = leverage_csv(&found, scores, &self.examples())?;
        self.network.store.folder().write(LEVERAGE_FILE, &table)
    }
}
