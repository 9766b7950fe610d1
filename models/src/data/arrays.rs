//! Data sets made of NumPy's arrays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::archive::{Archive, is_archive};
use super::column::{ColumnCells, FeatureColumn};
use super::dataset::Dataset;
use super::division::{Division, MIN_ROWS, partition};
use super::error::DataError;
use super::labelled_pixels::{self, LabelledPixels};
use super::npy::{Array, Elements};
use super::options::{LoadOptions, TaskKind};
use super::pixels::Pixels;
use super::problem::{ArrayProblem, DataProblem};
use super::refusal::Refusal;
use super::source::At;
use super::table::Table;
use super::tabular;
use super::task::Task;
use crate::number::brief;

/// Names of the inputs and targets of a whole, or of the part to train on.
const TRAIN: [[&str; 2]; 5] = [
    ["x_train", "y_train"],
    ["X_train", "y_train"],
    ["train_images", "train_labels"],
    ["x", "y"],
    ["X", "y"],
];
/// Names of those to test on.
const TEST: [[&str; 2]; 3] = [
    ["x_test", "y_test"],
    ["X_test", "y_test"],
    ["test_images", "test_labels"],
];

/// Reads NumPy's arrays of a file `.npz`, as `numpy.savez` and `numpy.savez_compressed` write it: `x_train`, `y_train`,
/// `x_test` and `y_test`, as Keras' data sets have them, or `train_images`, `train_labels` and so on; or `x` and `y`, of
/// which a fifth is then held out as of a table.
///
/// Inputs `[examples, columns]` are the columns `x0`, `x1`.. of a table. Inputs `[examples, height, width]`,
/// `[examples, channels, height, width]` and `[examples, height, width, channels]`, of 1 channel or 3, are pictures: whole
/// numbers from 0 to 255 are read as those of PNG files, other numbers as they are unless `inputs` says otherwise. Targets,
/// one for each example, are classes or numbers, of columns as in [a table](super::read_csv), of pictures classes unless
/// they have fractions; texts are classes.
///
/// # Errors
///
/// If the file is damaged, has no arrays of these names, or they are of types or shapes that are not read, if their
/// numbers of examples differ, if a number is not finite, or a test target is none of the training targets.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    read_npz_with(path.as_ref(), &LoadOptions::default())
}

/// As [`read_npz`], with the `task`, `inputs`, `targets` and `test` of the options. The file `test` holds `x_test` and
/// `y_test`, or else `x` and `y`.
pub(crate) fn read_npz_with(path: &Path, options: &LoadOptions) -> Result<Dataset, DataError> {
    let mut archive = Archive::open(path)?;
    let train = ArrayPart::read(&mut archive, &TRAIN)?;
    let train = train.ok_or_else(|| archive.unnamed())?;
    let (test, division) = match &options.test {
        Some(other) if is_archive(other) => {
            let mut archive = Archive::open(other)?;
            let part = match ArrayPart::read(&mut archive, &TEST)? {
                Some(part) => part,
                None => ArrayPart::read(&mut archive, &TRAIN)?.ok_or_else(|| archive.unnamed())?,
            };
            (
                Some(part),
                Division::Test {
                    path: other.clone(),
                },
            )
        }
        Some(other) => return Err(Refusal::TestOfArrays.of(other)),
        None => match ArrayPart::read(&mut archive, &TEST)? {
            Some(part) => (Some(part), Division::Source),
            None => (None, Division::drawn()),
        },
    };
    if let Some(test) = &test {
        let [train, found] = [&train, test].map(|part| part.inputs.shape[1..].to_vec());
        if train != found {
            let array = test.inputs.name.clone();
            return Err(test.refused(ArrayProblem::Sizes {
                array,
                found,
                train,
            }));
        }
    }
    match train.inputs.shape.len() {
        2 => columns(path, (train, test), division, options),
        _ => pictures(path, (train, test), division, options),
    }
}

/// Inputs and targets of one part.
struct ArrayPart {
    /// The file.
    path: PathBuf,
    /// Of at least one example, and of two dimensions or those of pictures.
    inputs: Array,
    targets: Array,
}

impl ArrayPart {
    /// The first of these pairs of names of which the archive has both.
    fn read(archive: &mut Archive, names: &[[&str; 2]]) -> Result<Option<Self>, DataError> {
        let found = archive.names();
        let has = |name: &&str| found.iter().any(|it| it == name);
        let Some([x, y]) = names.iter().find(|pair| pair.iter().all(has)) else {
            return Ok(None);
        };
        let part = Self {
            inputs: archive.read(x)?,
            targets: archive.read(y)?,
            path: archive.path.clone(),
        };
        part.check().map_err(|problem| part.refused(problem))?;
        Ok(Some(part))
    }

