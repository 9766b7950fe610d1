//! IDX files, as MNIST has them.

use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::division::Division;
use super::error::DataError;
use super::file;
use super::idx_array::{read_bytes, read_numbers};
use super::labelled_pixels::{self, LabelledPixels};
use super::options::LoadOptions;
use super::pixels::Pixels;
use super::problem::{DataProblem, IdxProblem};

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
    let train = read(folder, TRAIN)?;
    let (test, division) = tested(folder, options.test.as_deref())?;
    let [[_, train_sizes @ ..], [_, test_sizes @ ..]] = [train.size, test.size];
    if train_sizes != test_sizes {
        return Err(DataError::new(
            test.images_path,
            IdxProblem::ImageSize {
                train_path: train.images_path,
                train: train_sizes,
                test: test_sizes,
            },
        ));
    }
    labelled_pixels::dataset(folder, [train, test], division, options)
}

/// The part to test on, of `folder` or of another one.
fn tested(folder: &Path, other: Option<&Path>) -> Result<(LabelledPixels, Division), DataError> {
    let Some(path) = other else {
        return Ok((read(folder, TEST)?, Division::Source));
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
    Ok((read(&path, pair)?, Division::Test { path }))
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

/// The images and labels of one part.
fn read(folder: &Path, [images, labels]: [&'static str; 2]) -> Result<LabelledPixels, DataError> {
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
    Ok(LabelledPixels {
        images_path,
        labels_path,
        size: [1, height, width],
        pixels: Pixels::Bytes(pixels),
        origin: (0..count).collect(),
        labels,
    })
}

/// The path of an IDX file, plain or gzipped.
fn find(folder: &Path, name: &'static str) -> Result<PathBuf, DataError> {
    file::find(folder, name)
        .ok_or_else(|| DataError::new(folder, IdxProblem::MissingFile { file: name }))
}
