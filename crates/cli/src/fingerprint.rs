//! What a data set holds, in sixteen digits.

use backdraft::attribution::Digest;
use backdraft_models::data::{Dataset, Split, Targets};

/// What a data set holds, in sixteen digits: of the sizes, inputs, targets and weights.
pub(super) fn fingerprint(dataset: &Dataset) -> String {
    let mut digest = Digest::default();
    feed(&mut digest, &dataset.train);
    let valid = dataset.valid.iter();
    valid.for_each(|split| feed(&mut digest, split));
    feed(&mut digest, &dataset.test);
    digest.short()
}

/// The same of one part.
pub(super) fn part_fingerprint(split: &Split) -> String {
    let mut digest = Digest::default();
    feed(&mut digest, split);
    digest.short()
}

fn feed(digest: &mut Digest, split: &Split) {
    let mut feed = |bytes: &[u8]| digest.feed(bytes);
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
}
