//! What a network would answer to its own training examples without each of them.

use std::ops::Range;

use backdraft_influence::{Leverage, OwnChanges, newton_self_influences_of};

use crate::{AttributionError, Influence, Measurement, NewtonConfig};

/// What a network would answer to its own training examples, or a range of them, and lose on them, if it had not been trained on them, one
/// by one: approximate leave-one-out cross-validation, without training again.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Outputs that an example has.
    pub width: usize,
    /// The outputs as they are, example by example, `examples * width`.
    pub outputs: Vec<f64>,
    /// The predicted outputs without the example, alike; `None` for an example that is fitted by itself alone, of which
    /// nothing can be said.
    pub without: Vec<Option<f64>>,
    /// The predicted change of each example's own loss, first order in the loss: its self-influence, and the same by
    /// the Newton estimate.
    pub losses: OwnChanges,
    /// How far each example is fitted by itself alone.
    pub leverages: Vec<Leverage>,
    /// How it was found, in words.
    pub method: String,
}

impl LeftOut {
    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.leverages.len()
    }

    /// Whether there is none; never the case.
    pub fn is_empty(&self) -> bool {
        self.leverages.is_empty()
    }

    /// The outputs for an example as they are.
    pub fn outputs_of(&self, example: usize) -> &[f64] {
        &self.outputs[example * self.width..][..self.width]
    }

    /// The predicted outputs for an example without it, if they can be told.
    pub fn outputs_without(&self, example: usize) -> Option<Vec<f64>> {
        let row = &self.without[example * self.width..][..self.width];
        row.iter().copied().collect()
    }
}

impl Influence {
    /// What the network would answer to each training example without it, by the Newton estimate: exact for least
    /// squares, whatever the damping, and first order in the outputs otherwise. No query, and no training again. With
    /// the inverses of [`newton_scores`](Self::newton_scores).
    ///
    /// # Errors
    /// [`AttributionError::Solve`], [`SolveError::NoRoot`](backdraft_influence::SolveError::NoRoot) for the Hessian
    /// among it; [`AttributionError::Curvature`].
    pub fn left_out(&self, config: &NewtonConfig) -> Result<LeftOut, AttributionError> {
        let (all, mut found) = (0..self.train().len(), None);
        self.left_out_parts(config, &[all], &mut |_, part| {
            found = Some(part);
            Ok(())
        })?;
        Ok(found.expect("there is one part"))
    }

    /// The same of some ranges of training examples alone, one after another, each handed to `done` with its place
    /// among `parts`: for processes that share them out, or go on where one was stopped. What is found of a range does
    /// not depend on the others.
    ///
    /// # Errors
    /// As [`left_out`](Self::left_out), and those of `done`.
    pub fn left_out_parts(
        &self,
        config: &NewtonConfig,
        parts: &[Range<usize>],
        done: &mut dyn FnMut(usize, LeftOut) -> Result<(), AttributionError>,
    ) -> Result<(), AttributionError> {
        let train = self.train();
        let every = Measurement::outputs().cost_of_training(train, None)?;
        let measured = [every, train.clone()];
        self.part_by_part(config, parts.len(), &mut |inverse, place, method| {
            let part = &parts[place];
            let outputs = match *part == (0..train.len()) {
                true => train.outputs()?,
                false => train.select(&part.clone().collect::<Vec<_>>())?.outputs()?,
            };
            let width = outputs.dims()[1];
            let of = (train, part.clone());
            let found = newton_self_influences_of(of, self.matrix(), inverse, &measured)?;
            let [of_outputs, losses] = <[OwnChanges; 2]>::try_from(found.0).expect("one a cost");
            let outputs = outputs.try_into_vec_as::<f64>()?;
            let changed = outputs.iter().zip(of_outputs.newton);
            let without = changed.map(|(output, change)| change.map(|it| output + it));
            let found = LeftOut {
                width,
                without: without.collect(),
                outputs,
                losses,
                leverages: found.1,
                method: method.to_owned(),
            };
            done(place, found)
        })
    }
}
