//! What is for many queries, and large networks and data.

use std::path::PathBuf;

use clap::Args;

use super::{Damping, NewtonName, number::gigabytes};
use crate::CliError;

/// Queries from elsewhere, where scores are stored, and how much is held at once.
#[derive(Clone, Debug, Args)]
pub(crate) struct LargeArgs {
    /// Ask about the examples of this file or folder, which are in neither part of the data: of the same kind and
    /// columns, and prepared as the training part is. They stand in the place of the test part, and --queries counts
    /// in them. Default: each of them is a query.
    #[arg(long, value_name = "PATH")]
    pub query_data: Option<PathBuf>,

    /// For many queries: append their scores to a store in DIR, some queries at a time, so that neither all solutions
    /// nor all scores are ever held. Queries of which it has scores by the same network and settings are not computed
    /// again. Without DIR the store is `scores` in the run's folder. The report, the verification and run.json are then
    /// of the first 20 queries, top.csv of all.
    #[arg(long, value_name = "DIR")]
    pub store_scores: Option<Option<PathBuf>>,

    /// Most gigabytes (1e9 bytes) for vectors and scores of the queries that are gone through at once with
    /// --store-scores, beside up to 4.3 that conjugate gradients take for theirs.
    #[arg(long, value_name = "GB", value_parser = gigabytes, default_value = "4", allow_hyphen_values = true)]
    pub memory: f64,

    /// Keep what the solver is made of in DIR, and take it up there: the factors of ekfac, kfac, dual, nystroem, lanczos
    /// and diagonal, as solvers and as preconditioners, and the space that --preconditioner recycled has learnt. Later
    /// runs on the same network, data, damping and settings, with other queries, do not compute it again.
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// Tell what the run would take, in time and memory, and end: products and gradients of a batch are measured on the
    /// device, the rest is predicted from these. Nothing is written.
    #[arg(long)]
    pub dry_run: bool,
}

/// That is held where no option says otherwise.
const MEMORY: f64 = 4.0;

impl LargeArgs {
    /// Bytes for the queries that are gone through at once.
    pub fn bytes(&self) -> usize {
        (1e9 * self.memory) as usize
    }

    /// What decides which queries are gone through together, where that is not the default.
    pub fn own_memory(&self) -> Option<f64> {
        (self.store_scores.is_some() && self.memory != MEMORY).then_some(self.memory)
    }

    /// Refuses what needs all solutions, where these are never held.
    pub fn check(
        &self,
        damping: &Damping,
        newton: NewtonName,
        settles: bool,
    ) -> Result<(), CliError> {
        if self.store_scores.is_none() {
            return Ok(());
        }
        let refused = |problem: &str| {
            Err(CliError::Option {
                option: "--store-scores",
                problem: problem.to_owned(),
            })
        };
        if damping.given().len() > 1 {
            return refused("holds scores for one damping: name one, and a store for each");
        }
        if newton == NewtonName::All {
            return refused(
                "keeps no solutions, from which --newton all makes its estimates: leave out one of the two",
            );
        }
        if settles {
            return refused(
                "keeps no solutions, which --settle solves on from: leave out one of the two, or lower --tolerance",
            );
        }
        Ok(())
    }
}
