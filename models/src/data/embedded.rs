use std::path::Path;

use super::dataset::{Dataset, ImageShape};
use super::file::gunzip;
use super::shape::ExampleShape;
use super::tabular::{Scaling, dataset};
use super::task::Task;

const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");
const CANCER: &[u8] = include_bytes!("../../data/cancer.csv.gz");

const DIGITS_CREDIT: &str = "Optical Recognition of Handwritten Digits (test part), E. Alpaydin and C. Kaynak, \
    UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0";
const CANCER_CREDIT: &str = "Breast Cancer Wisconsin (Diagnostic), W. Wolberg, O. Mangasarian, N. Street and \
    W. Street, UCI Machine Learning Repository, https://doi.org/10.24432/C5DW2B, CC BY 4.0";

/// 1,797 handwritten digits of 8x8 pixels in ten classes. Pixels are scaled from 0..16 to 0..1.
pub fn digits() -> Dataset {
    Dataset {
        shape: ExampleShape::Picture {
            channels: 1,
            height: 8,
            width: 8,
        },
        image: Some(ImageShape {
            height: 8,
            width: 8,
        }),
        attribution: Some(DIGITS_CREDIT.to_owned()),
        ..embedded(DIGITS, "digits", "label", Scaling::DivideBy(16.0))
    }
}

/// 569 tumours with 30 measurements each, malignant (class 0) or benign (class 1). Features are standardised
/// with the training rows' statistics.
pub fn cancer() -> Dataset {
    Dataset {
        task: Task::Binary {
            names: ["malignant", "benign"].map(str::to_owned),
        },
        attribution: Some(CANCER_CREDIT.to_owned()),
        ..embedded(CANCER, "cancer", "benign", Scaling::Standardise)
    }
}

fn embedded(bytes: &[u8], name: &str, target: &str, scaling: Scaling) -> Dataset {
    let path = Path::new(name);
    let table = gunzip(bytes, path)
        .and_then(|table| dataset(&table, path, Some(target), scaling))
        .expect("the embedded tables are well-formed");
    Dataset {
        inference: None,
        ..table
    }
}
