//! `self-influence.csv`: how much each training example did for what is measured of itself, its own loss as a rule.

use backdraft_attribution::SelfInfluences;

use super::{ExampleInfo, OutputError, PlaceColumns};

/// The file's name.
pub const SELF_INFLUENCE_FILE: &str = "self-influence.csv";

/// All training examples, the largest self-influence first, of either sign, as `rank,train,label,self_influence,exact`,
/// and where each stands. Values are multiplied by the factor of what is measured, which takes them to its unit.
///
/// # Errors
/// [`OutputError::Length`] if there are not as many labels or places as examples.
pub fn self_influence_csv(
    found: &SelfInfluences,
    examples: &ExampleInfo,
) -> Result<Vec<u8>, OutputError> {
    examples.check(found.values.len())?;
    let refused = |reason: String| OutputError::encode(SELF_INFLUENCE_FILE, reason);
    let stands = PlaceColumns::of(&examples.train);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = ["rank", "train", "label", "self_influence", "exact"];
    write(
        head.into_iter()
            .chain(stands.head())
            .map(String::from)
            .collect(),
    )?;
    let mut order: Vec<usize> = (0..found.values.len()).collect();
    order.sort_by(|&a, &b| found.values[b].abs().total_cmp(&found.values[a].abs()));
    for (rank, train) in (1..).zip(order) {
        let label = examples.labels.get(train);
        let label = label.map(|it| examples.labels.exact(it));
        let mut record = vec![
            rank.to_string(),
            train.to_string(),
            label.unwrap_or_default(),
            format!("{:?}", examples.measure.factor * found.values[train]),
            found.exact[train].to_string(),
        ];
        record.extend(stands.cells(&examples.train[train]));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
