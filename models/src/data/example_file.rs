//! Examples in a file that does not fit into memory: read a batch at a time, in every pass anew.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use backdraft_curvature::{Examples, Rows, Slot};
use burn::backend::Dispatch;
use burn::backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn::tensor::kind::Kind;
use burn::tensor::{Bytes, DType, Device, TensorData};
use safetensors::tensor::Metadata;

use super::example_file_error::ExampleFileError;
use crate::weights::element_type;

/// Longest header that a file may have, as in the safetensors crate: 100 MB.
const HEADER: u64 = 100_000_000;

/// Inputs and targets in a safetensors file, one row an example, that are read a batch at a time: what a cost over more
/// examples than memory holds is made of.
///
/// ```no_run
/// use backdraft_curvature::{Cost, CrossEntropy, Model};
/// use backdraft_models::data::ExampleFile;
/// use backdraft_models::{Mlp, MlpConfig};
/// use burn::tensor::{Device, Int, Tensor};
///
/// let device = Device::flex();
/// let model = Model::new(&MlpConfig::new(784, 10).init(&device), Mlp::forward)?;
/// let file = ExampleFile::open("train.safetensors", "inputs", "labels")?;
/// file.check::<Tensor<2>, Tensor<1, Int>>()?;
/// let examples = file.len();
/// let cost = Cost::streamed(model, CrossEntropy, examples, move || {
///     file.batches::<Tensor<2>, Tensor<1, Int>>(1024, &device)
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExampleFile {
    path: PathBuf,
    /// The inputs and the targets.
    stored: [StoredRows; 2],
    len: usize,
}

/// Where a tensor's rows stand.
#[derive(Clone, Debug)]
struct StoredRows {
    name: String,
    start: u64,
    /// Of all rows.
    shape: Vec<usize>,
    dtype: DType,
}

impl StoredRows {
    fn row_bytes(&self) -> usize {
        self.shape[1..].iter().product::<usize>() * self.dtype.size()
    }

    fn kind(&self) -> Kind {
        match self.dtype {
            DType::Bool(_) => Kind::Bool,
            dtype if dtype.is_float() => Kind::Float,
            _ => Kind::Int,
        }
    }
}

impl ExampleFile {
    /// The tensors `inputs` and `targets` of the safetensors file at `path`, of which only the header is read.
    ///
    /// # Errors
    /// [`ExampleFileError`], if it is no such file, is cut off, or has no such tensors, of one number of rows.
    pub fn open(
        path: impl Into<PathBuf>,
        inputs: &str,
        targets: &str,
    ) -> Result<Self, ExampleFileError> {
        let path = path.into();
        let (start, header) = header(&path)?;
        let [inputs, targets] = [inputs, targets].map(|name| stored(&path, start, &header, name));
        let stored = [inputs?, targets?];
        let [len, others] = stored.each_ref().map(|it| it.shape[0]);
        if len != others || len == 0 {
            let [inputs, targets] = stored.map(|it| it.name);
            return Err(ExampleFileError::Rows {
                path,
                inputs,
                rows: len,
                targets,
                others,
            });
        }
        Ok(Self { path, stored, len })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no example; never the case.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the inputs are `X`, and the targets `T`.
    ///
    /// # Errors
    /// [`ExampleFileError::Tensor`] if not.
    pub fn check<X: Examples, T: Examples>(&self) -> Result<(), ExampleFileError> {
        for (stored, slots) in self.stored.iter().zip([X::slots(), T::slots()]) {
            let fits = |slot: &Slot| {
                let rank = slot.rank.is_none_or(|rank| rank == stored.shape.len());
                rank && slot.kind.is_none_or(|kind| kind == stored.kind())
            };
            match slots.as_slice() {
                [slot] if fits(slot) => {}
                _ => {
                    return Err(ExampleFileError::Tensor {
                        path: self.path.clone(),
                        name: stored.name.clone(),
                        found: format!("{:?} {:?}", stored.dtype, stored.shape),
                        expected: slots.iter().map(ToString::to_string).collect(),
                    });
                }
            }
        }
        Ok(())
    }

    /// One pass over all examples, `size` at a time (the last batch may be shorter), on `device`: whole numbers in its
    /// own type of them, others as they are stored. No more than one batch is held.
    ///
    /// # Errors
    /// Items are [`ExampleFileError`] if the file cannot be read, has become shorter, or does not hold `X` and `T`
    /// ([`check`](Self::check)); they end with the first.
    pub fn batches<X: Examples, T: Examples>(
        &self,
        size: usize,
        device: &Device,
    ) -> impl Iterator<Item = Result<(X, T), ExampleFileError>> + use<X, T> {
        let (file, device) = (self.clone(), device.clone());
        let mut opened: Option<File> = None;
        let mut starts = (0..file.len).step_by(size.max(1));
        std::iter::from_fn(move || {
            let start = starts.next()?;
            let count = size.max(1).min(file.len - start);
            let batch = file.batch(&mut opened, start, count, &device);
            if batch.is_err() {
                starts = (0..0).step_by(1);
            }
            Some(batch)
        })
    }

    fn batch<X: Examples, T: Examples>(
        &self,
        opened: &mut Option<File>,
        start: usize,
        count: usize,
        device: &Device,
    ) -> Result<(X, T), ExampleFileError> {
        let file = match opened {
            Some(file) => file,
            None => {
                self.check::<X, T>()?;
                let file = File::open(&self.path).map_err(|error| unreadable(&self.path, error))?;
                opened.insert(file)
            }
        };
        let [inputs, targets] = &self.stored;
        let inputs = self.rows(file, inputs, start, count, device)?;
        let targets = self.rows(file, targets, start, count, device)?;
        Ok((
            X::from_rows(&mut std::iter::once(inputs)),
            T::from_rows(&mut std::iter::once(targets)),
        ))
    }

    fn rows(
        &self,
        file: &mut File,
        stored: &StoredRows,
        start: usize,
        count: usize,
        device: &Device,
    ) -> Result<Rows, ExampleFileError> {
        let row = stored.row_bytes();
        let mut bytes = vec![0; row * count];
        let from = stored.start + (row * start) as u64;
        file.seek(SeekFrom::Start(from))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| unreadable(&self.path, error))?;
        let shape = [&[count], &stored.shape[1..]].concat();
        let data = TensorData::from_bytes(Bytes::from_bytes_vec(bytes), shape, stored.dtype);
        let place = device.as_dispatch();
        let tensor = match stored.kind() {
            Kind::Float => Dispatch::float_from_data(data, place),
            Kind::Int => {
                let dtype = device.settings().int_dtype.into();
                Dispatch::int_from_data(data.convert_dtype(dtype), place)
            }
            Kind::Bool => Dispatch::bool_from_data(data, place),
        };
        Ok(tensor.into())
    }
}

