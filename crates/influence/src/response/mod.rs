//! Response functions: the parameters that training answers a removal with.
//!
//! Each minimises an objective over the parameters, with examples `z` downweighted by `eps` (`1/N` removes one), the
//! same for all of a group or one for each ([`Removal::reweight`]):
//!
//! | [`ResponseKind`] | objective | Bae et al. 2022, Eqn |
//! |---|---|---|
//! | `Retraining` | `J(theta) - eps L(z)` | 2 |
//! | `Proximal` | `J(theta) - eps L(z) + lambda/2 \|\|theta - theta_s\|\|^2` | 7 |
//! | `Bregman` | `1/N sum D(f(theta; x_i), f(theta_s; x_i)) - eps L(z) + lambda/2 \|\|theta - theta_s\|\|^2` | 8, 9 |
//! | `Linearized` | `1/2 d' (G + lambda I) d - eps <grad L(z), d>`, with `d = theta - theta_s` | 11, times 1/2 |
//!
//! An example is replaced by one that is put in its place with the same weight: [`ResponseObjective::with_added`].
//!
//! An L2 term of the cost is part of `J`; its Bregman divergence and its curvature are a proximal term of its strength.
//! [`ResponseObjective::minimize`] finds the minimum itself; [`ResponseObjective::descend`] does what the training did,
//! in as many steps as it is given. [`estimate`] is what influence functions predict of them, [`estimate_all`] of
//! several at once, and [`Responses::two_stage`] what retraining does beyond what it would do anyway (F.2).

mod bregman;
mod curvature;
mod descent;
mod error;
mod estimate;
mod hessian;
mod kind;
mod minibatch;
mod minimize;
mod minimum;
mod objective;
mod pbrf;
mod removal;
mod responses;
mod reweighted;
mod stop;
mod two_stage;

pub use backdraft_optimize::Descent;
pub use bregman::Bregman;
pub(crate) use curvature::{curves_down_from, signs};
pub use descent::{Descended, Step};
pub use error::ResponseError;
pub(crate) use estimate::{check_finite, mean_gradients};
pub use estimate::{estimate, estimate_all};
pub use hessian::ObjectiveHessian;
pub use kind::ResponseKind;
pub use minimum::Minimum;
pub use objective::ResponseObjective;
pub use pbrf::{Pbrf, PbrfConfig};
pub use removal::Removal;
pub use responses::Responses;
pub(crate) use reweighted::Reweighted;
pub use stop::Stop;
