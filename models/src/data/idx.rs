//! IDX files, as MNIST has them.

use std::path::{Path, PathBuf};

use super::dataset::{Dataset, ImageShape};
use super::division::Division;
use super::error::DataError;
use super::file::{self, last_name};
use super::options::{LoadOptions, TaskKind};
use super::pixels::Channels;
use super::refusal::Refusal;
use super::scaling::{Rescale, Scaling, ScalingProblem};
use super::shape::ExampleShape;
use super::source::Source;
use super::split::{Split, Targets};
use super::target::target_scaling;
use super::task::Task;

const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Reads a folder in the layout of MNIST: images and labels for `train` and for `t10k`, each plain or gzipped.
///
/// Pixels are divided by 255. The classes are the different labels of the training examples, in numerical order and named
/// after them; two of them make a binary task.
///
/// # Errors
///
/// If a file is missing, is not IDX data of unsigned bytes, is cut short or followed by other data, if images
/// and labels differ in number, training and test images in size, or a test label is none of the training labels.
pub fn read_idx(folder: &Path) -> Result<Dataset, DataError> {
    read_idx_with(folder, &LoadOptions::default())
}

/// As [`read_idx`], with the `task`, `inputs`, `targets` and `test` of the options. The folder `test` holds images and labels for
/// `t10k`, or else for `train`.
pub(crate) fn read_idx_with(folder: &Path, options: &LoadOptions) -> Result<Dataset, DataError> {
    let train = Part::read(folder, TRAIN)?;
    let (test, division) = match &options.test {
        None => (Part::read(folder, TEST)?, Division::Source),
        Some(path) => {
            let pair = if find(path, TEST[0]).is_ok() {
                TEST
            } else {
                TRAIN
            };
            (
                Part::read(path, pair)?,
                Division::Test { path: path.clone() },
            )
        }
    };
    if train.size != test.size {
        return Err(DataError::ImageSize {
            train_path: train.images_path,
            train: train.size,
            test_path: test.images_path,
            test: test.size,
        });
    }
    let [height, width] = train.size;
    let scaling = |problem| Refusal::Scaling(problem).of(folder);
    let asked = options.inputs.as_ref().unwrap_or(&Rescale::Unit);
    let channels = Channels::new(asked, &train.pixels, 1, height * width).map_err(scaling)?;
    let (task, targets, target_scaling) = targets(&train, &test, options, folder)?;
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
        inference: None,
    })
}

/// The task, the targets of both parts, and how they were scaled.
type Asked = (Task, [Targets; 2], Option<Scaling>);

/// What is to be predicted: the class that a label stands for, or the label as a number.
fn targets(
    train: &Part,
    test: &Part,
    options: &LoadOptions,
    folder: &Path,
) -> Result<Asked, DataError> {
    let different = train.different();
    if let [only] = different.as_slice() {
        return Err(DataError::ConstantTarget {
            path: train.labels_path.clone(),
            value: only.to_string(),
        });
    }
    if options.task == Some(TaskKind::Regression) {
        let scaled = |problem| Refusal::Scaling(problem).of(folder);
        let [train, test] = [train, test].map(|it| {
            it.labels
                .iter()
                .map(|&it| f64::from(it))
                .collect::<Vec<_>>()
        });
        let scaling = target_scaling(&train, options.targets.as_ref()).map_err(scaled)?;
        let values = |values: &[f64]| scaling.apply(values, 1).map(Targets::Values);
        let targets = [
            values(&train).map_err(scaled)?,
            values(&test).map_err(scaled)?,
        ];
        return Ok((Task::Regression, targets, Some(scaling)));
    }
    if options.targets.is_some() {
        return Err(Refusal::Classes.of(folder));
    }
    let targets = [train.classes(&different)?, test.classes(&different)?];
    let names = different.iter().map(u8::to_string).collect();
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
struct Part {
    images_path: PathBuf,
    labels_path: PathBuf,
    size: [usize; 2],
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Part {
    fn read(folder: &Path, [images, labels]: [&'static str; 2]) -> Result<Self, DataError> {
        let images_path = find(folder, images)?;
        let labels_path = find(folder, labels)?;
        let ([images, height, width], pixels) = read_array(&images_path)?;
        let ([count], labels) = read_array(&labels_path)?;
        if images != count {
            return Err(DataError::CountMismatch {
                images_path,
                images,
                labels_path,
                labels: count,
            });
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
    fn different(&self) -> Vec<u8> {
        let mut seen = [false; 256];
        for &label in &self.labels {
            seen[usize::from(label)] = true;
        }
        (0..=u8::MAX)
            .filter(|&label| seen[usize::from(label)])
            .collect()
    }

    /// The place of each label among those of the training part.
    fn classes(&self, different: &[u8]) -> Result<Vec<i64>, DataError> {
        let class = |(row, label): (usize, &u8)| match different.binary_search(label) {
            Ok(class) => Ok(class as i64),
            Err(_) => Err(DataError::Label {
                path: self.labels_path.clone(),
                label: *label,
                row,
                classes: different.len(),
            }),
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
    file::find(folder, name).ok_or_else(|| DataError::MissingIdxFile {
        path: folder.to_owned(),
        file: name,
    })
}

/// An IDX array of unsigned bytes with `D` dimensions: its sizes and its elements.
fn read_array<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>), DataError> {
    let mut bytes = file::read(path)?;
    let mut words = bytes
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    // 0x08 stands for unsigned bytes, the last byte for the number of dimensions.
    let expected = 0x0800 | D as u32;
    match words.next() {
        Some(found) if found != expected => {
            return Err(DataError::Magic {
                path: path.to_owned(),
                found,
                expected,
                dimensions: D,
            });
        }
        _ => {}
    }
    let sizes: Vec<u32> = words.take(D).collect();
    let header = 4 * (1 + D);
    let found = bytes.len() as u64;
    let truncated = |expected: u64| DataError::IdxTruncated {
        path: path.to_owned(),
        sizes: sizes.clone(),
        found,
        expected,
    };
    let Ok(shape) = <[u32; D]>::try_from(sizes.as_slice()) else {
        return Err(truncated(header as u64));
    };
    if shape.contains(&0) {
        return Err(DataError::IdxEmpty {
            path: path.to_owned(),
            sizes,
        });
    }
    let total = shape
        .iter()
        .fold(1_u64, |product, &size| {
            product.saturating_mul(u64::from(size))
        })
        .saturating_add(header as u64);
    if found < total {
        return Err(truncated(total));
    }
    if found > total {
        return Err(DataError::IdxTrailing {
            path: path.to_owned(),
            sizes,
            found,
            expected: total,
        });
    }
    bytes.drain(..header);
    Ok((shape.map(|size| size as usize), bytes))
}
