//! The CSV reader: real tables, what it infers, and tables that are broken.

use std::fs;
use std::path::PathBuf;

use backdraft_models::data::{
    At, CellProblem, DataError, DataProblem, Dataset, TableProblem, Targets, Task, load, read_csv,
};
use backdraft_test_support::{gzip, shared_data};
use tempfile::TempDir;

use crate::problem;

/// A folder with one table.
fn table(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Twenty rows of two features and a target, all valid.
fn rows(target: impl Fn(usize) -> String) -> String {
    let rows = (0..20).map(|row| format!("{row}, {}, {}\n", (row * 7) % 5, target(row)));
    std::iter::once("a,b,y\n".to_owned()).chain(rows).collect()
}

fn read(text: &str) -> Result<Dataset, DataError> {
    let (_folder, path) = table(text);
    let result = read_csv(&path, Some("y"));
    if let Err(error) = &result {
        let text = error.to_string();
        assert!(!text.contains('\n'), "{text}");
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
    }
    result
}

/// The same rows with one line, counted from 1, replaced.
fn with_line(line: usize, new: &str) -> String {
    let text = rows(|row| (row % 2).to_string());
    let mut lines: Vec<&str> = text.lines().collect();
    lines[line - 1] = new;
    lines.join("\n")
}

fn cell(error: DataError) -> (u64, String, CellProblem) {
    match error.problem {
        DataProblem::Table(TableProblem::Cell {
            line,
            column,
            problem,
        }) => (line, column, problem),
        other => panic!("{other}"),
    }
}

#[test]
fn concrete_is_a_regression() {
    let Some(path) = shared_data("uci/concrete.csv") else {
        return;
    };
    let data = load(&path, Some("compressive_strength")).unwrap();
    assert_eq!(data.name, "concrete");
    assert_eq!(data.task, Task::Regression);
    assert_eq!((data.train.rows, data.test.rows), (824, 206));
    assert_eq!(data.train.columns, 8);
    let inference = data.inference.unwrap();
    assert!(inference.ends_with("fractions: regression"), "{inference}");
    // The first row of the file, back in MPa.
    let target = data.target_scaling.unwrap();
    let (split, place) = [&data.train, &data.test]
        .into_iter()
        .find_map(|split| Some((split, split.origin.iter().position(|&row| row == 0)?)))
        .unwrap();
    let Targets::Values(values) = &split.targets else {
        panic!("a regression has numbers")
    };
    assert_eq!(target.restore(&[values[place]]), [79.99]);
    assert_eq!(
        data.input_scaling.unwrap().restore(split.row(place)),
        [540.0, 0.0, 0.0, 162.0, 2.5, 1040.0, 676.0, 28.0]
    );
    // Training targets are standardised.
    let Targets::Values(values) = &data.train.targets else {
        panic!("a regression has numbers")
    };
    let mean = values.iter().map(|&y| f64::from(y)).sum::<f64>() / 824.0;
    let square = values.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / 824.0;
    assert!(
        mean.abs() < 1e-7 && (square - 1.0).abs() < 1e-6,
        "{mean} {square}"
    );
}

#[test]
fn diabetes_is_binary() {
    let Some(path) = shared_data("uci/diabetes.csv") else {
        return;
    };
    let data = read_csv(&path, Some("diabetes")).unwrap();
    assert_eq!(
        data.task,
        Task::of_classes(vec!["0".to_owned(), "1".to_owned()])
    );
    assert_eq!(data.task.outputs(), 1);
    assert_eq!(data.train.rows + data.test.rows, 768);
    assert_eq!(
        data.inference.as_deref(),
        Some("`diabetes` holds 2 different integers in 768 rows: classification")
    );
}

#[test]
fn gzipped_tables_are_read() {
    let Some(path) = shared_data("uci/digits.csv.gz") else {
        return;
    };
    let data = read_csv(&path, Some("label")).unwrap();
    assert_eq!(data.name, "digits");
    assert_eq!(data.task.outputs(), 10);
    // Pixels that are never on stay at 0.
    assert!((0..data.train.rows).all(|row| data.train.row(row)[0] == 0.0));
}

#[test]
fn targets_are_inferred() {
    let text = read(&rows(|row| ["red", "blue", "green"][row % 3].to_owned())).unwrap();
    assert_eq!(text.task.classes(), ["blue", "green", "red"]);
    let codes = read(&rows(|row| (10 * (row % 3)).to_string())).unwrap();
    assert_eq!(codes.task.classes(), ["0", "10", "20"]);
    let Targets::Classes(classes) = codes.train.targets else {
        panic!("few integers are classes")
    };
    let expected = codes.train.origin.iter().map(|row| (row % 3) as i64);
    assert!(classes.iter().copied().eq(expected));
    assert_eq!(
        read(&rows(|row| row.to_string())).unwrap().task,
        Task::Regression
    );
    assert_eq!(
        read(&rows(|row| format!("{}.5", row % 2))).unwrap().task,
        Task::Regression
    );
    // Ten different integers in twenty rows are not fewer than half.
    assert_eq!(
        read(&rows(|row| (row / 2).to_string())).unwrap().task,
        Task::Regression
    );
    assert!(matches!(
        problem(read(&rows(|row| format!("name{row}")))),
        Some(DataProblem::Table(TableProblem::TooManyLabels {
            labels: 20,
            rows: 20,
            ..
        }))
    ));
}

#[test]
fn the_target_may_stand_anywhere() {
    let last = read(&rows(|row| (row % 2).to_string())).unwrap();
    let moved: String = rows(|row| (row % 2).to_string())
        .lines()
        .map(|line| line.split(',').map(str::trim).collect::<Vec<_>>())
        .map(|cells| format!("{},{},{}\n", cells[0], cells[2], cells[1]))
        .collect();
    let middle = read(&moved).unwrap();
    assert_eq!(middle.features, ["a", "b"]);
    assert_eq!((middle.train, middle.test), (last.train, last.test));
}

#[test]
fn constant_columns_become_zero() {
    let text = rows(|row| format!("0.1,{}", row % 2)).replace("a,b,y", "a,b,c,y");
    let data = read(&text).unwrap();
    for split in [&data.train, &data.test] {
        assert!((0..split.rows).all(|row| split.row(row)[2] == 0.0));
    }
    assert_eq!(data.input_scaling.unwrap().moments[2].std, 0.0);
}

#[test]
fn missing_values_are_named() {
    for (text, line) in [
        ("", "3,,1"),
        ("NaN", "3,NaN,1"),
        ("?", "3, ?,1"),
        ("n/a", "3,n/a,0"),
    ] {
        let error = read(&with_line(5, line)).unwrap_err();
        let missing = CellProblem::Missing {
            text: text.to_owned(),
        };
        assert_eq!(cell(error), (5, "b".to_owned(), missing));
    }
    let error = read(&with_line(21, "3,4,")).unwrap_err();
    assert_eq!(cell(error).1, "y");
}

#[test]
fn text_among_numbers_is_named() {
    let error = read(&with_line(2, "3,high,1")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("line 2, column `b`: `high` is text in a column of numbers"),
        "{error}"
    );
    let error = read(&with_line(9, "3,4,yes")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("say that the task is classification"),
        "{error}"
    );
    let among_numbers = CellProblem::NameAmongNumbers {
        text: "yes".to_owned(),
    };
    assert_eq!(cell(error), (9, "y".to_owned(), among_numbers));
}

#[test]
fn numbers_must_be_finite() {
    for text in ["inf", "-1e39", "1e999"] {
        let error = read(&with_line(3, &format!("{text},1,1"))).unwrap_err();
        let problem = CellProblem::NotFinite {
            text: text.to_owned(),
        };
        assert_eq!(cell(error), (3, "a".to_owned(), problem));
    }
}

#[test]
fn ragged_lines_are_named() {
    for (line, found) in [("1,2", 2), ("1,2,3,4", 4)] {
        assert!(
            matches!(problem(read(&with_line(7, line))), Some(DataProblem::Table(TableProblem::FieldCount { line: 7, found: n, expected: 3, .. })) if n == found)
        );
    }
    // A quoted line break and an empty line count as lines of the file.
    let text = with_line(2, "\"1\n\",2,1\n").to_owned() + "\n1,2";
    assert!(
        matches!(
            problem(read(&text)),
            Some(DataProblem::Table(TableProblem::FieldCount {
                line: 24,
                ..
            }))
        ),
        "{:?}",
        read(&text)
    );
}

#[test]
fn headers_are_checked() {
    assert!(matches!(
        problem(read("")),
        Some(DataProblem::Table(TableProblem::Empty))
    ));
    assert!(matches!(
        problem(read("1,2,3\n4,5,6\n")),
        Some(DataProblem::Table(TableProblem::NoHeader))
    ));
    assert!(matches!(
        problem(read("a,,y\n1,2,3\n")),
        Some(DataProblem::Table(TableProblem::UnnamedColumn {
            column: 2,
            ..
        }))
    ));
    assert!(
        matches!(problem(read("a,a,y\n1,2,3\n")), Some(DataProblem::Table(TableProblem::DuplicateColumn { column, .. })) if column == "a")
    );
    assert!(matches!(
        problem(read("y\n1\n")),
        Some(DataProblem::Table(TableProblem::NoFeatures { .. }))
    ));
    let error = read("a,b,c\n1,2,3\n").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no column `y` to predict; the columns are a, b, c"),
        "{error}"
    );
    let (_folder, path) = table("a,b,c\n1,2,3\n");
    assert!(
        matches!(problem(read_csv(&path, None)), Some(DataProblem::Table(TableProblem::TargetNeeded { columns, .. })) if columns == ["a", "b", "c"])
    );
}

