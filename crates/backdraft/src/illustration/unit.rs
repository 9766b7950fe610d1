//! What a hidden unit is made of.

use backdraft_curvature::Model;
use serde::Serialize;

/// The parameters of a hidden unit between one input and one output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct UnitParameters {
    /// What the input is multiplied by.
    pub input_weight: f64,
    /// What is added to that.
    pub bias: f64,
    /// What the unit's value is multiplied by on the way to the output.
    pub output_weight: f64,
}

impl UnitParameters {
    /// Of the unit at `place`, in the flat parameters of a network of one hidden layer: the layers' weights,
    /// `[inputs, outputs]`, and biases in turn.
    pub(super) fn of(model: &Model, theta: &[f64], place: usize) -> Self {
        let offsets: Vec<usize> = model.parameters().iter().map(|it| it.offset).collect();
        let [input_weight, bias, output_weight] =
            [0, 1, 2].map(|tensor| theta[offsets[tensor] + place]);
        Self {
            input_weight,
            bias,
            output_weight,
        }
    }
}
