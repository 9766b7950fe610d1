//! Where examples stand in the files that they were read from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::quote;

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
    /// A text, whose examples are so many of its tokens each, one after another.
    Tokens {
        /// The file.
        file: PathBuf,
        /// The line of each token, counted from 1.
        lines: Vec<u64>,
        /// Tokens of an example.
        length: usize,
    },
    /// An IDX file, or one of NumPy's arrays, whose examples follow each other.
    Idx {
        /// The file of images; of an array its name stands behind that of its file.
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
    /// The rows of a table that has no lines.
    Rows {
        /// The file.
        file: PathBuf,
    },
    /// Examples that the source itself has names for.
    Identified {
        /// Where they stand.
        source: Box<Source>,
        /// A name for each origin.
        ids: Vec<String>,
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
    /// What the source calls the example, if a column of it was said to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A place in a file, counted as such files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum At {
    /// The line of a text, the header included, from 1.
    Line(u64),
    /// The example of an IDX file or an array, from 0.
    Index(u64),
    /// The record of a file of CIFAR-10, from 0.
    Record(u64),
    /// The row of an embedded set or of a table that has no lines, from 0.
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
    /// The same with a name for each origin; as it is without any.
    pub(crate) fn identified(self, ids: Vec<String>) -> Self {
        match ids.is_empty() {
            true => self,
            false => Self::Identified {
                source: Box::new(self),
                ids,
            },
        }
    }

    /// The line on which the token stands that follows the one at `place` in the example of an origin: the example's
    /// target there. None of what is no text.
    ///
    /// # Panics
    ///
    /// If the source has no such token.
    pub fn next_token_line(&self, origin: usize, place: usize) -> Option<u64> {
        match self {
            Self::Tokens { lines, length, .. } => Some(lines[origin * length + place + 1]),
            Self::Identified { source, .. } => source.next_token_line(origin, place),
            _ => None,
        }
    }

    /// Where the example of an origin stands.
    ///
    /// # Panics
    ///
    /// If the source has no such example.
    pub fn place(&self, origin: usize) -> Place {
        let place = |file: &Path, at: Option<At>| Place {
            file: file.display().to_string(),
            at,
            id: None,
        };
        match self {
            Self::Lines { file, lines } => place(file, Some(At::Line(lines[origin]))),
            Self::Tokens {
                file,
                lines,
                length,
            } => place(file, Some(At::Line(lines[origin * length]))),
            Self::Idx { file } => place(file, Some(At::Index(origin as u64))),
            Self::Records { files } => {
                let mut record = origin;
                for (file, count) in files {
                    if record < *count {
                        return place(file, Some(At::Record(record as u64)));
                    }
                    record -= count;
                }
                panic!("there is no record {origin}")
            }
            Self::Files { files } => place(&files[origin], None),
            Self::Embedded { name } => place(Path::new(name), Some(At::Row(origin as u64))),
            Self::Rows { file } => place(file, Some(At::Row(origin as u64))),
            Self::Identified { source, ids } => Place {
                id: Some(ids[origin].clone()),
                ..source.place(origin)
            },
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = self.at {
            write!(f, " {} {}", at.name(), at.number())?;
        }
        match &self.id {
            Some(id) => write!(f, ", id {}", quote::text(id)),
            None => Ok(()),
        }
    }
}

/// The columns in which tables tell where examples stand: `file`, where in it under the name of what is counted there,
/// and `id`; the last two only if a place has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceColumns {
    /// What is counted.
    at: Option<&'static str>,
    id: bool,
}

impl PlaceColumns {
    /// Those that these places need.
    pub fn of<'a>(places: impl IntoIterator<Item = &'a Place>) -> Self {
        let mut columns = Self::default();
        for place in places {
            columns.at = columns.at.or(place.at.map(At::name));
            columns.id |= place.id.is_some();
            if columns.at.is_some() && columns.id {
                break;
            }
        }
        columns
    }

    /// Their names.
    pub fn head(self) -> impl Iterator<Item = &'static str> {
        let id = self.id.then_some("id");
        std::iter::once("file").chain(self.at).chain(id)
    }

    /// The cells of a place.
    pub fn cells(self, place: &Place) -> impl Iterator<Item = String> {
        let number = place
            .at
            .map_or_else(String::new, |at| at.number().to_string());
        let id = place.id.clone().unwrap_or_default();
        std::iter::once(place.file.clone())
            .chain(self.at.map(|_| number))
            .chain(self.id.then_some(id))
    }
}
