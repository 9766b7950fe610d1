//! PyTorch's `.pt` files.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;

use burn::tensor::{BoolStore, DType};

use super::archive::Archive;
use super::file_tensor::FileTensor;
use super::pickle::{Pickle, PickleValue, ValueIndex, unpickle};
use crate::quote;

/// The keys under which checkpoints keep a state dictionary beside other things.
const NESTED: [&str; 2] = ["state_dict.", "model_state_dict."];
/// Where TorchScript keeps the constants of its program.
const CODE: &str = "constants.pkl";
/// How the names of functions begin that build tensors.
const REBUILT: [&str; 2] = ["torch._utils _rebuild", "torch._tensor _rebuild"];
/// Dictionaries in dictionaries; more than any file has, and fewer than the stack bears.
const DEPTH: usize = 64;

/// The tensors of a file that `torch.save` wrote, PyTorch 1.6 or later: of dictionaries in dictionaries, with dots
/// between the keys; of a checkpoint with a state dictionary beside other things, of that alone.
pub(super) fn read(bytes: Vec<u8>) -> Result<BTreeMap<String, FileTensor>, String> {
    let archive = Archive::new(bytes)?;
    if let Some(name) = archive.names().find(|name| name.ends_with(CODE)) {
        let folder = quote::text(name.trim_end_matches(CODE));
        return Err(format!(
            "{folder} is TorchScript, a program with its weights; its state dictionary is that of `torch.jit.load(..)`"
        ));
    }
    let pickle = archive.names().find(|name| name.ends_with("/data.pkl"));
    let pickle = pickle
        .ok_or("it is a ZIP archive without a data.pkl")?
        .to_owned();
    let folder = pickle.trim_end_matches("data.pkl");
    let order = format!("{folder}byteorder");
    if archive.has(&order) && archive.read(&order)? != b"little" {
        return Err("it was written on a big-endian machine".to_owned());
    }
    let pickle = unpickle(archive.read(&pickle)?)?;
    let mut collector = Collector {
        pickle: &pickle,
        visits: 0,
        tensors: Vec::new(),
        other: None,
    };
    collector.collect("", pickle.root, DEPTH)?;
    let tensors = collector.state_dictionary()?;
    let archive = Rc::new(archive);
    let found = |(name, tensor): (String, PickledTensor)| {
        let (archive, folder) = (Rc::clone(&archive), folder.to_owned());
        let (shape, dtype) = (tensor.shape.clone(), tensor.dtype);
        // Gathered when it is needed: a checkpoint may hold far more than the weights.
        let read =
            move || tensor.gather(archive.read(&format!("{folder}data/{}", tensor.storage))?);
        (name, FileTensor::new(shape, dtype, Box::new(read)))
    };
    let mut all = BTreeMap::new();
    for (name, found) in tensors.into_iter().map(found) {
        let shown = quote::text(&name);
        if all.insert(name, found).is_some() {
            return Err(format!("two tensors are called `{shown}`"));
        }
    }
    Ok(all)
}

/// A tensor: a view of a storage.
struct PickledTensor {
    storage: String,
    dtype: DType,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    /// Whether its numbers are those of the storage with the other sign.
    negative: bool,
}

impl PickledTensor {
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
        if self.negative {
            // The sign of a floating-point number is the highest bit of its last byte.
            bytes
                .iter_mut()
                .skip(size - 1)
                .step_by(size)
                .for_each(|byte| *byte ^= 0x80);
        }
        Ok(bytes)
    }
}

/// Finds the tensors in a pickle.
struct Collector<'a> {
    pickle: &'a Pickle,
    /// Values looked at; one that others share is looked at for each.
    visits: usize,
    tensors: Vec<(String, PickledTensor)>,
    /// The first of other things that are built, and what builds it.
    other: Option<(String, String)>,
}

