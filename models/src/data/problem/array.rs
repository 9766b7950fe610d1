//! What is wrong with NumPy's arrays.

use crate::quote;

/// What is wrong with NumPy's arrays.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ArrayProblem {
    /// A file is no archive of arrays.
    #[error("not a readable .npz file ({}); write it by `numpy.savez(FILE, x=.., y=..)`", quote::reason(.reason))]
    Archive {
        /// What is wrong with it.
        reason: String,
    },
    /// An archive has no arrays of the names that are read.
    #[error(
        "it holds the arrays {}; name them x and y, or x_train, y_train, x_test and y_test, or train_images, train_labels, \
         test_images and test_labels", quote::list(.found)
    )]
    Names {
        /// The arrays it has.
        found: Vec<String>,
    },
    /// An array cannot be read.
    #[error("its array `{array}` cannot be read ({}); write the file again", quote::reason(.reason))]
    Array {
        /// The array.
        array: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An array is of a type that is not read.
    #[error(
        "its array `{array}` is of dtype {}; give integers, 32-bit or 64-bit floating point or truth values, and as labels also texts \
         (not objects): `array.astype(..)`", quote::text(.dtype)
    )]
    Kind {
        /// The array.
        array: String,
        /// Its type, as NumPy writes it.
        dtype: String,
    },
    /// An array has another shape than is read.
    #[error("its array `{array}` has the shape {shape:?}; {expected}")]
    Shape {
        /// The array.
        array: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What is read.
        expected: &'static str,
    },
    /// Inputs and targets do not belong together.
    #[error(
        "its array `{inputs}` has {rows} examples and `{targets}` has {labels}; both must have one for each example"
    )]
    Count {
        /// The array of inputs.
        inputs: String,
        /// Its examples.
        rows: usize,
        /// The array of targets.
        targets: String,
        /// Its targets.
        labels: usize,
    },
    /// Training and test inputs differ in shape.
    #[error(
        "an example of its array `{array}` has the shape {found:?}, one to train on {train:?}; both must have one shape"
    )]
    Sizes {
        /// The array.
        array: String,
        /// Sizes of an example of it.
        found: Vec<usize>,
        /// Sizes of a training example.
        train: Vec<usize>,
    },
    /// A number is not finite, or too large for 32 bits.
    #[error(
        "example {row} (counted from 0) of its array `{array}` has {value}, not a finite 32-bit number; correct it or remove the example"
    )]
    NotFinite {
        /// The array.
        array: String,
        /// The example.
        row: usize,
        /// The number.
        value: f64,
    },
}
