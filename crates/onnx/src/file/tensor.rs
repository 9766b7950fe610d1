//! Tensors as a file stores them.

use std::{
    fs::File,
    io::{Read as _, Seek, SeekFrom},
    path::Path,
};

use burn::tensor::{bf16, f16};

use super::wire::{Fields, Read};
use crate::{
    error::OnnxProblem,
    host::{HostData, HostTensor},
    port::OnnxElement,
};

/// A tensor as a file stores it.
#[derive(Clone, Default)]
pub(crate) struct StoredTensor<'a> {
    pub(crate) name: String,
    pub(crate) dims: Vec<i64>,
    /// ONNX's number for its element type.
    data_type: i64,
    raw: Option<&'a [u8]>,
    floats: Vec<f32>,
    ints: Vec<i64>,
    doubles: Vec<f64>,
    /// Where it is, if in a file of its own: keys and values.
    external: Vec<(String, String)>,
}

impl<'a> StoredTensor<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Read<Self> {
        let mut tensor = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, dims) => dims.ints(&mut tensor.dims)?,
                (2, data_type) => tensor.data_type = data_type.int()?,
                (4, values) => values.floats(&mut tensor.floats)?,
                // In 32 and in 64 bits, with and without signs: never are there several of them.
                (5 | 7 | 11, values) => values.ints(&mut tensor.ints)?,
                (8, name) => tensor.name = name.text()?,
                (9, raw) => tensor.raw = Some(raw.bytes()?),
                (10, values) => values.doubles(&mut tensor.doubles)?,
                (13, entry) => {
                    let (mut key, mut value) = (String::new(), String::new());
                    for field in Fields::of(entry.bytes()?) {
                        match field? {
                            (1, text) => key = text.text()?,
                            (2, text) => value = text.text()?,
                            _ => (),
                        }
                    }
                    tensor.external.push((key, value));
                }
                _ => (),
            }
        }
        Ok(tensor)
    }

    /// What it holds.
    pub(crate) fn element(&self) -> OnnxElement {
        OnnxElement::of(self.data_type)
    }

    /// Its numbers. `folder` is where files lie that hold some of them.
    pub(crate) fn load(&self, folder: &Path) -> Result<HostTensor, OnnxProblem> {
        let problem = |reason: String| OnnxProblem::Tensor {
            tensor: self.name.clone(),
            reason,
        };
        let dims = self.dims.iter().map(|&dim| usize::try_from(dim));
        let shape: Vec<usize> = dims
            .collect::<Result<_, _>>()
            .map_err(|_| problem(format!("its shape {:?} has a negative length", self.dims)))?;
        let count = shape.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
        let count = count.ok_or_else(|| problem(format!("its shape {shape:?} is too large")))?;
        let data = match (&self.external[..], self.raw) {
            ([], Some(raw)) => self.decode(raw),
            ([], None) => self.listed(),
            (external, _) => self.decode(&read_external(&self.name, external, folder)?),
        };
        let data = data.map_err(problem)?;
        if data.len() != count {
            let found = data.len();
            return Err(problem(format!(
                "its shape is {shape:?}, of {count} numbers, and {found} are there; export or copy the file again"
            )));
        }
        Ok(HostTensor { shape, data })
    }

    /// Its elements, if they are not in a file of their own and can be read.
    pub(crate) fn load_inside(&self) -> Option<HostData> {
        match (&self.external[..], self.raw) {
            ([], Some(raw)) => self.decode(raw).ok(),
            ([], None) => self.listed().ok(),
            _ => None,
        }
    }

    /// From bytes, least significant first.
    fn decode(&self, raw: &[u8]) -> Result<HostData, String> {
        fn each<const N: usize, T>(
            raw: &[u8],
            of: impl Fn([u8; N]) -> T,
        ) -> Result<Vec<T>, String> {
            let (parts, rest) = raw.as_chunks::<N>();
            match rest.is_empty() {
                true => Ok(parts.iter().map(|&part| of(part)).collect()),
                false => Err(format!("it has {} bytes, not a multiple of {N}", raw.len())),
            }
        }
        Ok(match self.data_type {
            1 => HostData::Float(each(raw, |b| f64::from(f32::from_le_bytes(b)))?),
            11 => HostData::Float(each(raw, f64::from_le_bytes)?),
            10 => HostData::Float(each(raw, |b| f16::from_le_bytes(b).to_f64())?),
            16 => HostData::Float(each(raw, |b| bf16::from_le_bytes(b).to_f64())?),
            2 => HostData::Int(each(raw, |b| i64::from(u8::from_le_bytes(b)))?),
            3 => HostData::Int(each(raw, |b| i64::from(i8::from_le_bytes(b)))?),
            4 => HostData::Int(each(raw, |b| i64::from(u16::from_le_bytes(b)))?),
            5 => HostData::Int(each(raw, |b| i64::from(i16::from_le_bytes(b)))?),
            6 => HostData::Int(each(raw, |b| i64::from(i32::from_le_bytes(b)))?),
            7 => HostData::Int(each(raw, i64::from_le_bytes)?),
            12 => HostData::Int(each(raw, |b| i64::from(u32::from_le_bytes(b)))?),
            9 => HostData::Bool(each(raw, |[byte]: [u8; 1]| byte != 0)?),
            other => return Err(unsupported(other)),
        })
    }

    /// From lists of numbers.
    fn listed(&self) -> Result<HostData, String> {
        let ints = || self.ints.iter();
        Ok(match self.data_type {
            1 => HostData::Float(self.floats.iter().copied().map(f64::from).collect()),
            11 => HostData::Float(self.doubles.clone()),
            // The bits of a number in 16 bits stand in one of 32.
            10 => HostData::Float(ints().map(|&n| f16::from_bits(n as u16).to_f64()).collect()),
            16 => HostData::Float(
                ints()
                    .map(|&n| bf16::from_bits(n as u16).to_f64())
                    .collect(),
            ),
            2..=7 | 12 => HostData::Int(self.ints.clone()),
            9 => HostData::Bool(ints().map(|&n| n != 0).collect()),
            other => return Err(unsupported(other)),
        })
    }
}

