//! How values are laid along an axis.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;

use crate::number::power_of_ten;

// An axis ends a little beyond its values, and must still end at a number.
const LARGEST: f64 = 1e300;

/// Whether a value has a place on a linear axis.
pub(crate) fn drawable(value: f64) -> bool {
    value.abs() < LARGEST
}

/// An axis. Values are drawn as they are: it scales them, and labels them with what it is scaled by.
#[derive(Clone, Debug)]
pub(crate) enum Axis {
    /// Equal differences are equally long; in units of `10^exponent`.
    Linear { range: Range<f64>, exponent: i32 },
    /// Equal ratios are equally long; from one power of ten to another.
    Log { powers: Range<f64> },
    /// Names from the top down, the `i`-th from `i` to `i + 1`.
    Names(Vec<&'static str>),
}

impl Axis {
    /// From one number to another.
    pub(crate) fn between(range: Range<f64>) -> Self {
        Self::Linear { range, exponent: 0 }
    }

    /// A linear axis about all values and zero with some room.
    pub(crate) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let values = values.filter(|&value| drawable(value));
        let (low, high) = values.fold((0f64, 0f64), |(low, high), x| (low.min(x), high.max(x)));
        let largest = high.max(-low);
        if largest == 0.0 {
            return Self::between(-1.0..1.0);
        }
        let exponent = match largest.log10().floor() as i32 {
            -1..3 => 0,
            // 10 to any further power would leave the range of numbers.
            other => other.clamp(-300, 300),
        };
        let scale = 10f64.powi(-exponent);
        let room = 0.06 * (high - low) * scale;
        Self::Linear {
            range: low * scale - room..high * scale + room,
            exponent,
        }
    }

    /// A linear axis about all values with some room, wherever zero is.
    pub(crate) fn around(values: impl Iterator<Item = f64>) -> Self {
        let ends = values
            .filter(|&value| drawable(value))
            .fold(None, |ends, x| {
                let (low, high) = ends.unwrap_or((x, x));
                Some((x.min(low), x.max(high)))
            });
        let (low, high): (f64, f64) = ends.unwrap_or((-1.0, 1.0));
        let size = high.abs().max(low.abs());
        let exponent = match size.log10().floor() {
            // 10 to any further power would leave the range of numbers.
            power if power.is_finite() && !(-1.0..3.0).contains(&power) => {
                power.clamp(-300.0, 300.0) as i32
            }
            _ => 0,
        };
        let scale = 10f64.powi(-exponent);
        let room = match high - low {
            // One number alone.
            0.0 if size == 0.0 => 1.0,
            0.0 => 0.1 * size,
            width => 0.06 * width,
        };
        Self::Linear {
            range: (low - room) * scale..(high + room) * scale,
            exponent,
        }
    }

    /// Whole powers of ten about the positive values; none if there are none.
    pub(crate) fn log(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (low, high) = powers(values)?;
        let (low, high) = (low.floor(), high.ceil());
        // A hair of room, so that rounding does not lose the outermost powers of ten.
        Some(Self::Log {
            powers: low - 0.004..high.max(low + 1.0) + 0.004,
        })
    }

    /// A logarithmic axis where values span one and a half powers of ten, else a linear one. A zero has no place on the
    /// former.
    pub(crate) fn fit(values: impl Iterator<Item = f64> + Clone) -> Self {
        let wide = powers(values.clone()).is_some_and(|(low, high)| high - low >= 1.5);
        let log = if wide {
            Self::log(values.clone())
        } else {
            None
        };
        log.unwrap_or_else(|| Self::linear(values))
    }

    /// Whether a value has a place here.
    pub(crate) fn shows(&self, value: f64) -> bool {
        match self {
            Self::Log { .. } => (1.0 / LARGEST..LARGEST).contains(&value),
            _ => drawable(value),
        }
    }

    /// A title, with the power of ten that the labels are in.
    pub(crate) fn title(&self, text: &str) -> String {
        match self {
            Self::Linear { exponent, .. } if *exponent != 0 => {
                format!("{text} (× {})", power_of_ten(*exponent))
            }
            _ => text.to_string(),
        }
    }

    /// Where a value lies within [`ends`](Self::ends).
    fn place(&self, value: f64) -> f64 {
        match self {
            Self::Linear { exponent, .. } => value * 10f64.powi(-exponent),
            Self::Log { .. } => value.log10(),
            Self::Names(_) => -value,
        }
    }

    /// The value that lies there.
    fn value(&self, place: f64) -> f64 {
        match self {
            Self::Linear { exponent, .. } => place / 10f64.powi(-exponent),
            Self::Log { .. } => 10f64.powf(place),
            Self::Names(_) => -place,
        }
    }

    fn ends(&self) -> Range<f64> {
        match self {
            Self::Linear { range, .. } => range.clone(),
            Self::Log { powers } => powers.clone(),
            Self::Names(names) => -(names.len() as f64)..0.0,
        }
    }
}

/// The logarithms of the least and the greatest of the positive values.
fn powers(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| (1.0 / LARGEST..LARGEST).contains(value))
        .map(f64::log10)
        .fold(None, |ends, power| {
            let (low, high) = ends.unwrap_or((power, power));
            Some((low.min(power), high.max(power)))
        })
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.ends()).map(&self.place(*value), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let Range { start, end } = self.ends();
        let places: Vec<f64> = match self {
            Self::Linear { .. } => RangedCoordf64::from(start..end).key_points(hint),
            Self::Log { .. } => {
                let (first, last) = (start.ceil() as i32, end.floor() as i32);
                let step = (last - first) as usize / hint.max_num_points().max(1) + 1;
                (first..=last).step_by(step).map(f64::from).collect()
            }
            Self::Names(names) => (0..names.len()).map(|it| -(it as f64) - 0.5).collect(),
        };
        places.into_iter().map(|place| self.value(place)).collect()
    }

    fn range(&self) -> Range<f64> {
        let Range { start, end } = self.ends();
        self.value(start)..self.value(end)
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let place = self.place(*value);
        match self {
            Self::Linear { .. } => {
                // A number without the noise of its making; adding zero turns -0 into 0.
                format!("{}", (place * 1e6).round() / 1e6 + 0.0)
            }
            Self::Log { .. } => power_of_ten(place.round() as i32),
            Self::Names(names) => names
                .get(*value as usize)
                .copied()
                .unwrap_or("")
                .to_string(),
        }
    }
}
