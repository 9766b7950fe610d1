//! What one of several numbers is called.

/// What one of several numbers is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// In files, `warm_start`.
    pub key: &'static str,
    /// For people, `warm start`.
    pub title: &'static str,
}

impl Name {
    pub(super) const fn new(key: &'static str, title: &'static str) -> Self {
        Self { key, title }
    }
}
