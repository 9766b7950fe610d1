//! NumPy's archives: files `.npz` of arrays with names.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::DataError;
use super::file::most_unpacked;
use super::npy::Array;
use super::problem::{ArrayProblem, DataProblem};

/// Whether a file is called as NumPy's archives are.
pub(crate) fn is_archive(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|it| it.eq_ignore_ascii_case("npz"))
}

/// An archive of arrays.
pub(crate) struct Archive {
    pub(crate) path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let unread = |source| DataError::new(path, DataProblem::Read { source });
        if !path.metadata().map_err(unread)?.is_file() {
            return Err(unread(io::Error::new(
                ErrorKind::InvalidInput,
                "it is no plain file",
            )));
        }
        let file = File::open(path).map_err(unread)?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            zip,
        })
    }

    /// The names of its arrays, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.zip.file_names().flatten();
        files
            .filter_map(|file| array_name_from_file_name(&file).map(str::to_owned))
            .collect()
    }

    /// The array of a name that it has.
    pub(crate) fn read(&mut self, name: &str) -> Result<Array, DataError> {
        let path = &self.path;
        let file = self.zip.by_name(&file_name_from_array_name(name));
        let file = file.map_err(|error| damaged(path, &error))?;
        let (packed, size) = (file.compressed_size(), file.size());
        let limit = most_unpacked(packed);
        if size > limit {
            let packed = packed as usize;
            return Err(DataError::new(
                path,
                DataProblem::Unpacked { packed, limit },
            ));
        }
        Array::read(BufReader::new(file), name, size).map_err(|it| DataError::new(path, it))
    }
}

fn damaged(path: &Path, error: &ZipError) -> DataError {
    let reason = error.to_string();
    DataError::new(path, ArrayProblem::Archive { reason })
}
