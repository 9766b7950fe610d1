//! The verification as a table for the terminal.

use super::Verification;
use super::number::{change, short, short_or_dash};

/// Predicted against actual changes in aligned columns, and below them how well they agree.
///
/// Changes are in the units of the query's loss; see [`Pair`](super::Pair). Ends with a newline.
pub fn verification_table(verification: &Verification) -> String {
    let mut rows = vec![["query", "train", "kind", "predicted", "actual"].map(String::from)];
    rows.extend(verification.pairs.iter().map(|pair| {
        [
            pair.query.to_string(),
            pair.train.to_string(),
            pair.kind.name().to_string(),
            change(pair.predicted),
            change(pair.actual),
        ]
    }));
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let width = rows.iter().map(|row| row[column].chars().count()).max();
        width.unwrap_or(0)
    });
    let mut text: String = rows.iter().map(|row| line(row, &widths)).collect();
    text.push_str(&format!(
        "\nPearson {}   Spearman {}   slope {}   over {} pairs\n",
        short_or_dash(verification.pearson),
        short_or_dash(verification.spearman),
        short_or_dash(verification.slope),
        verification.pairs.len(),
    ));
    if let Some(gradient) = verification.max_objective_gradient {
        text.push_str(&format!(
            "largest gradient left in a response objective {}\n",
            short(gradient)
        ));
    }
    for failed in &verification.failed {
        text.push_str(&format!(
            "left out: example {}, {}\n",
            failed.train, failed.reason
        ));
    }
    text
}

/// One row, numbers to the right of their columns.
fn line(row: &[String; 5], widths: &[usize; 5]) -> String {
    let [query, train, kind, predicted, actual] = row;
    let [a, b, c, d, e] = *widths;
    format!("{query:>a$}  {train:>b$}  {kind:<c$}  {predicted:>d$}  {actual:>e$}\n")
}
