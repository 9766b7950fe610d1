//! The experiments' files.

use super::{Correlations, Decomposition, Mislabel, Sweep};
use crate::{OutputError, json::to_json};

impl Decomposition {
    /// Name of the file in the experiment's folder.
    pub const FILE: &str = "decompose.json";

    /// The record as indented JSON; numbers that are not finite become `null`.
    ///
    /// # Errors
    /// [`OutputError::Encode`], only if a value in [`Setup::details`](super::Setup::details) cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, OutputError> {
        to_json(Self::FILE, self)
    }
}

impl Correlations {
    /// Name of the file in the experiment's folder.
    pub const FILE: &str = "correlate.json";

    /// The record as indented JSON; numbers that are not finite become `null`.
    ///
    /// # Errors
    /// [`OutputError::Encode`], only if a value in [`Setup::details`](super::Setup::details) cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, OutputError> {
        to_json(Self::FILE, self)
    }
}

impl Sweep {
    /// Name of the file in the experiment's folder.
    pub const FILE: &str = "sweep.json";

    /// The record as indented JSON; numbers that are not finite become `null`.
    ///
    /// # Errors
    /// [`OutputError::Encode`], only if a value in [`Setup::details`](super::Setup::details) cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, OutputError> {
        to_json(Self::FILE, self)
    }
}

impl Mislabel {
    /// Name of the file in the experiment's folder.
    pub const FILE: &str = "mislabel.json";

    /// The record as indented JSON; numbers that are not finite become `null`.
    ///
    /// # Errors
    /// [`OutputError::Encode`], only if a value in [`Setup::details`](super::Setup::details) cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, OutputError> {
        to_json(Self::FILE, self)
    }
}