    fn check(&self) -> Result<(), ArrayProblem> {
        let refuse = |array: &Array, expected| ArrayProblem::Shape {
            array: array.name.clone(),
            shape: array.shape.clone(),
            expected,
        };
        let (x, y) = (&self.inputs, &self.targets);
        if x.shape.contains(&0) {
            return Err(refuse(x, "there must be an example, and a number in it"));
        }
        if !(2..=4).contains(&x.shape.len()) {
            let expected = "give [examples, columns], or pictures as [examples, height, width] or [examples, channels, height, width]";
            return Err(refuse(x, expected));
        }
        if x.shape.len() == 4 && layout(&x.shape).is_none() {
            let expected = "pictures have 1 channel or 3, before height and width or behind them";
            return Err(refuse(x, expected));
        }
        let rows = x.shape[0];
        let one_each = match y.shape.as_slice() {
            [_] | [_, 1] => y.shape[0],
            _ => {
                return Err(refuse(
                    y,
                    "give one target for each example, a class by its number or name",
                ));
            }
        };
        if one_each != rows {
            return Err(ArrayProblem::Count {
                inputs: x.name.clone(),
                rows,
                targets: y.name.clone(),
                labels: one_each,
            });
        }
        Ok(())
    }

    fn refused(&self, problem: impl Into<DataProblem>) -> DataError {
        DataError::new(&self.path, problem)
    }

    /// Whether targets are names.
    fn is_named(&self) -> bool {
        matches!(self.targets.elements, Elements::Texts(_))
    }

    /// Where an array is: the file, and its name in it.
    fn place(&self, array: &Array) -> PathBuf {
        self.path.join(&array.name)
    }

    /// The targets as a table has them.
    fn labels(&self) -> Result<Vec<String>, DataError> {
        match &self.targets.elements {
            Elements::Texts(texts) => Ok(texts.clone()),
            _ => {
                let numbers = self.targets.numbers().map_err(|it| self.refused(it))?;
                Ok(numbers.into_iter().map(brief).collect())
            }
        }
    }

    /// The inputs as columns of a table, with the targets.
    fn table(&self) -> Result<Table, DataError> {
        let numbers = self.inputs.numbers().map_err(|it| self.refused(it))?;
        let count = self.inputs.shape[1];
        let column = |column: usize| FeatureColumn {
            name: format!("x{column}"),
            named: false,
            cells: ColumnCells::Numbers(numbers[column..].iter().step_by(count).copied().collect()),
        };
        let features = (0..count).map(column).collect();
        let (place, target) = (self.place(&self.inputs), self.targets.name.clone());
        Ok(Table::of_columns(
            place,
            features,
            (target, self.labels()?),
            At::Index,
        ))
    }

    /// The inputs as pictures; `classes` are the names that stand for labels by their place, if these are texts.
    fn pixels(self, classes: &[String]) -> Result<LabelledPixels, DataError> {
        let labels = match &self.targets.elements {
            Elements::Texts(texts) => texts
                .iter()
                // What no training example has is beyond all others, which is told where classes are.
                .map(|text| classes.binary_search(text).unwrap_or(classes.len()) as f64)
                .collect(),
            _ => {
                let numbers = self.targets.numbers().map_err(|it| self.refused(it))?;
                numbers.into_iter().map(|label| label + 0.0).collect()
            }
        };
        let (images_path, labels_path) = (self.place(&self.inputs), self.place(&self.targets));
        let (size, last) = match self.inputs.shape.as_slice() {
            [_, height, width] => ([1, *height, *width], false),
            shape => layout(shape).unwrap_or(([1, 1, 1], false)),
        };
        let pixels = match self.inputs.elements {
            Elements::Bytes(bytes) => Pixels::Bytes(bytes),
            _ => {
                let numbers = self.inputs.numbers();
                Pixels::Numbers(numbers.map_err(|it| DataError::new(&self.path, it))?)
            }
        };
        let pixels = match pixels {
            pixels if !last => pixels,
            Pixels::Bytes(bytes) => Pixels::Bytes(channels_first(&bytes, size)),
            Pixels::Numbers(numbers) => Pixels::Numbers(channels_first(&numbers, size)),
        };
        Ok(LabelledPixels {
            images_path,
            labels_path,
            size,
            pixels,
            origin: (0..self.inputs.shape[0]).collect(),
            labels,
        })
    }
}

