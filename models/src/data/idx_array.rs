//! Arrays in IDX files.

use std::path::Path;

use super::error::DataError;
use super::file;

/// What the elements of an IDX array are, by the third byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

impl Element {
    fn of(code: u32) -> Option<Self> {
        Some(match code {
            0x08 => Self::U8,
            0x09 => Self::I8,
            0x0b => Self::I16,
            0x0c => Self::I32,
            0x0d => Self::F32,
            0x0e => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one.
    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The number of its bytes, the highest first.
    fn number(self, bytes: &[u8]) -> f64 {
        let word = bytes
            .iter()
            .fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
        match self {
            Self::U8 => word as f64,
            Self::I8 => f64::from(word as u8 as i8),
            Self::I16 => f64::from(word as u16 as i16),
            Self::I32 => f64::from(word as u32 as i32),
            Self::F32 => f64::from(f32::from_bits(word as u32)),
            Self::F64 => f64::from_bits(word),
        }
    }
}

/// An IDX array of unsigned bytes with `D` dimensions: its sizes and its elements.
pub(crate) fn read_bytes<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>), DataError> {
    let (sizes, _, bytes) = read::<D>(path, |element| element == Element::U8)?;
    Ok((sizes, bytes))
}

/// An IDX list of numbers of any type, each finite.
pub(crate) fn read_numbers(path: &Path) -> Result<Vec<f64>, DataError> {
    let (_, element, bytes) = read::<1>(path, |_| true)?;
    let elements = bytes.chunks_exact(element.size());
    let numbers: Vec<f64> = elements.map(|bytes| element.number(bytes)).collect();
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(row) => Err(DataError::IdxNotFinite {
            path: path.to_owned(),
            row,
            value: numbers[row],
        }),
        None => Ok(numbers),
    }
}

/// The sizes, the type and the bytes of an array of `D` dimensions whose type is `taken`.
fn read<const D: usize>(
    path: &Path,
    taken: impl Fn(Element) -> bool,
) -> Result<([usize; D], Element, Vec<u8>), DataError> {
    let mut bytes = file::read(path)?;
    let mut words = bytes
        .chunks_exact(4)
        .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    // The third byte stands for the type, 0x08 for unsigned bytes, and the last one for the number of dimensions.
    let dimensions = D as u32;
    let element = match words.next() {
        Some(found) => match Element::of(found >> 8).filter(|_| found & 0xff == dimensions) {
            Some(element) if taken(element) => element,
            _ => {
                return Err(DataError::Magic {
                    path: path.to_owned(),
                    found,
                    expected: 0x0800 | dimensions,
                    dimensions: D,
                });
            }
        },
        None => Element::U8,
    };
    let sizes: Vec<u32> = words.take(D).collect();
    let header = 4 * (1 + D);
    let found = bytes.len() as u64;
    let truncated = |expected: u64| DataError::IdxTruncated {
        path: path.to_owned(),
        sizes: sizes.clone(),
        found,
        expected,
    };
    let Ok(shape) = <[u32; D]>::try_from(sizes.as_slice()) else {
        return Err(truncated(header as u64));
    };
    if shape.contains(&0) {
        return Err(DataError::IdxEmpty {
            path: path.to_owned(),
            sizes,
        });
    }
    let total = shape
        .iter()
        .fold(1_u64, |product, &size| {
            product.saturating_mul(u64::from(size))
        })
        .saturating_mul(element.size() as u64)
        .saturating_add(header as u64);
    if found < total {
        return Err(truncated(total));
    }
    if found > total {
        return Err(DataError::IdxTrailing {
            path: path.to_owned(),
            sizes,
            found,
            expected: total,
        });
    }
    bytes.drain(..header);
    Ok((shape.map(|size| size as usize), element, bytes))
}
