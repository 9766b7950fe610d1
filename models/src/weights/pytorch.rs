use std::collections::BTreeMap;
use std::rc::Rc;

use burn::tensor::{BoolStore, DType};

use super::archive::Archive;
use super::pickle::{Value, unpickle};
use super::read::Found;

/// The keys under which checkpoints keep a state dictionary beside other things.
const NESTED: [&str; 2] = ["state_dict.", "model_state_dict."];
/// Dictionaries in dictionaries; more than any file has, and fewer than the stack bears.
const DEPTH: usize = 64;

/// The tensors of a file that `torch.save` wrote, PyTorch 1.6 or later: of dictionaries in dictionaries, with dots
/// between the keys; of a checkpoint with a state dictionary beside other things, of that alone.
pub(super) fn read(bytes: Vec<u8>) -> Result<BTreeMap<String, Found>, String> {
    let archive = Archive::new(bytes)?;
    let pickle = archive.names().find(|name| name.ends_with("/data.pkl"));
    let pickle = pickle
        .ok_or("it is a ZIP archive without a data.pkl")?
        .to_owned();
    let folder = pickle.trim_end_matches("data.pkl");
    let order = archive.read(&format!("{folder}byteorder"));
    if order.is_ok_and(|order| order != b"little") {
        return Err("it was written on a big-endian machine".to_owned());
    }
    let root = unpickle(archive.read(&pickle)?)?;
    let mut tensors = Vec::new();
    collect("", &root, DEPTH, &mut tensors)?;
    for key in NESTED {
        if tensors.iter().any(|(name, _)| name.starts_with(key)) {
            tensors = tensors
                .into_iter()
                .filter_map(|(name, tensor)| Some((name.strip_prefix(key)?.to_owned(), tensor)))
                .collect();
        }
    }
    let archive = Rc::new(archive);
    let found = |(name, tensor): (String, Tensor)| {
        let (archive, folder) = (Rc::clone(&archive), folder.to_owned());
        let (shape, dtype) = (tensor.shape.clone(), tensor.dtype);
        // Gathered when it is needed: a checkpoint may hold far more than the weights.
        let read =
            move || tensor.gather(archive.read(&format!("{folder}data/{}", tensor.storage))?);
        (name, Found::new(shape, dtype, Box::new(read)))
    };
    Ok(tensors.into_iter().map(found).collect())
}

