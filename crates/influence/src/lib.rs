//! Influence functions: solvers, scores and response functions.

mod bregman;
mod minimize;
mod pbrf;
mod response;
mod scores;
mod solver;
pub mod statistics;

pub use bregman::Bregman;
pub use minimize::Minimum;
pub use pbrf::{Pbrf, PbrfConfig};
pub use response::ResponseError;
pub use scores::{parameter_change, scores, self_influence};
pub use solver::{
    ConjugateGradient, ConjugateGradientConfig, Direct, DirectConfig, Factor, Lissa, LissaConfig,
    Prepared, Scale, Solution, SolveError, SolveInfo, Solver, to_dense,
};
