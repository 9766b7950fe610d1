//! Influence functions: solvers, scores and response functions.
//!
//! What would a measured quantity `m(theta)`, such as a test example's loss, become if a training example were removed?
//! With `A` the damped curvature of the training cost, one solve `A s = grad m` answers it to first order for *all*
//! training examples:
//!
//! ```text
//! score_i = 1/N <grad L_i, s>   predicts   m(without i) - m(with i)
//! ```
//!
//! - [`Solver`]s: [`ConjugateGradient`], [`Lissa`] and [`Direct`]; [`Nystroem`], [`Lanczos`] and [`Diagonal`]
//!   approximate. Each returns its solution with evidence, or an error that says what to change; none returns silently
//!   unconverged.
//! - [`scores()`], by place [`place_scores`], [`parameter_change`] and [`self_influence`]; of changed rather than removed
//!   examples [`replacement_scores`] and [`target_scores`] whatever the change, [`input_scores`] for small ones, and the
//!   best [`InputStep`].
//! - [`newton_estimates`], [`newton_scores`], [`newton_self_influences`] and [`newton_step`]: influence corrected for the curvature that goes with
//!   the examples, and their [`Leverage`].
//! - [`bayes`]: Bayesian influence, covariances of losses along chains of a local posterior, without any curvature.
//! - [`closed`]: least squares and logistic regression, where influence, leave-one-out and responses have closed forms.
//! - [`response`]: what retraining, proximal and proximal Bregman objectives answer to a removal. [`Pbrf`] is the
//!   proximal Bregman response function, which influence with the Gauss-Newton matrix approximates. [`statistics`]
//!   compares the two.
//! - [`path`]: the response as the weights go there bit by bit, of which influence is the tangent
//!   ([`path::ResponsePath`]), and gradient flow, followed in time with or without examples ([`path::GradientFlow`]).
//! - [`unlearn`]: descent-to-delete, rewind-to-delete and one-shot unlearning beside retraining, certificates, and a test
//!   of what still gives the forgotten away.
//!
//! The estimand, notation and equations are those of Bae, Ng, Lo, Ghassemi and Grosse (2022), "If Influence Functions
//! are the Answer, Then What is the Question?".

pub mod bayes;
mod bound;
pub mod closed;
mod damping;
mod memory;
pub mod path;
pub mod response;
mod score;
mod solver;
pub mod statistics;
pub mod unlearn;

pub use bound::{ErrorBounds, ScoreBounds, settled};
pub use damping::{ChosenDamping, DampingRule};
pub use response::{Minimum, Pbrf, PbrfConfig, ResponseError};
pub use score::{
    InputStep, Leverage, NewtonEstimate, NewtonScores, OwnChanges, StepGoal, StepNorm,
    input_score_rows, input_scores, newton_estimates, newton_scores, newton_self_influences,
    newton_self_influences_of, newton_step, parameter_change, place_scores, replacement_changes,
    replacement_scores, scores, scores_many, self_influence, self_influence_on, self_influences,
    self_influences_on, target_scores,
};
pub use solver::{
    Choice, ConjugateGradient, ConjugateGradientConfig, Diagonal, DiagonalConfig, Direct,
    DirectConfig, DualConfig, DualInverse, DualSolver, Factor, Factors, Growth, Inverse, Kfac,
    KfacConfig, KfacInverse, Lanczos, LanczosConfig, Lissa, LissaConfig, Nystroem, NystroemConfig,
    Preconditioner, Prediction, Scale, Solution, Solutions, SolveError, SolveInfo, Solver,
};
