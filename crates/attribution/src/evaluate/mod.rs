//! How far an influence estimate can be trusted: what it predicts, beside what really happens to a network of one's
//! own.
//!
//! An [`Evaluation`] is made of a trained network's [`Cost`](backdraft_curvature::Cost) and a
//! [`Retrain`](crate::Retrain). It has three measurements, all of Bae, Ng, Lo, Ghassemi and Grosse (2022), "If
//! Influence Functions are the Answer, Then What is the Question?":
//!
//! | method | finds | source |
//! |---|---|---|
//! | [`Evaluation::gaps`] | how far apart the outputs are from stage to stage between retraining and the estimate | Section 4 |
//! | [`Evaluation::correlations`] | predicted changes of queries' losses beside those of each response | Section 5.2, F.2 |
//! | [`Evaluation::mislabel`] | how soon wrong labels are found | F.3 |
//!
//! A removal that fails is listed with the stage and the reason, and the others go on. With a [`Store`](crate::Store)
//! an evaluation that was stopped at any time goes on, and comes to the same bits.
//!
//! What has several settings (dampings, widths, epochs, shares removed: Section 5.3) is a loop over evaluations, which
//! one store may serve. What is to be done in parts is several processes with one folder, each with some of the
//! removals: another with all of them then finds everything there.
//!
//! Parameters alone go from stage to stage: running statistics (batch normalisation) and whatever else is no parameter
//! stay those of the trained network, after a cold start too.

mod answers;
mod correlation;
mod distance;
mod error;
mod estimate;
mod evaluation;
mod gaps;
mod kept;
mod mislabel;
mod progress;
mod ranking;
mod respond;
mod run;
mod stage;

pub use correlation::{Changes, Correlation, Correlations};
pub use error::EvaluateError;
pub use evaluation::{Evaluation, EvaluationConfig};
pub use gaps::{Decomposition, Gaps, RemovalGaps};
pub use mislabel::Mislabel;
pub use progress::{DamagedEntry, FailedRemoval, Progress};
pub use ranking::{RankBy, Ranking};
pub use respond::Respond;
pub use stage::Stage;
