//! The embedded data sets.

use backdraft_models::data::{Dataset, Split, Targets, Task, cancer, digits, load};
use burn::tensor::{DType, Device};

/// The labels of examples that have some.
pub(super) fn classes(split: &Split) -> &[i64] {
    match &split.targets {
        Targets::Classes(classes) => classes,
        _ => panic!("classes were expected"),
    }
}

/// How often each class occurs in training and test rows together.
fn counts(dataset: &Dataset) -> Vec<usize> {
    let mut counts = vec![0; dataset.task.classes().len()];
    for split in [&dataset.train, &dataset.test] {
        for &class in classes(split) {
            counts[class as usize] += 1;
        }
    }
    counts
}

#[test]
fn digits_are_as_published() {
    let digits = digits();
    assert_eq!((digits.train.rows, digits.test.rows), (1438, 359));
    assert_eq!((digits.train.columns, digits.task.outputs()), (64, 10));
    // The counts in the repository's documentation of the test part.
    assert_eq!(
        counts(&digits),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    );
    let image = digits.image.unwrap();
    assert_eq!((image.height, image.width), (8, 8));
    assert_eq!(digits.shape.dims(), [1, 8, 8]);
    let highest = digits.train.features.iter().copied().fold(0.0, f32::max);
    let lowest = digits.train.features.iter().copied().fold(1.0, f32::min);
    assert_eq!((lowest, highest), (0.0, 1.0));
    assert!(digits.attribution.unwrap().contains("CC BY 4.0"));
}

#[test]
fn pixels_are_sixteenths() {
    let digits = digits();
    let sixteenths = |pixel: &f32| (pixel * 16.0).fract() == 0.0;
    assert!(digits.train.features.iter().all(sixteenths));
    assert!(digits.test.features.iter().all(sixteenths));
}

#[test]
fn cancer_is_as_published() {
    let cancer = cancer();
    assert_eq!((cancer.train.rows, cancer.test.rows), (456, 113));
    assert_eq!((cancer.train.columns, cancer.task.outputs()), (30, 1));
    assert_eq!(counts(&cancer), [212, 357]);
    assert_eq!(cancer.features[0], "mean_radius");
    assert_eq!(cancer.shape.dims(), [30]);
    assert_eq!(
        cancer.task,
        Task::Binary {
            names: ["malignant".to_owned(), "benign".to_owned()]
        }
    );
}

#[test]
fn training_features_are_standardised() {
    let cancer = cancer();
    let rows = cancer.train.rows as f64;
    for column in 0..cancer.train.columns {
        let values = (0..cancer.train.rows).map(|row| f64::from(cancer.train.row(row)[column]));
        let mean = values.clone().sum::<f64>() / rows;
        let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / rows;
        // Features are rounded to 32 bits after standardising.
        assert!(mean.abs() < 1e-7, "column {column}: mean {mean}");
        assert!(
            (variance - 1.0).abs() < 1e-6,
            "column {column}: variance {variance}"
        );
    }
    // The statistics lead back to the table: the first row of the file has mean_radius 17.99.
    let scaling = cancer.input_scaling.unwrap();
    let (split, place) = [&cancer.train, &cancer.test]
        .into_iter()
        .find_map(|split| Some((split, split.origin.iter().position(|&row| row == 0)?)))
        .unwrap();
    assert_eq!(scaling.restore(split.row(place))[0], 17.99);
}

#[test]
fn every_row_is_in_one_split() {
    let cancer = cancer();
    let mut rows = [cancer.train.origin.clone(), cancer.test.origin.clone()].concat();
    assert!(cancer.train.origin.is_sorted() && cancer.test.origin.is_sorted());
    rows.sort_unstable();
    assert_eq!(rows, (0..569).collect::<Vec<_>>());
    // The split is the same for everyone, always.
    assert_eq!(cancer.test.origin[..5], [5, 13, 16, 22, 40]);
}

#[test]
fn load_knows_the_names() {
    assert_eq!(load("digits", None).unwrap().train, digits().train);
    assert_eq!(load("cancer", None).unwrap().test, cancer().test);
    let error = load("digits", Some("label")).unwrap_err().to_string();
    assert!(error.contains("no column `label` to choose"), "{error}");
}

#[test]
fn tensors_hold_the_rows() {
    let device = Device::flex();
    let train = cancer().train.select(&[7, 0]);
    let inputs = train.inputs((&device, DType::F64));
    assert_eq!((inputs.dims(), inputs.dtype()), ([2, 30], DType::F64));
    let expected: Vec<f64> = train.features.iter().map(|&x| f64::from(x)).collect();
    assert_eq!(inputs.into_data().try_into_vec::<f64>().unwrap(), expected);
    let values: Vec<f32> = classes(&train).iter().map(|&class| class as f32).collect();
    assert_eq!(
        train
            .values(&device)
            .into_data()
            .try_into_vec::<f32>()
            .unwrap(),
        values
    );
    let indices: Vec<i64> = train.classes(&device).into_data().iter().collect();
    assert_eq!(indices, classes(&train));
    assert_eq!(train.without(0), cancer().train.select(&[0]));
}
