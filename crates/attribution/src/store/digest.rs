//! Digests: whether something is what it was.

use sha2::{Digest as _, Sha256};

/// The SHA-256 of several parts, each with its length, so that no two lists of parts have the same.
#[derive(Clone, Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first half in hexadecimal digits, which is enough to tell keys apart.
    pub fn name(self) -> String {
        let bytes = self.bytes();
        bytes[..16].iter().map(|it| format!("{it:02x}")).collect()
    }
}