#[test]
fn there_must_be_something_to_learn() {
    assert!(matches!(
        problem(read("a,y\n1,2\n3,4\n")),
        Some(DataProblem::TooFewRows {
            rows: 2,
            needed: 10,
            ..
        })
    ));
    for constant in ["1", "2.5", "red"] {
        assert!(
            matches!(problem(read(&rows(|_| constant.to_owned()))), Some(DataProblem::ConstantTarget { value, .. }) if value == constant)
        );
    }
    // A class of one example that is held out: find it through the split of a valid table.
    let held_out = read(&rows(|row| (row % 2).to_string()))
        .unwrap()
        .test
        .origin[0];
    let lone = read(&rows(|row| {
        (if row == held_out { 2 } else { row % 2 }).to_string()
    }));
    assert!(
        matches!(problem(lone), Some(DataProblem::UntrainableClass { class, count: 1, .. }) if class == "2")
    );
}

/// With a byte order mark, empty lines, lines that end in two ways and a cell of two lines.
#[test]
fn lines_are_counted_as_an_editor_does() {
    let mut text = "\u{feff}a,b,y\n\n\r\n".to_owned();
    let mut lines = Vec::new();
    for row in 0..20 {
        lines.push(1 + text.matches('\n').count() as u64);
        let number = match row {
            3 => "\"3\n\"".to_owned(),
            row => row.to_string(),
        };
        let end = ["\n", "\r\n", "\n\n", "\r\n\r\n\n"][row % 4];
        text.push_str(&format!("{number},{},{}.5{end}", row % 3, row * row));
    }
    let data = read(&text).unwrap();
    let places = (0..data.train.rows).map(|row| data.train_place(row));
    let places: Vec<_> = places
        .chain((0..data.test.rows).map(|row| data.test_place(row)))
        .collect();
    let origins = data.train.origin.iter().chain(&data.test.origin);
    for (place, &origin) in places.iter().zip(origins) {
        assert!(place.file.ends_with("table.csv"));
        assert_eq!(place.at, Some(At::Line(lines[origin])), "row {origin}");
    }
    // And a row has its own numbers.
    let row = data.train.origin.iter().position(|&row| row == 7).or(None);
    let (split, row) = match row {
        Some(row) => (&data.train, row),
        None => (
            &data.test,
            data.test.origin.iter().position(|&row| row == 7).unwrap(),
        ),
    };
    assert_eq!(data.original_inputs(split.row(row)), [7.0, 1.0]);
    let Targets::Values(values) = &split.targets else {
        panic!("numbers with fractions are a regression")
    };
    assert_eq!(data.original_target(values[row]), 49.5);
    let restored = data.restored_output(values[row].into());
    assert!((restored - 49.5).abs() < 1e-4, "{restored}");
}

