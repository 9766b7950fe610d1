//! The IDX reader: real MNIST, and files that are broken.

use std::fs;

use backdraft_models::data::{
    DataError, DataProblem, Division, ExampleShape, IdxProblem, ImageShape, LoadOptions, Rescale,
    Targets, Task, TaskKind, load, load_with, read_idx,
};
use backdraft_test_support::{gzip, shared_data};
use burn::tensor::Device;
use tempfile::TempDir;

use crate::problem;

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

fn idx(sizes: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

/// A folder of 2x3 images: four to train on with labels 0, 1, 2, 1 and two to test on with labels 2, 0.
fn small() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..24).map(|pixel| pixel * 11).collect();
    write(&folder, TRAIN_IMAGES, &idx(&[4, 2, 3], &pixels));
    write(&folder, TRAIN_LABELS, &idx(&[4], &[0, 1, 2, 1]));
    write(&folder, TEST_IMAGES, &idx(&[2, 2, 3], &pixels[..12]));
    write(&folder, TEST_LABELS, &idx(&[2], &[2, 0]));
    folder
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    fs::write(folder.path().join(name), bytes).unwrap();
}

fn error(folder: &TempDir) -> DataError {
    let error = read_idx(folder.path()).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(text.contains(&*folder.path().to_string_lossy()), "{text}");
    error
}

#[test]
fn mnist_is_read() {
    let Some(folder) = shared_data("mnist") else {
        return;
    };
    let data = load(&folder, None).unwrap();
    assert_eq!(data.name, "mnist");
    assert_eq!((data.train.rows, data.test.rows), (6000, 2000));
    assert_eq!((data.train.columns, data.features.len()), (784, 784));
    assert_eq!(
        data.image,
        Some(ImageShape {
            height: 28,
            width: 28
        })
    );
    assert_eq!(
        data.shape,
        ExampleShape::Picture {
            channels: 1,
            height: 28,
            width: 28
        }
    );
    assert_eq!(data.task.outputs(), 10);
    let (Targets::Classes(train), Targets::Classes(test)) =
        (&data.train.targets, &data.test.targets)
    else {
        panic!("digits are classes")
    };
    for labels in [train, test] {
        for class in 0..10 {
            let share = labels.iter().filter(|&&label| label == class).count() as f64;
            // Each digit makes up between 9 and 11.3 per cent of MNIST; here they are samples of it.
            let share = share / labels.len() as f64;
            assert!((0.07..0.13).contains(&share), "class {class}: {share}");
        }
    }
    let mean = data
        .train
        .features
        .iter()
        .map(|&x| f64::from(x))
        .sum::<f64>()
        / data.train.features.len() as f64;
    // The well-known mean of MNIST's training pixels is 0.1307.
    assert!((mean - 0.1307).abs() < 0.003, "{mean}");
}

#[test]
fn plain_and_gzipped_files_are_the_same() {
    let plain = small();
    let data = read_idx(plain.path()).unwrap();
    assert_eq!(
        data.task,
        Task::of_classes(["0", "1", "2"].map(str::to_owned).to_vec())
    );
    assert_eq!(
        (data.train.rows, data.train.columns, data.test.rows),
        (4, 6, 2)
    );
    assert_eq!(data.train.row(1)[0], 66.0 / 255.0);
    assert_eq!(data.test.targets, Targets::Classes(vec![2, 0]));
    assert_eq!(data.shape.dims(), [1, 2, 3]);
    let device = Device::flex();
    let pictures = data.shape.pictures(data.train.inputs(&device));
    assert_eq!(pictures.dims(), [4, 1, 2, 3]);
    let row: Vec<f32> = pictures
        .slice([2..3, 0..1, 1..2])
        .into_data()
        .iter::<f32>()
        .collect();
    assert_eq!(row, data.train.row(2)[3..6]);

    let packed = tempfile::tempdir().unwrap();
    for name in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
        let bytes = fs::read(plain.path().join(name)).unwrap();
        write(&packed, &format!("{name}.gz"), &gzip(&bytes));
    }
    let again = load(packed.path(), None).unwrap();
    assert_eq!((again.train, again.test), (data.train, data.test));
}

#[test]
fn two_classes_make_a_binary_task() {
    let folder = small();
    write(&folder, TRAIN_LABELS, &idx(&[4], &[0, 1, 1, 0]));
    write(&folder, TEST_LABELS, &idx(&[2], &[1, 0]));
    let task = read_idx(folder.path()).unwrap().task;
    assert_eq!(task.outputs(), 1);
    assert_eq!(task.classes(), ["0", "1"]);
}

#[test]
fn truncated_gzip_is_named() {
    let folder = small();
    let whole = gzip(&idx(&[4, 2, 3], &[7; 24]));
    fs::remove_file(folder.path().join(TRAIN_IMAGES)).unwrap();
    // Cut in the middle of the data, and in the check sum at the end.
    for length in [whole.len() / 2, whole.len() - 3] {
        write(&folder, &format!("{TRAIN_IMAGES}.gz"), &whole[..length]);
        let DataError { path, problem } = error(&folder);
        assert!(matches!(problem, DataProblem::TruncatedGzip), "{problem}");
        assert!(path.ends_with(format!("{TRAIN_IMAGES}.gz")));
    }
}

