//! What changes of the weights of groups of training examples do.

use std::time::Instant;

use backdraft::attribution::{
    Store, StoreError,
    verify::{Extent, ResponseOutcome, Verifier, VerifyProgress},
};
use backdraft_curvature::{Cost, Damped};
use backdraft_influence::{
    newton_step,
    response::{Removal, ResponseKind, estimate_all},
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::run::ExplainRun;
use crate::{
    CliError,
    args::NewtonName,
    progress::{Bar, warn},
    solve::{QuerySystems, record, solver, told},
    verify::Amount,
};
use backdraft_report::{GROUPS_FILE, GroupPair, GroupRecord, SolveRecord, groups_csv};

/// Where predictions are kept.
const KEPT: &str = "groups.json";

/// What is predicted of one group, in the units that the network is trained with.
#[derive(Serialize, Deserialize)]
struct Predicted {
    solve: SolveRecord,
    parameter_change: f64,
    /// One number a row of scores.
    changes: Vec<f64>,
    /// The Newton estimates, if there are any.
    newton: Option<Vec<f64>>,
}

/// The same of all, and the seconds that it took.
#[derive(Serialize, Deserialize)]
struct AllPredicted {
    seconds: f64,
    groups: Vec<Predicted>,
}

/// What is known of the groups of a run.
pub(super) struct GroupResults {
    pub records: Vec<GroupRecord>,
    /// That the predictions took, and the responses.
    pub seconds: f64,
    pub verifying: f64,
}

impl ExplainRun<'_> {
    /// What the groups that were asked for are predicted to do with the first damping, from the folder where that is
    /// there: one solve a group, all of them as one block.
    pub(super) fn predicted_groups(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
    ) -> Result<GroupResults, CliError> {
        let mut results = GroupResults {
            records: Vec::new(),
            seconds: 0.0,
            verifying: 0.0,
        };
        if self.groups.is_empty() {
            return Ok(results);
        }
        let predicted = match self.kept_groups()? {
            Some(kept) => kept,
            None => self.predict_groups(cost, systems)?,
        };
        results.seconds = predicted.seconds;
        let factor = self.measure.factor;
        for (group, found) in self.groups.iter().zip(predicted.groups) {
            let pair = |(row, change): (usize, &f64)| GroupPair {
                query: systems.queries.index(row),
                predicted: factor * change,
                newton: found.newton.as_ref().map(|it| factor * it[row]),
                actual: None,
            };
            results.records.push(GroupRecord {
                name: group.name.clone(),
                examples: group.changes.len(),
                weight_change: group.weight_change(),
                changes: found.changes.iter().enumerate().map(pair).collect(),
                solve: found.solve,
                parameter_change: found.parameter_change,
                failed: None,
            });
        }
        Ok(results)
    }

    /// What is damaged is computed anew.
    fn kept_groups(&self) -> Result<Option<AllPredicted>, CliError> {
        match self.network.store.get(KEPT) {
            Ok(bytes) => Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok())),
            Err(StoreError::Damaged { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn removals(&self) -> Vec<Removal> {
        let n = self.network.inputs.dataset.train.rows;
        self.groups.iter().map(|it| it.removal(n)).collect()
    }

    fn predict_groups(
        &self,
        cost: &Cost,
        systems: &QuerySystems<'_>,
    ) -> Result<AllPredicted, CliError> {
        let bar = Bar::new("groups", self.groups.len() as u64);
        let start = Instant::now();
        let matrix = Damped::new(systems.curvature, systems.dampings[0]);
        let solver = solver(&self.args.solving(), systems.preconditioner)?;
        let inverse = solver.prepare(&matrix)?;
        let removals = self.removals();
        let mut groups = Vec::new();
        let found = estimate_all(cost, &*inverse, &removals)?;
        for ((group, removal), found) in self.groups.iter().zip(&removals).zip(found) {
            let name = format!("group {}", group.name);
            let found = bar.aside(|| told(&self.args.solving(), &name, found))?;
            let corrected = match self.args.newton {
                NewtonName::None => None,
                _ => match newton_step(cost, &matrix, &*solver, removal) {
                    Ok(found) => Some(found.vector),
                    Err(error) => {
                        bar.aside(|| warn(format_args!("no Newton estimate of {name}: {error}")));
                        None
                    }
                },
            };
            let square = found.vector.clone().square().sum();
            groups.push(Predicted {
                parameter_change: square.into_scalar::<f64>().sqrt(),
                changes: self.along(systems.measured, found.vector)?,
                newton: corrected
                    .map(|it| self.along(systems.measured, it))
                    .transpose()?,
                solve: record(found.info),
            });
            bar.inc(1);
        }
        let all = AllPredicted {
            seconds: start.elapsed().as_secs_f64(),
            groups,
        };
        let unencoded = |error: serde_json::Error| StoreError::Other(error.into());
        let json = serde_json::to_vec(&all).map_err(unencoded)?;
        self.network.store.put(KEPT, &json)?;
        // As a later run finds it.
        Ok(serde_json::from_slice(&json).map_err(unencoded)?)
    }

    /// What a change of the parameters does to each row of what is measured, to first order.
    fn along(&self, measured: &Cost, change: Tensor<1>) -> Result<Vec<f64>, CliError> {
        let changes = measured.directional_derivatives(change)?;
        let changes = match self.measure.mean_over {
            Some(_) => changes.mean(),
            None => changes,
        };
        Ok(changes.into_data().iter::<f64>().collect())
    }

    /// Holds the predictions against the responses with the groups' weights, if anything is verified: `train` and
    /// `measured` are in 64 bits where there are any.
    pub(super) fn verify_groups(
        &self,
        results: &mut GroupResults,
        (train, measured): (&Cost, &Cost),
        damping: f64,
    ) -> Result<(), CliError> {
        if results.records.is_empty() {
            return Ok(());
        }
        let bar = Bar::new("verifying groups", results.records.len() as u64);
        let progress = |progress| match progress {
            VerifyProgress::Expected(count) => bar.length(count as u64),
            VerifyProgress::Step(step) => bar.message(format!("step {step} of a response")),
            VerifyProgress::Done(count) => bar.set(count as u64),
            _ => {}
        };
        let verifier = Verifier::new(train, measured, damping, ResponseKind::Bregman)?;
        let verifier = verifier
            .with_mean(self.measure.mean_over.is_some())
            .with_own_store(self.network.store)
            .with_progress(progress);
        let extent = match self.amount() {
            Amount::Quick => Extent::Quick,
            _ => Extent::Full,
        };
        let found = verifier.run_groups(&self.removals(), extent)?;
        for (record, response) in results.records.iter_mut().zip(found) {
            results.verifying += response.seconds;
            match response.outcome {
                ResponseOutcome::Done { changes, .. } => {
                    for (pair, change) in record.changes.iter_mut().zip(changes) {
                        pair.actual = Some(self.measure.factor * change);
                    }
                }
                ResponseOutcome::Failed(reason) => record.failed = Some(reason),
            }
        }
        Ok(())
    }

    /// Writes the table of groups, if there are any.
    pub(super) fn write_groups(&self, results: &GroupResults) -> Result<(), CliError> {
        match results.records.is_empty() {
            true => Ok(()),
            false => {
                let table = groups_csv(&results.records)?;
                self.network.store.folder().write(GROUPS_FILE, &table)
            }
        }
    }
}
