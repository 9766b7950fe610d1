//! Tables for the terminal, and the verification as one.

use super::number::{change, plural, short_or_dash};
use super::top::query_cell;
use super::{Place, VerificationRecord};

/// Rows of cells in columns two spaces apart, the first row the head; the columns `left` start at the left, the others
/// end at the right. Ends with a newline.
pub fn aligned(rows: &[Vec<String>], left: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length =
        |row: &Vec<String>, column: usize| row.get(column).map_or(0, |it| it.chars().count());
    let width = |column| rows.iter().map(|row| length(row, column)).max();
    let widths: Vec<usize> = (0..columns).map(|it| width(it).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match left.contains(&column) {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// Pairs that are shown.
const PAIRS: usize = 100;

/// Predicted against actual changes in aligned columns, of a hundred pairs at most, and below them how well all agree.
///
/// Changes are in the unit of what is measured; see [`Pair`](super::Pair). Ends with a newline.
pub fn verification_table(verification: &VerificationRecord) -> String {
    let corrected = verification.newton.is_some();
    let mut head = vec!["query", "train", "kind", "predicted"];
    head.extend(corrected.then_some("Newton"));
    head.push("actual");
    let mut head: Vec<String> = head.into_iter().map(String::from).collect();
    if verification.pairs.iter().any(|it| it.source.is_some()) {
        head.push("where the training example stands".into());
    }
    let mut rows = vec![head];
    rows.extend(verification.pairs.iter().take(PAIRS).map(|pair| {
        let mut row = vec![
            query_cell(pair.query),
            pair.train.to_string(),
            pair.kind.name().to_string(),
            change(pair.predicted),
        ];
        row.extend(corrected.then(|| pair.newton.map_or_else(String::new, change)));
        let source = pair.source.as_ref();
        row.extend([
            change(pair.actual),
            source.map_or_else(String::new, Place::to_string),
        ]);
        row
    }));
    let mut text = aligned(&rows, &[2, 5 + usize::from(corrected)]);
    if let more @ 1.. = verification.pairs.len().saturating_sub(PAIRS) {
        text.push_str(&format!("and {} more\n", plural(more, "pair")));
    }
    text.push_str(&format!(
        "\nPearson {}   Spearman {}   slope {}   over {} pairs\n",
        short_or_dash(verification.pearson),
        short_or_dash(verification.spearman),
        short_or_dash(verification.slope),
        verification.pairs.len(),
    ));
    if let Some(newton) = verification.newton {
        text.push_str(&format!(
            "Newton estimates: Pearson {}   Spearman {}   slope {}   over {} pairs\n",
            short_or_dash(newton.pearson),
            short_or_dash(newton.spearman),
            short_or_dash(newton.slope),
            newton.pairs,
        ));
    }
    text.push_str(&format!("{}\n", verification.verdict()));
    text.extend(verification.notes().into_iter().map(|it| it + "\n"));
    for failed in &verification.failed {
        text.push_str(&format!(
            "left out: example {}{}, {}\n",
            failed.train,
            failed
                .source
                .as_ref()
                .map_or_else(String::new, |it| format!(" ({it})")),
            failed.reason
        ));
    }
    text
}
