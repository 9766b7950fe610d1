//! CIFAR-10 in its binary version.

use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::division::Division;
use super::error::DataError;
use super::file;
use super::options::{LoadOptions, TaskKind};
use super::pixels::Channels;
use super::problem::CifarProblem;
use super::reading::Reading;
use super::refusal::Refusal;
use super::scaling::{Rescale, ScalingProblem};
use super::shape::ExampleShape;
use super::source::Source;
use super::split::{Split, Targets};
use super::task::Task;

const TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: [&str; 1] = ["test_batch.bin"];
/// The folder that the published archive unpacks to.
const UNPACKED: &str = "cifar-10-batches-bin";
const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];
const CHANNELS: usize = 3;
const SIDE: usize = 32;
const PIXELS: usize = CHANNELS * SIDE * SIDE;
/// A label, then the pixels: all red ones row by row, then green, then blue.
const RECORD: usize = 1 + PIXELS;

/// Reads CIFAR-10 in its binary version (Krizhevsky 2009): `data_batch_1.bin` to `data_batch_5.bin` and
/// `test_batch.bin`, plain or gzipped, in `folder` or in the folder `cifar-10-batches-bin` in it.
///
/// Pictures are 3x32x32, channel by channel; each channel is standardised with the training pixels' mean and
/// standard deviation (divisor n). [`Split::origin`] counts the records through the five training files.
///
/// # Errors
///
/// If a file is missing or empty, is not a whole number of records, or holds a label above 9.
pub fn read_cifar(folder: &Path) -> Result<Dataset, DataError> {
    read_cifar_with(folder, &LoadOptions::default())
}

/// As [`read_cifar`], with the `task`, `inputs` and `test` of the options.
pub(crate) fn read_cifar_with(folder: &Path, options: &LoadOptions) -> Result<Dataset, DataError> {
    if options.task == Some(TaskKind::Regression) {
        return Err(Refusal::NoNumbers.of(folder));
    }
    let unpacked = folder.join(UNPACKED);
    let files = if is_here(folder) { folder } else { &unpacked };
    let train = CifarPart::read(files, &TRAIN)?;
    let (test, division) = match &options.test {
        None => (CifarPart::read(files, &TEST)?, Division::Source),
        Some(path) => {
            let test = if path.is_dir() {
                CifarPart::read(path, &TEST)?
            } else {
                CifarPart::of_file(path.clone())?
            };
            (test, Division::Test { path: path.clone() })
        }
    };
    let asked = options.inputs.as_ref().unwrap_or(&Rescale::Standardised);
    let unscaled = |problem| Refusal::Scaling(problem).of(folder);
    let channels = Channels::new(
        (asked, options.moments),
        [&train.pixels, &test.pixels],
        CHANNELS,
        SIDE * SIDE,
    )
    .map_err(unscaled)?;
    let [train_source, test_source] = [&train, &test].map(|part| Source::Records {
        files: part.files.clone(),
    });
    Ok(Dataset {
        name: "cifar-10".to_owned(),
        task: Task::of_classes(CLASSES.map(str::to_owned).to_vec()),
        train: train.into_split(&channels).map_err(unscaled)?,
        valid: None,
        test: test.into_split(&channels).map_err(unscaled)?,
        shape: ExampleShape::Picture {
            channels: CHANNELS,
            height: SIDE,
            width: SIDE,
        },
        features: channels.names(),
        image: None,
        attribution: None,
        division,
        input_scaling: Some(channels.into_scaling()),
        target_scaling: None,
        train_source,
        test_source,
        reading: Reading::default(),
        loss: None,
        class_weights: None,
        inference: None,
    })
}

/// Whether a folder is meant as CIFAR-10.
pub(crate) fn is_cifar_folder(folder: &Path) -> bool {
    is_here(folder) || is_here(&folder.join(UNPACKED))
}

/// Whether a file of this name belongs to CIFAR-10.
pub(crate) fn is_cifar_file(name: &str) -> bool {
    TRAIN.iter().chain(&TEST).any(|file| *file == name)
}

fn is_here(folder: &Path) -> bool {
    let mut files = TRAIN.into_iter().chain(TEST);
    files.any(|name| file::find(folder, name).is_some())
}

/// The records of some files, one after another.
#[derive(Default)]
struct CifarPart {
    /// Each file with its number of records.
    files: Vec<(PathBuf, usize)>,
    labels: Vec<i64>,
    pixels: Vec<u8>,
}

impl CifarPart {
    fn read(folder: &Path, files: &[&'static str]) -> Result<Self, DataError> {
        let mut part = Self::default();
        for &file in files {
            let path = file::find(folder, file)
                .ok_or_else(|| DataError::new(folder, CifarProblem::MissingFile { file }))?;
            part.push(path)?;
        }
        Ok(part)
    }

    /// The records of one file, whatever it is called.
    fn of_file(path: PathBuf) -> Result<Self, DataError> {
        let mut part = Self::default();
        part.push(path)?;
        Ok(part)
    }

    fn push(&mut self, path: PathBuf) -> Result<(), DataError> {
        let bytes = file::read(&path)?;
        let records = self.take(&bytes);
        let records = records.map_err(|problem| DataError::new(&path, problem))?;
        self.files.push((path, records));
        Ok(())
    }

    /// Takes the records of a file; their number.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, CifarProblem> {
        if bytes.is_empty() {
            return Err(CifarProblem::Empty);
        }
        let (records, rest) = bytes.as_chunks::<RECORD>();
        if !rest.is_empty() {
            return Err(CifarProblem::Length {
                found: bytes.len(),
                record: records.len(),
            });
        }
        for (record, [label, pixels @ ..]) in records.iter().enumerate() {
            if usize::from(*label) >= CLASSES.len() {
                return Err(CifarProblem::Label {
                    label: *label,
                    record,
                });
            }
            self.labels.push(i64::from(*label));
            self.pixels.extend_from_slice(pixels);
        }
        Ok(records.len())
    }

    fn into_split(self, channels: &Channels) -> Result<Split, ScalingProblem> {
        Ok(Split {
            rows: self.labels.len(),
            columns: PIXELS,
            features: channels.scale(&self.pixels)?,
            origin: (0..self.labels.len()).collect(),
            targets: Targets::Classes(self.labels),
            weights: None,
        })
    }
}
