//! What is wrong with CIFAR-10 files.

/// What is wrong with CIFAR-10 files.
#[derive(Debug, thiserror::Error)]
pub enum CifarProblem {
    /// The folder lacks a file.
    #[error(
        "the folder has no {file} or {file}.gz; CIFAR-10 in its binary version is data_batch_1.bin to data_batch_5.bin \
         and test_batch.bin"
    )]
    MissingFile {
        /// The file's name without `.gz`.
        file: &'static str,
    },
    /// A file holds no record.
    #[error("the file is empty; copy or download it again")]
    Empty,
    /// A file is not a whole number of records.
    #[error(
        "{found} bytes are no whole number of records of 3073 bytes (a label and 3x32x32 pixels): record {record} (counted from 0) \
         is cut short, or something follows the data; copy or download the file again"
    )]
    Length {
        /// Bytes in the file, uncompressed.
        found: usize,
        /// The record that is not whole.
        record: usize,
    },
    /// A label is none of the ten.
    #[error(
        "label {label} of record {record} (counted from 0) is out of range, labels are 0 to 9; this is not CIFAR-10 in its binary \
         version, or the file is damaged"
    )]
    Label {
        /// The label.
        label: u8,
        /// The record, counted from 0.
        record: usize,
    },
}