/// Where a file's tensors begin, and what its header says of them.
fn header(path: &Path) -> Result<(u64, Metadata), ExampleFileError> {
    let malformed = |problem: String| ExampleFileError::Format {
        path: path.to_owned(),
        problem,
    };
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    let size = file
        .metadata()
        .map_err(|error| unreadable(path, error))?
        .len();
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| malformed("it ends before its header".into()))?;
    let length = u64::from_le_bytes(length);
    if length > HEADER.min(size) {
        return Err(malformed("its header would be longer than it".into()));
    }
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text)
        .map_err(|_| malformed("it ends within its header".into()))?;
    let header: Metadata =
        serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
    let start = 8 + length;
    let ends = header
        .tensors()
        .into_values()
        .map(|it| it.data_offsets.1 as u64);
    match ends.max() {
        Some(end) if start + end > size => Err(malformed(format!(
            "it is cut off: it has {size} bytes of {}",
            start + end
        ))),
        _ => Ok((start, header)),
    }
}

/// The rows of the tensor `name`.
fn stored(
    path: &Path,
    start: u64,
    header: &Metadata,
    name: &str,
) -> Result<StoredRows, ExampleFileError> {
    let Some(found) = header.info(name) else {
        let mut names: Vec<String> = header.tensors().into_keys().collect();
        names.sort();
        return Err(ExampleFileError::Missing {
            path: path.to_owned(),
            name: name.to_owned(),
            found: names,
        });
    };
    let refused = |problem: String| ExampleFileError::Format {
        path: path.to_owned(),
        problem: format!("`{name}` {problem}"),
    };
    let dtype = element_type(found.dtype)
        .ok_or_else(|| refused(format!("is of type {:?}, which is not read", found.dtype)))?;
    if found.shape.is_empty() {
        return Err(refused(
            "is a single number, and has no row for each example".into(),
        ));
    }
    let bytes = found
        .shape
        .iter()
        .try_fold(dtype.size(), |bytes, &it| bytes.checked_mul(it));
    let (from, to) = found.data_offsets;
    if bytes != to.checked_sub(from) {
        return Err(refused(format!(
            "of shape {:?} does not fill its bytes",
            found.shape
        )));
    }
    Ok(StoredRows {
        name: name.to_owned(),
        start: start + from as u64,
        shape: found.shape.clone(),
        dtype,
    })
}

fn unreadable(path: &Path, source: std::io::Error) -> ExampleFileError {
    let path = path.to_owned();
    ExampleFileError::Read { path, source }
}
