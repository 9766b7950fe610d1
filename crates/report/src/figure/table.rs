//! The numbers of a figure as CSV.

use crate::OutputError;

/// Rows of numbers under a head, each number with all its digits; what is not finite is empty. `file` is named in
/// errors.
///
/// # Errors
/// [`OutputError::Encode`] for rows of another length than the head.
pub fn figure_csv(
    file: &'static str,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<f64>>,
) -> Result<Vec<u8>, OutputError> {
    let refused = |error: csv::Error| OutputError::encode(file, error);
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(head).map_err(refused)?;
    for row in rows {
        let cells = row.into_iter().map(|it| match it.is_finite() {
            true => format!("{it:?}"),
            false => String::new(),
        });
        table.write_record(cells).map_err(refused)?;
    }
    table
        .into_inner()
        .map_err(|error| OutputError::encode(file, error.error().to_string()))
}