impl Archive {
    /// The error of an archive without the arrays that are read.
    fn unnamed(&self) -> DataError {
        let found = self.names();
        DataError::new(&self.path, ArrayProblem::Names { found })
    }
}

/// The data set of inputs in columns.
fn columns(
    path: &Path,
    (train, test): (ArrayPart, Option<ArrayPart>),
    division: Division,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let table = train.table()?;
    let test = test.map(|test| test.table()).transpose()?;
    let named = |dataset: Dataset| Dataset {
        name: name(path),
        ..dataset
    };
    tabular::of_parts(table, test, division, path, options).map(named)
}

/// The data set of pictures.
fn pictures(
    path: &Path,
    (train, test): (ArrayPart, Option<ArrayPart>),
    division: Division,
    options: &LoadOptions,
) -> Result<Dataset, DataError> {
    let names: Option<Vec<String>> = match &train.targets.elements {
        Elements::Texts(texts) => {
            let different: BTreeSet<&String> = texts.iter().collect();
            Some(different.into_iter().cloned().collect())
        }
        _ => None,
    };
    if names.is_some() && options.task == Some(TaskKind::Regression) {
        return Err(Refusal::NoNumbers.of(path));
    }
    if let Some(test) = test.as_ref().filter(|it| it.is_named() != train.is_named()) {
        return Err(test.refused(ArrayProblem::Kind {
            array: test.targets.name.clone(),
            dtype: "another kind than that to train on".to_owned(),
        }));
    }
    let classes = names.clone().unwrap_or_default();
    let mut train = train.pixels(&classes)?;
    let mut test = match test {
        Some(test) => test.pixels(&classes)?,
        None if train.labels.len() < MIN_ROWS => {
            let (rows, needed) = (train.labels.len(), MIN_ROWS);
            return Err(DataError::new(
                path,
                DataProblem::TooFewRows { rows, needed },
            ));
        }
        None => {
            let (trained, tested) = partition(train.labels.len());
            let test = train.select(&tested);
            train = train.select(&trained);
            test
        }
    };
    if let Some(parts) = bytes([&train.pixels, &test.pixels]) {
        [train.pixels, test.pixels] = parts;
    }
    let dataset = labelled_pixels::dataset(path, [train, test], division, options)?;
    Ok(Dataset {
        name: name(path),
        task: match (names, dataset.task) {
            (Some(names), _) => Task::of_classes(names),
            (None, task) => task,
        },
        ..dataset
    })
}

/// Numbers of all parts as bytes, if they are whole, from 0 to 255, and not all 0 or 1; none if they are not, or are
/// already.
fn bytes(parts: [&Pixels; 2]) -> Option<[Pixels; 2]> {
    if parts.iter().all(|part| matches!(part, Pixels::Bytes(_))) {
        return None;
    }
    let [train, test] = parts.map(|part| match part {
        Pixels::Numbers(numbers) => numbers.clone(),
        Pixels::Bytes(bytes) => bytes.iter().map(|&it| it.into()).collect(),
    });
    let mut all = train.iter().chain(&test);
    let whole = all
        .clone()
        .all(|it| it.fract() == 0.0 && (0.0..=255.0).contains(it));
    let bright = all.any(|&it| it > 1.0);
    let bytes = |numbers: Vec<f64>| Pixels::Bytes(numbers.into_iter().map(|it| it as u8).collect());
    (whole && bright).then(|| [train, test].map(bytes))
}

/// Channels, height and width of pictures of four dimensions, and whether the channels come last.
fn layout(shape: &[usize]) -> Option<([usize; 3], bool)> {
    match *shape {
        [_, channels @ (1 | 3), height, width] => Some(([channels, height, width], false)),
        [_, height, width, channels @ (1 | 3)] => Some(([channels, height, width], true)),
        _ => None,
    }
}

/// Pictures whose channels come last, channel after channel.
fn channels_first<T: Copy>(pixels: &[T], [channels, height, width]: [usize; 3]) -> Vec<T> {
    let pictures = pixels.chunks_exact(channels * height * width);
    let of = |picture: &[T]| -> Vec<T> {
        let channels = (0..channels).flat_map(|it| picture[it..].iter().step_by(channels));
        channels.copied().collect()
    };
    pictures.flat_map(of).collect()
}

/// The file's name without `.npz`.
fn name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
