//! What can be wrong with data.

mod array;
mod cell;
mod cifar;
mod idx;
mod picture;
mod table;
mod text;

use std::io;

pub use array::ArrayProblem;
pub use cell::CellProblem;
pub use cifar::CifarProblem;
pub use idx::IdxProblem;
pub use picture::PictureProblem;
pub use table::TableProblem;
pub use text::TextProblem;

use super::refusal::Refusal;
use crate::quote;

/// What is wrong with data, and what to do: a line after the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum DataProblem {
    /// The name is neither an embedded data set nor a file or folder.
    #[error(
        "no such file or folder; give a table (CSV, Parquet), NumPy's arrays (.npz), a folder of IDX files, CIFAR-10 batches, text parts or PNG pictures, \
         or one of the embedded sets digits and cancer"
    )]
    NotFound,
    /// The operating system refused.
    #[error("cannot be read ({source}); check that it exists and may be read")]
    Read {
        /// The operating system's reason.
        source: io::Error,
    },
    /// A gzip stream ends before its end.
    #[error("the gzip data stops early; the file is incomplete, copy or download it again")]
    TruncatedGzip,
    /// A gzip stream is damaged, or a `.gz` file is none.
    #[error("not valid gzip data ({reason}); copy or download the file again", reason = quote::reason(.reason))]
    CorruptGzip {
        /// What is wrong with it.
        reason: String,
    },
    /// A gzip stream unpacks to more than data do.
    #[error(
        "its {packed} bytes unpack to more than {limit}, as only data made to fill a memory do; if it is meant, unpack it and \
         give the plain file"
    )]
    Unpacked {
        /// Its size in bytes.
        packed: usize,
        /// Bytes to which it may unpack: 2^30, or 200 times its size if that is more.
        limit: u64,
    },
    /// A text is not in UTF-8.
    #[error("it is {found}; save it as UTF-8")]
    Encoding {
        /// What it seems to be.
        found: &'static str,
    },
    /// A folder holds nothing that can be read.
    #[error(
        "the folder holds no data that can be read. Looked for (each file with or without .gz): the four IDX files \
         train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte; CIFAR-10's \
         data_batch_1.bin to data_batch_5.bin and test_batch.bin; text as NAME.train.txt, NAME.valid.txt and NAME.test.txt; \
         one .csv, .tsv, .parquet or .npz file; PNG pictures in train/CLASS/ and test/CLASS/, or in CLASS/"
    )]
    EmptyFolder,
    /// A folder holds several tables.
    #[error("the folder holds several tables ({}); give the path of one of them", quote::list(.files))]
    SeveralTables {
        /// The tables in it.
        files: Vec<String>,
    },
    /// A file makes a data set only with the others of its folder.
    #[error("this is one file of several that make up a data set; give {give}")]
    FileOfFolder {
        /// What to give instead.
        give: &'static str,
    },
    /// A target column was named for data that has fixed labels.
    #[error("its labels are fixed, it has no column `{target}` to choose; leave the target out", target = quote::text(.target))]
    UnexpectedTarget {
        /// The column asked for.
        target: String,
    },
    /// A part has no example.
    #[error("there is no example to {part}; each part needs at least one")]
    EmptyPart {
        /// `train` or `test`.
        part: &'static str,
    },
    /// Too few rows to train and test with.
    #[error(
        "{rows} example(s); at least {needed} are needed to train and to hold a fifth out for testing"
    )]
    TooFewRows {
        /// Examples there are.
        rows: usize,
        /// Examples needed.
        needed: usize,
    },
    /// There is nothing to predict.
    #[error("every training target is {value}; there is nothing to predict, choose another target", value = quote::text(.value))]
    ConstantTarget {
        /// The only target there is.
        value: String,
    },
    /// A class never occurs among the training rows.
    #[error(
        "all {count} example(s) of `{column}` = {class} fell into the held-out fifth; remove them or add more",
        column = quote::text(.column), class = quote::text(.class)
    )]
    UntrainableClass {
        /// The target column.
        column: String,
        /// The class.
        class: String,
        /// How often it occurs.
        count: usize,
    },
    /// The source cannot do what was asked of it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A table cannot be used.
    #[error(transparent)]
    Table(#[from] TableProblem),
    /// NumPy's arrays cannot be used.
    #[error(transparent)]
    Array(#[from] ArrayProblem),
    /// IDX files cannot be used.
    #[error(transparent)]
    Idx(#[from] IdxProblem),
    /// CIFAR-10 files cannot be used.
    #[error(transparent)]
    Cifar(#[from] CifarProblem),
    /// A text cannot be used.
    #[error(transparent)]
    Text(#[from] TextProblem),
    /// A folder of pictures cannot be used.
    #[error(transparent)]
    Picture(#[from] PictureProblem),
}
