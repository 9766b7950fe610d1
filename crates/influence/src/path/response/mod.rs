//! Response paths: the minimum as the weight of training examples goes from 1 to 0.
//!
//! With the objective `F_eps(theta) = R_j(theta) + eps l_j(theta)`, in which an example counts by `eps`, the minimum
//! `theta(eps)` is a curve from the trained parameters, `eps = 1`, to those without the example, `eps = 0`. Influence
//! is its tangent at an end:
//!
//! ```text
//! theta'(eps)  = -A^-1 grad D                              A = H_F, at theta(eps)
//! theta''(eps) = -A^-1 (T[theta', theta'] + 2 H_D theta')  T the third derivative of F
//! ```
//!
//! (implicit differentiation of `grad F_eps(theta(eps)) = 0`, once and twice). [`ResponsePath`] follows it from 1 to 0
//! by prediction and correction: a step along the path's own Taylor polynomial to second order, and Newton's method
//! from there. Where the path folds, because the curvature loses positive definiteness, it is not jumped over to
//! wherever Newton's method leads: [`PathEnd`] says where it ended. [`FollowedPath`] tells how far the tangents at the
//! two ends differ and what bounds that, how straight the path is, and how far from its end each straight line lands.
//!
//! # Which change of weights
//! Any [`Removal`](crate::response::Removal), of a group and with a change of its own for each example
//! ([`Removal::reweight`](crate::response::Removal::reweight)), and examples that are put in the place of others: with
//! `D` what the whole change takes away, `F_eps = F_1 - (1 - eps) D`, a straight line through `R^n`, the weights of all
//! examples. The derivative in each weight by itself is [`ResponsePath::partials`], of which that along the line is the
//! sum.
//!
//! # Which objective
//! Any [`ResponseKind`](crate::response::ResponseKind) but the linearised one, whose path is a straight line. The cost
//! itself (`Retraining`) has the path from its minimum; where training stopped before, the Bregman objective makes of
//! `theta_s` a minimum, with `theta(1) = theta_s`. The curvature is the objective's exact Hessian, L2 and proximal
//! terms included.
//!
//! # Scale
//! A [`Cost`](backdraft_curvature::Cost) is a *mean* over `N` examples: for the removal of one, `D = l_j / N`, and `A`
//! is of the mean. Of sums, as `R_j + eps l_j` is often written, the path, its derivatives and `eps` are the same, for
//! both sides of each equation are `N` times ours; only the values are: `l_j = N D`. An L2 term `l2/2 ||theta||^2` of
//! our mean is `N l2/2 ||theta||^2` of the sum.

mod attempt;
mod comparison;
mod config;
mod end;
mod error;
mod followed;
mod point;
mod projection;
mod response_path;
mod straightness;

pub use comparison::{Landing, Landings, TangentGap};
pub use config::PathConfig;
pub use end::PathEnd;
pub use error::PathError;
pub use followed::FollowedPath;
pub use point::{PathPoint, PointFacts};
pub use projection::Projection;
pub use response_path::{NextPoint, ResponsePath};
pub use straightness::Straightness;
