//! Numbers that were not finite, as JSON has them.

use serde::{Deserialize, Deserializer};

use super::{ByResponse, Gaps};

/// A number that was not finite when it was written is read as NaN.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::deserialize(from).map(or_nan)
}

/// The same for a list.
pub(super) fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    Vec::deserialize(from).map(all_or_nan)
}

/// The same for the gaps of one removal.
pub(super) fn gaps<'de, D: Deserializer<'de>>(from: D) -> Result<Gaps<f64>, D::Error> {
    Gaps::deserialize(from).map(|gaps| gaps.map(or_nan))
}

/// The same for the responses to one removal.
pub(super) fn responses<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<ByResponse<Vec<f64>>, D::Error> {
    ByResponse::deserialize(from).map(|responses| responses.map(all_or_nan))
}

fn all_or_nan(list: Vec<Option<f64>>) -> Vec<f64> {
    list.into_iter().map(or_nan).collect()
}

fn or_nan(number: Option<f64>) -> f64 {
    number.unwrap_or(f64::NAN)
}
