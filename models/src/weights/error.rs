//! Why weights could not be loaded or saved.

use crate::quote;
use std::fmt::{self, Display};
use std::io;
use std::path::PathBuf;

/// Why weights could not be loaded or saved. Each message is one line that names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The operating system refused to read.
    #[error("{}: cannot be read ({source}); check that it exists and may be read", quote::path(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file is neither safetensors nor PyTorch's.
    #[error("{}: neither a safetensors file nor one that torch.save wrote; save the state dictionary as one of them: \
        `torch.save(model.state_dict(), FILE)`", quote::path(.path))]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged, or holds what cannot be read.
    #[error(
        "{}: {reason}; save or copy the file again, as a state dictionary of plain tensors: `torch.save(model.state_dict(), FILE)`",
        quote::path(.path), reason = quote::reason(.reason)
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The name map gives two tensors one name.
    #[error("{}: `{first}` and `{second}` would both be called `{name}`; correct the name map", quote::path(.path), first = quote::text(.first), second = quote::text(.second), name = quote::text(.name))]
    Collision {
        /// The file.
        path: PathBuf,
        /// The name that both get.
        name: String,
        /// One tensor, as the file calls it.
        first: String,
        /// The other.
        second: String,
    },
    /// The file's tensors are not the module's.
    #[error("{}: the weights do not fit the model: {mismatch}", quote::path(.path))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        mismatch: Box<Mismatch>,
    },
    /// A number is NaN or infinite.
    #[error("{}: number {index} (counted from 0) of `{name}` is {value}, in the model's element type; weights must be finite", quote::path(.path), name = quote::text(.name))]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The place in it, in row-major order.
        index: usize,
        /// The number.
        value: f64,
    },
    /// The module did not take the tensors.
    #[error("{}: the model did not take the weights ({reason}); its modules must load what they save", quote::path(.path), reason = quote::reason(.reason))]
    Refused {
        /// The file.
        path: PathBuf,
        /// The module's reason.
        reason: String,
    },
    /// The file could not be written; nothing is left of it.
    #[error("{}: cannot be written ({source}); check the folder and the space on the disk", quote::path(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A tensor is of a type that safetensors has not.
    #[error("{}: `{name}` is of type {dtype}, which cannot be written; cast it to floating point first", quote::path(.path), name = quote::text(.name))]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its element type.
        dtype: String,
    },
}

/// How a file's tensors and a module's differ; names are PyTorch's, after the name map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Tensors of the module that the file has not.
    pub missing: Vec<MissingTensor>,
    /// Tensors of the file that the module has not.
    pub unexpected: Vec<String>,
    /// Tensors of another shape or kind.
    pub misshapen: Vec<MisshapenTensor>,
}

/// A tensor of the module that the file has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingTensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The most similar name among the file's unexpected ones, of the same shape if there is one.
    pub nearest: Option<String>,
    /// The one matrix of the same shape that the file has for the module: if both are tied, the file may have them
    /// under one name.
    pub twin: Option<String>,
}

/// A tensor that has another shape or kind in the file than in the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisshapenTensor {
    /// Its name.
    pub name: String,
    /// Shape and element type in the file.
    pub found: (Vec<usize>, String),
    /// Shape and element type in the module.
    pub expected: (Vec<usize>, String),
}

impl Mismatch {
    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshapen.is_empty()
    }
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing.iter().map(|tensor| {
            let (name, shape) = (quote::text(&tensor.name), &tensor.shape);
            match (&tensor.nearest, &tensor.twin) {
                (Some(nearest), _) => {
                    format!("{name} {shape:?} (nearest: {})", quote::text(nearest))
                }
                (None, Some(twin)) => format!(
                    "{name} {shape:?} (if it is tied to {}: save it under both names, with torch.save, or with \
                     safetensors.torch.save_model)",
                    quote::text(twin)
                ),
                (None, None) => format!("{name} {shape:?}"),
            }
        });
        let misshapen = self.misshapen.iter().map(|tensor| {
            let (found, expected) = (&tensor.found, &tensor.expected);
            let name = quote::text(&tensor.name);
            format!(
                "{name} is {:?} {}, the model's {:?} {}",
                found.0, found.1, expected.0, expected.1
            )
        });
        let parts = [
            ("the file lacks ", quote::some(missing)),
            ("the model lacks ", quote::list(&self.unexpected)),
            ("of another shape or type: ", quote::some(misshapen)),
        ];
        for (title, tensors) in parts.iter().filter(|(_, tensors)| !tensors.is_empty()) {
            write!(f, "{title}{tensors}; ")?;
        }
        f.write_str(
            "rename with OLD=NEW, leave out with OLD=-, or take a model of the file's shape",
        )
    }
}
