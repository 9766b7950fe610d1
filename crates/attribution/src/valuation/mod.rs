//! What training examples are worth: Data Shapley, of any module and any data.
//!
//! The players of a game are training examples, or groups of them; the worth `v(S)` of a coalition `S` is the
//! performance, on a measured part of the data, of a network trained on `S` alone. An example's Shapley value is what
//! it adds to the performance of the examples that came before it, on average over all orders (Shapley 1953; Ghorbani
//! and Zou 2019, "Data Shapley: Equitable Valuation of Data for Machine Learning", eqn 1):
//!
//! ```text
//! phi_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))
//! ```
//!
//! # Sign and scale
//! A value is in the units of the performance. Positive: the example *helps* performance. All values add up to what all
//! examples gain over none, `v(all) - v(empty)`. Where performance is minus the mean loss ([`Performance::Loss`]) a
//! value has the sign and the units of a score of that loss, `loss(without) - loss(with)`, but it is no score of a
//! removal from all others: it is an average over coalitions of every size. [`leave_one_out`] is the removal from all
//! others.
//!
//! # Ways to find them
//!
//! | what | finds | source |
//! |---|---|---|
//! | [`ExactConfig`] | the values by their definition, from `2^n` trainings | Ghorbani & Zou, eqn 1 |
//! | [`PermutationConfig`], [`TruncatedWalk`] | means over random orders, each cut off | Algorithm 1, TMC-Shapley |
//! | [`PermutationConfig`], [`GradientWalk`] | the same of *one pass* of training | Algorithm 2, G-Shapley |
//! | [`KnnConfig`] | exact values of nearest neighbours, `n log n` a measured example | Jia et al. 2019 |
//!
//! A [`Game`] is any function of coalitions; [`RetrainGame`] is training a network again by any
//! [`Retrain`](crate::Retrain), and [`GroupGame`] makes players of groups of examples. What is computed is kept in
//! [`Parts`] of a [`Store`](crate::Store): stopped at any time it goes on to the same bits, and several processes may
//! share it out by [`Shard`](crate::Shard)s.
//!
//! ```
//! use backdraft_attribution::{NoStore, valuation::{ClosureGame, ExactConfig, Parts}};
//!
//! // Two right shoes and a left one: a pair is worth 1.
//! let shoes = ClosureGame::new(3, |has: &[bool]| f64::from(has[2] && (has[0] || has[1])));
//! let parts = Parts::new(&NoStore);
//! let found = ExactConfig::default().run(&shoes, &parts)?.whole().unwrap();
//! for (value, expected) in found.values.iter().zip([1.0 / 6.0, 1.0 / 6.0, 2.0 / 3.0]) {
//!     assert!((value - expected).abs() < 1e-15);
//! }
//! # Ok::<(), backdraft_attribution::valuation::ValuationError>(())
//! ```

mod convergence;
mod curves;
mod error;
mod exact;
mod game;
mod gradient;
mod groups;
mod knn;
mod leave_one_out;
mod parts;
mod performance;
mod permutation;
mod recursion;
mod retrain_game;
mod truncated;
mod values;

pub use convergence::ConvergencePoint;
pub use curves::{CurveConfig, RandomRemovals, RemovalCurves};
pub use error::ValuationError;
pub use exact::ExactConfig;
pub use game::{ClosureGame, Game};
pub use gradient::{GradientWalk, RateSearch, RateTrial};
pub use groups::{GroupGame, PlayerGroups};
pub use knn::KnnConfig;
pub use leave_one_out::leave_one_out;
pub use parts::{PartProgress, Parts};
pub use performance::{Performance, TestPerformance};
pub use permutation::{PermutationConfig, PermutationWalk, SampledValues, Walked};
pub use retrain_game::RetrainGame;
pub use truncated::{TruncatedWalk, Truncation};
pub use values::{ShapleyValues, Sharded};
