//! What bytes are, in sixteen digits.

use std::fmt::{self, Display};

use backdraft_models::data::{Dataset, Split, Targets};

/// FNV-1a, 64 bits: tells whether a file or data set has changed, not whether somebody meant it to look unchanged.
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a data set holds, in sixteen digits: of the sizes, inputs and targets.
pub(super) fn fingerprint(dataset: &Dataset) -> String {
    let mut fingerprint = Fingerprint::new();
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
    };
    split(&dataset.train);
    dataset.valid.iter().for_each(&mut split);
    split(&dataset.test);
    fingerprint.to_string()
}
