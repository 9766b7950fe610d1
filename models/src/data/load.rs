use std::fs;
use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::embedded::{cancer, digits};
use super::error::DataError;
use super::idx::{self, read_idx};
use super::tabular::read_csv;

/// Loads a data set by name or path.
///
/// `digits` and `cancer` are the embedded sets (write `./digits` for a folder of that name). A folder is read as
/// IDX data if one of the four IDX files is in it, else as the single CSV table it holds; any other path is read
/// as a CSV table. `target` names the column to predict: a CSV table needs it, the others have none.
///
/// # Errors
///
/// If nothing of that name can be read, or what is there is malformed.
pub fn load(source: impl AsRef<Path>, target: Option<&str>) -> Result<Dataset, DataError> {
    let path = source.as_ref();
    let labelled = |read: &dyn Fn() -> Result<Dataset, DataError>| match target {
        Some(target) => Err(DataError::UnexpectedTarget {
            path: path.to_owned(),
            target: target.to_owned(),
        }),
        None => read(),
    };
    if path == Path::new("digits") {
        labelled(&|| Ok(digits()))
    } else if path == Path::new("cancer") {
        labelled(&|| Ok(cancer()))
    } else if !path.exists() {
        Err(DataError::NotFound {
            path: path.to_owned(),
        })
    } else if !path.is_dir() {
        read_csv(path, target)
    } else if idx::is_idx_folder(path) {
        labelled(&|| read_idx(path))
    } else {
        read_csv(&only_table(path)?, target)
    }
}

/// The one CSV file of a folder.
fn only_table(folder: &Path) -> Result<PathBuf, DataError> {
    let unreadable = |source| DataError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let lower = name.to_string_lossy().to_lowercase();
        if lower.ends_with(".csv") || lower.ends_with(".csv.gz") {
            files.push(name);
        }
    }
    files.sort();
    match files.as_slice() {
        [] => Err(DataError::EmptyFolder {
            path: folder.to_owned(),
        }),
        [file] => Ok(folder.join(file)),
        _ => Err(DataError::SeveralTables {
            path: folder.to_owned(),
            files: files
                .iter()
                .map(|file| file.to_string_lossy().into_owned())
                .collect(),
        }),
    }
}
