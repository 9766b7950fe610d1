//! A column of a table that a network is to read: numbers, or texts that are categories.

use std::collections::{BTreeSet, HashMap};

use super::problem::CellProblem;
use super::table::number;
use crate::number::brief;

/// A column that a network is to read.
pub(crate) struct FeatureColumn {
    pub(crate) name: String,
    /// Whether its values were said to be categories, whatever they look like.
    pub(crate) named: bool,
    pub(crate) cells: ColumnCells,
}

/// The cells of a column.
pub(crate) enum ColumnCells {
    Numbers(Vec<f64>),
    Texts(TextCells),
}

/// Texts by their place among the different ones.
#[derive(Default)]
pub(crate) struct TextCells {
    pub(crate) codes: Vec<u32>,
    /// The different texts, in the order in which they were first met.
    pub(crate) texts: Vec<String>,
    known: HashMap<String, u32>,
    /// Where the first of them stands.
    pub(crate) first: u64,
}

impl TextCells {
    fn push(&mut self, text: &str) {
        let code = match self.known.get(text) {
            Some(&code) => code,
            None => {
                let code = self.texts.len() as u32;
                self.texts.push(text.to_owned());
                self.known.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }
}

impl FeatureColumn {
    pub(crate) fn new(name: String, named: bool) -> Self {
        let cells = match named {
            true => ColumnCells::Texts(TextCells::default()),
            false => ColumnCells::Numbers(Vec::new()),
        };
        Self { name, named, cells }
    }

    /// Takes the cell at `position` in the file. Of a column that has both, the text is what is wrong; its place comes
    /// with the problem.
    pub(crate) fn push(&mut self, text: &str, position: u64) -> Result<(), (u64, CellProblem)> {
        let found = number(text);
        if !self.named
            && let Err(problem @ CellProblem::DecimalComma { .. }) = found
        {
            return Err((position, problem));
        }
        match (&mut self.cells, found) {
            (ColumnCells::Texts(cells), _) if self.named => cells.push(&canonical(text)),
            (ColumnCells::Numbers(cells), Ok(value)) => cells.push(value),
            (ColumnCells::Numbers(cells), Err(CellProblem::NotANumber { .. }))
                if cells.is_empty() =>
            {
                let mut cells = TextCells {
                    first: position,
                    ..TextCells::default()
                };
                cells.push(text);
                self.cells = ColumnCells::Texts(cells);
            }
            (ColumnCells::Numbers(_), Err(problem)) => return Err((position, problem)),
            (ColumnCells::Texts(cells), Ok(_)) => {
                let text = cells.texts[0].clone();
                return Err((cells.first, CellProblem::NotANumber { text }));
            }
            (ColumnCells::Texts(cells), Err(_)) => cells.push(text),
        }
        Ok(())
    }

    /// Takes the cells of the same column of another table; what is wrong if one has numbers and the other texts.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), String> {
        match (&mut self.cells, other.cells) {
            (ColumnCells::Numbers(own), ColumnCells::Numbers(others)) => own.extend(others),
            (ColumnCells::Texts(own), ColumnCells::Texts(others)) => {
                for code in others.codes {
                    own.push(&others.texts[code as usize]);
                }
            }
            (ColumnCells::Numbers(_), ColumnCells::Texts(others)) => {
                return Err(format!(
                    "its `{}` holds text, such as `{}`, where the other holds numbers",
                    self.name,
                    others.texts.first().map_or("", String::as_str)
                ));
            }
            (ColumnCells::Texts(own), ColumnCells::Numbers(_)) => {
                return Err(format!(
                    "its `{}` holds numbers where the other holds text, such as `{}`",
                    self.name,
                    own.texts.first().map_or("", String::as_str)
                ));
            }
        }
        Ok(())
    }
}

impl TextCells {
    /// The different texts of some rows: in numerical order if all are numbers, else alphabetical.
    pub(crate) fn categories(&self, rows: &[usize]) -> Vec<String> {
        let there: BTreeSet<&str> = rows.iter().map(|&row| self.text(row)).collect();
        let mut there: Vec<String> = there.into_iter().map(str::to_owned).collect();
        let numbers: Result<Vec<f64>, _> = there.iter().map(|text| number(text)).collect();
        if let Ok(numbers) = numbers {
            let mut pairs: Vec<_> = numbers.into_iter().zip(there).collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            there = pairs.into_iter().map(|it| it.1).collect();
        }
        there
    }

    /// The text of a row.
    pub(crate) fn text(&self, row: usize) -> &str {
        &self.texts[self.codes[row] as usize]
    }
}

/// A category's name: numbers with a point are told by their value, so that `1.0` and `1` are one category in files that
/// write them differently, and all others as they are, for `02139` is no number.
fn canonical(text: &str) -> String {
    match number(text) {
        Ok(value) if text.contains('.') => brief(value),
        _ => text.to_owned(),
    }
}
