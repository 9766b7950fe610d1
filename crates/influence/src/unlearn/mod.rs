//! Unlearning: what a trained network becomes when it is to be as if some examples had never been there.
//!
//! What it is held against is *retraining*: the same gradient descent from the same initial parameters, with other
//! weights on the examples. With `w_i = 1 - N eps_i` for a [`Removal`](crate::response::Removal), which is 0 for an
//! example that is forgotten, a step on the batch `B` is
//!
//! ```text
//! theta <- P(theta - eta (1/|B| sum over i in B of w_i grad L_i(theta) + l2 theta))
//! ```
//!
//! with `P` the projection onto a ball about 0, if there is one. The mean counts all examples of a batch, whatever
//! their weights: forgetting leaves `J - 1/N sum of L_z`. Where the mean is to be over the `N - m` examples that are
//! left, as the papers have it, [`Removal::reweight`](crate::response::Removal::reweight) says so.
//!
//! | method | does | is meant for |
//! |---|---|---|
//! | [`descent_to_delete()`] | goes on from the trained parameters without the examples | strongly convex objectives |
//! | [`rewind_to_delete()`] | goes back to a checkpoint of the training, and on from there without them | any smooth objective |
//! | [`one_shot()`] | adds the influence or the Newton estimate of the removal | near a minimum |
//!
//! Descent-to-delete is from Neel, Roth and Sharifi-Malvajerdi (2021, "Descent-to-Delete: Gradient-Based Methods for
//! Machine Unlearning"), rewind-to-delete from Mu and Klabjan (2024, "Rewind-to-Delete: Certified Machine Unlearning
//! for Nonconvex Functions"), who take both to projected SGD in "Descend or Rewind? Stochastic Gradient Descent
//! Unlearning" (2025). Rewinding by nothing is descent-to-delete, and rewinding to the start is retraining, to the bit.
//!
//! A [`Certificate`] bounds how far from the retrained network the unlearned one can be, and says how much noise hides
//! the difference. Its bound is derived on the page of [`Sensitivity`] and holds for the very steps that were made; it
//! is refused where what it assumes is not so. [`Membership`] is a test of what still gives the forgotten away.

mod certificate;
mod checkpoints;
mod descent_to_delete;
mod error;
mod membership;
mod one_shot;
mod regularity;
mod rewind_to_delete;
mod sensitivity;
mod shuffled_batches;
mod weighted_descent;

pub use backdraft_optimize::Memory;
pub use certificate::{Certificate, Privacy};
pub use checkpoints::Checkpoints;
pub use descent_to_delete::descent_to_delete;
pub use error::UnlearnError;
pub use membership::{Membership, calibrated, confidence};
pub use one_shot::{OneShot, one_shot};
pub use regularity::{Evidence, LinearLoss, Regularity};
pub use rewind_to_delete::rewind_to_delete;
pub use sensitivity::Sensitivity;
pub use shuffled_batches::{ShuffledBatches, StepPlan};
pub use weighted_descent::{DescentConfig, DescentState, WeightedDescent};
