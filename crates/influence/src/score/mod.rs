//! Scores of training examples: predictions of what is measured of a network if one of them were not there, or were
//! another.

mod correction;
mod influence;
mod input;
mod leverage;
mod newton;
mod newton_all;
mod newton_self;
mod newton_step;
mod place;
mod replacement;
mod self_influence;
mod step;

pub(crate) use correction::Correction;
pub use influence::{parameter_change, scores, scores_many};
pub use input::{input_score_rows, input_scores};
pub use leverage::Leverage;
pub use newton::{NewtonEstimate, newton_estimates};
pub use newton_all::{NewtonScores, newton_scores};
pub use newton_self::{OwnChanges, newton_self_influences, newton_self_influences_of};
pub use newton_step::newton_step;
pub use place::place_scores;
pub use replacement::{replacement_changes, replacement_scores, target_scores};
pub use self_influence::{self_influence, self_influence_on, self_influences, self_influences_on};
pub use step::{InputStep, StepGoal, StepNorm};
