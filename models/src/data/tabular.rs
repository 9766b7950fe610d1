use std::path::Path;

use super::dataset::Dataset;
use super::error::DataError;
use super::file;
use super::partition::{MIN_ROWS, partition};
use super::shape::ExampleShape;
use super::split::{Split, Targets};
use super::standardise::{Moments, Standardisation};
use super::table::Table;
use super::target::Target;
use super::task::Task;

/// Reads a CSV table, plain or gzipped: a header line, then one line for each example.
///
/// `target` is the column to predict; every other column must hold numbers. The target is taken for classes if
/// all of it is text (in at most half as many different texts as there are rows), or if all of it is integers
/// of at most 20 different values that are fewer than half the rows; two classes make a binary task, and classes
/// are in numerical or alphabetical order. Any other numbers make a regression. The finding is in
/// [`Dataset::inference`].
///
/// Features, and a regression's target, are standardised with the training rows' mean and standard deviation
/// (divisor n); a feature that is constant over the training rows becomes 0 everywhere.
///
/// # Errors
///
/// If the file cannot be read, the header is missing or unusable, the target is missing or constant, a line has
/// too few or too many fields, a value is missing, not finite, or text in a column of numbers, or if there are
/// fewer than 10 rows. Lines are counted from 1.
pub fn read_csv(path: impl AsRef<Path>, target: Option<&str>) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    dataset(&file::read(path)?, path, target, Scaling::Standardise)
}

/// What becomes of a table's features.
pub(crate) enum Scaling {
    /// They are standardised with the training rows' statistics.
    Standardise,
    /// They are divided by a number.
    DivideBy(f64),
}

/// The data set of a table's bytes; `path` is for its name and for errors.
pub(crate) fn dataset(
    bytes: &[u8],
    path: &Path,
    target: Option<&str>,
    scaling: Scaling,
) -> Result<Dataset, DataError> {
    let table = Table::parse(bytes, path, target)?;
    let rows = table.labels.len();
    if rows < MIN_ROWS {
        return Err(DataError::TooFewRows {
            path: path.to_owned(),
            rows,
            needed: MIN_ROWS,
        });
    }
    let (target, inference) = Target::infer(&table, path)?;
    let (train, test) = partition(rows);

    let columns = table.features.len();
    let features: Vec<Moments> = match scaling {
        Scaling::Standardise => (0..columns)
            .map(|column| train.iter().map(move |row| row * columns + column))
            .map(|cells| Moments::of(cells.map(|cell| table.values[cell])))
            .collect(),
        Scaling::DivideBy(std) => vec![Moments { mean: 0.0, std }; columns],
    };
    let (task, targets, target) = match target {
        Target::Classes { classes, names } => {
            check_classes(&table.target, &classes, &names, &train, path)?;
            (Task::of_classes(names), Targets::Classes(classes), None)
        }
        Target::Values(values) => {
            let moments = Moments::of(train.iter().map(|&row| values[row]));
            if moments.std == 0.0 {
                return Err(DataError::ConstantTarget {
                    path: path.to_owned(),
                    value: moments.mean.to_string(),
                });
            }
            let values = values
                .iter()
                .map(|&value| moments.standardise(value) as f32)
                .collect();
            (Task::Regression, Targets::Values(values), Some(moments))
        }
    };
    let all = Split {
        rows,
        columns,
        features: table
            .values
            .iter()
            .zip(features.iter().cycle())
            .map(|(&value, moments)| moments.standardise(value) as f32)
            .collect(),
        targets,
        origin: (0..rows).collect(),
    };
    Ok(Dataset {
        name: name(path),
        task,
        train: all.select(&train),
        valid: None,
        test: all.select(&test),
        shape: ExampleShape::Flat { columns },
        features: table.features,
        image: None,
        attribution: None,
        standardisation: Some(Standardisation { features, target }),
        inference: Some(inference),
    })
}

/// Whether there are two classes or more, each with a training example.
fn check_classes(
    column: &str,
    classes: &[i64],
    names: &[String],
    train: &[usize],
    path: &Path,
) -> Result<(), DataError> {
    if let [only] = names {
        return Err(DataError::ConstantTarget {
            path: path.to_owned(),
            value: only.clone(),
        });
    }
    let untrained = (0_i64..)
        .zip(names)
        .find(|(class, _)| train.iter().all(|&row| classes[row] != *class));
    match untrained {
        Some((class, name)) => Err(DataError::UntrainableClass {
            path: path.to_owned(),
            column: column.to_owned(),
            class: name.clone(),
            count: classes.iter().filter(|&&other| other == class).count(),
        }),
        None => Ok(()),
    }
}

/// The file's name without `.csv` or `.csv.gz`.
fn name(path: &Path) -> String {
    let file = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let stem = file.strip_suffix(".gz").unwrap_or(&file);
    stem.strip_suffix(".csv").unwrap_or(stem).to_owned()
}