/// A tensor: a view of a storage.
struct Tensor {
    storage: Rc<str>,
    dtype: DType,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl Tensor {
    /// Its bytes out of the storage's, row-major.
    fn gather(&self, storage: &[u8]) -> Result<Vec<u8>, String> {
        let size = self.dtype.size();
        let outside = || format!("a tensor reaches outside its storage data/{}", self.storage);
        let count = self
            .shape
            .iter()
            .try_fold(1_usize, |product, &size| product.checked_mul(size));
        let count = count.ok_or_else(outside)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps.clone().try_fold(self.offset, |at, (&size, &stride)| {
            at.checked_add((size - 1).checked_mul(stride)?)
        });
        let inside = |last: usize| Some(last.checked_add(1)?.checked_mul(size)? <= storage.len());
        if last.and_then(inside) != Some(true) {
            return Err(outside());
        }
        // A tensor may repeat what is stored, but no module has one a thousand times as large.
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(count.checked_mul(size).ok_or_else(outside)?)
            .map_err(|_| "a tensor is too large for memory")?;
        let mut index = vec![0; self.shape.len()];
        for _ in 0..count {
            let at = index
                .iter()
                .zip(&self.strides)
                .map(|(i, stride)| i * stride);
            let at = (self.offset + at.sum::<usize>()) * size;
            bytes.extend_from_slice(&storage[at..at + size]);
            for (place, &size) in index.iter_mut().zip(&self.shape).rev() {
                *place += 1;
                if *place < size {
                    break;
                }
                *place = 0;
            }
        }
        Ok(bytes)
    }
}

/// The tensors in a value, each with the keys that lead to it.
fn collect(
    name: &str,
    value: &Value,
    depth: usize,
    tensors: &mut Vec<(String, Tensor)>,
) -> Result<(), String> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(format!(
            "its dictionaries are nested more than {DEPTH} deep"
        ));
    };
    let join = |key: String| {
        if name.is_empty() {
            key
        } else {
            format!("{name}.{key}")
        }
    };
    match value {
        Value::Dict(dict) => {
            for (key, value) in dict.borrow().iter() {
                match key {
                    Value::Text(key) => collect(&join(key.to_string()), value, deeper, tensors)?,
                    Value::Int(key) => collect(&join(key.to_string()), value, deeper, tensors)?,
                    _ => {}
                }
            }
        }
        Value::List(list) => {
            for (place, value) in list.borrow().iter().enumerate() {
                collect(&join(place.to_string()), value, deeper, tensors)?;
            }
        }
        Value::Built(function, arguments) => match (&**function, &**arguments) {
            (
                "torch._utils _rebuild_tensor_v2" | "torch._utils _rebuild_tensor",
                Value::Tuple(arguments),
            ) => {
                let tensor = tensor(arguments).map_err(|reason| format!("`{name}` {reason}"))?;
                tensors.push((name.to_owned(), tensor));
            }
            ("torch._utils _rebuild_parameter", Value::Tuple(arguments)) => {
                if let [data, ..] = &**arguments {
                    collect(name, data, deeper, tensors)?;
                }
            }
            // What else PyTorch builds may be a weight, and must not go missing without a word.
            (function, _) if function.starts_with("torch._utils _rebuild") => {
                return Err(format!(
                    "`{name}` is a tensor of a kind that cannot be read ({function})"
                ));
            }
            _ => {}
        },
        _ => {}
    }
    Ok(())
}

/// A tensor from the arguments that PyTorch rebuilds it with: storage, offset, size, strides, and more that is not needed.
fn tensor(arguments: &[Value]) -> Result<Tensor, String> {
    let [
        Value::Persistent(storage),
        Value::Int(offset),
        Value::Tuple(shape),
        Value::Tuple(strides),
        ..,
    ] = arguments
    else {
        return Err("is built from unknown arguments".to_owned());
    };
    // ('storage', its class, its key, its device, its number of elements)
    let Value::Tuple(storage) = &**storage else {
        return Err("has an unknown storage".to_owned());
    };
    let [_, Value::Global(class), Value::Text(key), ..] = &**storage else {
        return Err("has an unknown storage".to_owned());
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    if shape.len() != strides.len() {
        return Err("has a different number of sizes and strides".to_owned());
    }
    Ok(Tensor {
        storage: Rc::clone(key),
        dtype: element_type(class)
            .ok_or_else(|| format!("is of type {class}, which cannot be read"))?,
        offset: size(&Value::Int(*offset))?,
        shape,
        strides,
    })
}

fn sizes(values: &[Value]) -> Result<Vec<usize>, String> {
    values.iter().map(size).collect()
}

fn size(value: &Value) -> Result<usize, String> {
    match value {
        Value::Int(size) => {
            usize::try_from(*size).map_err(|_| format!("has a negative size {size}"))
        }
        _ => Err("has a size that is no number".to_owned()),
    }
}

fn element_type(class: &str) -> Option<DType> {
    Some(match class {
        "torch DoubleStorage" => DType::F64,
        "torch FloatStorage" => DType::F32,
        "torch HalfStorage" => DType::F16,
        "torch BFloat16Storage" => DType::BF16,
        "torch LongStorage" => DType::I64,
        "torch IntStorage" => DType::I32,
        "torch ShortStorage" => DType::I16,
        "torch CharStorage" => DType::I8,
        "torch ByteStorage" => DType::U8,
        "torch BoolStorage" => DType::Bool(BoolStore::Native),
        _ => return None,
    })
}
