//! Digests: whether something is what it was.

use std::fmt::Write;

use sha2::{Digest as _, Sha256};

/// A SHA-256 of bytes that are fed to it.
#[derive(Clone, Debug, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.feed(bytes);
        digest
    }

    /// Takes further bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// With a further part and its length, so that no two lists of parts have the same.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.feed(&(bytes.len() as u64).to_le_bytes());
        self.feed(bytes);
        self
    }

    /// The digest.
    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// In 64 hexadecimal digits, as `sha256sum` says it.
    pub fn digits(self) -> String {
        let mut digits = String::new();
        for byte in self.bytes() {
            let _ = write!(digits, "{byte:02x}");
        }
        digits
    }

    /// The first sixteen of them, which is enough to tell whether something has changed.
    pub fn short(self) -> String {
        let mut digits = self.digits();
        digits.truncate(16);
        digits
    }

    /// The first half of them, which is enough to tell keys apart.
    pub fn name(self) -> String {
        let mut digits = self.digits();
        digits.truncate(32);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn a_digest_is_that_of_other_tools() {
        // `printf abc | sha256sum`
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").digits(), abc);
    }
}
