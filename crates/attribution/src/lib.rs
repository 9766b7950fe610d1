//! Which training examples made a network behave as it does, and how far that answer can be trusted: for any Burn
//! module and any data.
//!
//! [`InfluenceConfig`] makes an [`Influence`] of a trained module and its training set. Its scores are for a
//! [`Measurement`] of queries: the loss, an output, a margin, a probability, or any function of the outputs.
//! [`Influence::verify`] holds them against the proximal Bregman response of the network.
//!
//! ```
//! use backdraft_attribution::{InfluenceConfig, Measurement, VerifyConfig};
//! use backdraft_curvature::CrossEntropy;
//! use burn::{nn::{Linear, LinearConfig}, tensor::{Device, Int, Tensor}};
//!
//! let device = Device::flex();
//! let net: Linear = LinearConfig::new(2, 2).init(&device);
//! let x = Tensor::<2>::from_floats([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &device);
//! let y = Tensor::<1, Int>::from_ints([1, 1, 0], &device);
//!
//! let config = InfluenceConfig::new().with_damping(0.01);
//! let influence = config.init(&net, |net: &Linear, x| net.forward(x), CrossEntropy, (x.clone(), y.clone()))?;
//! let scores = influence.scores(&Measurement::loss(y), x)?;
//! assert_eq!(scores.values().dims(), [3, 3]);
//! let verified = influence.verify(&scores, &VerifyConfig::new().with_removals(3))?;
//! assert_eq!(verified.removed.len() + verified.failed.len(), 3);
//! # Ok::<(), backdraft_attribution::AttributionError>(())
//! ```
//!
//! [`Influence::perturb`] asks what other *training* examples would do: other inputs, other labels, other words; and
//! which small change of which example would mend a query.
//!
//! [`Influence::place_scores`] has the scores of sequences by token, and [`Measurement::at_place`] asks about one token
//! of a query.
//!
//! [`Influence::bayesian_scores`] is influence as a covariance over a local posterior, which needs no curvature.
//!
//! [`Influence::scores_over`] deals queries out to several devices, [`Influence::scores_in_parts`] splits each product
//! among them.
//!
//! An [`Evaluation`] tells how far influence is from training again, for a training loop of one's own ([`Retrain`]) or
//! one of Burn's optimizers ([`Fit`]); the page of [`evaluate`] says what it measures. What it computes is kept in a
//! [`Store`].
//!
//! [`valuation`] has the Shapley values of training examples: what each adds to the performance of a network, on
//! average over all the coalitions that it could be trained in.

mod approach;
pub mod audit;
mod bayes;
mod error;
mod estimator;
pub mod evaluate;
mod exact_inverse;
mod factor_cache;
mod fit;
mod influence;
mod left_out;
mod linear_retrain;
mod measurement;
mod minimize;
mod newton;
mod passes;
mod perturb;
mod places;
mod prediction_quality;
mod recoverable;
mod retrain;
mod reweight;
mod score_chunk;
pub mod score_store;
mod scores;
mod self_influence;
mod share_out;
mod split;
mod store;
mod top_scores;
pub mod valuation;
pub mod verify;

pub use approach::Approach;
pub use audit::{Audit, AuditBy, AuditTargets, PredictedToken, TokenTargets};
pub use backdraft_influence::{
    Leverage, NewtonScores,
    bayes::{BayesianInfluence, BayesianScores, Convergence, SgldConfig},
    unlearn::{Certificate, Evidence, Membership, Privacy, Regularity},
};
pub use bayes::ChainStore;
pub use error::AttributionError;
pub use estimator::{Estimator, EstimatorScores};
pub use evaluate::{
    ByResponse, Correlation, Correlations, Decomposition, EvaluateError, Evaluation,
    EvaluationConfig, Gaps, Mislabel, Progress, RankBy, Ranking, Respond, Shard, Spread, Stage,
};
pub use factor_cache::FactorCache;
pub use fit::{Fit, FitConfig};
pub use influence::{Influence, InfluenceConfig, Matrix, SolverConfig};
pub use left_out::LeftOut;
pub use linear_retrain::LinearRetrain;
pub use measurement::Measurement;
pub use minimize::Minimize;
pub use newton::{NewtonConfig, NewtonOutcome, NewtonPrediction, newton_predictions};
pub use perturb::{InputChange, Perturbations};
pub use prediction_quality::PredictionQuality;
pub use retrain::{Retrain, RetrainError};
pub use reweight::GroupChanges;
pub use score_chunk::{ChunkConfig, ScoreChunk};
pub use score_store::{ScoreIndex, ScoreStore, ScoreStoreError};
pub use scores::{Scores, strongest};
pub use self_influence::{SelfInfluenceConfig, SelfInfluences};
pub use share_out::share_out;
pub use store::{Digest, FolderStore, MemoryStore, NoStore, Store, StoreError};
pub use top_scores::TopScores;
pub use verify::{Verification, VerifyConfig};
