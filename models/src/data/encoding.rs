//! From the columns of a table to numbers: categories become a column each.

use std::collections::HashMap;
use std::path::Path;

use super::column::{ColumnCells, FeatureColumn, TextCells};
use super::date::is_date;
use super::error::DataError;
use super::options::TableOptions;
use super::problem::TableProblem;
use super::reading::Categories;
use super::table::Table;
use crate::quote;

/// Different texts that a column has at most to be taken for categories unasked.
const CATEGORIES: usize = 100;
/// Categories that a note names.
const NAMED: usize = 8;

/// What a network is to read of a table, before it is scaled.
pub(crate) struct Encoding {
    /// One name for each input.
    pub(crate) names: Vec<String>,
    /// The inputs, row by row.
    pub(crate) values: Vec<f64>,
    /// Whether an input is 1 or 0 for a category, which no rule scales.
    pub(crate) coded: Vec<bool>,
    pub(crate) categorical: Vec<Categories>,
    pub(crate) notes: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// The inputs that a column becomes.
enum Block<'a> {
    Numbers(&'a [f64]),
    /// True and false as 1 and 0.
    Flags(Vec<f64>),
    Categories {
        /// How many there are.
        count: usize,
        /// The category of each row; none if it is none of them.
        of: Vec<Option<usize>>,
    },
}

impl Encoding {
    /// Of a table whose rows `train` are trained on: these have the categories, unless `options` has them.
    pub(crate) fn of(
        table: &Table,
        train: &[usize],
        options: &TableOptions,
        path: &Path,
    ) -> Result<Self, DataError> {
        let mut encoding = Self {
            names: Vec::new(),
            values: Vec::new(),
            coded: Vec::new(),
            categorical: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
        };
        let mut blocks = Vec::with_capacity(table.features.len());
        for column in &table.features {
            let block = match &column.cells {
                ColumnCells::Numbers(numbers) => {
                    encoding.names.push(column.name.clone());
                    encoding.coded.push(false);
                    Block::Numbers(numbers)
                }
                ColumnCells::Texts(cells) => encoding
                    .texts(table, (column, cells), train, options)
                    .map_err(|problem| DataError::new(path, problem))?,
            };
            blocks.push(block);
        }
        let rows = table.labels.len();
        encoding.values.reserve(rows * encoding.names.len());
        for row in 0..rows {
            for block in &blocks {
                match block {
                    Block::Numbers(numbers) => encoding.values.push(numbers[row]),
                    Block::Flags(flags) => encoding.values.push(flags[row]),
                    Block::Categories { count, of } => {
                        let own = of[row];
                        let inputs = (0..*count).map(|it| f64::from(own == Some(it)));
                        encoding.values.extend(inputs);
                    }
                }
            }
        }
        Ok(encoding)
    }

    /// What a column of texts becomes.
    fn texts<'a>(
        &mut self,
        table: &Table,
        (column, cells): (&FeatureColumn, &TextCells),
        train: &[usize],
        options: &TableOptions,
    ) -> Result<Block<'a>, TableProblem> {
        let known = options
            .categories
            .iter()
            .find(|it| it.column == column.name);
        if !column.named && known.is_none() {
            if let Some(flags) = flags(cells) {
                self.notes.push(format!(
                    "`{}` holds true and false: 1 and 0",
                    quote::text(&column.name)
                ));
                self.names.push(column.name.clone());
                self.coded.push(true);
                return Ok(Block::Flags(flags));
            }
            check(column, cells)?;
        }
        let categories = match known {
            Some(known) => known.clone(),
            None => Categories {
                column: column.name.clone(),
                values: cells.categories(train),
            },
        };
        self.names.extend(categories.inputs());
        let count = categories.values.len();
        self.coded.extend(vec![true; count]);
        self.notes.push(told(&categories));
        let place: HashMap<&str, usize> = (categories.values.iter().map(String::as_str))
            .zip(0..)
            .collect();
        let of: Vec<Option<usize>> = (0..cells.codes.len())
            .map(|row| place.get(cells.text(row)).copied())
            .collect();
        if let Some(row) = of.iter().position(Option::is_none) {
            let strangers = of.iter().filter(|it| it.is_none()).count();
            let (file, at) = table.place(row);
            self.warnings.push(format!(
                "`{}`: {strangers} example(s) have a category that {} has not, the first `{}` ({} {} {}): all of the column's inputs are \
                 0 there",
                quote::text(&column.name),
                if known.is_some() { "the network" } else { "the training part" },
                quote::text(cells.text(row)),
                quote::path(file),
                at.name(),
                at.number()
            ));
        }
        self.categorical.push(categories);
        Ok(Block::Categories { count, of })
    }
}

/// Refuses what is no category at first sight.
fn check(column: &FeatureColumn, cells: &TextCells) -> Result<(), TableProblem> {
    if cells.texts.iter().all(|text| is_date(text)) {
        return Err(TableProblem::Dates {
            column: column.name.clone(),
            text: cells.texts[0].clone(),
        });
    }
    let (categories, rows) = (cells.texts.len(), cells.codes.len());
    if categories > CATEGORIES || categories * 2 > rows {
        return Err(TableProblem::TooManyCategories {
            column: column.name.clone(),
            categories,
            rows,
        });
    }
    Ok(())
}

/// 1 for true and 0 for false, if a column holds nothing else.
fn flags(cells: &TextCells) -> Option<Vec<f64>> {
    let flag = |text: &String| match text.to_lowercase().as_str() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    };
    let values: Vec<f64> = cells.texts.iter().map(flag).collect::<Option<_>>()?;
    let codes = cells.codes.iter();
    Some(codes.map(|&code| values[code as usize]).collect())
}

/// The categories of a column, in a sentence.
fn told(categories: &Categories) -> String {
    let inputs: Vec<String> = categories.inputs().take(NAMED).collect();
    let others = categories.values.len() - inputs.len();
    let more = match others {
        0 => String::new(),
        _ => format!(" and {others} more"),
    };
    format!(
        "`{}` holds {} categories, an input each: {}{more}",
        quote::text(&categories.column),
        categories.values.len(),
        quote::list(&inputs)
    )
}
