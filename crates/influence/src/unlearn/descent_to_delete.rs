//! Descent-to-delete.

use super::{DescentState, StepPlan, UnlearnError, WeightedDescent};

/// Descent-to-delete (Neel, Roth and Sharifi-Malvajerdi 2021): goes on from the trained parameters by `steps` further
/// steps of `plan`, on the objective that is left, `retained`.
///
/// Where that is strongly convex, every step brings the parameters nearer to its minimum, wherever they come from;
/// elsewhere nothing says that they leave what the forgotten examples have done behind.
///
/// # Errors
/// As [`WeightedDescent::run`].
pub fn descent_to_delete(
    retained: &WeightedDescent,
    trained: &DescentState,
    plan: &dyn StepPlan,
    steps: usize,
) -> Result<DescentState, UnlearnError> {
    let range = trained.step..trained.step + steps;
    retained.run(trained.clone(), plan.steps(range), |_| {})
}
