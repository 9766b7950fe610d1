//! What is wrong with IDX files.

use std::path::PathBuf;

use crate::quote;

/// What is wrong with IDX files.
#[derive(Debug, thiserror::Error)]
pub enum IdxProblem {
    /// An IDX folder lacks a file.
    #[error(
        "the folder has no {file} or {file}.gz; IDX data needs images and labels for train and t10k"
    )]
    MissingFile {
        /// The file's name without `.gz`.
        file: &'static str,
    },
    /// The first four bytes are not those of the IDX kind expected.
    #[error(
        "wrong magic number {found:#010x}, expected {expected:#010x}; this is not an IDX file of unsigned bytes with {dimensions} dimension(s)"
    )]
    Magic {
        /// What the file starts with.
        found: u32,
        /// What it should start with.
        expected: u32,
        /// How many dimensions were expected.
        dimensions: usize,
    },
    /// An IDX file is shorter than its header says.
    #[error(
        "{found} bytes where its header (sizes {sizes:?}) asks for {expected}; the file is cut short, copy or download it again"
    )]
    Truncated {
        /// The sizes in its header, as far as they are there.
        sizes: Vec<u32>,
        /// Bytes in the file, uncompressed.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// An IDX file is longer than its header says.
    #[error(
        "{found} bytes where its header (sizes {sizes:?}) asks for {expected}; something follows the data, copy or download the file again"
    )]
    Trailing {
        /// The sizes in its header.
        sizes: Vec<u32>,
        /// Bytes in the file, uncompressed.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// A label of an IDX file is no number.
    #[error(
        "label {value} of example {row} (counted from 0) is not finite; correct it, or remove the example"
    )]
    NotFinite {
        /// The example, counted from 0.
        row: usize,
        /// The label.
        value: f64,
    },
    /// An IDX file holds no example, or empty images.
    #[error(
        "the sizes in its header {sizes:?} leave nothing to read; give a file with at least one example"
    )]
    Empty {
        /// The sizes in its header.
        sizes: Vec<u32>,
    },
    /// Images and labels do not belong together.
    #[error(
        "{labels} labels for the {images} images of {}; images and labels must come from the same set", quote::path(.images_path)
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Training and test images differ in size.
    #[error(
        "images of {test:?} pixels, but the training images of {} have {train:?}; both must have one size", quote::path(.train_path)
    )]
    ImageSize {
        /// The file of training images.
        train_path: PathBuf,
        /// Height and width of the training images.
        train: [usize; 2],
        /// Height and width of the test images.
        test: [usize; 2],
    },
    /// A label does not occur among the training labels.
    #[error(
        "label {label} of example {row} (counted from 0) is none of the training part's {classes} labels, so that no network can \
         have learnt it; check that this is the right label file"
    )]
    Label {
        /// The label.
        label: String,
        /// The example, counted from 0.
        row: usize,
        /// Number of different labels among the training examples.
        classes: usize,
    },
}
