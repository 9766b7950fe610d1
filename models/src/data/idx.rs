//! IDX files, as MNIST has them.

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, ImageShape};
use super::division::Division;
use super::error::DataError;
use super::file::{self, last_name};
use super::idx_array::{read_bytes, read_numbers};
use super::moments_of::MomentsOf;
use super::options::{LoadOptions, TaskKind};
use super::pixels::Channels;
use super::problem::{DataProblem, IdxProblem};
use super::refusal::Refusal;
use super::scaling::{Rescale, Scaling, ScalingProblem};
use super::shape::ExampleShape;
use super::source::Source;
use super::split::{Split, Targets};
use super::target::target_scaling;
use super::task::Task;
use crate::number::brief;

const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Reads a folder in the layout of MNIST: images and labels for `train` and for `t10k`, each plain or gzipped.
///
/// Pixels are unsigned bytes, and divided by 255. Labels may be of any type that IDX files have. The classes are the
/// different labels of the training examples, in numerical order and named after them; two of them make a binary task.
/// Labels with fractions make a regression.
///
/// # Errors
///
/// If a file is missing, is not IDX data of these types, is cut short or followed by other data, if images
/// and labels differ in number, training and test images in size, or a test label is none of the training labels.
pub fn read_idx(folder: &Path) -> Result<Dataset, DataError> {
    read_idx_with(folder, &LoadOptions::default())
}

/// As [`read_idx`], with the `task`, `inputs`, `targets` and `test` of the options. The folder `test` holds images and
/// labels for `t10k`, or else for `train`.
pub(crate) fn read_idx_with(folder: &Path, options: &LoadOptions) -> Result<Dataset, DataError> {
    let train = IdxPart::read(folder, TRAIN)?;
    let (test, division) = tested(folder, options.test.as_deref())?;
    if train.size != test.size {
        return Err(DataError::new(
            test.images_path,
            IdxProblem::ImageSize {
                train_path: train.images_path,
                train: train.size,
                test: test.size,
            },
        ));
    }
    let [height, width] = train.size;
    let scaling = |problem| Refusal::Scaling(problem).of(folder);
    let asked = options.inputs.as_ref().unwrap_or(&Rescale::Unit);
    let channels = Channels::new(
        (asked, options.moments),
        [&train.pixels, &test.pixels],
        1,
        height * width,
    )
    .map_err(scaling)?;
    let inference = match options.task {
        None if train.has_fractions() => Some("labels have fractions: regression".to_owned()),
        _ => None,
    };
    let is_number = options.task == Some(TaskKind::Regression) || inference.is_some();
    let (task, targets, target_scaling) = targets(&train, &test, is_number, options, folder)?;
    let [train_targets, test_targets] = targets;
    let [train_source, test_source] = [&train, &test].map(|part| Source::Idx {
        file: part.images_path.clone(),
    });
    Ok(Dataset {
        name: last_name(folder),
        task,
        train: train
            .into_split(&channels, train_targets)
            .map_err(scaling)?,
        valid: None,
        test: test.into_split(&channels, test_targets).map_err(scaling)?,
        shape: ExampleShape::Picture {
            channels: 1,
            height,
            width,
        },
        features: channels.names(),
        image: Some(ImageShape { height, width }),
        attribution: None,
        division,
        input_scaling: Some(channels.into_scaling()),
        target_scaling,
        train_source,
        test_source,
        inference,
    })
}

/// The part to test on, of `folder` or of another one.
fn tested(folder: &Path, other: Option<&Path>) -> Result<(IdxPart, Division), DataError> {
    let Some(path) = other else {
        return Ok((IdxPart::read(folder, TEST)?, Division::Source));
    };
    if path.is_file() {
        let give = "the folder that it is in";
        return Err(DataError::new(path, DataProblem::FileOfFolder { give }));
    }
    let pair = match find(path, TEST[0]) {
        Ok(_) => TEST,
        Err(_) => TRAIN,
    };
    let path = path.to_owned();
    Ok((IdxPart::read(&path, pair)?, Division::Test { path }))
}

/// The task, the targets of both parts, and how they were scaled.
type IdxTargets = (Task, [Targets; 2], Option<Scaling>);

