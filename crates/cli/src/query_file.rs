//! `--queries FILE`: a file that lists examples by their numbers.

use std::{collections::HashMap, ops::RangeInclusive, path::Path};

use backdraft_models::quote;

use super::{CliError, queries::Query};

/// The columns of a table that may have them.
const COLUMNS: [&str; 3] = ["query", "test", "index"];

/// The examples that the file `path` lists, in its order: an index from 0 or a range of them a line, or a CSV file with
/// a header, in the column `query`, `test` or `index`. `part` names the part of the data that they are of, which holds
/// so many.
///
/// # Errors
/// [`CliError::Option`], of `option`, for what cannot be read, is no index of that part, or is there twice, with the
/// line.
pub(super) fn read(
    path: &Path,
    option: &'static str,
    (part, len): (&str, usize),
) -> Result<Vec<RangeInclusive<usize>>, CliError> {
    let listed = listed(path, (part, len));
    listed.map_err(|problem| CliError::Option {
        option,
        problem: format!("{} {problem}", quote::path(path)),
    })
}

fn listed(path: &Path, (part, len): (&str, usize)) -> Result<Vec<RangeInclusive<usize>>, String> {
    let unread = |error: csv::Error| format!("cannot be read: {}", quote::reason(error));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(unread)?;
    let (mut column, mut ranges) = (None, Vec::new());
    let mut lines = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(unread)?;
        let line = row.position().map_or(0, csv::Position::line);
        let wrong = |problem: String| format!("line {line} {problem}");
        if column.is_none() {
            let named = row.iter().position(|cell| COLUMNS.contains(&cell));
            column = Some(named.unwrap_or(0));
            match named {
                Some(_) => continue,
                None if row.len() > 1 => return Err(wrong(unnamed(row.len()))),
                None => {}
            }
        }
        let found = range(&row, column.unwrap_or(0), (part, len), (line, &mut lines));
        ranges.push(found.map_err(wrong)?);
    }
    match ranges.is_empty() {
        true => Err(format!("lists no {part} example")),
        false => Ok(ranges),
    }
}

/// What is wrong with a first line of so many cells.
fn unnamed(cells: usize) -> String {
    format!(
        "has {cells} cells, and none of them names a column of queries, which is one of {}; without a header there is one index a \
         line",
        COLUMNS.join(", ")
    )
}

/// The indices of a row, none of which is in `lines`, the lines of those before.
fn range(
    row: &csv::StringRecord,
    column: usize,
    (part, len): (&str, usize),
    (line, lines): (u64, &mut HashMap<usize, u64>),
) -> Result<RangeInclusive<usize>, String> {
    let cell = row.get(column).unwrap_or_default();
    let Ok(Query::Indices(range)) = cell.parse() else {
        return Err(format!(
            "has `{}`: it must be an index of a {part} example, counted from 0, or a range of them such as 0-9",
            quote::text(cell)
        ));
    };
    if *range.end() >= len {
        return Err(format!(
            "names {part} example {}: there are {len}, counted from 0",
            (*range.start()).max(len)
        ));
    }
    for index in range.clone() {
        if let Some(first) = lines.insert(index, line) {
            return Err(format!(
                "names {part} example {index} again, as line {first} does"
            ));
        }
    }
    Ok(range)
}
