//! Values of options as they are written, each refused before anything is read or computed.

use std::num::NonZeroUsize;

use backdraft::attribution::Shard;
use backdraft_models::quote;
use burn::tensor::DType;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::CliError;
use backdraft_report::brief;

/// The most that anything is counted to: products of two counts still fit 64 bits.
const MOST: usize = 1_000_000_000;

/// A number above zero.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    number(text, |x| x > 0.0, "it must be positive and finite")
}

/// A number that is not below zero.
pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| x >= 0.0,
        "it must be zero or positive, and finite",
    )
}

/// A part of a whole.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| (0.0..=1.0).contains(&x),
        "it must be a number from 0 to 1",
    )
}

/// What a step keeps of the one before.
pub(crate) fn momentum(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| (0.0..1.0).contains(&x),
        "it must be at least 0 and below 1",
    )
}

/// A relative residual, which zeros would meet at 1.
pub(crate) fn residual(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| x > 0.0 && x < 1.0,
        "it must lie between 0 and 1, both left out",
    )
}

/// A time.
pub(crate) fn seconds(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| (0.0..=1e9).contains(&x),
        "it must be a number of seconds, 0 or more",
    )
}

/// An amount of memory.
pub(crate) fn gigabytes(text: &str) -> Result<f64, String> {
    number(
        text,
        |x| x > 0.0 && x <= 1e6,
        "it must be a positive number of gigabytes",
    )
}

/// Any number there is.
pub(crate) fn finite(text: &str) -> Result<f64, String> {
    number(text, |_| true, "it must be a finite number")
}

fn number(text: &str, allowed: impl Fn(f64) -> bool, words: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && allowed(value) => Ok(value),
        _ => Err(words.to_owned()),
    }
}

/// How many, at least one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=MOST) => Ok(count),
        _ => Err(format!(
            "it must be a whole number, at least 1 and at most {MOST}"
        )),
    }
}

/// Reads a shard, `2/5`.
pub(crate) fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match numbers {
        Some((index, count)) if (1..=count).contains(&index) => Ok(Shard { index, count }),
        _ => Err("it must be I/N with I from 1 to N, such as 2/5".to_owned()),
    }
}

/// The same, for those who count on it.
pub(crate) fn some(text: &str) -> Result<NonZeroUsize, String> {
    count(text).map(|count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
}

/// How many, perhaps none.
pub(crate) fn count_or_none(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 0..=MOST) => Ok(count),
        _ => Err(format!(
            "it must be a whole number, at least 0 and at most {MOST}"
        )),
    }
}

/// Units of a layer.
pub(crate) fn width(text: &str) -> Result<usize, String> {
    count(text).map_err(|words| format!("{words}, as a layer needs at least one unit"))
}

/// A seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("it must be a whole number from 0 to {}", u64::MAX))
}

/// What the parser found wrong with an option's value, in a line; none if the parser's own words are for something
/// else.
pub(crate) fn refusal(error: &clap::Error) -> Option<String> {
    if error.kind() != ErrorKind::ValueValidation {
        return None;
    }
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let option = context(ContextKind::InvalidArg)?.split(' ').next()?;
    let value = context(ContextKind::InvalidValue)?;
    let problem = std::error::Error::source(error)?;
    Some(match value.as_str() {
        "" => format!("{option} has an empty value: {problem}"),
        value => format!("{option} is {}: {problem}", quote::text(value)),
    })
}

/// Refuses a number that becomes zero or infinite in the type that is computed in.
pub(crate) fn check_fits(
    option: &'static str,
    value: Option<f64>,
    dtype: DType,
) -> Result<(), CliError> {
    let range = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
    match value {
        Some(value) if dtype == DType::F32 && value != 0.0 && !range.contains(&value) => {
            Err(CliError::Option {
                option,
                problem: format!(
                    "is {}: f32 holds positive numbers from {:.1e} to {:.1e}, and this is computed in f32",
                    brief(value),
                    range.start(),
                    range.end()
                ),
            })
        }
        _ => Ok(()),
    }
}
