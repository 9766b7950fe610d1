//! NumPy's arrays, written here byte by byte.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use backdraft_models::data::{
    ArrayProblem, At, DataError, DataProblem, Dataset, Division, ExampleShape, IdxProblem,
    LoadOptions, Refusal, Rescale, TableOptions, Targets, Task, load_with, read_npz,
};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::problem;

/// An array as NumPy writes it.
fn npy(descr: &str, fortran: bool, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let sizes: String = shape.iter().map(|it| format!("{it},")).collect();
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({sizes}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

fn floats(shape: &[usize], numbers: impl Iterator<Item = f64>) -> Vec<u8> {
    npy(
        "<f8",
        false,
        shape,
        &numbers.flat_map(f64::to_le_bytes).collect::<Vec<_>>(),
    )
}

fn integers(shape: &[usize], numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    npy(
        "<i8",
        false,
        shape,
        &numbers.flat_map(i64::to_le_bytes).collect::<Vec<_>>(),
    )
}

fn texts(texts: &[&str]) -> Vec<u8> {
    let longest = texts.iter().map(|it| it.chars().count()).max().unwrap_or(1);
    let padded = |text: &&str| {
        let letters: Vec<u32> = text.chars().map(u32::from).collect();
        (0..longest).map(move |at| letters.get(at).copied().unwrap_or(0))
    };
    let bytes: Vec<u8> = texts
        .iter()
        .flat_map(padded)
        .flat_map(u32::to_le_bytes)
        .collect();
    npy(&format!("<U{longest}"), false, &[texts.len()], &bytes)
}

fn write(path: &Path, arrays: &[(&str, Vec<u8>)], compression: CompressionMethod) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(compression);
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn file(arrays: &[(&str, Vec<u8>)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.npz");
    write(&path, arrays, CompressionMethod::Stored);
    (folder, path)
}

fn read(arrays: &[(&str, Vec<u8>)]) -> Result<Dataset, DataError> {
    let (_folder, path) = file(arrays);
    read_npz(path)
}

fn refused(arrays: &[(&str, Vec<u8>)]) -> ArrayProblem {
    match problem(read(arrays)) {
        Some(DataProblem::Array(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

/// `[20, 3]`, all different.
fn inputs() -> Vec<f64> {
    (0..60).map(|at| f64::from(at) * 0.5 - 7.0).collect()
}

#[test]
fn columns_are_a_table() {
    let x = inputs();
    let labels = || integers(&[20], (0..20).map(|row| 10 * (row % 3)));
    let data = read(&[("x", floats(&[20, 3], x.iter().copied())), ("y", labels())]).unwrap();
    assert_eq!(data.name, "made");
    assert_eq!(data.features, ["x0", "x1", "x2"]);
    assert_eq!(data.task.classes(), ["0", "10", "20"]);
    assert_eq!(data.shape, ExampleShape::Flat { columns: 3 });
    assert_eq!((data.train.rows, data.test.rows), (16, 4));
    assert!(matches!(data.division, Division::Drawn { .. }));
    let Targets::Classes(classes) = &data.train.targets else {
        panic!("classes")
    };
    assert_eq!(classes.len(), 16);
    for (row, class) in classes.iter().enumerate() {
        let place = data.train_place(row);
        let Some(At::Index(at)) = place.at else {
            panic!("{place}")
        };
        assert!(place.file.ends_with("made.npz/x"), "{place}");
        assert_eq!(
            data.original_inputs(data.train.row(row)),
            x[3 * at as usize..][..3]
        );
        assert_eq!(*class, at as i64 % 3);
    }
    // In Fortran's order, in 32 bits of the other end, compressed, with the targets in a column.
    let turned = (0..3).flat_map(|column| x.iter().skip(column).step_by(3));
    let bytes: Vec<u8> = turned.flat_map(|it| (*it as f32).to_be_bytes()).collect();
    let (_folder, path) = file(&[]);
    let arrays = [
        ("X", npy(">f4", true, &[20, 3], &bytes)),
        ("y", integers(&[20, 1], (0..20).map(|row| 10 * (row % 3)))),
    ];
    write(&path, &arrays, CompressionMethod::Deflated);
    let other = read_npz(&path).unwrap();
    assert_eq!((&other.train, &other.test), (&data.train, &data.test));
    // Fractions are a regression, and other types are read too.
    let halves = floats(&[20], (0..20).map(|row| f64::from(row) / 2.0));
    let data = read(&[("x", integers(&[20, 3], 0..60)), ("y", halves)]).unwrap();
    assert_eq!(data.task, Task::Regression);
    let flags: Vec<u8> = (0..20).map(|row| row % 2).collect();
    let data = read(&[
        ("x", npy("|i1", false, &[20, 3], &[7; 60])),
        ("y", npy("|b1", false, &[20], &flags)),
    ])
    .unwrap();
    assert_eq!(data.task.classes(), ["0", "1"]);
    let named = texts(&["cat", "mouse"].repeat(10));
    let data = read(&[("x", floats(&[20, 3], inputs().into_iter())), ("y", named)]).unwrap();
    assert_eq!(data.task.classes(), ["cat", "mouse"]);
}

#[test]
fn parts_are_those_of_the_file() {
    let x = |rows: usize| floats(&[rows, 3], inputs().into_iter().take(3 * rows));
    let y = |rows: i64| integers(&[rows as usize], (0..rows).map(|row| row % 2));
    let (folder, path) = file(&[
        ("x_train", x(12)),
        ("y_train", y(12)),
        ("x_test", x(5)),
        ("y_test", y(5)),
    ]);
    let data = read_npz(&path).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (12, 5));
    assert_eq!(data.division, Division::Source);
    assert_eq!(data.train.row(3), data.test.row(3));
    let place = data.test_place(4);
    assert!(
        place.to_string().ends_with("made.npz/x_test index 4"),
        "{place}"
    );
    // Another file's to test on.
    let other = folder.path().join("other.npz");
    write(
        &other,
        &[("x", x(7)), ("y", y(7))],
        CompressionMethod::Stored,
    );
    let tested = LoadOptions {
        test: Some(other.clone()),
        inputs: Some(Rescale::Raw),
        ..LoadOptions::default()
    };
    let data = load_with(&path, &tested).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (12, 7));
    assert_eq!(data.division, Division::Test { path: other });
    assert_eq!(data.test.row(1), [-5.5, -5.0, -4.5]);
    let text = LoadOptions {
        test: Some(folder.path().join("other.csv")),
        ..LoadOptions::default()
    };
    assert!(matches!(
        problem(load_with(&path, &text)),
        Some(DataProblem::Refused(Refusal::TestOfArrays))
    ));
    let named = LoadOptions {
        target: Some("y".to_owned()),
        ..LoadOptions::default()
    };
    assert!(matches!(
        problem(load_with(&path, &named)),
        Some(DataProblem::UnexpectedTarget { .. })
    ));
}

/// Pixels of `count` pictures, channel by channel.
fn pixels(count: usize, size: usize) -> Vec<u8> {
    (0..count * size).map(|at| (at * 37 % 256) as u8).collect()
}

#[test]
fn pictures_are_read_as_bytes() {
    let labels = |rows: i64| integers(&[rows as usize], (0..rows).map(|row| row % 3));
    let parts = |train: Vec<u8>, test: Vec<u8>| {
        [
            ("train_images", train),
            ("train_labels", labels(12)),
            ("test_images", test),
            ("test_labels", labels(6)),
        ]
    };
    let (train, test) = (pixels(12, 20), pixels(6, 20));
    let bytes = |rows: usize, all: &[u8]| npy("|u1", false, &[rows, 4, 5], all);
    let grey = read(&parts(bytes(12, &train), bytes(6, &test))).unwrap();
    let shape = ExampleShape::Picture {
        channels: 1,
        height: 4,
        width: 5,
    };
    assert_eq!(grey.shape, shape);
    let unit: Vec<f32> = train
        .iter()
        .map(|&it| (f64::from(it) / 255.0) as f32)
        .collect();
    assert_eq!(grey.train.features, unit);
    assert_eq!(grey.test_place(2).at, Some(At::Index(2)));
    // Whole numbers of other types are bytes too.
    let wide = |rows: usize, all: &[u8]| floats(&[rows, 4, 5], all.iter().map(|&it| it.into()));
    let same = read(&parts(wide(12, &train), wide(6, &test))).unwrap();
    assert_eq!(
        (same.train, same.input_scaling),
        (grey.train.clone(), grey.input_scaling.clone())
    );
    // Fractions are left as they are.
    let shares = |rows: usize, all: &[u8]| {
        floats(
            &[rows, 4, 5],
            all.iter().map(|&it| f64::from(it) / 100.0 - 1.0),
        )
    };
    let data = read(&parts(shares(12, &train), shares(6, &test))).unwrap();
    let expected: Vec<f32> = train
        .iter()
        .map(|&it| (f64::from(it) / 100.0 - 1.0) as f32)
        .collect();
    assert_eq!(data.train.features, expected);
    assert_eq!(data.original_inputs(data.train.row(0))[1], 0.37 - 1.0);

    // In colour, the channels first or last: standardised.
    let (train, test) = (pixels(12, 3 * 20), pixels(6, 3 * 20));
    let first = |rows: usize, all: &[u8]| npy("|u1", false, &[rows, 3, 4, 5], all);
    let last = |rows: usize, all: &[u8]| {
        let turned: Vec<u8> = all
            .chunks_exact(60)
            .flat_map(|it| (0..20).flat_map(move |at| [it[at], it[20 + at], it[40 + at]]))
            .collect();
        npy("|u1", false, &[rows, 4, 5, 3], &turned)
    };
    let colour = read(&parts(first(12, &train), first(6, &test))).unwrap();
    let turned = read(&parts(last(12, &train), last(6, &test))).unwrap();
    assert_eq!((&colour.train, &colour.test), (&turned.train, &turned.test));
    assert_eq!(colour.input_scaling.as_ref().unwrap().moments.len(), 3);
    assert_eq!((colour.features.len(), colour.image), (60, None));

    // One set, with names.
    let names: Vec<&str> = ["zebra", "ape"].repeat(10);
    let one = [
        ("x", npy("|u1", false, &[20, 4, 5], &pixels(20, 20))),
        ("y", texts(&names)),
    ];
    let data = read(&one).unwrap();
    assert_eq!(data.task.classes(), ["ape", "zebra"]);
    let Targets::Classes(classes) = &data.test.targets else {
        panic!("classes")
    };
    for (row, class) in classes.iter().enumerate() {
        assert_eq!(*class as usize, (data.test.origin[row] + 1) % 2);
        assert_eq!(
            data.test_place(row).at,
            Some(At::Index(data.test.origin[row] as u64))
        );
    }
}

#[test]
fn what_is_no_array_is_refused() {
    let x = || floats(&[20, 3], inputs().into_iter());
    let y = || integers(&[20], (0..20).map(|row| row % 2));
    assert!(
        matches!(refused(&[("a", x()), ("y", y())]), ArrayProblem::Names { found } if found == ["a", "y"])
    );
    assert!(matches!(
        refused(&[("x", x()), ("y", integers(&[19], 0..19))]),
        ArrayProblem::Count {
            rows: 20,
            labels: 19,
            ..
        }
    ));
    for (shape, bytes) in [(vec![60], 60), (vec![0, 3], 0), (vec![2, 5, 2, 3, 1], 60)] {
        let array = floats(&shape, inputs().into_iter().take(bytes));
        assert!(
            matches!(refused(&[("x", array), ("y", y())]), ArrayProblem::Shape { array, .. } if array == "x")
        );
    }
    let pictures = floats(&[3, 2, 5, 2], inputs().into_iter());
    assert!(matches!(
        refused(&[("x", pictures), ("y", y())]),
        ArrayProblem::Shape { .. }
    ));
    let one_hot = integers(&[20, 2], (0..40).map(|at| at % 2));
    assert!(
        matches!(refused(&[("x", x()), ("y", one_hot)]), ArrayProblem::Shape { array, .. } if array == "y")
    );
    for descr in ["<c16", "<M8[D]", "<f2", "|O"] {
        let array = npy(descr, false, &[20], &[0; 320]);
        let kind = refused(&[("x", x()), ("y", array)]);
        let wrong = matches!(&kind, ArrayProblem::Kind { array, .. } | ArrayProblem::Array { array, .. } if array == "y");
        assert!(wrong, "{descr}: {kind:?}");
    }
    let mut holes = inputs();
    holes[7] = f64::NAN;
    assert!(matches!(
        refused(&[("x", floats(&[20, 3], holes.into_iter())), ("y", y())]),
        ArrayProblem::NotFinite { row: 2, .. }
    ));
    // A header that asks for more than there is must not take the memory for it.
    let huge = npy("<f8", false, &[1 << 40, 3], &[0; 8]);
    assert!(matches!(
        refused(&[("x", huge), ("y", y())]),
        ArrayProblem::Array { .. }
    ));
    let other = [
        ("x_train", x()),
        ("y_train", y()),
        ("x_test", floats(&[30, 2], inputs().into_iter())),
        ("y_test", integers(&[30], 0..30)),
    ];
    assert!(
        matches!(refused(&other), ArrayProblem::Sizes { found, train, .. } if (found.as_slice(), train.as_slice()) == (&[2], &[3]))
    );
    let stranger = [
        ("x_train", npy("|u1", false, &[20, 1, 3], &[9; 60])),
        ("y_train", y()),
        ("x_test", npy("|u1", false, &[1, 1, 3], &[9; 3])),
        ("y_test", integers(&[1], std::iter::once(5))),
    ];
    assert!(matches!(
        problem(read(&stranger)),
        Some(DataProblem::Idx(IdxProblem::Label { row: 0, .. }))
    ));

    let (_folder, path) = file(&[("x", x()), ("y", y())]);
    let whole = std::fs::read(&path).unwrap();
    for broken in [&whole[..whole.len() - 30], &[][..], b"PK"] {
        std::fs::write(&path, broken).unwrap();
        assert!(matches!(
            problem(read_npz(&path)),
            Some(DataProblem::Array(ArrayProblem::Archive { .. }))
        ));
    }
}

/// What NumPy, pandas and PyArrow wrote: data/make_tables.py made it.
#[test]
fn what_python_writes_is_read() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let pictures = read_npz(data.join("digits.npz")).unwrap();
    assert_eq!((pictures.train.rows, pictures.test.rows), (30, 10));
    assert_eq!(pictures.task.outputs(), 10);
    assert_eq!(pictures.shape.dims(), [1, 8, 8]);
    let [parquet, text] = ["trees.parquet", "trees.csv"].map(|name| {
        let options = LoadOptions {
            target: Some("felled".to_owned()),
            inputs: Some(Rescale::Raw),
            table: TableOptions {
                id: Some("tree".to_owned()),
                ignore: vec!["planted".to_owned()],
                ..TableOptions::default()
            },
            ..LoadOptions::default()
        };
        let whole = LoadOptions {
            table: TableOptions {
                ignore: Vec::new(),
                ..options.table.clone()
            },
            ..options.clone()
        };
        let dates = load_with(data.join(name), &whole).unwrap_err().to_string();
        assert!(
            dates.contains("the column `planted` holds dates or times, such as `"),
            "{dates}"
        );
        load_with(data.join(name), &options).unwrap()
    });
    let inputs = [
        "height",
        "rings",
        "evergreen",
        "kind=ash",
        "kind=beech",
        "kind=cedar",
    ];
    assert_eq!(parquet.features, inputs);
    assert_eq!(
        (&parquet.train, &parquet.features),
        (&text.train, &text.features)
    );
    assert_eq!(parquet.train_place(0).id, text.train_place(0).id);
    let raw = LoadOptions {
        inputs: Some(Rescale::Raw),
        ..LoadOptions::default()
    };
    let columns = load_with(data.join("columns.npz"), &raw).unwrap();
    assert_eq!(columns.task.classes(), ["no", "yes"]);
    assert_eq!(columns.train.targets, text.train.targets);
    for row in 0..columns.train.rows {
        assert_eq!(columns.train.row(row), &text.train.row(row)[..2]);
    }
}
