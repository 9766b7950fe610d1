//! Scores of training examples: predictions of what is measured of a network if one of them were not there, or were
//! another.

mod influence;
mod input;
mod self_influence;

pub use influence::{parameter_change, scores, scores_many};
pub use input::input_scores;
pub use self_influence::{self_influence, self_influences};
