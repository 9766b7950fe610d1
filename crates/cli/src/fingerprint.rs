//! What a data set holds, in sixteen digits.

use backdraft::attribution::Digest;
use backdraft_models::data::{Dataset, Split, Targets};

/// What a data set holds, in sixteen digits: of the sizes, inputs, targets and weights.
pub(super) fn fingerprint(dataset: &Dataset) -> String {
    let mut fingerprint = Digest::default();
    let mut feed = |bytes: &[u8]| fingerprint.feed(bytes);
    let mut split = |split: &Split| {
        feed(&(split.rows as u64).to_le_bytes());
        feed(&(split.columns as u64).to_le_bytes());
        split.features.iter().for_each(|x| feed(&x.to_le_bytes()));
        match &split.targets {
            Targets::Classes(ids) | Targets::Tokens { ids, .. } => {
                ids.iter().for_each(|id| feed(&id.to_le_bytes()));
            }
            Targets::Values(values) => values.iter().for_each(|x| feed(&x.to_le_bytes())),
        }
        let weights = split.weights.iter().flatten();
        weights.for_each(|x| feed(&x.to_le_bytes()));
    };
    split(&dataset.train);
    dataset.valid.iter().for_each(&mut split);
    split(&dataset.test);
    fingerprint.short()
}