fn unsupported(data_type: i64) -> String {
    format!(
        "its elements are of ONNX's type {data_type}, which is not supported; export it in float32 or float64"
    )
}

/// The bytes of a tensor that is kept in another file.
fn read_external(
    tensor: &str,
    external: &[(String, String)],
    folder: &Path,
) -> Result<Vec<u8>, OnnxProblem> {
    let value = |key: &str| {
        let entry = external.iter().find(|(found, _)| found == key);
        entry.map(|(_, value)| value.as_str())
    };
    let location = value("location").unwrap_or_default();
    let file = folder.join(location);
    let problem = |reason: String| OnnxProblem::ExternalData {
        tensor: tensor.into(),
        file: file.clone(),
        reason,
    };
    let number = |key: &str| {
        let value = value(key).map(str::parse::<u64>).transpose();
        value.map_err(|_| {
            problem(format!(
                "is said to hold it from no number of bytes (`{key}`)"
            ))
        })
    };
    // A file must not read what lies elsewhere.
    let inside = Path::new(location).components().all(|part| {
        matches!(
            part,
            std::path::Component::Normal(_) | std::path::Component::CurDir
        )
    });
    if location.is_empty() || !inside {
        return Err(problem(
            "does not lie in the folder of the ONNX file".into(),
        ));
    }
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let cannot = |source: std::io::Error| problem(format!("cannot be read ({source})"));
    let mut opened = File::open(&file).map_err(cannot)?;
    opened.seek(SeekFrom::Start(offset)).map_err(cannot)?;
    let mut bytes = Vec::new();
    match length {
        None => opened.read_to_end(&mut bytes).map_err(cannot)?,
        Some(length) => opened
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(cannot)?,
    };
    if length.is_some_and(|length| length != bytes.len() as u64) {
        return Err(problem(format!(
            "ends before it: it has {} of its bytes",
            bytes.len()
        )));
    }
    Ok(bytes)
}
