//! One setting varied.

use std::fmt::Display;

/// What came of one value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPoint<T> {
    /// The value.
    pub value: f64,
    /// What was found there, or why nothing was.
    pub found: Result<T, String>,
}

/// Evaluates at each of `values` of a setting, one after another (Bae et al. 2022, Section 5.3). Where nothing comes of
/// one, and `concerns_value` says of the error that others may go well, the reason is kept and the others go on.
///
/// ```
/// use backdraft_attribution::evaluate::{EvaluateError, sweep};
///
/// let gaps = |damping: f64| match damping > 0.0 {
///     true => Ok(0.1 / damping),
///     false => Err(EvaluateError::NotFinite { what: "the gap" }),
/// };
/// let points = sweep(&[0.0, 0.1], gaps, EvaluateError::concerns_one_value)?;
/// assert!(points[0].found.is_err());
/// assert_eq!(points[1].found, Ok(1.0));
/// # Ok::<(), EvaluateError>(())
/// ```
///
/// # Errors
/// The first error that concerns all values.
pub fn sweep<T, E: Display>(
    values: &[f64],
    mut evaluate: impl FnMut(f64) -> Result<T, E>,
    concerns_value: impl Fn(&E) -> bool,
) -> Result<Vec<SweepPoint<T>>, E> {
    let point = |&value: &f64| {
        let found = match evaluate(value) {
            Err(error) if concerns_value(&error) => Err(error.to_string()),
            found => Ok(found?),
        };
        Ok(SweepPoint { value, found })
    };
    values.iter().map(point).collect()
}
