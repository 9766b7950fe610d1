//! Which tensor of a file belongs to which parameter of a module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::store::bridge;
use burn::store::burn_pack::Tensor as Stored;
use burn::tensor::{DType, TensorData};

use super::error::{Mismatch, MisshapenTensor, MissingTensor, WeightsError};
use super::file_tensor::FileTensor;
use super::name_map::NameMap;

/// What PyTorch counts in a batch norm, and Burn does not.
const COUNTER: &str = "num_batches_tracked";

/// Each tensor of a module with the file's tensor for it.
pub(super) struct FittedTensors<'a>(Vec<(&'a Stored, FileTensor)>);

impl<'a> FittedTensors<'a> {
    /// Finds the file's tensor for each that the module expects, in PyTorch's names and layouts.
    pub(super) fn find(
        expected: &'a [Stored],
        found: BTreeMap<String, FileTensor>,
        names: &NameMap,
        path: &Path,
    ) -> Result<Self, WeightsError> {
        let mut found = rename(found, names, path)?;
        drop_counters(&mut found, expected);
        let mismatch = compare(expected, &found);
        if !mismatch.is_empty() {
            found = close_gaps(found);
            let closed = compare(expected, &found);
            if !closed.is_empty() {
                // Where that helped the names, only the shapes are to be told.
                let named = closed.missing.is_empty() && closed.unexpected.is_empty();
                return Err(WeightsError::Mismatch {
                    path: path.to_owned(),
                    mismatch: Box::new(if named { closed } else { mismatch }),
                });
            }
        }
        let pair = |tensor: &'a Stored| Some((tensor, found.remove(&tensor.name)?));
        Ok(Self(expected.iter().filter_map(pair).collect()))
    }

    /// The tensors in the module's element types.
    pub(super) fn convert(self, path: &Path) -> Result<Vec<Stored>, WeightsError> {
        let convert = |(tensor, found): (&Stored, FileTensor)| {
            let data = found.data(path)?.convert_dtype(tensor.dtype);
            check_finite(&data, &tensor.name, path)?;
            Ok(bridge::from_data(data, tensor.name.clone(), None))
        };
        self.0.into_iter().map(convert).collect()
    }
}

/// Refuses numbers that are NaN or infinite.
pub(super) fn check_finite(data: &TensorData, name: &str, path: &Path) -> Result<(), WeightsError> {
    if !data.dtype().is_float() {
        return Ok(());
    }
    match data.iter::<f64>().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((index, value)) => Err(WeightsError::NotFinite {
            path: path.to_owned(),
            name: name.to_owned(),
            index,
            value,
        }),
        None => Ok(()),
    }
}

/// The tensors by their names in the model.
fn rename(
    found: BTreeMap<String, FileTensor>,
    names: &NameMap,
    path: &Path,
) -> Result<BTreeMap<String, FileTensor>, WeightsError> {
    let mut renamed = BTreeMap::new();
    for (old, tensor) in found {
        let Some(name) = names.rename(&old) else {
            continue;
        };
        if let Some((first, _)) = renamed.insert(name.clone(), (old.clone(), tensor)) {
            return Err(WeightsError::Collision {
                path: path.to_owned(),
                name,
                first,
                second: old,
            });
        }
    }
    let tensors = renamed
        .into_iter()
        .map(|(name, (_, tensor))| (name, tensor));
    Ok(tensors.collect())
}

/// Takes the counters of batch norms away, unless the module has such a tensor.
fn drop_counters(found: &mut BTreeMap<String, FileTensor>, expected: &[Stored]) {
    let counters: Vec<String> = found
        .keys()
        .filter(|name| {
            name.strip_suffix(COUNTER)
                .is_some_and(|norm| found.contains_key(&format!("{norm}running_mean")))
        })
        .filter(|name| expected.iter().all(|tensor| tensor.name != **name))
        .cloned()
        .collect();
    for name in counters {
        found.remove(&name);
    }
}