/// What is to be predicted: the class that a label stands for, or the label as a number.
fn targets(
    train: &IdxPart,
    test: &IdxPart,
    is_number: bool,
    options: &LoadOptions,
    folder: &Path,
) -> Result<IdxTargets, DataError> {
    let different = train.different();
    if let [only] = different.as_slice() {
        return Err(DataError::new(
            &train.labels_path,
            DataProblem::ConstantTarget {
                value: brief(*only),
            },
        ));
    }
    if is_number {
        let scaled = |problem| Refusal::Scaling(problem).of(folder);
        let measured = match options.moments {
            MomentsOf::Train => train.labels.clone(),
            MomentsOf::All => [train.labels.as_slice(), &test.labels].concat(),
        };
        let scaling = target_scaling(&measured, options).map_err(scaled)?;
        let values = |values: &[f64]| scaling.apply(values, 1).map(Targets::Values);
        let targets = [
            values(&train.labels).map_err(scaled)?,
            values(&test.labels).map_err(scaled)?,
        ];
        return Ok((Task::Regression, targets, Some(scaling)));
    }
    if options.targets.is_some() {
        return Err(Refusal::Classes.of(folder));
    }
    let targets = [train.classes(&different)?, test.classes(&different)?];
    let names = different.iter().map(|&label| brief(label)).collect();
    Ok((Task::of_classes(names), targets.map(Targets::Classes), None))
}

/// Whether a folder holds one of the four files, so that it is meant as IDX data.
pub(crate) fn is_idx_folder(folder: &Path) -> bool {
    TRAIN
        .into_iter()
        .chain(TEST)
        .any(|name| find(folder, name).is_ok())
}

/// Whether a file of this name belongs to IDX data.
pub(crate) fn is_idx_file(name: &str) -> bool {
    TRAIN.into_iter().chain(TEST).any(|file| file == name)
}

/// The images and labels of one split.
struct IdxPart {
    images_path: PathBuf,
    labels_path: PathBuf,
    size: [usize; 2],
    pixels: Vec<u8>,
    labels: Vec<f64>,
}

impl IdxPart {
    fn read(folder: &Path, [images, labels]: [&'static str; 2]) -> Result<Self, DataError> {
        let images_path = find(folder, images)?;
        let labels_path = find(folder, labels)?;
        let ([images, height, width], pixels) = read_bytes(&images_path)?;
        let mut labels = read_numbers(&labels_path)?;
        // Zero has two signs, and is one label.
        labels.iter_mut().for_each(|label| *label += 0.0);
        let count = labels.len();
        if images != count {
            return Err(DataError::new(
                labels_path,
                IdxProblem::CountMismatch {
                    images_path,
                    images,
                    labels: count,
                },
            ));
        }
        Ok(Self {
            images_path,
            labels_path,
            size: [height, width],
            pixels,
            labels,
        })
    }

    /// The labels that occur, in order.
    fn different(&self) -> Vec<f64> {
        let mut different = self.labels.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        different
    }

    fn has_fractions(&self) -> bool {
        self.labels.iter().any(|label| label.fract() != 0.0)
    }

    /// The place of each label among those of the training part.
    fn classes(&self, different: &[f64]) -> Result<Vec<i64>, DataError> {
        let place = |label: &f64| different.binary_search_by(|other| other.total_cmp(label));
        let class = |(row, label): (usize, &f64)| match place(label) {
            Ok(class) => Ok(class as i64),
            Err(_) => Err(DataError::new(
                &self.labels_path,
                IdxProblem::Label {
                    label: brief(*label),
                    row,
                    classes: different.len(),
                },
            )),
        };
        self.labels.iter().enumerate().map(class).collect()
    }

    fn into_split(self, channels: &Channels, targets: Targets) -> Result<Split, ScalingProblem> {
        Ok(Split {
            rows: self.labels.len(),
            columns: self.size[0] * self.size[1],
            features: channels.scale(&self.pixels)?,
            origin: (0..self.labels.len()).collect(),
            targets,
        })
    }
}

/// The path of an IDX file, plain or gzipped.
fn find(folder: &Path, name: &'static str) -> Result<PathBuf, DataError> {
    file::find(folder, name)
        .ok_or_else(|| DataError::new(folder, IdxProblem::MissingFile { file: name }))
}
