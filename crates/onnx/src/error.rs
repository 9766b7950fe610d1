//! Why a network could not be had from an ONNX file.

use std::{fmt, io, path::PathBuf};

/// Why a network could not be had from an ONNX file, or not be run: one line that names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct OnnxError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: OnnxProblem,
}

/// What is wrong with an ONNX file, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxProblem {
    /// The operating system refused to read.
    #[error("cannot be read ({0}); check that it exists and may be read")]
    Read(#[source] io::Error),
    /// The file is no ONNX file, or only the beginning of one.
    #[error("is no ONNX file, or is damaged or cut off ({0}); export or copy it again")]
    Format(String),
    /// The operators are of a version that is not known here.
    #[error(
        "it needs version {version} of ONNX's operators, and versions {} to {} are known here; export it with another \
         `opset_version`",
        .known.0, .known.1
    )]
    Version {
        /// The version of the file.
        version: i64,
        /// The oldest and the newest that are known.
        known: (i64, i64),
    },
    /// A tensor cannot be read.
    #[error("tensor {}: {reason}", Name(.tensor))]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Numbers that are kept in a file of their own cannot be read from it.
    #[error(
        "tensor {} is kept in `{}`, which {reason}; put it beside the ONNX file, or export with the weights inside",
        Name(.tensor), .file.display()
    )]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The file that it is kept in.
        file: PathBuf,
        /// Why it cannot be read.
        reason: String,
    },
    /// An operator that is not supported.
    #[error(
        "node {} is {operator}, an operator that is not supported; docs/onnx.md lists those that are",
        Name(.node)
    )]
    Operator {
        /// The node's name, or that of what it computes.
        node: String,
        /// The operator, with its domain if that is not ONNX's own.
        operator: String,
    },
    /// An attribute of a node that is not supported, or not what it must be.
    #[error("node {} ({operator}): attribute `{attribute}` {reason}", Name(.node))]
    Attribute {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A node that cannot be computed.
    #[error("node {} ({operator}): {reason}", Name(.node))]
    Node {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
        /// Why not.
        reason: String,
    },
    /// The graph is not whole: something is used that nothing makes.
    #[error("the graph is not whole: {0}; export it again")]
    Graph(String),
    /// What the network reads is not what it can be given here.
    #[error("{0}")]
    Inputs(String),
    /// The network's outputs are not numbers with a row an example, or there is none of the name asked for.
    #[error("{0}")]
    Outputs(String),
    /// The file has no parameters, or a pattern names none.
    #[error("{0}")]
    Parameters(String),
}

impl OnnxProblem {
    pub(crate) fn at(self, path: &std::path::Path) -> OnnxError {
        OnnxError {
            path: path.to_path_buf(),
            problem: self,
        }
    }
}

/// A name of a file, which may hold anything, on one line.
pub(crate) struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.escape_debug())
    }
}
