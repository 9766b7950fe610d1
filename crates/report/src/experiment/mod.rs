//! What the experiments of `decompose`, `correlate`, `sweep`, `mislabel` and `validate` leave behind.
//!
//! Plain data in, text out:
//!
//! | record                  | file             | holds                                                      |
//! |-------------------------|------------------|------------------------------------------------------------|
//! | [`DecompositionRecord`] | `decompose.json` | the five gaps between retraining and an influence estimate |
//! | [`CorrelationsRecord`]  | `correlate.json` | how well influence estimates predict each response         |
//! | [`SweepRecord`]         | `sweep.json`     | the gaps against one setting                               |
//! | [`GroupsRecord`]        | `groups.json`    | effects of groups, predicted and actual                    |
//! | [`MislabelRecord`]      | `mislabel.json`  | how soon influence finds wrong labels                      |
//! | [`ValidationRecord`]    | `validate.json`  | how near estimators come to what removals really do        |
//!
//! Each is a [`Record`](super::Record), a file of JSON, and its [`Findings`] have a table for the terminal and a report
//! in one file without network, to be named as [`Report::FILE`](super::Report::FILE).
//!
//! What was found is as `backdraft_attribution::evaluate` has it.
//!
//! In JSON, numbers that are not finite are `null`, and are read back as NaN. Every digit of a number is written; a
//! reader that rounds correctly has the same bits, and `serde_json` as it is built here may be off in the last one.

mod failure;
mod groups;
pub mod paper;
mod record;
mod report;
mod summary;
mod units;
mod validation;

pub use groups::{GroupAgreementRecord, GroupEffectRecord, GroupsPointRecord, GroupsRecord};
pub use record::{
    CorrelationsRecord, DecompositionRecord, MislabelRecord, Printed, Setup, SweepPointRecord,
    SweepRecord,
};
pub use report::Findings;
pub(crate) use report::scatter;
pub use validation::{EstimatorRecord, ValidatedQuery, ValidationRecord};
