//! Loading a data set by its name or path.

use std::path::{Path, PathBuf};

use super::archive::is_archive;
use super::arrays::read_npz_with;
use super::cifar::{is_cifar_file, is_cifar_folder, read_cifar_with};
use super::dataset::Dataset;
use super::embedded::{cancer_with, digits_with};
use super::error::DataError;
use super::file::{self, last_name};
use super::idx::{is_idx_file, is_idx_folder, read_idx_with};
use super::options::LoadOptions;
use super::parquet_table::is_parquet;
use super::pictures::{is_picture_folder, is_png, read_pictures_with};
use super::problem::DataProblem;
use super::refusal::Refusal;
use super::tabular::read_csv_with;
use super::text::{SEQUENCE, is_text_folder, read_text, text_of_file};

/// Loads a data set by name or path.
///
/// `digits` and `cancer` are the embedded sets (write `./digits` for a folder of that name). Any other file is read as
/// a table, [CSV](super::read_csv) or Parquet, or [NumPy's arrays](super::read_npz). A folder is read as the first of these that it holds a file of: [IDX data](super::read_idx),
/// [CIFAR-10](super::read_cifar), [text](read_text) in examples of [`SEQUENCE`] tokens, one [CSV
/// table](super::read_csv),
/// [PNG pictures](super::read_pictures). `target` names the column to predict: a CSV table needs it, the others have
/// none.
///
/// # Errors
///
/// If nothing of that name can be read, or what is there is malformed.
pub fn load(source: impl AsRef<Path>, target: Option<&str>) -> Result<Dataset, DataError> {
    let options = LoadOptions {
        target: target.map(str::to_owned),
        ..LoadOptions::default()
    };
    load_with(source, &options)
}

/// As [`load`], with choices of one's own.
///
/// # Errors
///
/// As [`load`], and if the source cannot do what is asked.
pub fn load_with(source: impl AsRef<Path>, options: &LoadOptions) -> Result<Dataset, DataError> {
    let path = source.as_ref();
    if path == Path::new("digits") {
        return labelled(path, options).and_then(|()| digits_with(options));
    }
    if path == Path::new("cancer") {
        return labelled(path, options).and_then(|()| cancer_with(options));
    }
    let kind = SourceKind::of(path)?;
    if let SourceKind::Table(table) = &kind {
        return read_csv_with(table, options);
    }
    labelled(path, options)?;
    let dataset = match kind {
        SourceKind::Arrays(file) => read_npz_with(&file, options)?,
        SourceKind::Idx => read_idx_with(path, options)?,
        SourceKind::Cifar => read_cifar_with(path, options)?,
        SourceKind::Pictures => read_pictures_with(path, options)?,
        SourceKind::Text | SourceKind::Table(_) => {
            plain(path, options)?;
            return read_text(path, SEQUENCE);
        }
    };
    if options.targets.is_some() && dataset.target_scaling.is_none() {
        return Err(Refusal::Classes.of(path));
    }
    Ok(dataset)
}

/// Refuses a choice of columns where there is none.
fn labelled(path: &Path, options: &LoadOptions) -> Result<(), DataError> {
    match (&options.target, &options.split) {
        (Some(target), _) => Err(DataError::new(
            path,
            DataProblem::UnexpectedTarget {
                target: target.clone(),
            },
        )),
        (None, Some(column)) => Err(Refusal::Split(column.clone()).of(path)),
        (None, None) => match options.table.asked() {
            Some(asked) => Err(Refusal::Columns(asked).of(path)),
            None => Ok(()),
        },
    }
}

/// Refuses what text has no use for.
fn plain(path: &Path, options: &LoadOptions) -> Result<(), DataError> {
    let refusal = match options {
        it if it.test.is_some() => Refusal::TestOfText,
        it if it.task.is_some() => Refusal::TaskOfText,
        it if it.inputs.is_some() || !it.moments.is_train() => Refusal::Tokens,
        it if it.targets.is_some() => Refusal::Classes,
        _ => return Ok(()),
    };
    Err(refusal.of(path))
}

/// What a path holds.
enum SourceKind {
    Idx,
    Cifar,
    Text,
    Table(PathBuf),
    Arrays(PathBuf),
    Pictures,
}

impl SourceKind {
    fn of(path: &Path) -> Result<Self, DataError> {
        if !path.exists() {
            Err(DataError::new(path, DataProblem::NotFound))
        } else if !path.is_dir() {
            Self::of_file(path)
        } else if is_idx_folder(path) {
            Ok(Self::Idx)
        } else if is_cifar_folder(path) {
            Ok(Self::Cifar)
        } else if is_text_folder(path)? {
            Ok(Self::Text)
        } else if let Some(table) = only_table(path)? {
            Ok(Self::of_table(table))
        } else if is_picture_folder(path)? {
            Ok(Self::Pictures)
        } else {
            Err(DataError::new(path, DataProblem::EmptyFolder))
        }
    }

    /// A table, or arrays.
    fn of_table(path: PathBuf) -> Self {
        match is_archive(&path) {
            true => Self::Arrays(path),
            false => Self::Table(path),
        }
    }

    /// A file is a table, unless its name is that of a part of something else.
    fn of_file(path: &Path) -> Result<Self, DataError> {
        let name = last_name(path);
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let give = if is_png(path) {
            "the folder that holds the folders of the classes"
        } else if is_idx_file(plain) || is_cifar_file(plain) || text_of_file(plain).is_some() {
            "the folder that it is in"
        } else {
            return Ok(Self::of_table(path.to_owned()));
        };
        Err(DataError::new(path, DataProblem::FileOfFolder { give }))
    }
}

/// The one table of a folder, or file of arrays.
fn only_table(folder: &Path) -> Result<Option<PathBuf>, DataError> {
    let mut tables: Vec<PathBuf> = file::list(folder)?
        .into_iter()
        .filter(|path| {
            let name = last_name(path).to_lowercase();
            let plain = name.strip_suffix(".gz").unwrap_or(&name);
            plain.ends_with(".csv")
                || plain.ends_with(".tsv")
                || is_parquet(path)
                || is_archive(path)
        })
        .collect();
    if tables.len() > 1 {
        return Err(DataError::new(
            folder,
            DataProblem::SeveralTables {
                files: tables.iter().map(|table| last_name(table)).collect(),
            },
        ));
    }
    Ok(tables.pop())
}
