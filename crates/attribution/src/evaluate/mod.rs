//! How far an influence estimate can be trusted: what it predicts, beside what really happens to a network of one's
//! own.
//!
//! An [`Evaluation`] is made of a trained network's [`Cost`](backdraft_curvature::Cost) and a
//! [`Retrain`](crate::Retrain). It has three measurements of Bae, Ng, Lo, Ghassemi and Grosse (2022), "If Influence
//! Functions are the Answer, Then What is the Question?", and one of Koh and Liang (2017), "Understanding Black-box
//! Predictions via Influence Functions":
//!
//! | method | finds | source |
//! |---|---|---|
//! | [`Evaluation::gaps`] | how far apart outputs are, stage by stage, from retraining to the estimate | Bae, Section 4 |
//! | [`Evaluation::correlations`] | predicted changes of queries' losses beside each response's | Bae, Section 5.2, F.2 |
//! | [`Evaluation::group_effects`] | effects of groups as influence and Newton estimates predict, and actual ones | Koh et al. 2019 |
//! | [`Evaluation::mislabel`] | how soon wrong labels are found | Bae, F.3 |
//! | [`Evaluation::validate`] | how near estimators come to what removals really do | Koh & Liang, Section 4.1 |
//!
//! A removal that fails is listed with the stage and the reason, and the others go on. With a [`Store`](crate::Store)
//! an evaluation that was stopped at any time goes on, and comes to the same bits.
//!
//! What has several settings (dampings, widths, epochs, shares removed: Section 5.3) is a [`sweep`](sweep()) of
//! evaluations, which one store may serve. What is to be done in parts is several processes with one folder, each with
//! a [`Shard`] of the removals, or with folders of their own, which [`merge`] brings together.
//!
//! Parameters alone go from stage to stage: running statistics (batch normalisation) and whatever else is no parameter
//! stay those of the trained network, but for a cold start that brings its own ([`Retrain`](crate::Retrain)).

mod answers;
mod by_response;
mod correlation;
mod decomposition;
mod distance;
mod entries;
mod error;
mod estimate;
mod evaluation;
mod gaps;
mod group_effects;
mod groups;
mod json;
mod kept;
mod mislabel;
mod name;
mod progress;
mod ranking;
mod removals;
mod respond;
mod run;
mod settle;
mod shard;
mod spread;
mod stage;
mod sweep;
mod validate;
mod validation;

pub use by_response::ByResponse;
pub use correlation::{Changes, Correlation, Correlations, Pairs};
pub use decomposition::{Decomposition, RemovalGaps, Seconds};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, EvaluationConfig};
pub use gaps::Gaps;
pub use group_effects::{GroupAgreement, GroupEffect, GroupEffects, RetrainFrom};
pub use groups::{ExampleGroup, GroupKind, GroupSource};
pub use mislabel::Mislabel;
pub use name::Name;
pub use progress::{DamagedEntry, EvaluationTask, FailedRemoval, Progress};
pub use ranking::{RankBy, Ranking};
pub use respond::{Respond, Steps};
pub use shard::{Shard, merge, merge_estimators, missing};
pub use spread::Spread;
pub use stage::Stage;
pub use sweep::{SweepPoint, sweep};
pub use validation::{
    ActualChange, EstimatorOutcome, EstimatorPrediction, Refit, ValidatedEstimator, Validation,
    ValidationConfig, pairs,
};

pub(crate) use respond::minimized;
