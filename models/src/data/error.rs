//! Why data could not be loaded.

use std::fmt::{self, Display};
use std::io;
use std::path::PathBuf;

use super::cifar::CifarError;
use super::picture::PictureError;
use super::refusal::Refusal;
use super::text::TextError;
use crate::quote;

/// Why data could not be loaded. Each message is one line that names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The name is neither an embedded data set nor a file or folder.
    #[error(
        "{}: no such file or folder; give a CSV file, a folder of IDX files, CIFAR-10 batches, text parts or PNG pictures, \
         or one of the embedded sets digits and cancer",
        quote::path(.path)
    )]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot be read ({source}); check that it exists and may be read", quote::path(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A gzip stream ends before its end.
    #[error("{}: the gzip data stops early; the file is incomplete, copy or download it again", quote::path(.path))]
    TruncatedGzip {
        /// The file.
        path: PathBuf,
    },
    /// A gzip stream is damaged, or a `.gz` file is none.
    #[error("{}: not valid gzip data ({reason}); copy or download the file again", quote::path(.path), reason = quote::reason(.reason))]
    CorruptGzip {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A gzip stream unpacks to more than data do.
    #[error(
        "{}: its {packed} bytes unpack to more than {limit}, as only data made to fill a memory do; if it is meant, unpack it and \
         give the plain file",
        quote::path(.path)
    )]
    Unpacked {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        packed: usize,
        /// Bytes to which it may unpack: 2^30, or 200 times its size if that is more.
        limit: u64,
    },
    /// A text is not in UTF-8.
    #[error("{}: it is {found}; save it as UTF-8", quote::path(.path))]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
    },
    /// A folder holds nothing that can be read.
    #[error(
        "{}: the folder holds no data that can be read. Looked for (each file with or without .gz): the four IDX files \
         train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte; CIFAR-10's \
         data_batch_1.bin to data_batch_5.bin and test_batch.bin; text as NAME.train.txt, NAME.valid.txt and NAME.test.txt; \
         one .csv file; PNG pictures in train/CLASS/ and test/CLASS/, or in CLASS/",
        quote::path(.path)
    )]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder holds several tables.
    #[error("{}: the folder holds several tables ({}); give the path of one of them", quote::path(.path), quote::list(.files))]
    SeveralTables {
        /// The folder.
        path: PathBuf,
        /// The tables in it.
        files: Vec<String>,
    },
    /// A file makes a data set only with the others of its folder.
    #[error("{}: this is one file of several that make up a data set; give {}", quote::path(.path), .give)]
    FileOfFolder {
        /// The file.
        path: PathBuf,
        /// What to give instead.
        give: &'static str,
    },
    /// CIFAR-10 files could not be read.
    #[error(transparent)]
    Cifar(#[from] CifarError),
    /// A text could not be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A folder of pictures could not be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A target column was named for data that has fixed labels.
    #[error("{}: its labels are fixed, it has no column `{target}` to choose; leave the target out", quote::path(.path), target = quote::text(.target))]
    UnexpectedTarget {
        /// The data set.
        path: PathBuf,
        /// The column asked for.
        target: String,
    },

    /// The source cannot do what was asked of it.
    #[error("{}: {refusal}", quote::path(.path))]
    Refused {
        /// The data set.
        path: PathBuf,
        /// What, and why.
        refusal: Refusal,
    },
    /// A part has no example.
    #[error("{}: there is no example to {part}; each part needs at least one", quote::path(.path))]
    EmptyPart {
        /// The data set.
        path: PathBuf,
        /// `train` or `test`.
        part: &'static str,
    },

    /// An IDX folder lacks a file.
    #[error("{}: the folder has no {file} or {file}.gz; IDX data needs images and labels for train and t10k", quote::path(.path))]
    MissingIdxFile {
        /// The folder.
        path: PathBuf,
        /// The file's name without `.gz`.
        file: &'static str,
    },
    /// The first four bytes are not those of the IDX kind expected.
    #[error(
        "{}: wrong magic number {found:#010x}, expected {expected:#010x}; this is not an IDX file of unsigned bytes with {dimensions} dimension(s)",
        quote::path(.path)
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// What the file starts with.
        found: u32,
        /// What it should start with.
        expected: u32,
        /// How many dimensions were expected.
        dimensions: usize,
    },
    /// An IDX file is shorter than its header says.
    #[error(
        "{}: {found} bytes where its header (sizes {sizes:?}) asks for {expected}; the file is cut short, copy or download it again",
        quote::path(.path)
    )]
    IdxTruncated {
        /// The file.
        path: PathBuf,
        /// The sizes in its header, as far as they are there.
        sizes: Vec<u32>,
        /// Bytes in the file, uncompressed.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// An IDX file is longer than its header says.
    #[error(
        "{}: {found} bytes where its header (sizes {sizes:?}) asks for {expected}; something follows the data, copy or download the file again",
        quote::path(.path)
    )]
    IdxTrailing {
        /// The file.
        path: PathBuf,
        /// The sizes in its header.
        sizes: Vec<u32>,
        /// Bytes in the file, uncompressed.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// A label of an IDX file is no number.
    #[error("{}: label {value} of example {row} (counted from 0) is not finite; correct it, or remove the example", quote::path(.path))]
    IdxNotFinite {
        /// The file.
        path: PathBuf,
        /// The example, counted from 0.
        row: usize,
        /// The label.
        value: f64,
    },
    /// An IDX file holds no example, or empty images.
    #[error("{}: the sizes in its header {sizes:?} leave nothing to read; give a file with at least one example", quote::path(.path))]
    IdxEmpty {
        /// The file.
        path: PathBuf,
        /// The sizes in its header.
        sizes: Vec<u32>,
    },
    /// Images and labels do not belong together.
    #[error(
        "{}: {labels} labels for the {images} images of {}; images and labels must come from the same set",
        quote::path(.labels_path), quote::path(.images_path)
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Number of labels.
        labels: usize,
    },
    /// Training and test images differ in size.
    #[error(
        "{}: images of {test:?} pixels, but the training images of {} have {train:?}; both must have one size",
        quote::path(.test_path), quote::path(.train_path)
    )]
    ImageSize {
        /// The file of training images.
        train_path: PathBuf,
        /// Height and width of the training images.
        train: [usize; 2],
        /// The file of test images.
        test_path: PathBuf,
        /// Height and width of the test images.
        test: [usize; 2],
    },
    /// A label does not occur among the training labels.
    #[error(
        "{}: label {label} of example {row} (counted from 0) is none of the training part's {} labels, so that no network can have \
         learnt it; check that this is the right label file",
        quote::path(.path), .classes
    )]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// The label.
        label: String,
        /// The example, counted from 0.
        row: usize,
        /// Number of different labels among the training examples.
        classes: usize,
    },

    /// A table could not be parsed as CSV.
    #[error("{}: not a readable CSV table ({}); save it as comma-separated UTF-8 text", quote::path(.path), quote::reason(.source))]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: csv::Error,
    },
    /// A table has no line at all.
    #[error("{}: the file is empty; it needs a header line with column names and one line for each example", quote::path(.path))]
    EmptyTable {
        /// The file.
        path: PathBuf,
    },
    /// The first line holds numbers.
    #[error("{}: line 1 holds only numbers; put a header line with the columns' names above the data", quote::path(.path))]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// A column has no name.
    #[error("{}: column {column} (counted from 1) has no name in the header; give every column one", quote::path(.path))]
    UnnamedColumn {
        /// The file.
        path: PathBuf,
        /// The column, counted from 1.
        column: usize,
    },
    /// Two columns have one name.
    #[error("{}: the header names two columns `{column}`; give every column its own name", quote::path(.path), column = quote::text(.column))]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// No target column was named.
    #[error("{}: say which column is to be predicted; the columns are {}", quote::path(.path), quote::list(.columns))]
    TargetNeeded {
        /// The file.
        path: PathBuf,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The target column does not exist.
    #[error("{}: there is no column `{target}` to predict; the columns are {}", quote::path(.path), quote::list(.columns), target = quote::text(.target))]
    UnknownTarget {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        target: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The column that tells the parts does not exist, or is the target.
    #[error("{}: there is no column `{column}` beside the target to tell the parts by; the columns are {}", quote::path(.path), quote::list(.columns), column = quote::text(.column))]
    UnknownSplit {
        /// The file.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The table to test on has other columns than the one to train on.
    #[error("{}: its columns are not those of {}: {problem}", quote::path(.path), quote::path(.train))]
    OtherColumns {
        /// The file to test on.
        path: PathBuf,
        /// The file to train on.
        train: PathBuf,
        /// What differs.
        problem: String,
    },
    /// The target is the only column.
    #[error("{}: `{target}` is the only column; a table needs at least one other column to predict it from, separated by commas", quote::path(.path), target = quote::text(.target))]
    NoFeatures {
        /// The file.
        path: PathBuf,
        /// The target column.
        target: String,
    },
    /// A line has too few or too many fields.
    #[error("{}: line {line} has {found} field(s), the header has {expected}; correct or remove the line", quote::path(.path))]
    FieldCount {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// Fields in the line.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A cell cannot be used.
    #[error("{}: line {line}, column `{column}`: {problem}", quote::path(.path), column = quote::text(.column))]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The column.
        column: String,
        /// What is wrong.
        problem: CellProblem,
    },
    /// Too few rows to train and test with.
    #[error("{}: {rows} example(s); at least {needed} are needed to train and to hold a fifth out for testing", quote::path(.path))]
    TooFewRows {
        /// The file.
        path: PathBuf,
        /// Examples there are.
        rows: usize,
        /// Examples needed.
        needed: usize,
    },
    /// There is nothing to predict.
    #[error("{}: every training target is {value}; there is nothing to predict, choose another target", quote::path(.path), value = quote::text(.value))]
    ConstantTarget {
        /// The file.
        path: PathBuf,
        /// The only target there is.
        value: String,
    },
    /// A class never occurs among the training rows.
    #[error(
        "{}: all {count} example(s) of `{column}` = {class} fell into the held-out fifth; remove them or add more",
        quote::path(.path),
        column = quote::text(.column), class = quote::text(.class)
    )]
    UntrainableClass {
        /// The file.
        path: PathBuf,
        /// The target column.
        column: String,
        /// The class.
        class: String,
        /// How often it occurs.
        count: usize,
    },
    /// A class occurs in the test part alone.
    #[error(
        "{}: line {line}, column `{column}`: no training example has the class `{class}`, so that no network can have learnt it; \
         correct or remove the line",
        quote::path(.path), column = quote::text(.column), class = quote::text(.class)
    )]
    UnknownClass {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The target column.
        column: String,
        /// The class.
        class: String,
    },
    /// A text target has too many different values to be classes.
    #[error(
        "{}: the target `{column}` holds {labels} different texts in {rows} rows, neither numbers nor classes; choose \
         another target, or say that the task is classification",
        quote::path(.path),
        column = quote::text(.column)
    )]
    TooManyLabels {
        /// The file.
        path: PathBuf,
        /// The target column.
        column: String,
        /// Number of different texts.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
}