#[test]
fn unreadable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv.gz");
    let whole = gzip(rows(|row| row.to_string()).as_bytes());
    fs::write(&path, &whole).unwrap();
    assert_eq!(load(folder.path(), Some("y")).unwrap().name, "table");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(
        problem(load(&path, Some("y"))),
        Some(DataProblem::TruncatedGzip)
    ));

    fs::write(folder.path().join("other.csv"), "a,y\n").unwrap();
    assert!(
        matches!(problem(load(folder.path(), Some("y"))), Some(DataProblem::SeveralTables { files, .. }) if files == ["other.csv", "table.csv.gz"])
    );
    let binary = folder.path().join("binary.csv");
    fs::write(&binary, b"a,y\n\xff\xfe,1\n").unwrap();
    assert!(matches!(
        problem(load(&binary, Some("y"))),
        Some(DataProblem::Table(TableProblem::Csv { .. }))
    ));
    assert!(matches!(
        problem(read_csv(folder.path().join("nowhere.csv"), Some("y"))),
        Some(DataProblem::Read { .. })
    ));
}

#[test]
fn a_mark_before_the_text_is_passed_over() {
    let text = rows(|row| (row % 2).to_string());
    let right = read(&text).unwrap();
    let marked = read(&format!("\u{feff}{text}")).unwrap();
    assert_eq!(marked.features, right.features);
    assert_eq!(marked.train, right.train);
    // A quoted name too, and lines that end as on an old Macintosh.
    let quoted = read(&format!("\u{feff}\"a\"{}", &text[1..])).unwrap();
    assert_eq!(quoted.train, right.train);
    assert_eq!(read(&text.replace('\n', "\r")).unwrap().train, right.train);
}