/// What does not fit.
fn compare(expected: &[Stored], found: &BTreeMap<String, FileTensor>) -> Mismatch {
    let wanted: BTreeSet<&str> = expected.iter().map(|tensor| tensor.name.as_str()).collect();
    let unexpected: Vec<String> = found
        .iter()
        .filter(|(name, tensor)| !wanted.contains(name.as_str()) && !tensor.tied)
        .map(|(name, _)| name.clone())
        .collect();
    let mut mismatch = Mismatch::default();
    for tensor in expected {
        let shape = tensor.shape.to_vec();
        match found.get(&tensor.name) {
            None => mismatch.missing.push(MissingTensor {
                name: tensor.name.clone(),
                nearest: nearest(&tensor.name, &shape, &unexpected, found),
                twin: twin(&shape, expected, found),
                shape,
            }),
            Some(other) if other.shape != shape || kind(other.dtype) != kind(tensor.dtype) => {
                mismatch.misshapen.push(MisshapenTensor {
                    name: tensor.name.clone(),
                    found: (other.shape.clone(), other.dtype.name().to_owned()),
                    expected: (shape, tensor.dtype.name().to_owned()),
                });
            }
            Some(_) => {}
        }
    }
    mismatch.unexpected = unexpected;
    mismatch
}

/// A tensor of the same shape that the file has for the module, unless there are several.
fn twin(
    shape: &[usize],
    expected: &[Stored],
    found: &BTreeMap<String, FileTensor>,
) -> Option<String> {
    let names = expected.iter().map(|tensor| &tensor.name);
    let mut alike = names.filter(|name| found.get(*name).is_some_and(|it| it.shape == shape));
    let first = alike.next();
    first
        .filter(|_| shape.len() > 1 && alike.next().is_none())
        .cloned()
}

/// The most similar of some names, of those with the same shape if there are any.
fn nearest(
    name: &str,
    shape: &[usize],
    among: &[String],
    found: &BTreeMap<String, FileTensor>,
) -> Option<String> {
    let rank = |other: &&String| {
        (
            found[*other].shape == shape,
            strsim::normalized_levenshtein(name, other),
        )
    };
    among
        .iter()
        .max_by(|a, b| {
            rank(a)
                .partial_cmp(&rank(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
        .cloned()
}

/// Types between which numbers are converted.
#[derive(PartialEq, Eq)]
enum NumberKind {
    Float,
    Int,
    Bool,
    Other,
}

fn kind(dtype: DType) -> NumberKind {
    if dtype.is_float() {
        NumberKind::Float
    } else if dtype.is_int() || dtype.is_uint() {
        NumberKind::Int
    } else if dtype.is_bool() {
        NumberKind::Bool
    } else {
        NumberKind::Other
    }
}

/// The tensors with the numbers in their names made contiguous: `a.0`, `a.2`, `a.5` become `a.0`, `a.1`, `a.2`.
fn close_gaps(found: BTreeMap<String, FileTensor>) -> BTreeMap<String, FileTensor> {
    let mut numbers: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for name in found.keys() {
        for (before, number) in numbered(name) {
            numbers.entry(before.to_owned()).or_default().insert(number);
        }
    }
    let close = |name: String| {
        let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        for (before, number) in numbered(&name) {
            let place = before.split_terminator('.').count();
            parts[place] = numbers[before].range(..number).count().to_string();
        }
        parts.join(".")
    };
    let closed = found
        .into_iter()
        .map(|(name, tensor)| (close(name), tensor));
    closed.collect()
}

/// The numbers among the parts of a name, each with what stands before it.
fn numbered(name: &str) -> impl Iterator<Item = (&str, usize)> {
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
    starts.filter_map(move |start| {
        let part = name[start..].split('.').next()?;
        let number: usize = part.parse().ok()?;
        (number.to_string() == part).then_some((&name[..start], number))
    })
}