/// What is wrong with a cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellProblem {
    /// It is empty or a sign for a missing value.
    Missing {
        /// The cell's text.
        text: String,
    },
    /// It is no number, in a column of numbers.
    NotANumber {
        /// The cell's text.
        text: String,
    },
    /// It is no number, in a target of numbers.
    NameAmongNumbers {
        /// The cell's text.
        text: String,
    },
    /// It names no part of the data.
    NotAPart {
        /// The cell's text.
        text: String,
    },
    /// It is infinite, or too large for 32-bit floating point.
    NotFinite {
        /// The cell's text.
        text: String,
    },
}

impl Display for CellProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { text } if text.is_empty() => {
                f.write_str("the value is missing; fill it in or remove the line")
            }
            Self::Missing { text } => {
                write!(
                    f,
                    "`{}` marks a missing value; fill it in or remove the line",
                    quote::text(text)
                )
            }
            Self::NotANumber { text } => write!(
                f,
                "`{}` is text in a column of numbers; correct it, or code the column as numbers",
                quote::text(text)
            ),
            Self::NameAmongNumbers { text } => write!(
                f,
                "`{}` is text among numbers; correct it, or say that the task is classification",
                quote::text(text)
            ),
            Self::NotAPart { text } => write!(
                f,
                "`{}` is none of `train`, `valid` and `test`; correct it",
                quote::text(text)
            ),
            Self::NotFinite { text } => write!(
                f,
                "`{}` is not a finite 32-bit number; correct it or remove the line",
                quote::text(text)
            ),
        }
    }
}
