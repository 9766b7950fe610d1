use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;

use burn::tensor::{BoolStore, DType};

use super::archive::Archive;
use super::pickle::{Pickle, Place, Value, unpickle};
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
    let pickle = unpickle(archive.read(&pickle)?)?;
    let mut collector = Collector {
        pickle: &pickle,
        visits: 0,
        tensors: Vec::new(),
    };
    collector.collect("", pickle.root, DEPTH)?;
    let mut tensors = collector.tensors;
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
    storage: String,
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
        // It may be larger than what is stored, but not than the module's: it is gathered once the shapes agree.
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

/// Finds the tensors in a pickle.
struct Collector<'a> {
    pickle: &'a Pickle,
    /// Values looked at; one that others share is looked at for each.
    visits: usize,
    tensors: Vec<(String, Tensor)>,
}

impl Collector<'_> {
    /// The tensors in a value, each with the keys that lead to it.
    fn collect(&mut self, name: &str, place: Place, depth: usize) -> Result<(), String> {
        self.visits += 1;
        // No more than if every value were shared as deep down as can be: a value that holds itself is looked at for ever.
        if depth == 0 || self.visits > DEPTH * self.pickle.len() {
            return Err(format!(
                "its dictionaries are nested more than {DEPTH} deep, or hold themselves"
            ));
        }
        let join = |key: &dyn Display| match name {
            "" => key.to_string(),
            _ => format!("{name}.{key}"),
        };
        let pickle = self.pickle;
        match &pickle[place] {
            Value::Dict(pairs) => {
                for &[key, value] in pairs {
                    match &pickle[key] {
                        Value::Text(key) => self.collect(&join(key), value, depth - 1)?,
                        Value::Int(key) => self.collect(&join(key), value, depth - 1)?,
                        _ => {}
                    }
                }
            }
            Value::List(values) => {
                for (index, &value) in values.iter().enumerate() {
                    self.collect(&join(&index), value, depth - 1)?;
                }
            }
            Value::Built(function, arguments) => match (function.as_str(), &pickle[*arguments]) {
                (
                    "torch._utils _rebuild_tensor_v2" | "torch._utils _rebuild_tensor",
                    Value::Tuple(arguments),
                ) => {
                    let tensor =
                        tensor(pickle, arguments).map_err(|reason| format!("`{name}` {reason}"))?;
                    self.tensors.push((name.to_owned(), tensor));
                }
                ("torch._utils _rebuild_parameter", Value::Tuple(arguments)) => {
                    if let [data, ..] = arguments.as_slice() {
                        self.collect(name, *data, depth - 1)?;
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
}

/// A tensor from the arguments that PyTorch rebuilds it with: storage, offset, size, strides, and more that is not
/// needed.
fn tensor(pickle: &Pickle, arguments: &[Place]) -> Result<Tensor, String> {
    let unknown = || "is built from unknown arguments".to_owned();
    let [storage, offset, shape, strides, ..] = *arguments else {
        return Err(unknown());
    };
    let (Value::Persistent(id), Value::Tuple(shape), Value::Tuple(strides)) =
        (&pickle[storage], &pickle[shape], &pickle[strides])
    else {
        return Err(unknown());
    };
    // ('storage', its class, its key, its device, its number of elements)
    let (class, key) = match &pickle[*id] {
        Value::Tuple(storage) => match *storage.as_slice() {
            [_, class, key, ..] => (&pickle[class], &pickle[key]),
            _ => return Err(unknown()),
        },
        _ => return Err(unknown()),
    };
    let (Value::Global(class), Value::Text(key)) = (class, key) else {
        return Err(unknown());
    };
    let sizes = |places: &[Place]| -> Result<Vec<usize>, String> {
        places.iter().map(|&place| size(&pickle[place])).collect()
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    if shape.len() != strides.len() {
        return Err("has a different number of sizes and strides".to_owned());
    }
    Ok(Tensor {
        storage: key.clone(),
        dtype: element_type(class)
            .ok_or_else(|| format!("is of type {class}, which cannot be read"))?,
        offset: size(&pickle[offset])?,
        shape,
        strides,
    })
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
