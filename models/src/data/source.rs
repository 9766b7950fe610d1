//! Where examples stand in the files that they were read from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where the examples of a part stand: what makes a place that can be looked up of
/// [`Split::origin`](super::Split::origin).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The lines of a table or text on which the examples begin, counted from 1 as an editor does, by origin.
    Lines {
        /// The file.
        file: PathBuf,
        /// A line for each origin.
        lines: Vec<u64>,
    },
    /// An IDX file, whose examples follow each other.
    Idx {
        /// The file of images.
        file: PathBuf,
    },
    /// Files of records, one after another.
    Records {
        /// Each file with its number of records.
        files: Vec<(PathBuf, usize)>,
    },
    /// A file for each example.
    Files {
        /// The files, by origin.
        files: Vec<PathBuf>,
    },
    /// Rows that are in the program.
    Embedded {
        /// The data set.
        name: String,
    },
}

/// Where one example stands, as a reader looks it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the path to the data was given; the name of an embedded set.
    pub file: String,
    /// Where in it; none if the file is the example.
    #[serde(flatten)]
    pub at: Option<At>,
}

/// A place in a file, counted as such files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// The line of a text, the header included, from 1.
    Line(u64),
    /// The example of an IDX file, from 0.
    Index(u64),
    /// The record of a file of CIFAR-10, from 0.
    Record(u64),
    /// The row of an embedded set, from 0.
    Row(u64),
}

impl At {
    /// What is counted: `line`, `index`, `record` or `row`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Index(_) => "index",
            Self::Record(_) => "record",
            Self::Row(_) => "row",
        }
    }

    /// The number.
    pub fn number(self) -> u64 {
        match self {
            Self::Line(number) | Self::Index(number) | Self::Record(number) | Self::Row(number) => {
                number
            }
        }
    }
}

impl Source {
    /// Where the example of an origin stands.
    ///
    /// # Panics
    ///
    /// If the source has no such example.
    pub fn place(&self, origin: usize) -> Place {
        let file = |path: &Path| path.display().to_string();
        match self {
            Self::Lines { file: path, lines } => Place {
                file: file(path),
                at: Some(At::Line(lines[origin])),
            },
            Self::Idx { file: path } => Place {
                file: file(path),
                at: Some(At::Index(origin as u64)),
            },
            Self::Records { files } => {
                let mut record = origin;
                for (path, count) in files {
                    if record < *count {
                        return Place {
                            file: file(path),
                            at: Some(At::Record(record as u64)),
                        };
                    }
                    record -= count;
                }
                panic!("there is no record {origin}")
            }
            Self::Files { files } => Place {
                file: file(&files[origin]),
                at: None,
            },
            Self::Embedded { name } => Place {
                file: name.clone(),
                at: Some(At::Row(origin as u64)),
            },
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} {} {}", self.file, at.name(), at.number()),
            None => f.write_str(&self.file),
        }
    }
}
