//! Data sets made of CSV tables.

use std::ops::Range;
use std::path::Path;

use super::csv_table;
use super::dataset::{Dataset, ImageShape};
use super::division::{Division, MIN_ROWS, partition};
use super::encoding::Encoding;
use super::error::DataError;
use super::file;
use super::moments::Moments;
use super::moments_of::MomentsOf;
use super::options::LoadOptions;
use super::parquet_table::{self, is_parquet};
use super::pixels::by_peak;
use super::problem::{DataProblem, TableProblem};
use super::reading::Reading;
use super::refusal::Refusal;
use super::rule::ScalingRule;
use super::scaling::{CHANNELS, Rescale, Scaling, ScalingProblem};
use super::shape::ExampleShape;
use super::split::{Split, Targets};
use super::table::Table;
use super::target::{TableTarget, target_scaling};
use super::task::Task;

/// Reads a CSV table, plain or gzipped: a header line, then one line for each example. Columns are separated by commas,
/// semicolons, tabs or `|`: what cuts the first lines into equally many.
///
/// `target` is the column to predict. Every other column holds numbers, or else texts: of at most 100 different ones,
/// which are at most half as many as there are rows, each becomes an input that is 1 for it and 0 for all others, in
/// alphabetical order, and true and false become 1 and 0. The categories are those of the training rows; of others all
/// inputs are 0, which [`Dataset::reading`] warns of. [`TableOptions`](super::TableOptions) says which columns are
/// categories, are left out, or name the examples. The target is taken for classes if
/// all of it is text (in at most half as many different texts as there are rows), or if all of it is integers
/// of at most 20 different values that are fewer than half the rows; two classes make a binary task, and classes
/// are in numerical or alphabetical order. Any other numbers make a regression. The finding is in
/// [`Dataset::inference`].
///
/// Features, and a regression's target, are standardised with the training rows' mean and standard deviation
/// (divisor n); from a feature that is constant over the training rows its value is only taken away.
/// [`load_with`](super::load_with) has other choices, and other parts than a fifth that is held out.
///
/// # Errors
///
/// If the file cannot be read, the header is missing or unusable, the target is missing or constant, a line has
/// too few or too many fields, a value is missing, not finite, or text in a column of numbers, if a column holds dates
/// or too many different texts, or if there are fewer than 10 rows. Lines are counted from 1.
pub fn read_csv(path: impl AsRef<Path>, target: Option<&str>) -> Result<Dataset, DataError> {
    let options = LoadOptions {
        target: target.map(str::to_owned),
        ..LoadOptions::default()
    };
    read_csv_with(path.as_ref(), &options)
}

/// As [`read_csv`], with all of the options.
pub(crate) fn read_csv_with(path: &Path, options: &LoadOptions) -> Result<Dataset, DataError> {
    of_table(read_table(path, options)?, path, options, None)
}

/// A table of whatever format its name tells.
fn read_table(path: &Path, options: &LoadOptions) -> Result<Table, DataError> {
    match is_parquet(path) {
        true => parquet_table::parse(path, options),
        false => csv_table::parse(&file::read_text(path)?, path, options),
    }
}

/// Grey pixels as columns.
#[derive(Clone, Copy)]
pub(crate) struct Pixels {
    pub(crate) size: ImageShape,
    /// The brightest there can be.
    pub(crate) brightest: f64,
}

/// The data set of a table's bytes; `path` is for its name and for errors.
pub(crate) fn dataset(
    bytes: &[u8],
    path: &Path,
    options: &LoadOptions,
    pixels: Option<Pixels>,
) -> Result<Dataset, DataError> {
    of_table(
        csv_table::parse(bytes, path, options)?,
        path,
        options,
        pixels,
    )
}

/// The data set of a table that was read; `path` is for its name and for errors.
fn of_table(
    mut table: Table,
    path: &Path,
    options: &LoadOptions,
    pixels: Option<Pixels>,
) -> Result<Dataset, DataError> {
    let parts = RowParts::of(&mut table, path, options)?;
    assembled(table, parts, path, options, pixels)
}

/// The data set of a table to train on and one to test on, whose division is known, or of one alone, of which a part is
/// drawn.
pub(crate) fn of_parts(
    mut train: Table,
    test: Option<Table>,
    division: Division,
    path: &Path,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let rows = train.labels.len();
    let Some(test) = test else {
        return of_table(train, path, options, None);
    };
    train.append(test)?;
    let parts = RowParts::appended(division, rows, train.labels.len());
    assembled(train, parts, path, options, None)
}

