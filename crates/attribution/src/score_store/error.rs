//! What can go wrong with a store of scores.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Error of a [`ScoreStore`](super::ScoreStore).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreStoreError {
    /// The file system refused.
    #[error("{} could not be {action}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// There are scores already.
    #[error("{} holds scores already: open them, or take another folder", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that holds none.
    #[error("{} is no store of scores: {reason}", .path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
        /// How that is seen.
        reason: String,
    },
    /// Scores of something else.
    #[error(
        "{} holds scores of another `{name}`: {found}, where {expected} is asked for; take another folder",
        .path.display()
    )]
    Other {
        /// The folder.
        path: PathBuf,
        /// What differs.
        name: String,
        /// As it is there.
        found: String,
        /// As it was asked for.
        expected: String,
    },
    /// A file that is not what was written.
    #[error("{} is damaged ({reason}): remove it, and its queries are computed anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it is seen.
        reason: String,
    },
    /// Another number of scores than of queries times examples.
    #[error("{queries} queries of {examples} examples have {} scores, not {found}", .queries * .examples)]
    Length {
        /// Rows that were to be appended.
        queries: usize,
        /// Training examples.
        examples: usize,
        /// Scores that were given.
        found: usize,
    },
    /// A score that is NaN or infinite.
    #[error("the score of training example {example} for query `{query}` is not finite")]
    NotFinite {
        /// The query.
        query: String,
        /// The training example, counted from 0.
        example: usize,
    },
    /// A query that is there already, or twice among those to be appended.
    #[error("query `{query}` has scores already")]
    Twice {
        /// The query.
        query: String,
    },
    /// A row that there is not.
    #[error("row {row} does not exist: there are {len}, counted from 0")]
    NoSuchRow {
        /// The row.
        row: usize,
        /// Number of rows.
        len: usize,
    },
    /// A training example that there is not.
    #[error("example {example} does not exist: there are {len}, counted from 0")]
    NoSuchExample {
        /// The example.
        example: usize,
        /// Number of examples.
        len: usize,
    },
}

impl ScoreStoreError {
    pub(super) fn file(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            path: path.to_path_buf(),
            action,
            source,
        }
    }

    pub(super) fn damaged(path: &Path, reason: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }
}
