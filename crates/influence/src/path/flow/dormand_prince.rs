//! One step of the method of Dormand and Prince.

use burn::Tensor;

use super::FlowError;

/// Weights of the gradients before it in the place of each stage. The last is where the step ends, to fifth order, and
/// the first of the next step (Dormand & Prince 1980, "A family of embedded Runge-Kutta formulae", Table 2; time does
/// not enter a flow's gradient).
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[
        19372.0 / 6561.0,
        -25360.0 / 2187.0,
        64448.0 / 6561.0,
        -212.0 / 729.0,
    ],
    &[
        9017.0 / 3168.0,
        -355.0 / 33.0,
        46732.0 / 5247.0,
        49.0 / 176.0,
        -5103.0 / 18656.0,
    ],
    &[
        35.0 / 384.0,
        0.0,
        500.0 / 1113.0,
        125.0 / 192.0,
        -2187.0 / 6784.0,
        11.0 / 84.0,
    ],
];
/// Weights of all seven gradients in the difference of the results of fifth and of fourth order.
const ERROR: [f64; 7] = [
    71.0 / 57600.0,
    0.0,
    -71.0 / 16695.0,
    71.0 / 1920.0,
    -17253.0 / 339200.0,
    22.0 / 525.0,
    -1.0 / 40.0,
];

/// Gradients that a step computes.
pub(super) const EVALUATIONS: usize = STAGES.len();

/// A place in the space of parameters, and the objective there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub theta: Tensor<1>,
    pub value: f64,
    pub gradient: Tensor<1>,
}

/// Where a step of `size` down the gradient ends, and an estimate of its error, `[dim]`. `examine` gives value and
/// gradient.
pub(super) fn step(
    from: &Place,
    size: f64,
    mut examine: impl FnMut(&Tensor<1>) -> Result<(f64, Tensor<1>), FlowError>,
) -> Result<(Place, Tensor<1>), FlowError> {
    let mut gradients = vec![from.gradient.clone()];
    let mut end = from.clone();
    for weights in STAGES {
        end.theta = from.theta.clone() - sum(weights, &gradients) * size;
        (end.value, end.gradient) = examine(&end.theta)?;
        gradients.push(end.gradient.clone());
    }
    Ok((end, sum(&ERROR, &gradients) * size))
}

fn sum(weights: &[f64], gradients: &[Tensor<1>]) -> Tensor<1> {
    let parts = weights.iter().zip(gradients);
    let parts = parts.filter(|(weight, _)| **weight != 0.0);
    let parts = parts.map(|(weight, gradient)| gradient.clone() * *weight);
    parts
        .reduce(|sum, part| sum + part)
        .expect("a stage has a weight")
}
