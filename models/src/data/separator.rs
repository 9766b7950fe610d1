//! What stands between the columns of a table.

use std::path::Path;

use csv::ReaderBuilder;

/// What is tried, in this order.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records that are looked at below the header.
const LOOKED_AT: usize = 20;

/// What separates the columns: a tab in files that are named so, else what cuts the first lines into the same number of
/// columns, the most columns if there are several; a comma if there is nothing of the kind.
pub(crate) fn detect(bytes: &[u8], path: &Path) -> u8 {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".tsv") || name.ends_with(".tab") {
        return b'\t';
    }
    let mut best = (1, b',');
    for separator in SEPARATORS {
        if let Some(columns) = columns(bytes, separator).filter(|&columns| columns > best.0) {
            best = (columns, separator);
        }
    }
    best.1
}

/// The number of columns that all of the first records have.
fn columns(bytes: &[u8], separator: u8) -> Option<usize> {
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .delimiter(separator)
        .from_reader(bytes);
    let mut records = reader.byte_records().take(1 + LOOKED_AT);
    let columns = records.next()?.ok()?.len();
    records
        .all(|record| record.is_ok_and(|record| record.len() == columns))
        .then_some(columns)
}

/// A separator in words.
pub(crate) fn name(separator: u8) -> String {
    match separator {
        b'\t' => "tabs".to_owned(),
        other => format!("`{}`", char::from(other)),
    }
}
