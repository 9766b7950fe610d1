//! Tables in Parquet files: what they hold is what the same table of text holds.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use backdraft_models::data::{
    At, CellProblem, DataProblem, LoadOptions, TableOptions, TableProblem, load_with,
};
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use tempfile::TempDir;

use crate::problem;

const ROWS: usize = 24;
const SCHEMA: &str = "message table {
    REQUIRED BYTE_ARRAY name (UTF8);
    OPTIONAL DOUBLE size;
    REQUIRED FLOAT weight;
    REQUIRED INT64 count;
    REQUIRED BOOLEAN known;
    REQUIRED BYTE_ARRAY kind (UTF8);
    REQUIRED INT32 seen (DATE);
    REQUIRED BYTE_ARRAY y (UTF8);
}";

const KINDS: [&str; 3] = ["ash", "beech", "cedar"];

/// The same rows as text, without the dates; the number that row `missing` has not is left out.
fn text(missing: Option<usize>) -> String {
    let row = |row: usize| {
        let size = if missing == Some(row) {
            String::new()
        } else {
            (row as f64 / 3.0).to_string()
        };
        format!(
            "n{row},{size},{},{},{},{},{}\n",
            f64::from(row as f32 * 0.1),
            7 * row,
            row.is_multiple_of(4),
            KINDS[row % 3],
            ["no", "yes"][row / 2 % 2]
        )
    };
    let rows: String = (0..ROWS).map(row).collect();
    format!("name,size,weight,count,known,kind,y\n{rows}")
}

/// The rows in two groups.
fn write(path: &Path, compression: Compression, missing: Option<usize>) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    for rows in [0..10, 10..ROWS] {
        let mut group = writer.next_row_group().unwrap();
        let texts = |of: &dyn Fn(usize) -> String| -> Vec<ByteArray> {
            rows.clone()
                .map(|row| ByteArray::from(of(row).as_str()))
                .collect()
        };
        for column in 0..8 {
            let mut cells = group.next_column().unwrap().unwrap();
            let bytes = match column {
                0 => texts(&|row| format!("n{row}")),
                5 => texts(&|row| KINDS[row % 3].to_owned()),
                7 => texts(&|row| ["no", "yes"][row / 2 % 2].to_owned()),
                _ => Vec::new(),
            };
            let here = rows.clone();
            match column {
                1 => {
                    let there: Vec<i16> = here
                        .clone()
                        .map(|row| i16::from(missing != Some(row)))
                        .collect();
                    let values = here
                        .filter(|&row| missing != Some(row))
                        .map(|row| row as f64 / 3.0);
                    let values: Vec<f64> = values.collect();
                    cells
                        .typed::<DoubleType>()
                        .write_batch(&values, Some(&there), None)
                        .unwrap();
                }
                2 => {
                    let values: Vec<f32> = here.map(|row| row as f32 * 0.1).collect();
                    cells
                        .typed::<FloatType>()
                        .write_batch(&values, None, None)
                        .unwrap();
                }
                3 => {
                    let values: Vec<i64> = here.map(|row| 7 * row as i64).collect();
                    cells
                        .typed::<Int64Type>()
                        .write_batch(&values, None, None)
                        .unwrap();
                }
                4 => {
                    let values: Vec<bool> = here.map(|row| row.is_multiple_of(4)).collect();
                    cells
                        .typed::<BoolType>()
                        .write_batch(&values, None, None)
                        .unwrap();
                }
                6 => {
                    let values: Vec<i32> = here.map(|row| 18_000 + row as i32).collect();
                    cells
                        .typed::<Int32Type>()
                        .write_batch(&values, None, None)
                        .unwrap();
                }
                _ => {
                    cells
                        .typed::<ByteArrayType>()
                        .write_batch(&bytes, None, None)
                        .unwrap();
                }
            }
            cells.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
}

fn options() -> LoadOptions {
    LoadOptions {
        target: Some("y".to_owned()),
        table: TableOptions {
            id: Some("name".to_owned()),
            ignore: vec!["seen".to_owned()],
            ..TableOptions::default()
        },
        ..LoadOptions::default()
    }
}

fn folder() -> (TempDir, PathBuf, LoadOptions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trees.parquet");
    let plain = LoadOptions {
        table: TableOptions {
            ignore: Vec::new(),
            ..options().table
        },
        ..options()
    };
    (folder, path, plain)
}

#[test]
fn parquet_holds_what_text_holds() {
    let (folder, path, plain) = folder();
    let csv = folder.path().join("text").with_extension("csv");
    fs::write(&csv, text(None)).unwrap();
    let expected = load_with(&csv, &plain).unwrap();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
    ] {
        write(&path, compression, None);
        let found = load_with(&path, &options()).unwrap();
        assert_eq!(found.name, "trees");
        assert_eq!(found.features, expected.features);
        assert_eq!(
            found.features[3..],
            ["known", "kind=ash", "kind=beech", "kind=cedar"]
        );
        assert_eq!(
            (&found.train, &found.test),
            (&expected.train, &expected.test)
        );
        assert_eq!(found.task, expected.task);
        let (place, other) = (found.train_place(5), expected.train_place(5));
        let Some(At::Line(line)) = other.at else {
            panic!("{other}")
        };
        assert_eq!(place.at, Some(At::Row(line - 2)));
        assert_eq!(
            (place.id.as_deref(), &place.id),
            (Some(&*format!("n{}", line - 2)), &other.id)
        );
    }
    // One may be tested on the other.
    let tested = LoadOptions {
        test: Some(csv.clone()),
        ..options()
    };
    fs::write(
        &csv,
        text(None)
            .replace(",y\n", ",y,seen\n")
            .replace("no\n", "no,1\n")
            .replace("yes\n", "yes,1\n"),
    )
    .unwrap();
    let data = load_with(&path, &tested).unwrap();
    assert_eq!((data.train.rows, data.test.rows), (ROWS, ROWS));
    assert_eq!(data.train.features, data.test.features);
    assert_eq!(
        (data.train_place(0).at, data.test_place(0).at),
        (Some(At::Row(0)), Some(At::Line(2)))
    );
}

#[test]
fn what_parquet_lacks_is_told() {
    let (folder, path, _) = folder();
    write(&path, Compression::SNAPPY, Some(12));
    match problem(load_with(&path, &options())) {
        Some(DataProblem::Table(TableProblem::RowCell {
            row: 12,
            column,
            problem: CellProblem::Missing { .. },
        })) => {
            assert_eq!(column, "size");
        }
        other => panic!("{other:?}"),
    }
    write(&path, Compression::SNAPPY, None);
    let mut dated = options();
    dated.table.ignore.clear();
    let error = load_with(&path, &dated).unwrap_err().to_string();
    assert!(
        error.contains("the column `seen` holds dates or times, such as `2019-04-14`"),
        "{error}"
    );
    // A folder may hold one.
    assert_eq!(load_with(folder.path(), &options()).unwrap().train.rows, 20);
    let whole = fs::read(&path).unwrap();
    for broken in [&whole[..whole.len() / 2], b"PAR1", b""] {
        fs::write(&path, broken).unwrap();
        let error = load_with(&path, &options());
        assert!(matches!(
            problem(error),
            Some(DataProblem::Table(TableProblem::Parquet { .. }))
        ),);
    }
}
