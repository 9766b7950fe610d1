//! Tables of separated text.

use std::path::Path;

use csv::{ReaderBuilder, Trim};

use super::error::DataError;
use super::options::LoadOptions;
use super::problem::TableProblem;
use super::separator;
use super::source::At;
use super::table::Table;

/// Parses a table of separated text; `path` is for errors.
pub(crate) fn parse(bytes: &[u8], path: &Path, options: &LoadOptions) -> Result<Table, DataError> {
    let unreadable = |source| DataError::new(path, TableProblem::Csv { source });
    // The parser leaves a byte order mark out of its count of bytes.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let asked = options.table.separator;
    let separator = asked.unwrap_or_else(|| separator::detect(bytes, path));
    let mut reader = ReaderBuilder::new()
        .flexible(true) // so that the error can name the line
        .trim(Trim::All)
        .delimiter(separator)
        .from_reader(bytes);
    let names = reader.headers().map_err(unreadable)?;
    let mut table = Table::new(path, names.iter(), At::Line, options)?;
    if separator != b',' {
        let name = separator::name(separator);
        table.notes.push(format!("columns are separated by {name}"));
    }
    let mut lines = LineNumbers::of(bytes);
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let byte = record.position().map_or(0, csv::Position::byte);
        let line = lines.at(byte as usize);
        table.push((record.iter(), record.len()), line)?;
    }
    Ok(table)
}

/// Lines as an editor counts them, from 1; the parser counts an empty line to the record after it.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineNumbers<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// The line of the first byte from `start` on that ends no line. `start` never goes back.
    fn at(&mut self, start: usize) -> u64 {
        while let Some(&byte) = self.bytes.get(self.at) {
            let ends = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= start && byte != b'\n' && byte != b'\r' {
                break;
            }
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
    }
}