/// The data set of the parts of a table.
fn assembled(
    table: Table,
    parts: RowParts,
    path: &Path,
    options: &LoadOptions,
    pixels: Option<Pixels>,
) -> Result<Dataset, DataError> {
    let (target, inference) = TableTarget::of(&table, options.task, path)?;
    let mut encoding = Encoding::of(&table, &parts.train, &options.table, path)?;
    if let Some(pixels) = pixels {
        encoding
            .values
            .iter_mut()
            .for_each(|x| *x /= pixels.brightest);
    }
    let columns = encoding.names.len();
    let unscaled = |problem| Refusal::Scaling(problem).of(path);
    let all: Vec<usize> = (0..table.labels.len()).collect();
    let measured = match options.moments {
        MomentsOf::Train => &parts.train,
        MomentsOf::All => &all,
    };
    let scaling = input_scaling(&encoding, measured, options, pixels);
    let scaling = scaling.map_err(unscaled)?;
    let asked = targets(&table, target, &parts, options, path)?;
    let (task, targets, target_scaling) = asked;
    let all = Split {
        rows: table.labels.len(),
        columns,
        features: scaling.apply(&encoding.values, columns).map_err(unscaled)?,
        targets,
        origin: parts.origin,
        weights: None,
    };
    let [train_source, test_source] = table.sources();
    let reading = Reading {
        id: options.table.id.clone(),
        ignored: table.ignored(),
        categorical: encoding.categorical,
        notes: [table.notes.clone(), encoding.notes].concat(),
        warnings: (table.repeated_id().into_iter())
            .chain(encoding.warnings)
            .collect(),
    };
    Ok(Dataset {
        name: name(path),
        task,
        train: all.select(&parts.train),
        valid: parts.valid.map(|rows| all.select(&rows)),
        test: all.select(&parts.test),
        shape: match pixels {
            None => ExampleShape::Flat { columns },
            Some(Pixels { size, .. }) => ExampleShape::Picture {
                channels: 1,
                height: size.height,
                width: size.width,
            },
        },
        features: encoding.names,
        image: pixels.map(|pixels| pixels.size),
        attribution: None,
        division: parts.division,
        input_scaling: Some(scaling),
        target_scaling,
        train_source,
        test_source,
        reading,
        loss: None,
        class_weights: None,
        inference: Some(inference),
    })
}

/// The task, the targets of all rows, and how they were scaled.
type ColumnTargets = (Task, Targets, Option<Scaling>);

/// What is to be predicted: the class that a label stands for, or the label as a number.
fn targets(
    table: &Table,
    target: TableTarget,
    parts: &RowParts,
    options: &LoadOptions,
    path: &Path,
) -> Result<ColumnTargets, DataError> {
    let values = match target {
        TableTarget::Classes { .. } if options.targets.is_some() => {
            return Err(Refusal::Classes.of(path));
        }
        TableTarget::Classes { classes, names } => {
            check_classes(table, &classes, &names, parts)?;
            return Ok((Task::of_classes(names), Targets::Classes(classes), None));
        }
        TableTarget::Values(values) => values,
    };
    let train: Vec<f64> = parts.train.iter().map(|&row| values[row]).collect();
    if train.iter().all(|value| *value == train[0]) {
        let value = train[0].to_string();
        return Err(DataError::new(path, DataProblem::ConstantTarget { value }));
    }
    let measured = match options.moments {
        MomentsOf::Train => &train,
        MomentsOf::All => &values,
    };
    let unscaled = |problem| Refusal::Scaling(problem).of(path);
    let scaling = target_scaling(measured, options).map_err(unscaled)?;
    let values = scaling.apply(&values, 1).map_err(unscaled)?;
    Ok((Task::Regression, Targets::Values(values), Some(scaling)))
}

/// How the features are scaled: column by column, or all pixels alike.
fn input_scaling(
    encoding: &Encoding,
    measured: &[usize],
    options: &LoadOptions,
    pixels: Option<Pixels>,
) -> Result<Scaling, ScalingProblem> {
    let columns = encoding.names.len();
    let cells = |range: Range<usize>| {
        let rows = measured.iter();
        rows.flat_map(move |row| range.clone().map(move |column| row * columns + column))
            .map(|cell| encoding.values[cell])
    };
    let Some(pixels) = pixels else {
        let asked = options.inputs.as_ref().unwrap_or(&Rescale::Standardised);
        return Scaling::settle((asked, options.moments), columns, "columns", |rule| {
            let column = |column| match encoding.coded[column] {
                true => Moments::IDENTITY,
                false => Moments::by(rule, cells(column..column + 1)),
            };
            (0..columns).map(column).collect()
        });
    };
    let asked = options.inputs.as_ref().unwrap_or(&Rescale::Unit);
    Scaling::settle((asked, options.moments), 1, CHANNELS, |rule| match rule {
        ScalingRule::Standardised => vec![Moments::by(rule, cells(0..columns))],
        rule => vec![by_peak(rule, pixels.brightest)],
    })
}