#[test]
fn other_encodings_are_told() {
    let text = rows(|row| (row % 2).to_string());
    let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    let utf_32: Vec<u8> = text
        .chars()
        .flat_map(|it| u32::from(it).to_le_bytes())
        .collect();
    let cases = [
        ([&[0xff, 0xfe][..], &little].concat(), "UTF-16 text"),
        ([&[0xfe, 0xff][..], &big].concat(), "UTF-16 text"),
        ([&[0xff, 0xfe, 0, 0][..], &utf_32].concat(), "UTF-32 text"),
        (little, "UTF-16 text without a mark"),
        (big, "UTF-16 text without a mark"),
    ];
    for (bytes, found) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        fs::write(&path, bytes).unwrap();
        let error = read_csv(&path, Some("y")).unwrap_err();
        assert!(
            matches!(error.problem, DataProblem::Encoding { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[test]
fn messages_quote_no_more_than_can_be_read() {
    let long = "z".repeat(70_000);
    let text = read(&with_line(7, &format!("1,{long},0")))
        .unwrap_err()
        .to_string();
    assert!(
        text.len() < 500 && text.contains("zzz.. (70000 characters)"),
        "{text}"
    );
    let text = read(&with_line(7, "1,\u{1b}[31m\u{202e}red,0"))
        .unwrap_err()
        .to_string();
    assert!(text.contains(r"`\u{1b}[31m\u{202e}red`"), "{text}");
    // Names of columns, and many of them.
    let wide: Vec<String> = (0..100).map(|column| format!("{long}{column}")).collect();
    let text = read(&wide.join(",")).unwrap_err().to_string();
    assert!(text.len() < 3000 && text.ends_with("and 80 more"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_told() {
    let error = load("/dev/zero", Some("y")).unwrap_err().to_string();
    assert!(error.contains("neither a file nor a pipe"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let looped = folder.path().join("loop.csv");
    std::os::unix::fs::symlink(&looped, &looped).unwrap();
    let error = load(&looped, Some("y")).unwrap_err();
    assert!(matches!(error.problem, DataProblem::NotFound), "{error}");
}
