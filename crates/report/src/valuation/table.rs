//! The valuation as tables for the terminal.

use super::{MethodRecord, ValuationRecord};
use crate::{
    number::{count, percent, short, short_or_dash},
    table::aligned,
};

/// How the values were found, what removing players in their order does, and how soon wrong labels are found. Ends with
/// a newline.
pub fn valuation_table(record: &ValuationRecord) -> String {
    let mut text = aligned(&methods(record), &[0, 5]);
    text.push('\n');
    text.push_str(&aligned(&curves(record), &[0]));
    if !record.found.is_empty() {
        text.push('\n');
        text.push_str(&aligned(&found(record), &[0]));
    }
    text
}

/// A row a method below a head.
pub(super) fn methods(record: &ValuationRecord) -> Vec<Vec<String>> {
    let head = [
        "values",
        "of none",
        "of all",
        "sum",
        "mean s.e.",
        "found by",
    ];
    let row = |it: &MethodRecord| {
        vec![
            it.name.clone(),
            short_or_dash(it.empty),
            short_or_dash(it.all),
            short(it.sum),
            short_or_dash(it.standard_error),
            words(it),
        ]
    };
    let rows = record.methods.iter().map(row);
    [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect()
}

/// How a method found its values, with how far it came.
fn words(method: &MethodRecord) -> String {
    let mut words = method.words.clone();
    if let (Some(made), Some(looked_at)) = (method.permutations, method.looked_at) {
        let each = looked_at as f64 / made as f64;
        let ended = match (method.converged, method.convergence.last()) {
            (Some(true), _) => "converged".to_owned(),
            (_, Some((_, change))) => format!("changing by {} yet", short_or_dash(*change)),
            _ => "too few to tell how far they converged".to_owned(),
        };
        words += &format!(
            ", {} permutations, {} players looked at in each, {ended}",
            count(made),
            short(each)
        );
    }
    words
}

/// The mean performance of what is left, by each column's order.
pub(super) fn curves(record: &ValuationRecord) -> Vec<Vec<String>> {
    let head = ["removed by", "highest first", "lowest first"];
    let rows = record.curves.iter().map(|it| {
        let [highest, lowest] = it.means().map(short);
        vec![it.by.clone(), highest, lowest]
    });
    let random = short(record.random.mean());
    let random = vec!["random".to_owned(), random.clone(), random];
    let rows = [head.map(String::from).to_vec()].into_iter().chain(rows);
    rows.chain([random]).collect()
}

/// How soon wrong labels are found.
pub(super) fn found(record: &ValuationRecord) -> Vec<Vec<String>> {
    let head = ["wrong labels by", "found at 20 %", "area"];
    let rows = record
        .found
        .iter()
        .map(|it| vec![it.by.clone(), percent(it.found_at_fifth), short(it.area)]);
    [head.map(String::from).to_vec()]
        .into_iter()
        .chain(rows)
        .collect()
}
