//! Which training examples made a network behave like this, and how far can the answer be trusted?
//!
//! This crate is what users import: it re-exports the engine's crates.
//!
//! | module | what it holds |
//! |---|---|
//! | [`attribution`] | the front door: influence of any module on any measurement, and how far it can be trusted |
//! | [`program`] | functions of Burn tensors as programs: trace, differentiate, simplify, run |
//! | [`curvature`] | Gauss-Newton, Hessian and Fisher products of any Burn module over a data set |
//! | [`influence`] | solvers, scores and response functions |
//! | `models` | with the feature `models`: a model zoo, its data sets and training loops |
//! | `ZooTraining` | with the feature `models`: training again as the zoo is trained |
//! | `comparison` | with the feature `models`: the same quantities on several devices, and how far they are apart |
//!
//! Devices are values of Burn, chosen at run time: `Device::flex()`, `Device::ndarray()`, and `Device::wgpu(..)` and
//! `Device::cuda(..)` with the features `wgpu` and `cuda`.

#[cfg(feature = "models")]
pub mod comparison;
#[cfg(feature = "models")]
pub mod illustration;
#[cfg(feature = "models")]
mod zoo_training;

pub use backdraft_attribution as attribution;
pub use backdraft_attribution::{
    AttributionError, Evaluation, EvaluationConfig, Influence, InfluenceConfig, Matrix,
    Measurement, Perturbations, Retrain, Scores, SolverConfig, Verification, VerifyConfig,
};
pub use backdraft_curvature as curvature;
pub use backdraft_influence as influence;
#[cfg(feature = "models")]
pub use backdraft_models as models;
pub use backdraft_program as program;
#[cfg(feature = "models")]
pub use zoo_training::ZooTraining;

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;

/// The examples of the page about the library.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
pub struct LibraryPage;

/// The guide for who trains with Burn.
#[cfg(all(doctest, feature = "models"))]
#[doc = include_str!("../../../docs/guide-burn.md")]
pub struct BurnGuide;