impl Collector<'_> {
    /// The tensors that were found; those of the state dictionary alone, if there is one beside other things.
    fn state_dictionary(self) -> Result<Vec<(String, PickledTensor)>, String> {
        let mut tensors = self.tensors;
        match (tensors.as_slice(), self.other) {
            ([], Some((name, class))) => {
                let (name, class) = (quote::text(&name), quote::text(&class));
                return Err(match class.starts_with("numpy") {
                    true => format!("`{name}` is a NumPy array, and no tensor is beside it"),
                    false => {
                        format!("`{name}` is an object of `{class}`, and no tensor is beside it")
                    }
                });
            }
            ([], None) => return Err("no tensor is in it".to_owned()),
            ([(name, _)], _) if name.is_empty() => {
                return Err("it is one tensor by itself, without a name".to_owned());
            }
            _ => {}
        }
        for key in NESTED {
            if tensors.iter().any(|(name, _)| name.starts_with(key)) {
                tensors = tensors
                    .into_iter()
                    .filter_map(|(name, tensor)| Some((name.strip_prefix(key)?.to_owned(), tensor)))
                    .collect();
            }
        }
        Ok(tensors)
    }

    /// The tensors in a value, each with the keys that lead to it.
    fn collect(&mut self, name: &str, place: ValueIndex, depth: usize) -> Result<(), String> {
        self.visits += 1;
        // No more than if every value were shared as deep down as can be: a value that holds itself is looked at for
        // ever.
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
            PickleValue::Dict(pairs) => {
                for &[key, value] in pairs {
                    match &pickle[key] {
                        PickleValue::Text(key) => self.collect(&join(key), value, depth - 1)?,
                        PickleValue::Int(key) => self.collect(&join(key), value, depth - 1)?,
                        _ => {}
                    }
                }
            }
            PickleValue::List(values) | PickleValue::Tuple(values) => {
                for (index, &value) in values.iter().enumerate() {
                    self.collect(&join(&index), value, depth - 1)?;
                }
            }
            PickleValue::Module(class) => {
                let class = quote::text(class);
                let name = match name {
                    "" => "it".to_owned(),
                    name => format!("`{}`", quote::text(name)),
                };
                return Err(format!(
                    "{name} is a whole module of the class `{class}`, not its state dictionary"
                ));
            }
            PickleValue::Built(function, arguments) => {
                self.built(name, function, *arguments, depth)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The tensors in what a function builds.
    fn built(
        &mut self,
        name: &str,
        function: &str,
        arguments: ValueIndex,
        depth: usize,
    ) -> Result<(), String> {
        let pickle = self.pickle;
        let shown = || quote::text(name);
        match (function, &pickle[arguments]) {
            (
                "torch._utils _rebuild_tensor_v2" | "torch._utils _rebuild_tensor",
                PickleValue::Tuple(arguments),
            ) => {
                let tensor = tensor(pickle, arguments);
                let tensor = tensor.map_err(|reason| format!("`{}` {reason}", shown()))?;
                self.tensors.push((name.to_owned(), tensor));
            }
            (
                "torch._utils _rebuild_parameter" | "torch._utils _rebuild_parameter_with_state",
                PickleValue::Tuple(arguments),
            ) => {
                if let [data, ..] = arguments.as_slice() {
                    self.collect(name, *data, depth - 1)?;
                }
            }
            // What else PyTorch builds may be a weight, and must not go missing without a word.
            _ if REBUILT.iter().any(|it| function.starts_with(it)) => {
                return Err(format!(
                    "`{}` is a tensor of a kind that cannot be read ({})",
                    shown(),
                    quote::text(function)
                ));
            }
            _ => {
                let other = || (name.to_owned(), function.to_owned());
                self.other.get_or_insert_with(other);
            }
        }
        Ok(())
    }
}

/// A tensor from the arguments that PyTorch rebuilds it with: storage, offset, size, strides, whether it has a
/// gradient, its hooks, and how its numbers differ from the storage's.
fn tensor(pickle: &Pickle, arguments: &[ValueIndex]) -> Result<PickledTensor, String> {
    let unknown = || "is built from unknown arguments".to_owned();
    let [storage, offset, shape, strides, ref others @ ..] = *arguments else {
        return Err(unknown());
    };
    let negative = match others {
        [_, _, metadata, ..] => is_negative(&pickle[*metadata], pickle)?,
        _ => false,
    };
    let (PickleValue::Persistent(id), PickleValue::Tuple(shape), PickleValue::Tuple(strides)) =
        (&pickle[storage], &pickle[shape], &pickle[strides])
    else {
        return Err(unknown());
    };
    // ('storage', its class, its key, its device, its number of elements)
    let (class, key) = match &pickle[*id] {
        PickleValue::Tuple(storage) => match *storage.as_slice() {
            [_, class, key, ..] => (&pickle[class], &pickle[key]),
            _ => return Err(unknown()),
        },
        _ => return Err(unknown()),
    };
    let (PickleValue::Global(class), PickleValue::Text(key)) = (class, key) else {
        return Err(unknown());
    };
    let sizes = |places: &[ValueIndex]| -> Result<Vec<usize>, String> {
        places.iter().map(|&place| size(&pickle[place])).collect()
    };
    let (shape, strides) = (sizes(shape)?, sizes(strides)?);
    if shape.len() != strides.len() {
        return Err("has a different number of sizes and strides".to_owned());
    }
    let dtype = element_type(class)
        .ok_or_else(|| format!("is of type {}, which cannot be read", quote::text(class)))?;
    if negative && !dtype.is_float() {
        return Err("has a negative bit, which is for floating-point numbers".to_owned());
    }
    Ok(PickledTensor {
        storage: key.clone(),
        dtype,
        negative,
        offset: size(&pickle[offset])?,
        shape,
        strides,
    })
}

/// What a tensor's metadata say: whether PyTorch's negative bit is set. Its conjugate bit is for complex numbers, which
/// are not read.
fn is_negative(metadata: &PickleValue, pickle: &Pickle) -> Result<bool, String> {
    let unknown = || "has metadata that are not known".to_owned();
    let pairs = match metadata {
        PickleValue::None => return Ok(false),
        PickleValue::Dict(pairs) => pairs,
        _ => return Err(unknown()),
    };
    let mut negative = false;
    for &[key, value] in pairs {
        match (&pickle[key], &pickle[value]) {
            (_, PickleValue::Bool(false)) => {}
            (PickleValue::Text(key), PickleValue::Bool(true)) if key == "neg" => negative = true,
            (PickleValue::Text(key), PickleValue::Bool(true)) if key == "conj" => {
                return Err("has a conjugate bit, which is for complex numbers".to_owned());
            }
            _ => return Err(unknown()),
        }
    }
    Ok(negative)
}

fn size(value: &PickleValue) -> Result<usize, String> {
    match value {
        PickleValue::Int(size) => {
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
