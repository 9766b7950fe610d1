//! The flows of one removal.

use backdraft_curvature::Cost;
use backdraft_influence::{
    path::FlowState,
    response::{Removal, ResponseKind, ResponseObjective},
};
use backdraft_report::flow::{FlowedState, RemovalFlows, SwitchedFlow, WeightedFlow};
use burn::tensor::Tensor;

use super::{
    follow::Followed,
    kept::{self, Timed},
};
use crate::{CliError, groups::WeightGroup};

/// What the flows of one removal are measured by.
struct Measures<'m> {
    /// The flow that never had them.
    cold: &'m [FlowState],
    /// The removed examples.
    removed: Cost,
    /// The minimum without them.
    minimum: Tensor<1>,
    /// The way from the minimum with all examples to that without them, as a unit vector.
    across: Tensor<1>,
}

impl<'a> Followed<'a> {
    /// All flows of one removal, which is told by its place among them.
    pub fn removal(&mut self, place: usize, group: &WeightGroup) -> Result<RemovalFlows, CliError> {
        let without = self.objective(group, 0.0)?;
        let (ends, start) = (self.run.args.ends(), self.exact.start());
        let name = format!("removal-{place}");
        let from_start: Vec<f64> = [0.0].into_iter().chain(ends.iter().copied()).collect();
        let key = format!("flow-{name}.safetensors");
        let cold = self.path(&key, &without, (0.0, start), &from_start)?;
        let key = format!("minimum-{name}.safetensors");
        let minimum = self.minimum(&key, &without, &cold.result)?;
        let measures = self.measures(group, &cold.result, &minimum.result.theta)?;
        let [flows, minima] = [cold.seconds, minimum.seconds];
        self.seconds
            .extend([("flow without", flows), ("minimum without", minima)]);
        let switched = self.switched(&name, &without, &measures)?;
        let weighted = self.weighted(&name, group, &measures)?;
        self.seconds.extend([
            ("switched", switched.seconds),
            ("weighted", weighted.seconds),
        ]);
        let train = &self.run.network.inputs.dataset;
        Ok(RemovalFlows {
            name: group.name.clone(),
            changes: group.changes.clone(),
            sources: group
                .changes
                .iter()
                .map(|it| train.train_place(it.0))
                .collect(),
            minima_apart: self
                .exact
                .distance(&minimum.result.theta, &self.minimum.theta)?,
            minimum: minimum.result.record,
            switched: switched.result,
            weighted: weighted.result,
        })
    }

    /// The cost with this part of a group's change left out: 1 as it is, 0 the whole change.
    fn objective(&self, group: &WeightGroup, left: f64) -> Result<ResponseObjective<'a>, CliError> {
        let changes = group.changes.iter();
        let changes = changes.map(|(example, change)| (*example, change * (1.0 - left)));
        let removal = Removal::reweight(changes, self.responses.cost().len());
        Ok(self
            .responses
            .objective(ResponseKind::Retraining, removal)?)
    }

    /// `theta(T, s)`.
    fn switched(
        &self,
        name: &str,
        without: &ResponseObjective<'_>,
        measures: &Measures<'_>,
    ) -> Result<Timed<Vec<SwitchedFlow>>, CliError> {
        let (mut seconds, mut result) = (0.0, Vec::new());
        for (place, switch) in self.run.args.switches().into_iter().enumerate() {
            let key = format!("switched-{name}-{place}.json");
            let found = kept::json(self.run.network.store, &key, || {
                let ends = self.run.args.ends().into_iter().filter(|it| *it >= switch);
                let ends: Vec<f64> = ends.collect();
                // From the start it is the flow without them.
                if switch == 0.0 {
                    return self.measure(&at(measures.cold, &ends), measures);
                }
                let from = &at(&self.training, &[switch])[0];
                let path = self.follow(without, (switch, from.theta.clone()), &ends)?;
                self.measure(&path.states.iter().collect::<Vec<_>>(), measures)
            })?;
            seconds += found.seconds;
            let states = found.result;
            result.push(SwitchedFlow { switch, states });
        }
        Ok(Timed { seconds, result })
    }

    /// `theta(t, eps)`.
    fn weighted(
        &self,
        name: &str,
        group: &WeightGroup,
        measures: &Measures<'_>,
    ) -> Result<Timed<Vec<WeightedFlow>>, CliError> {
        let times: Vec<f64> = measures.cold.iter().map(|it| it.time).collect();
        let (mut seconds, mut result) = (0.0, Vec::new());
        for (place, &weight) in self.run.args.eps.iter().enumerate() {
            let key = format!("weighted-{name}-{place}.json");
            let found = kept::json(self.run.network.store, &key, || {
                if weight == 0.0 {
                    return self.measure(&at(measures.cold, &times), measures);
                }
                if weight == 1.0 {
                    return self.measure(&at(&self.training, &times), measures);
                }
                let objective = self.objective(group, weight)?;
                let path = self.follow(&objective, (0.0, self.exact.start()), &times)?;
                self.measure(&path.states.iter().collect::<Vec<_>>(), measures)
            })?;
            seconds += found.seconds;
            let states = found.result;
            result.push(WeightedFlow { weight, states });
        }
        Ok(Timed { seconds, result })
    }

    fn measures<'m>(
        &self,
        group: &WeightGroup,
        cold: &'m [FlowState],
        minimum: &Tensor<1>,
    ) -> Result<Measures<'m>, CliError> {
        let examples: Vec<usize> = group.changes.iter().map(|it| it.0).collect();
        let way = minimum.clone() - self.minimum.theta.clone();
        Ok(Measures {
            cold,
            removed: self.exact.train.select(&examples)?,
            minimum: minimum.clone(),
            across: self.exact.unit(way)?,
        })
    }

    fn measure(
        &self,
        states: &[&FlowState],
        measures: &Measures<'_>,
    ) -> Result<Vec<FlowedState>, CliError> {
        let factor = self.run.network.unit.loss_factor;
        let measured = states.iter().map(|state| {
            let theta = &state.theta;
            let together = &at(&self.training, &[state.time])[0].theta;
            let apart = &at(measures.cold, &[state.time])[0].theta;
            let gone = theta.clone() - together.clone();
            Ok(FlowedState {
                time: state.time,
                distance: self.exact.distance(theta, &measures.minimum)?,
                moved: self.exact.distance(theta, together)?,
                unseen: self.exact.distance(theta, apart)?,
                effect: self.exact.distance(together, apart)?,
                removed_loss: factor * self.exact.loss(&measures.removed, theta)?,
                test_loss: factor * self.exact.loss(&self.exact.tests, theta)?,
                across: self.exact.product(&gone, &measures.across)?,
            })
        });
        measured.collect()
    }
}

/// The states at some of their times.
fn at<'a>(states: &'a [FlowState], times: &[f64]) -> Vec<&'a FlowState> {
    let times = times.iter();
    times
        .filter_map(|time| states.iter().find(|it| it.time == *time))
        .collect()
}
