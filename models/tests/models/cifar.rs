//! The CIFAR-10 reader, on small files in the published binary format.

use std::fs;
use std::path::Path;

use backdraft_models::data::{
    At, CifarProblem, DataError, DataProblem, Dataset, ExampleShape, load, read_cifar,
};
use backdraft_test_support::gzip;
use burn::tensor::Device;
use tempfile::TempDir;

use crate::{embedded::classes, problem};

const AREA: usize = 32 * 32;
const TEST: &str = "test_batch.bin";

/// A record whose red pixels are all `pixel`, the green ones twice and the blue ones three times that.
fn record(label: u8, pixel: u8) -> Vec<u8> {
    let channel = |factor: u8| std::iter::repeat_n(pixel * factor, AREA);
    [label]
        .into_iter()
        .chain(channel(1))
        .chain(channel(2))
        .chain(channel(3))
        .collect()
}

fn batch(number: usize) -> String {
    format!("data_batch_{number}.bin")
}

/// Five batches of two records and a test batch of one.
fn fill(folder: &Path) {
    for number in 1..=5_u8 {
        let records = [record(number, 10 * number), record(9, 10 * number)].concat();
        fs::write(folder.join(batch(number.into())), records).unwrap();
    }
    fs::write(folder.join(TEST), record(3, 60)).unwrap();
}

fn small() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    folder
}

#[test]
fn records_are_pictures_channel_by_channel() {
    let folder = small();
    let data = load(folder.path(), None).unwrap();
    assert_eq!(data.name, "cifar-10");
    assert_eq!((data.train.rows, data.test.rows), (10, 1));
    let shape = ExampleShape::Picture {
        channels: 3,
        height: 32,
        width: 32,
    };
    assert_eq!((data.shape, data.train.columns), (shape, 3072));
    assert_eq!(data.task.classes()[3], "cat");
    assert_eq!(classes(&data.train), [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    assert_eq!(classes(&data.test), [3]);
    assert_eq!(data.train.origin, (0..10).collect::<Vec<_>>());
    assert_eq!((&*data.features[0], &*data.features[3071]), ("r0", "b1023"));
    // The second of the two records of the fourth file.
    let place = data.train_place(7);
    let file = folder.path().join(batch(4)).display().to_string();
    assert_eq!((place.file, place.at), (file, Some(At::Record(1))));
    let tested = data.test_place(0);
    assert!(tested.file.ends_with(TEST) && tested.at == Some(At::Record(0)));

    // Red is 10, 20, .. 50, each as often: mean 30, variance 200. Green and blue are two and three times that.
    let std = 200_f64.sqrt();
    let scaling = data.input_scaling.as_ref().unwrap();
    assert_eq!(scaling.moments.len(), 3);
    for channel in 0..3 {
        let factor = (channel + 1) as f64 / 255.0;
        let found = scaling.moments[channel];
        assert!((found.mean - 30.0 * factor).abs() < 1e-14, "{found:?}");
        assert!((found.std - std * factor).abs() < 1e-14, "{found:?}");
        // The test picture, 60, by the training pixels' statistics.
        assert_eq!(data.test.row(0)[channel * AREA + 7], (30.0 / std) as f32);
    }
    let pictures = data.shape.pictures(data.train.inputs(&Device::flex()));
    assert_eq!(pictures.dims(), [10, 3, 32, 32]);
}

#[test]
fn gzipped_files_and_the_published_folder_are_read() {
    let plain = read_cifar(small().path()).unwrap();
    let same = |data: Dataset| {
        assert_eq!((&data.train, &data.test), (&plain.train, &plain.test));
        assert_eq!(data.name, plain.name);
    };
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("cifar-10-batches-bin");
    fs::create_dir(&inner).unwrap();
    fill(&inner);
    same(load(outer.path(), None).unwrap());
    same(load(&inner, None).unwrap());
    for name in (1..=5).map(batch).chain([TEST.to_owned()]) {
        let packed = gzip(&fs::read(inner.join(&name)).unwrap());
        fs::write(inner.join(format!("{name}.gz")), packed).unwrap();
        fs::remove_file(inner.join(&name)).unwrap();
    }
    same(load(outer.path(), None).unwrap());
}

/// The error of a folder in which one file was replaced.
fn error(file: &str, bytes: &[u8]) -> DataError {
    let folder = small();
    fs::write(folder.path().join(file), bytes).unwrap();
    let error = load(folder.path(), None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(file) && !text.contains('\n'), "{text}");
    error
}

#[test]
fn broken_files_are_named() {
    let two = [record(0, 1), record(1, 2)].concat();
    for (length, at) in [(1, 0), (3072, 0), (3074, 1), (6145, 1)] {
        assert!(
            matches!(error(TEST, &two[..length]).problem, DataProblem::Cifar(CifarProblem::Length { found, record, .. }) if (found, record) == (length, at))
        );
    }
    let trailing = [&two[..], b"\n"].concat();
    assert!(matches!(
        error(TEST, &trailing).problem,
        DataProblem::Cifar(CifarProblem::Length { record: 2, .. })
    ));
    assert!(matches!(
        error("data_batch_4.bin", b"").problem,
        DataProblem::Cifar(CifarProblem::Empty)
    ));
    let wrong = [record(9, 1), record(10, 2)].concat();
    let label = error("data_batch_2.bin", &wrong);
    assert!(matches!(
        label.problem,
        DataProblem::Cifar(CifarProblem::Label {
            label: 10,
            record: 1,
            ..
        })
    ));
    assert!(
        label.to_string().contains("label 10 of record 1"),
        "{label}"
    );
}

#[test]
fn missing_files_and_wrong_gzip_are_named() {
    let folder = small();
    fs::remove_file(folder.path().join(batch(3))).unwrap();
    let missing = load(folder.path(), None).unwrap_err();
    assert!(matches!(
        missing.problem,
        DataProblem::Cifar(CifarProblem::MissingFile {
            file: "data_batch_3.bin",
            ..
        })
    ));
    let gzipped = folder.path().join("data_batch_3.bin.gz");
    fs::write(gzipped, record(0, 1)).unwrap();
    assert!(matches!(
        load(folder.path(), None).unwrap_err().problem,
        DataProblem::CorruptGzip { .. }
    ));
    let lone = load(folder.path().join(TEST), None).unwrap_err();
    assert!(
        matches!(lone.problem, DataProblem::FileOfFolder { .. }),
        "{lone}"
    );
    assert!(matches!(
        problem(load(folder.path(), Some("label"))),
        Some(DataProblem::UnexpectedTarget { .. })
    ));
}
