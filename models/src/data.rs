//! Data sets: two embedded ones, and readers for CSV tables, IDX folders (MNIST), CIFAR-10, folders of PNG pictures,
//! and text. [`load`] tells which of them a path is.
//!
//! Everything without a test set of its own (the embedded sets, CSV files, and pictures in one folder for each class)
//! is split the same way each time: the rows are shuffled by ChaCha8 seeded with [`SPLIT_SEED`], a fifth of them
//! (rounded down, at least one) become the test set, and both parts are put back in file order. [`LoadOptions`] has
//! other parts.
//!
//! What is done to the source's numbers before a network reads them is in [`Dataset::input_scaling`] and
//! [`Dataset::target_scaling`], which lead back to them.
//!
//! An example is a row of numbers; [`ExampleShape`] says whether they are columns, a picture or tokens.
//! [`Dataset::corrupt_labels`] makes some training labels wrong, to be looked for.

mod archive;
mod arrays;
mod cifar;
mod class_weights;
mod column;
mod csv_table;
mod dataset;
mod date;
mod division;
mod embedded;
mod encoding;
mod error;
mod example_file;
mod example_file_error;
mod file;
mod header;
mod idx;
mod idx_array;
mod labelled_pixels;
mod load;
mod moments;
mod moments_of;
mod noise;
mod npy;
mod options;
mod parquet_table;
mod picture;
mod pictures;
mod pixels;
mod problem;
mod reading;
mod refusal;
mod rule;
mod scaling;
mod separator;
mod shape;
mod source;
mod split;
mod table;
mod tabular;
mod target;
mod task;
mod text;
mod unigram;
mod vocabulary;

pub use arrays::read_npz;
pub use cifar::read_cifar;
pub use class_weights::{ClassWeights, ClassWeightsError};
pub use dataset::{Dataset, ImageShape};
pub use division::{Division, SPLIT_SEED};
pub use embedded::{cancer, digits};
pub use error::DataError;
pub use example_file::ExampleFile;
pub use example_file_error::ExampleFileError;
pub(crate) use file::{contents, utf8};
pub use idx::read_idx;
pub use load::{load, load_with};
pub use moments::Moments;
pub use moments_of::MomentsOf;
pub use noise::{LabelChange, LabelNoise, NoiseError};
pub use options::{LoadOptions, TableOptions, TaskKind};
pub use pictures::read_pictures;
pub use problem::{
    ArrayProblem, CellProblem, CifarProblem, DataProblem, IdxProblem, PictureProblem, TableProblem,
    TextProblem,
};
pub use reading::{Categories, Reading};
pub use refusal::Refusal;
pub use rule::ScalingRule;
pub use scaling::{Rescale, Scaling, ScalingProblem};
pub use shape::ExampleShape;
pub use source::{At, Place, PlaceColumns, Source};
pub use split::{Split, Targets};
pub use tabular::read_csv;
pub use task::Task;
pub use text::{SEQUENCE, read_text};
pub use unigram::Unigram;
