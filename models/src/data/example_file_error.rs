//! Why a file of examples cannot be read.

use std::io;
use std::path::PathBuf;

use crate::quote;

/// Why an [`ExampleFile`](super::ExampleFile) cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExampleFileError {
    /// It cannot be opened or read, or has become shorter.
    #[error("{}: it cannot be read: {source}", quote::path(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// It is no safetensors file, or one that is cut off or holds what is not read.
    #[error(
        "{}: no safetensors file of examples: {problem}; write it with `safetensors.numpy.save_file`",
        quote::path(.path)
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// It has no such tensor.
    #[error(
        "{}: there is no tensor `{}`: it has {}",
        quote::path(.path), quote::text(.name), quote::list(.found)
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// Those that there are.
        found: Vec<String>,
    },
    /// Inputs and targets differ in their number, or there are none.
    #[error(
        "{}: `{}` has {rows} rows and `{}` has {others}: each needs one an example, and at least one",
        quote::path(.path), quote::text(.inputs), quote::text(.targets)
    )]
    Rows {
        /// The file.
        path: PathBuf,
        /// The inputs' name.
        inputs: String,
        /// How many rows they have.
        rows: usize,
        /// The targets' name.
        targets: String,
        /// How many rows those have.
        others: usize,
    },
    /// A tensor is not what the model or the loss reads.
    #[error("{}: `{}` is {found}, and has to be {expected}", quote::path(.path), quote::text(.name))]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// Its type and shape.
        found: String,
        /// What it has to be.
        expected: String,
    },
}
