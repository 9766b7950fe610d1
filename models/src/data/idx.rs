use std::path::{Path, PathBuf};

use super::dataset::{Dataset, ImageShape};
use super::error::DataError;
use super::file::{self, last_name};
use super::shape::ExampleShape;
use super::split::{Split, Targets};
use super::task::Task;

const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Reads a folder in the layout of MNIST: images and labels for `train` and for `t10k`, each plain or gzipped.
///
/// Pixels are divided by 255. The classes are the labels of the training examples, which must be 0 to C - 1
/// with none left out; two classes make a binary task.
///
/// # Errors
///
/// If a file is missing, is not IDX data of unsigned bytes, is cut short or followed by other data, if images
/// and labels differ in number, training and test images in size, or a label is out of range.
pub fn read_idx(folder: &Path) -> Result<Dataset, DataError> {
    let train = Part::read(folder, TRAIN)?;
    let test = Part::read(folder, TEST)?;
    if train.size != test.size {
        return Err(DataError::ImageSize {
            train_path: train.images_path,
            train: train.size,
            test_path: test.images_path,
            test: test.size,
        });
    }
    let classes = train.count_classes()?;
    test.check_labels(classes)?;
    let [height, width] = train.size;
    Ok(Dataset {
        name: last_name(folder),
        task: Task::of_classes((0..classes).map(|class| class.to_string()).collect()),
        train: train.into_split(),
        valid: None,
        test: test.into_split(),
        shape: ExampleShape::Picture {
            channels: 1,
            height,
            width,
        },
        features: (0..height * width)
            .map(|pixel| format!("p{pixel}"))
            .collect(),
        image: Some(ImageShape { height, width }),
        attribution: None,
        standardisation: None,
        inference: None,
    })
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

    /// The number of classes, every label below which occurs.
    fn count_classes(&self) -> Result<usize, DataError> {
        let mut seen = [false; 256];
        for &label in &self.labels {
            seen[usize::from(label)] = true;
        }
        let classes = seen.iter().filter(|&&seen| seen).count();
        self.check_labels(classes)?;
        if classes < 2 {
            return Err(DataError::ConstantTarget {
                path: self.labels_path.clone(),
                value: "0".to_owned(),
            });
        }
        Ok(classes)
    }

    fn check_labels(&self, classes: usize) -> Result<(), DataError> {
        match self
            .labels
            .iter()
            .position(|&label| usize::from(label) >= classes)
        {
            Some(row) => Err(DataError::Label {
                path: self.labels_path.clone(),
                label: self.labels[row],
                row,
                classes,
            }),
            None => Ok(()),
        }
    }

    fn into_split(self) -> Split {
        Split {
            rows: self.labels.len(),
            columns: self.size[0] * self.size[1],
            features: self
                .pixels
                .iter()
                .map(|&pixel| f32::from(pixel) / 255.0)
                .collect(),
            origin: (0..self.labels.len()).collect(),
            targets: Targets::Classes(self.labels.into_iter().map(i64::from).collect()),
        }
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
