//! What a run leaves behind: `runs/<name>/` with its settings, scores, tables and report.
//!
//! Everything here works from plain data and knows nothing of the engine:
//!
//! | file | made by | holds |
//! | --- | --- | --- |
//! | `run.json` | [`RunRecord`] | settings, versions, timings, metrics, verification |
//! | `scores.safetensors` | [`ScoreRecord::to_safetensors`] | every score, `[queries, train]` |
//! | `top.csv` | [`ScoreRecord::to_csv`] | the strongest scores of each query |
//! | `tokens.csv` | [`tokens_csv`] | of sequences, which tokens the strongest scores come from |
//! | `report.html` | [`Report::to_html`] | all of it for a reader, in one file without network |
//!
//! A [`WorkFolder`] puts them in place, one by one while a run works in it, each whole or not at all; what says that
//! the run is whole comes last.
//!
//! [`audit`] has those of a search for wrong labels, [`bayes`] of Bayesian influence, and [`perturbation`] the record,
//! the table and the report of changed training examples.
//!
//! [`valuation`] has those of what training examples are worth, and [`unlearning`] those of forgotten ones.
//!
//! [`path`] has those of response paths.
//!
//! [`experiment`] has the records, tables and reports of what is asked of influence estimates themselves.
//!
//! A score is the predicted change of what is measured of a query when the training example is *removed*, of a loss
//! `loss(without) - loss(with)`, to first order, the factor 1/N included. Positive, of a loss: the example helped. A
//! [`Measure`] says what is measured, what it is in and what a sign means; a [`Unit`] what losses and outputs are in:
//! nats of classes, half the square of the target's own units of numbers.

pub mod audit;
pub mod bayes;
mod closed_form;
mod error;
mod examples;
pub mod experiment;
pub mod figure;
pub mod flow;
mod groups;
mod labels;
mod leverage;
mod measure;
mod newton;
mod number;
mod page;
pub mod path;
pub mod perturbation;
mod places;
mod record;
mod report;
mod scores;
mod seal;
mod self_influence;
mod staged_file;
mod table;
mod tokens;
mod top;
mod unit;
pub mod unlearning;
pub mod valuation;
mod verdict;
mod work_folder;

pub use backdraft_models::data::{At, Place, PlaceColumns};
pub use closed_form::{
    CLOSED_FORM_FILE, ClosedFormAgreement, ClosedFormChange, ClosedFormRecord, ClosedFormTable,
    closed_form_csv,
};
pub use error::OutputError;
pub use examples::ExampleInfo;
pub use groups::{GROUPS_FILE, GroupPair, GroupRecord, groups_csv, groups_table};
pub use labels::{Labels, TargetValue};
pub use leverage::{LEVERAGE_FILE, leverage_csv};
pub use measure::{Measure, Rise};
pub use newton::{NewtonChange, NewtonChanges};
pub use number::{brief, count, plural, short};
pub use record::{
    Failed, MeanRecord, ModelQuality, Pair, Quality, QueryRecord, Record, RunRecord, RunSettings,
    Sizes, SolveRecord, Timing, VerificationCoverage, VerificationRecord, Versions, WeightsFile,
    details_of,
};
pub use report::{
    Example, Explained, Features, Frame, Layout, Report, ScoredExample, Sequence, Sequences,
};
pub use scores::{Float, ScoreRecord, Scored, Strongest};
pub use seal::{Broken, Seal};
pub use self_influence::{SELF_INFLUENCE_FILE, self_influence_csv};
pub use staged_file::StagedFile;
pub use table::aligned;
pub use table::verification_table;
pub use tokens::{TOKENS_FILE, TokenRow, tokens_csv};
pub use unit::Unit;
pub use work_folder::{Contents, WorkFolder};
