//! The data sets that come with the crate.

use std::path::Path;

use super::dataset::{Dataset, ImageShape};
use super::error::DataError;
use super::file::gunzip;
use super::options::LoadOptions;
use super::source::Source;
use super::tabular::{Pixels, dataset};
use super::task::Task;

const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");
const CANCER: &[u8] = include_bytes!("../../data/cancer.csv.gz");

const DIGITS_CREDIT: &str = "Optical Recognition of Handwritten Digits (test part), E. Alpaydin and C. Kaynak, \
    UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0";
const CANCER_CREDIT: &str = "Breast Cancer Wisconsin (Diagnostic), W. Wolberg, O. Mangasarian, N. Street and \
    W. Street, UCI Machine Learning Repository, https://doi.org/10.24432/C5DW2B, CC BY 4.0";

/// 1,797 handwritten digits of 8x8 pixels in ten classes. Pixels are scaled from 0..16 to 0..1.
pub fn digits() -> Dataset {
    digits_with(&LoadOptions::default()).expect("the embedded tables are well-formed")
}

/// 569 tumours with 30 measurements each, malignant (class 0) or benign (class 1). Features are standardised
/// with the training rows' statistics.
pub fn cancer() -> Dataset {
    cancer_with(&LoadOptions::default()).expect("the embedded tables are well-formed")
}

/// As [`digits`], with the options but for the target.
pub(crate) fn digits_with(options: &LoadOptions) -> Result<Dataset, DataError> {
    let pixels = Pixels {
        size: ImageShape {
            height: 8,
            width: 8,
        },
        brightest: 16.0,
    };
    Ok(Dataset {
        attribution: Some(DIGITS_CREDIT.to_owned()),
        ..embedded(DIGITS, "digits", "label", options, Some(pixels))?
    })
}

/// As [`cancer`], with the options but for the target.
pub(crate) fn cancer_with(options: &LoadOptions) -> Result<Dataset, DataError> {
    let table = embedded(CANCER, "cancer", "benign", options, None)?;
    Ok(Dataset {
        task: match table.task {
            Task::Binary { .. } => Task::Binary {
                names: ["malignant", "benign"].map(str::to_owned),
            },
            other => other,
        },
        attribution: Some(CANCER_CREDIT.to_owned()),
        ..table
    })
}

fn embedded(
    bytes: &[u8],
    name: &str,
    target: &str,
    options: &LoadOptions,
    pixels: Option<Pixels>,
) -> Result<Dataset, DataError> {
    let path = Path::new(name);
    let options = LoadOptions {
        target: Some(target.to_owned()),
        ..options.clone()
    };
    let table = dataset(&gunzip(bytes, path)?, path, &options, pixels)?;
    let source = Source::Embedded {
        name: name.to_owned(),
    };
    Ok(Dataset {
        train_source: source.clone(),
        test_source: match &options.test {
            Some(_) => table.test_source.clone(),
            None => source,
        },
        inference: options.task.and(table.inference),
        ..table
    })
}
