//! Tensors as a file stores them.

use std::{
    fs::File,
    io::{Read as _, Seek, SeekFrom},
    path::Path,
};

use burn::tensor::{bf16, f16};

use prost::{Message, bytes::Bytes};

use crate::{
    error::OnnxProblem,
    host::{HostData, HostTensor},
    port::OnnxElement,
};

/// A tensor as a file stores it.
#[derive(Clone, Message)]
pub(crate) struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) dims: Vec<i64>,
    /// ONNX's number for its element type.
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(crate) name: String,
    #[prost(bytes = "bytes", optional, tag = "9")]
    raw_data: Option<Bytes>,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    uint64_data: Vec<u64>,
    /// Where it is, if in a file of its own.
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<StringStringEntryProto>,
}

#[derive(Clone, Message)]
struct StringStringEntryProto {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl TensorProto {
    /// What it holds.
    pub(crate) fn element(&self) -> OnnxElement {
        OnnxElement::of(self.data_type.into())
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
        let data = match (&self.external_data[..], &self.raw_data) {
            ([], Some(raw)) => self.of_bytes(raw),
            ([], None) => self.listed(),
            _ => self.of_bytes(&self.read_external(folder)?),
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
        match (&self.external_data[..], &self.raw_data) {
            ([], Some(raw)) => self.of_bytes(raw).ok(),
            ([], None) => self.listed().ok(),
            _ => None,
        }
    }

    /// From bytes, least significant first.
    fn of_bytes(&self, raw: &[u8]) -> Result<HostData, String> {
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
        // With up to 32 bits, with 64, and without signs: there are never several of them.
        let short = self.int32_data.iter().map(|&n| i64::from(n));
        let unsigned = self.uint64_data.iter().map(|&n| n as i64);
        let ints = short.chain(self.int64_data.iter().copied());
        let ints = ints.chain(unsigned);
        Ok(match self.data_type {
            1 => HostData::Float(self.float_data.iter().copied().map(f64::from).collect()),
            11 => HostData::Float(self.double_data.clone()),
            // The bits of a number in 16 bits stand in one of 32.
            10 => HostData::Float(ints.map(|n| f16::from_bits(n as u16).to_f64()).collect()),
            16 => HostData::Float(ints.map(|n| bf16::from_bits(n as u16).to_f64()).collect()),
            2..=7 | 12 => HostData::Int(ints.collect()),
            9 => HostData::Bool(ints.map(|n| n != 0).collect()),
            other => return Err(unsupported(other)),
        })
    }

    /// The bytes of a tensor that is kept in another file.
    fn read_external(&self, folder: &Path) -> Result<Vec<u8>, OnnxProblem> {
        let value = |key: &str| {
            let entry = self.external_data.iter().find(|it| it.key == key);
            entry.map(|it| it.value.as_str())
        };
        let location = value("location").unwrap_or_default();
        let file = folder.join(location);
        let problem = |reason: String| OnnxProblem::ExternalData {
            tensor: self.name.clone(),
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
}

fn unsupported(data_type: i32) -> String {
    format!(
        "its elements are of ONNX's type {data_type}, which is not supported; export it in float32 or float64"
    )
}