#[test]
fn damaged_gzip_is_named() {
    let folder = small();
    let mut damaged = gzip(&idx(&[4, 2, 3], &[7; 24]));
    let last = damaged.len() - 6;
    damaged[last] ^= 0xff;
    fs::remove_file(folder.path().join(TRAIN_IMAGES)).unwrap();
    write(&folder, &format!("{TRAIN_IMAGES}.gz"), &damaged);
    assert!(matches!(
        error(&folder).problem,
        DataProblem::CorruptGzip { .. }
    ));

    write(&folder, &format!("{TRAIN_IMAGES}.gz"), b"not gzip at all");
    assert!(matches!(
        error(&folder).problem,
        DataProblem::CorruptGzip { .. }
    ));
}

#[test]
fn wrong_magic_number_is_named() {
    let folder = small();
    // Labels where images belong.
    write(&folder, TRAIN_IMAGES, &idx(&[4], &[0, 1, 2, 1]));
    let error = error(&folder);
    assert!(matches!(
        error.problem,
        DataProblem::Idx(IdxProblem::Magic {
            found: 0x0801,
            expected: 0x0803,
            dimensions: 3,
            ..
        })
    ));
    assert!(
        error
            .to_string()
            .contains("wrong magic number 0x00000801, expected 0x00000803")
    );
}

#[test]
fn wrong_lengths_are_named() {
    let folder = small();
    let labels = idx(&[4], &[0, 1, 2, 1]);
    for length in [0, 3, 6, 11] {
        write(&folder, TRAIN_LABELS, &labels[..length]);
        assert!(
            matches!(error(&folder).problem, DataProblem::Idx(IdxProblem::Truncated { found, .. }) if found == length as u64)
        );
    }
    write(&folder, TRAIN_LABELS, &[&labels[..], &[9]].concat());
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::Trailing {
            found: 13,
            expected: 12,
            ..
        })
    ));
    // Sizes whose product overflows ask for more than any file has.
    write(&folder, TRAIN_LABELS, &labels);
    write(&folder, TRAIN_IMAGES, &idx(&[u32::MAX; 3], &[0; 24]));
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::Truncated {
            expected: u64::MAX,
            ..
        })
    ));
    write(&folder, TRAIN_IMAGES, &idx(&[0, 2, 3], &[]));
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::Empty { .. })
    ));
}

#[test]
fn counts_and_sizes_must_agree() {
    let folder = small();
    write(&folder, TEST_LABELS, &idx(&[3], &[0, 1, 2]));
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::CountMismatch {
            images: 2,
            labels: 3,
            ..
        })
    ));
    write(&folder, TEST_LABELS, &idx(&[2], &[0, 1]));
    write(&folder, TEST_IMAGES, &idx(&[2, 3, 2], &[0; 12]));
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::ImageSize {
            train: [2, 3],
            test: [3, 2],
            ..
        })
    ));
}

#[test]
fn labels_of_any_values_are_mapped_and_named() {
    let folder = small();
    write(&folder, TRAIN_LABELS, &idx(&[4], &[7, 1, 200, 1]));
    write(&folder, TEST_LABELS, &idx(&[2], &[200, 7]));
    let data = read_idx(folder.path()).unwrap();
    assert_eq!(data.task.classes(), ["1", "7", "200"]);
    assert_eq!(data.train.targets, Targets::Classes(vec![1, 0, 2, 0]));
    assert_eq!(data.test.targets, Targets::Classes(vec![2, 1]));

    // A label that no training example has.
    write(&folder, TEST_LABELS, &idx(&[2], &[1, 8]));
    let stranger = error(&folder);
    assert!(stranger.path.ends_with(TEST_LABELS));
    assert!(matches!(
        &stranger.problem,
        DataProblem::Idx(IdxProblem::Label { label, row: 1, classes: 3 }) if label == "8"
    ));
    let text = stranger.to_string();
    assert!(
        text.contains("none of the training part's 3 labels"),
        "{text}"
    );
    write(&folder, TRAIN_LABELS, &idx(&[4], &[5; 4]));
    assert!(
        matches!(error(&folder).problem, DataProblem::ConstantTarget { value, .. } if value == "5")
    );
}

/// A list of elements of the type that `code` stands for.
fn list(code: u8, size: usize, elements: &[u8]) -> Vec<u8> {
    let mut bytes = idx(&[(elements.len() / size) as u32], elements);
    bytes[2] = code;
    bytes
}

