//! Arrays in IDX files.

use std::cmp::Ordering;
use std::path::Path;

use super::error::DataError;
use super::file;
use super::problem::IdxProblem;

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
    let array = Array::parse(file::read(path)?, |element| element == Element::U8);
    let array = array.map_err(|problem| DataError::new(path, problem))?;
    Ok((array.sizes, array.bytes))
}

/// An IDX list of numbers of any type, each finite.
pub(crate) fn read_numbers(path: &Path) -> Result<Vec<f64>, DataError> {
    let list = Array::<1>::parse(file::read(path)?, |_| true).and_then(|list| list.numbers());
    list.map_err(|problem| DataError::new(path, problem))
}

/// An array of `D` dimensions.
struct Array<const D: usize> {
    sizes: [usize; D],
    element: Element,
    bytes: Vec<u8>,
}

impl<const D: usize> Array<D> {
    /// Of a file's bytes, if its type is `taken`.
    fn parse(mut bytes: Vec<u8>, taken: impl Fn(Element) -> bool) -> Result<Self, IdxProblem> {
        let words = bytes.chunks_exact(4);
        let mut words = words.map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        // The third byte stands for the type, 0x08 for unsigned bytes, and the last one for the number of dimensions.
        let expected = 0x0800 | D as u32;
        let element = match words.next() {
            Some(found) => Element::of(found >> 8)
                .filter(|&element| found & 0xff == D as u32 && taken(element))
                .ok_or(IdxProblem::Magic {
                    found,
                    expected,
                    dimensions: D,
                })?,
            None => Element::U8,
        };
        let sizes: Vec<u32> = words.take(D).collect();
        let header = 4 * (1 + D);
        let found = bytes.len() as u64;
        let Ok(shape) = <[u32; D]>::try_from(sizes.as_slice()) else {
            return Err(IdxProblem::Truncated {
                sizes,
                found,
                expected: header as u64,
            });
        };
        if shape.contains(&0) {
            return Err(IdxProblem::Empty { sizes });
        }
        let elements = shape.iter().map(|&size| u64::from(size));
        let expected = elements
            .fold(element.size() as u64, u64::saturating_mul)
            .saturating_add(header as u64);
        match found.cmp(&expected) {
            Ordering::Less => Err(IdxProblem::Truncated {
                sizes,
                found,
                expected,
            }),
            Ordering::Greater => Err(IdxProblem::Trailing {
                sizes,
                found,
                expected,
            }),
            Ordering::Equal => {
                bytes.drain(..header);
                Ok(Self {
                    sizes: shape.map(|size| size as usize),
                    element,
                    bytes,
                })
            }
        }
    }

    /// Its elements, each finite.
    fn numbers(&self) -> Result<Vec<f64>, IdxProblem> {
        let elements = self.bytes.chunks_exact(self.element.size());
        let numbers: Vec<f64> = elements.map(|bytes| self.element.number(bytes)).collect();
        match numbers.iter().position(|number| !number.is_finite()) {
            Some(row) => Err(IdxProblem::NotFinite {
                row,
                value: numbers[row],
            }),
            None => Ok(numbers),
        }
    }
}
