//! Scores of training examples: predictions of what is measured of a network if one of them were not there, or were
//! another.

mod correction;
mod influence;
mod input;
mod leverage;
mod newton;
mod newton_all;
mod newton_step;
mod self_influence;

pub(crate) use correction::Correction;
pub use influence::{parameter_change, scores, scores_many};
pub use input::input_scores;
pub use leverage::Leverage;
pub use newton::{NewtonEstimate, newton_estimates};
pub use newton_all::{NewtonScores, newton_scores};
pub use newton_step::newton_step;
pub use self_influence::{self_influence, self_influences};
