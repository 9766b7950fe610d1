//! One of NumPy's arrays.

use std::io::{self, Read};

use npyz::{DType, Deserialize, NpyFile, Order, TypeChar};

use super::problem::ArrayProblem;

/// An array in C order, the last dimension being the fastest.
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) elements: Elements,
}

/// What an array holds.
pub(crate) enum Elements {
    /// Unsigned bytes.
    Bytes(Vec<u8>),
    /// Numbers of any other type, of which 64-bit integers beyond 2^53 are rounded.
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Array {
    /// Reads the array `name` of a stream of `size` bytes.
    pub(crate) fn read(reader: impl Read, name: &str, size: u64) -> Result<Self, ArrayProblem> {
        let unread = |error: io::Error| ArrayProblem::Array {
            array: name.to_owned(),
            reason: error.to_string(),
        };
        let file = NpyFile::new(reader).map_err(unread)?;
        let dtype = file.dtype();
        let unknown = || ArrayProblem::Kind {
            array: name.to_owned(),
            dtype: dtype.descr(),
        };
        let DType::Plain(kind) = &dtype else {
            return Err(unknown());
        };
        // The header alone must not decide how much memory is taken.
        let bytes = kind.num_bytes().unwrap_or(1) as u64;
        let needed = file
            .shape()
            .iter()
            .try_fold(bytes, |all, &it| all.checked_mul(it));
        if needed.is_none_or(|needed| needed > size) {
            return Err(ArrayProblem::Array {
                array: name.to_owned(),
                reason: "it is cut short".to_owned(),
            });
        }
        let shape: Vec<usize> = file.shape().iter().map(|&it| it as usize).collect();
        let order = file.order();
        let elements = match (kind.type_char(), bytes) {
            (TypeChar::Bool, _) => numbers::<bool>(file, f64::from),
            (TypeChar::Uint, 1) => file.into_vec().map(Elements::Bytes),
            (TypeChar::Uint, 2) => numbers::<u16>(file, f64::from),
            (TypeChar::Uint, 4) => numbers::<u32>(file, f64::from),
            (TypeChar::Uint, 8) => numbers(file, |it: u64| it as f64),
            (TypeChar::Int, 1) => numbers::<i8>(file, f64::from),
            (TypeChar::Int, 2) => numbers::<i16>(file, f64::from),
            (TypeChar::Int, 4) => numbers::<i32>(file, f64::from),
            (TypeChar::Int, 8) => numbers(file, |it: i64| it as f64),
            (TypeChar::Float, 4) => numbers::<f32>(file, f64::from),
            (TypeChar::Float, 8) => numbers::<f64>(file, f64::from),
            (TypeChar::UnicodeStr, _) => file.into_vec().map(Elements::Texts),
            _ => return Err(unknown()),
        };
        let mut elements = elements.map_err(unread)?;
        if order == Order::Fortran && shape.len() > 1 {
            elements = match elements {
                Elements::Bytes(all) => Elements::Bytes(turned(&all, &shape)),
                Elements::Numbers(all) => Elements::Numbers(turned(&all, &shape)),
                Elements::Texts(all) => Elements::Texts(turned(&all, &shape)),
            };
        }
        Ok(Self {
            name: name.to_owned(),
            shape,
            elements,
        })
    }

    /// The numbers, each finite for 32 bits; texts are refused.
    pub(crate) fn numbers(&self) -> Result<Vec<f64>, ArrayProblem> {
        let numbers: Vec<f64> = match &self.elements {
            Elements::Bytes(bytes) => bytes.iter().map(|&it| it.into()).collect(),
            Elements::Numbers(numbers) => numbers.clone(),
            Elements::Texts(_) => {
                return Err(ArrayProblem::Kind {
                    array: self.name.clone(),
                    dtype: "text".to_owned(),
                });
            }
        };
        let wrong = |it: &f64| it.is_nan() || it.abs() > f64::from(f32::MAX);
        match numbers.iter().position(wrong) {
            Some(place) => Err(ArrayProblem::NotFinite {
                array: self.name.clone(),
                row: place * self.shape.first().unwrap_or(&1) / numbers.len(),
                value: numbers[place],
            }),
            None => Ok(numbers),
        }
    }
}

fn numbers<T: Deserialize>(
    file: NpyFile<impl Read>,
    number: impl Fn(T) -> f64,
) -> io::Result<Elements> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, format!("{error}"));
    let data = file.data::<T>().map_err(invalid)?;
    let numbers: io::Result<Vec<f64>> = data.map(|it| it.map(&number)).collect();
    numbers.map(Elements::Numbers)
}

/// Elements whose first dimension is the fastest, in the order where the last one is.
fn turned<T: Clone>(elements: &[T], shape: &[usize]) -> Vec<T> {
    let mut turned = Vec::with_capacity(elements.len());
    let mut place = vec![0; shape.len()];
    for _ in 0..elements.len() {
        let mut stride = 1;
        let mut from = 0;
        for (at, size) in place.iter().zip(shape) {
            from += at * stride;
            stride *= size;
        }
        turned.push(elements[from].clone());
        for (at, size) in place.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < *size {
                break;
            }
            *at = 0;
        }
    }
    turned
}
