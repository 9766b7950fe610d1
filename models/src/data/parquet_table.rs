//! Tables in Parquet files.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use parquet::basic::LogicalType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::error::DataError;
use super::options::LoadOptions;
use super::problem::{DataProblem, TableProblem};
use super::source::At;
use super::table::Table;

/// Whether a file is called as Parquet files are.
pub(crate) fn is_parquet(path: &Path) -> bool {
    let ending = path.extension().map(|it| it.to_ascii_lowercase());
    ending.is_some_and(|it| it == "parquet" || it == "pq")
}

/// Reads a table, row by row: numbers as they are, true and false, texts; null is a missing value.
pub(crate) fn parse(path: &Path, options: &LoadOptions) -> Result<Table, DataError> {
    let unread = |source| DataError::new(path, DataProblem::Read { source });
    let damaged = |error: ParquetError| {
        let reason = error.to_string();
        DataError::new(path, TableProblem::Parquet { reason })
    };
    // What cannot be sought in, such as a pipe, has no end to begin with.
    if !path.metadata().map_err(unread)?.is_file() {
        return Err(unread(io::Error::new(
            ErrorKind::InvalidInput,
            "it is no plain file",
        )));
    }
    let file = File::open(path).map_err(unread)?;
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns = schema.root_schema().get_fields();
    let names = columns.iter().map(|column| column.name());
    let mut table = Table::new(path, names, At::Row, options)?;
    // What is counted in nanoseconds comes as mere integers.
    let dated = columns.iter().enumerate().find(|(place, column)| {
        let logical = column.get_basic_info().logical_type_ref();
        let is_time = matches!(
            logical,
            Some(LogicalType::Timestamp(_) | LogicalType::Time(_))
        );
        is_time && table.reads(*place)
    });
    if let Some((_, column)) = dated {
        let (column, text) = (column.name().to_owned(), "a timestamp".to_owned());
        return Err(DataError::new(path, TableProblem::Dates { column, text }));
    }
    let mut position = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(damaged)?;
        for row in group.get_row_iter(None).map_err(damaged)? {
            let row = row.map_err(damaged)?;
            let mut cells = Vec::with_capacity(row.len());
            for (column, (name, field)) in row.get_column_iter().enumerate() {
                cells.push(match text(field) {
                    Some(text) => text,
                    None if !table.reads(column) => Cow::Borrowed(""),
                    None => {
                        let column = name.clone();
                        return Err(DataError::new(path, TableProblem::Nested { column }));
                    }
                });
            }
            table.push((cells.iter().map(|it| &**it), cells.len()), position)?;
            position += 1;
        }
    }
    Ok(table)
}

/// A cell as a table of text would have it; none for what is no single value.
fn text(field: &Field) -> Option<Cow<'_, str>> {
    Some(match field {
        Field::Null => Cow::Borrowed(""),
        Field::Str(text) => Cow::Borrowed(text),
        // Texts of writers that do not mark them.
        Field::Bytes(bytes) => Cow::Borrowed(str::from_utf8(bytes.data()).ok()?),
        Field::Float16(value) => Cow::Owned(value.to_f64().to_string()),
        Field::Float(value) => Cow::Owned(f64::from(*value).to_string()),
        Field::Double(value) => Cow::Owned(value.to_string()),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return None,
        other => Cow::Owned(other.to_string()),
    })
}