/// The rows of each part.
struct RowParts {
    division: Division,
    train: Vec<usize>,
    valid: Option<Vec<usize>>,
    test: Vec<usize>,
    /// The place of each row in its file.
    origin: Vec<usize>,
}

impl RowParts {
    /// The first `rows` of a table to train on, and all others, which were appended to it, to test on.
    fn appended(division: Division, rows: usize, all: usize) -> Self {
        Self {
            division,
            train: (0..rows).collect(),
            valid: None,
            test: (rows..all).collect(),
            origin: (0..rows).chain(0..all - rows).collect(),
        }
    }

    /// The parts that were asked for, of which none is empty. The rows of a table to test on come to those of `table`.
    fn of(table: &mut Table, path: &Path, options: &LoadOptions) -> Result<Self, DataError> {
        let rows = table.labels.len();
        let mut parts = match (&options.test, &options.split) {
            (Some(_), Some(_)) => return Err(Refusal::TwoDivisions.of(path)),
            (None, Some(column)) => Self::told(table, column)?,
            (Some(test), None) => {
                table.append(read_table(test, options)?)?;
                let division = Division::Test { path: test.clone() };
                Self::appended(division, rows, table.labels.len())
            }
            (None, None) if rows < MIN_ROWS => {
                return Err(DataError::new(
                    path,
                    DataProblem::TooFewRows {
                        rows,
                        needed: MIN_ROWS,
                    },
                ));
            }
            (None, None) => {
                let (train, test) = partition(rows);
                Self {
                    division: Division::drawn(),
                    train,
                    valid: None,
                    test,
                    origin: Vec::new(),
                }
            }
        };
        parts.origin = (0..rows).chain(0..table.labels.len() - rows).collect();
        match (parts.train.is_empty(), parts.test.is_empty()) {
            (true, _) => Err(DataError::new(
                path,
                DataProblem::EmptyPart { part: "train" },
            )),
            (_, true) => Err(DataError::new(
                path,
                DataProblem::EmptyPart { part: "test" },
            )),
            _ => Ok(parts),
        }
    }

    /// As a column of the table tells.
    fn told(table: &Table, column: &str) -> Result<Self, DataError> {
        let [mut train, mut valid, mut test] = [const { Vec::new() }; 3];
        for (row, part) in table.parts.iter().enumerate() {
            match part.to_lowercase().as_str() {
                "train" | "training" => train.push(row),
                "valid" | "validation" | "val" => valid.push(row),
                "test" | "testing" => test.push(row),
                _ => return Err(table.part_error(row, column)),
            }
        }
        Ok(Self {
            division: Division::Column {
                name: column.to_owned(),
            },
            train,
            valid: (!valid.is_empty()).then_some(valid),
            test,
            origin: Vec::new(),
        })
    }
}

/// Whether there are two classes or more, each with a training example.
fn check_classes(
    table: &Table,
    classes: &[i64],
    names: &[String],
    parts: &RowParts,
) -> Result<(), DataError> {
    if let [only] = names {
        return Err(DataError::new(
            table.place(0).0,
            DataProblem::ConstantTarget {
                value: only.clone(),
            },
        ));
    }
    let mut trained = vec![false; names.len()];
    for &row in &parts.train {
        trained[classes[row] as usize] = true;
    }
    let Some(row) = classes.iter().position(|&class| !trained[class as usize]) else {
        return Ok(());
    };
    let (path, at) = table.place(row);
    let (path, column) = (path.to_owned(), table.target.clone());
    let class = names[classes[row] as usize].clone();
    Err(match parts.division {
        Division::Drawn { .. } => DataError::new(
            path,
            DataProblem::UntrainableClass {
                column,
                class,
                count: classes.iter().filter(|&&it| it == classes[row]).count(),
            },
        ),
        _ => DataError::new(path, TableProblem::UnknownClass { at, column, class }),
    })
}

/// The file's name without what says that it is a table.
fn name(path: &Path) -> String {
    let file = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let stem = file.strip_suffix(".gz").unwrap_or(&file);
    let endings = [".csv", ".tsv", ".tab", ".parquet", ".pq"];
    let name = endings.iter().find_map(|ending| stem.strip_suffix(ending));
    name.unwrap_or(stem).to_owned()
}
