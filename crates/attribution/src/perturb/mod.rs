//! What it does to queries that training examples are other than they are.

mod change;
mod perturbations;
mod respond;

pub use change::InputChange;
pub use perturbations::Perturbations;
