//! Which objective a response function minimises.

use serde::{Deserialize, Serialize};

/// What a response function minimises; the module's table has the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseKind {
    /// The cost without the examples (Bae et al. 2022, Eqn 2).
    Retraining,
    /// The same, held close to the trained parameters (Eqn 7).
    Proximal,
    /// The proximal Bregman objective (Eqns 8 and 9).
    Bregman,
    /// The same with the network linearised and the loss to second order (Eqn 11): a quadratic.
    Linearized,
}