#[test]
fn labels_of_any_type_are_read() {
    let folder = small();
    let write_labels = |code, size, train: &[u8], test: &[u8]| {
        write(&folder, TRAIN_LABELS, &list(code, size, train));
        write(&folder, TEST_LABELS, &list(code, size, test));
    };
    let bytes =
        |labels: &[i32]| -> Vec<u8> { labels.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let floats =
        |labels: &[f32]| -> Vec<u8> { labels.iter().flat_map(|it| it.to_be_bytes()).collect() };
    let read = || read_idx(folder.path()).unwrap();

    write_labels(0x09, 1, &[255, 1, 1, 255], &[1, 255]);
    assert_eq!(read().task.classes(), ["-1", "1"]);
    assert_eq!(read().test.targets, Targets::Classes(vec![1, 0]));
    write_labels(0x0b, 2, &[0, 7, 255, 254, 0, 7, 1, 0], &[1, 0, 0, 7]);
    assert_eq!(read().task.classes(), ["-2", "7", "256"]);
    write_labels(0x0c, 4, &bytes(&[-5, 70_000, 3, -5]), &bytes(&[3, 70_000]));
    assert_eq!(read().task.classes(), ["-5", "3", "70000"]);
    assert_eq!(read().train.targets, Targets::Classes(vec![0, 2, 1, 0]));
    write_labels(
        0x0d,
        4,
        &floats(&[2.0, 0.0, -0.0, 2.0]),
        &floats(&[0.0, 2.0]),
    );
    assert_eq!(read().task.classes(), ["0", "2"]);

    // Fractions are numbers, and a class where that is asked.
    let halves = [0.5_f64, 1.5, 1.5, 2.5].map(f64::to_be_bytes).concat();
    write_labels(0x0e, 8, &halves, &halves[8..24]);
    assert_eq!(read().task, Task::Regression);
    assert_eq!(
        read().inference.as_deref(),
        Some("labels have fractions: regression")
    );
    let options = LoadOptions {
        task: Some(TaskKind::Classification),
        ..LoadOptions::default()
    };
    let data = load_with(folder.path(), &options).unwrap();
    assert_eq!(data.task.classes(), ["0.5", "1.5", "2.5"]);

    write_labels(
        0x0d,
        4,
        &floats(&[1.0, f32::NAN, 0.0, 1.0]),
        &floats(&[0.0, 1.0]),
    );
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::NotFinite { row: 1, .. })
    ));
    // Pixels are bytes, and there is no type 10.
    write_labels(0x0a, 1, &[0, 1, 2, 1], &[2, 0]);
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::Magic { found: 0x0a01, .. })
    ));
    let folder = small();
    write(&folder, TRAIN_IMAGES, &list(0x09, 1, &[0; 24]));
    assert!(matches!(
        error(&folder).problem,
        DataProblem::Idx(IdxProblem::Magic { .. })
    ));
}

#[test]
fn labels_are_numbers_where_that_is_asked() {
    let folder = small();
    write(&folder, TRAIN_LABELS, &idx(&[4], &[10, 20, 30, 20]));
    write(&folder, TEST_LABELS, &idx(&[2], &[25, 0]));
    let options = LoadOptions {
        task: Some(TaskKind::Regression),
        ..LoadOptions::default()
    };
    let data = load_with(folder.path(), &options).unwrap();
    assert_eq!(data.task, Task::Regression);
    let Targets::Values(values) = &data.test.targets else {
        panic!("a regression has numbers")
    };
    assert_eq!(data.target_scaling.unwrap().restore(&values[..1]), [25.0]);
    let raw = LoadOptions {
        targets: Some(Rescale::Raw),
        ..options
    };
    let data = load_with(folder.path(), &raw).unwrap();
    assert_eq!(data.test.targets, Targets::Values(vec![25.0, 0.0]));
}

#[test]
fn the_test_part_may_be_another_folder() {
    let (folder, other) = (small(), small());
    for name in [TEST_IMAGES, TEST_LABELS] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let mut options = LoadOptions {
        test: Some(other.path().to_owned()),
        ..LoadOptions::default()
    };
    let data = load_with(folder.path(), &options).unwrap();
    let path = other.path().to_owned();
    assert_eq!(data.division, Division::Test { path });
    assert_eq!(data.test, read_idx(other.path()).unwrap().test);
    // Without images for `t10k`, those for `train`.
    options.test = Some(folder.path().to_owned());
    let data = load_with(folder.path(), &options).unwrap();
    assert_eq!(data.test, data.train);
    options.test = Some(other.path().join(TEST_IMAGES));
    assert!(matches!(
        problem(load_with(folder.path(), &options)),
        Some(DataProblem::FileOfFolder { .. })
    ));
}

#[test]
fn missing_files_and_targets_are_named() {
    let folder = small();
    fs::remove_file(folder.path().join(TEST_LABELS)).unwrap();
    assert!(
        matches!(error(&folder).problem, DataProblem::Idx(IdxProblem::MissingFile { file, .. }) if file == TEST_LABELS)
    );
    let folder = small();
    assert!(matches!(
        problem(load(folder.path(), Some("label"))),
        Some(DataProblem::UnexpectedTarget { .. })
    ));
    let empty = tempfile::tempdir().unwrap();
    let nothing = load(empty.path(), None).unwrap_err();
    assert!(matches!(nothing.problem, DataProblem::EmptyFolder));
    assert!(nothing.to_string().contains(TRAIN_IMAGES), "{nothing}");
    assert!(matches!(
        problem(load(empty.path().join("nowhere"), None)),
        Some(DataProblem::NotFound)
    ));
}
