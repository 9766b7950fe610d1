//! Rewind-to-delete.

use super::{Checkpoints, DescentState, StepPlan, UnlearnError, WeightedDescent};

/// Rewind-to-delete (Mu and Klabjan 2024): takes the training up at the checkpoint `rewind` steps before its end, and
/// makes those steps of `plan` again on the objective that is left, `retained`.
///
/// By all of the training it is retraining, to the bit; by none it changes nothing.
///
/// # Errors
/// [`UnlearnError::NoCheckpoint`] if none was kept there; [`UnlearnError::Setting`] if the training is not as long; as
/// [`WeightedDescent::run`].
pub fn rewind_to_delete(
    retained: &WeightedDescent,
    checkpoints: &Checkpoints,
    plan: &dyn StepPlan,
    rewind: usize,
) -> Result<DescentState, UnlearnError> {
    let end = checkpoints.trained()?.step;
    let Some(start) = end.checked_sub(rewind) else {
        let problem = format!("is by {rewind} steps, and the training has {end}");
        return Err(UnlearnError::setting("rewind", problem));
    };
    let from = checkpoints.at(start)?.clone();
    retained.run(from, plan.steps(start..end), |_| {})
}
