//! Influence whose products are split over several devices.

use backdraft_curvature::{IntoRows, ShardedCost};
use backdraft_influence::scores_many;
use burn::tensor::{Device, Tensor};

use crate::{AttributionError, Influence, Measurement, Scores};

impl Influence {
    /// The [`scores`](Self::scores), with the training examples in as many parts as there are `devices`, to which they
    /// are copied: every product is split over all of them, for fewer queries than
    /// [`scores_over`](Self::scores_over) could deal out. They agree with those of one device up to rounding, within
    /// which solvers that go to a tolerance come to other numbers, and have the same bits wherever the parts are.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] for no device, or more than there are examples; [`AttributionError::Solve`] for a
    /// solver that is made of the network's layers or the rows of all examples, and not of products; otherwise as
    /// [`scores`](Self::scores).
    pub fn scores_in_parts(
        &self,
        devices: &[Device],
        measurement: &Measurement,
        inputs: impl IntoRows,
    ) -> Result<Scores, AttributionError> {
        let (queries, outputs) = self.measured(measurement, inputs.rows())?;
        let mean = measurement.is_mean();
        let parts = ShardedCost::split(&self.train, devices)?;
        let config = &self.config;
        let matrix = parts.operator(|cost| config.matrix.of(cost).damped(config.damping))?;
        let there = queries.to_device(parts.first().model().device())?;
        let solved = self.solutions_of(&matrix, &there, mean);
        let (solutions, solves) = solved.map_err(|error| error.of_query(outputs))?;
        let solutions: Tensor<2> = Tensor::stack(solutions, 0);
        let values = scores_many(&parts, solutions.clone())?;
        let device = self.train.model().device();
        Ok(Scores {
            values: values.to_device(device),
            solutions: Some(solutions.to_device(device)),
            solves,
            queries,
            outputs,
            mean,
            of_loss: measurement.is_loss(),
        })
    }
}
