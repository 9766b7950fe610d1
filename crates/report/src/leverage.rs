//! `leverage.csv`: how far each training example is fitted by itself alone, and its Newton estimates.

use backdraft_attribution::NewtonScores;

use super::top::query_cell;
use super::{ExampleInfo, OutputError, PlaceColumns, ScoreRecord};

/// The file's name.
pub const LEVERAGE_FILE: &str = "leverage.csv";

/// All training examples, the largest leverage first, as `rank,train,label,leverage,total_leverage`, for each row of
/// `scores` a column `newton_QUERY`, or `newton_mean` (empty where an example has no estimate), and where each stands.
/// Estimates are multiplied by the factor of what is measured, which takes them to the unit of the scores.
///
/// # Errors
/// [`OutputError::Length`] if there are not as many labels, places or queries as estimates.
pub fn leverage_csv(
    found: &NewtonScores,
    scores: &ScoreRecord,
    examples: &ExampleInfo,
) -> Result<Vec<u8>, OutputError> {
    examples.check(found.leverages.len())?;
    OutputError::check_len(
        "rows of Newton estimates",
        scores.rows(),
        found.values.len(),
    )?;
    let refused = |reason: String| OutputError::encode(LEVERAGE_FILE, reason);
    let stands = PlaceColumns::of(&examples.train);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = ["rank", "train", "label", "leverage", "total_leverage"];
    let mut head = head.map(String::from).to_vec();
    let names = (0..scores.rows()).map(|row| query_cell(scores.query(row)));
    head.extend(names.map(|name| format!("newton_{name}")));
    head.extend(stands.head().map(String::from));
    write(head)?;
    let (leverages, factor) = (&found.leverages, examples.measure.factor);
    let mut order: Vec<usize> = (0..leverages.len()).collect();
    order.sort_by(|&a, &b| leverages[b].largest().total_cmp(&leverages[a].largest()));
    for (rank, train) in (1..).zip(order) {
        let label = examples.labels.get(train);
        let label = label.map(|it| examples.labels.exact(it));
        let leverage = &leverages[train];
        let mut record = vec![
            rank.to_string(),
            train.to_string(),
            label.unwrap_or_default(),
            format!("{:?}", leverage.largest()),
            format!("{:?}", leverage.total()),
        ];
        let changes = found.values.iter().map(|row| row[train]);
        record.extend(
            changes.map(|it| it.map_or_else(String::new, |it| format!("{:?}", factor * it))),
        );
        record.extend(stands.cells(&examples.train[train]));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
