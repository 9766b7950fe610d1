//! The same elements in other shapes and orders, and repeated.

use burn::backend::{Dispatch, DispatchTensor, ops::*};

use super::{
    Arguments, NodeReader, Operation,
    arithmetic::expand,
    axis_of,
    creation::lengths,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor, broadcast},
    value::{Value, by_kind, dims, reshape},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Reshape" => {
            let keep_zeros = node.flag("allowzero", false)?;
            Operation::new(move |x| {
                let value = x.value(0)?;
                let shape = reshaped(&value.shape(), &x.ints(1)?, keep_zeros)?;
                Ok(value.reshape(&shape))
            })
        }
        "Flatten" => {
            let axis = node.int_or("axis", 1)?;
            Operation::new(move |x| {
                let value = x.value(0)?;
                let shape = value.shape();
                let axis = match axis == shape.len() as i64 {
                    true => shape.len(),
                    false => axis_of(axis, shape.len())?,
                };
                let rows = shape[..axis].iter().product();
                Ok(value.reshape(&[rows, shape[axis..].iter().product()]))
            })
        }
        "Transpose" => transpose(node)?,
        "Squeeze" => {
            let axes = axes(node)?;
            Operation::new(move |x| squeeze(x, axes.get(x)?))
        }
        "Unsqueeze" => {
            let axes = axes(node)?;
            Operation::new(move |x| unsqueeze(x, axes.get(x)?))
        }
        "Concat" => {
            let axis = node.int("axis")?;
            let axis = axis.ok_or_else(|| node.refuse("axis", "is missing"))?;
            Operation::new(move |x| concat(x, axis))
        }
        "Expand" => Operation::new(|x| {
            let value = x.value(0)?;
            let shape = broadcast(&[&value.shape(), &lengths(&x.ints(1)?)?])?;
            Ok(match value {
                Value::Host(tensor) => Value::host(tensor.expand(&shape)),
                Value::Device(tensor) => Value::Device(expand(tensor, &shape)),
            })
        }),
        "Tile" => Operation::new(tile),
        "DepthToSpace" => depth_to_space(node)?,
        "SpaceToDepth" => space_to_depth(node)?,
        "Trilu" => trilu(node)?,
        _ => return Ok(None),
    }))
}

/// Axes, which an attribute gives in old versions and an input in new ones.
pub(super) struct Axes(Option<Vec<i64>>);

pub(super) fn axes(node: &NodeReader<'_>) -> Result<Axes, crate::error::OnnxProblem> {
    node.ints("axes").map(Axes)
}

impl Axes {
    pub(super) fn get(&self, x: &Arguments<'_>) -> Result<Option<Vec<i64>>, String> {
        match &self.0 {
            Some(axes) => Ok(Some(axes.clone())),
            None => x.optional_ints(1),
        }
    }
}

/// The shape that `wanted` means: 0 is the length that there is, and -1 what is left.
fn reshaped(shape: &[usize], wanted: &[i64], keep_zeros: bool) -> Result<Vec<usize>, String> {
    let cannot = || format!("shape {shape:?} cannot become {wanted:?}");
    let mut found = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (axis, &length) in wanted.iter().enumerate() {
        found.push(match length {
            0 if !keep_zeros => *shape.get(axis).ok_or_else(cannot)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            length => usize::try_from(length).map_err(|_| cannot())?,
        });
    }
    let (all, known): (usize, usize) = (shape.iter().product(), found.iter().product());
    match open {
        Some(axis) if known > 0 && all % known == 0 => found[axis] = all / known,
        None if known == all => (),
        _ => return Err(cannot()),
    }
    Ok(found)
}

pub(super) fn permute(tensor: DispatchTensor, axes: &[usize]) -> DispatchTensor {
    if axes.is_sorted() {
        return tensor;
    }
    by_kind!(tensor, float_permute, int_permute, bool_permute, axes)
}

fn transpose(node: &NodeReader<'_>) -> Parsed {
    let order = node.sizes("perm")?;
    Ok(Operation::new(move |x| {
        let value = x.value(0)?;
        let rank = value.shape().len();
        let axes = order.clone().unwrap_or_else(|| (0..rank).rev().collect());
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return Err(format!(
                "its attribute `perm` {axes:?} is no order of {rank} axes"
            ));
        }
        Ok(match value {
            Value::Host(tensor) => Value::host(tensor.permute(&axes)),
            Value::Device(tensor) => Value::Device(permute(tensor, &axes)),
        })
    }))
}

fn squeeze(x: &Arguments<'_>, axes: Option<Vec<i64>>) -> Result<Value, String> {
    let value = x.value(0)?;
    let shape = value.shape();
    let all_of_one = || (0..shape.len()).filter(|&axis| shape[axis] == 1).collect();
    let dropped: Vec<usize> = match axes {
        None => all_of_one(),
        Some(axes) => {
            let axes = axes.into_iter().map(|axis| axis_of(axis, shape.len()));
            axes.collect::<Result<_, _>>()?
        }
    };
    if let Some(axis) = dropped.iter().find(|&&axis| shape[axis] != 1) {
        return Err(format!(
            "axis {axis} of {shape:?} has not length 1, and cannot be dropped"
        ));
    }
    let kept: Vec<_> = (0..shape.len())
        .filter(|axis| !dropped.contains(axis))
        .map(|axis| shape[axis])
        .collect();
    Ok(value.reshape(&kept))
}

fn unsqueeze(x: &Arguments<'_>, axes: Option<Vec<i64>>) -> Result<Value, String> {
    let value = x.value(0)?;
    let axes = axes.ok_or("it has no axes")?;
    let mut shape = value.shape();
    let rank = shape.len() + axes.len();
    let mut new = axes
        .into_iter()
        .map(|axis| axis_of(axis, rank))
        .collect::<Result<Vec<_>, _>>()?;
    new.sort_unstable();
    new.into_iter().for_each(|axis| shape.insert(axis, 1));
    Ok(value.reshape(&shape))
}

fn concat(x: &Arguments<'_>, axis: i64) -> Result<Value, String> {
    let values = x.all()?;
    let first = values.first().ok_or("it has no inputs")?;
    let shape = first.shape();
    let axis = axis_of(axis, shape.len())?;
    for value in &values {
        let other = value.shape();
        let fits = other.len() == shape.len()
            && (0..shape.len()).all(|at| at == axis || other[at] == shape[at]);
        if !fits {
            return Err(format!(
                "shapes {shape:?} and {other:?} cannot be joined along axis {axis}"
            ));
        }
    }
    let hosts = values.iter().map(|value| match value {
        Value::Host(tensor) => Some(&**tensor),
        Value::Device(_) => None,
    });
    if let Some(hosts) = hosts.collect::<Option<Vec<_>>>() {
        return HostTensor::concat(&hosts, axis).map(Value::host);
    }
    let kind = first.kind();
    if values.iter().any(|value| value.kind() != kind) {
        return Err("its inputs are of different kinds".into());
    }
    let tensors: Vec<_> = values.into_iter().map(|value| value.on(x.place)).collect();
    Ok(Value::Device(cat(tensors, kind, axis)))
}

/// One after the other along `axis`.
pub(super) fn cat(
    tensors: Vec<DispatchTensor>,
    kind: crate::host::Kind,
    axis: usize,
) -> DispatchTensor {
    use crate::host::Kind;
    match kind {
        Kind::Float => Dispatch::float_cat(tensors, axis),
        Kind::Int => Dispatch::int_cat(tensors, axis),
        Kind::Bool => Dispatch::bool_cat(tensors, axis),
    }
}

fn tile(x: &Arguments<'_>) -> Result<Value, String> {
    let (value, times) = (x.value(0)?, lengths(&x.ints(1)?)?);
    let shape = value.shape();
    if times.len() != shape.len() {
        return Err(format!(
            "it repeats {shape:?} {times:?} times, which are not as many axes"
        ));
    }
    Ok(match value {
        Value::Host(tensor) => {
            let mut tensor = (*tensor).clone();
            for (axis, &times) in times.iter().enumerate() {
                let own = 0..tensor.shape[axis];
                let indices: Vec<usize> = (0..times).flat_map(|_| own.clone()).collect();
                tensor = tensor.select(axis, &indices);
            }
            Value::host(tensor)
        }
        Value::Device(tensor) => {
            let axes = times
                .into_iter()
                .enumerate()
                .filter(|&(_, times)| times != 1);
            let repeated = axes.fold(tensor, |tensor, (axis, times)| {
                by_kind!(
                    tensor,
                    float_repeat_dim,
                    int_repeat_dim,
                    bool_repeat_dim,
                    axis,
                    times
                )
            });
            Value::Device(repeated)
        }
    })
}

/// Rearranges a picture `[batch, channels, rows, columns]`: as one of shape `split`, with its axes in another order, as
/// one of shape `joined`.
fn rearrange(
    x: &Arguments<'_>,
    order: [usize; 6],
    shapes: impl Fn([usize; 4]) -> Option<([usize; 6], [usize; 4])>,
) -> Result<Value, String> {
    let tensor = x.float(0)?;
    let shape = dims(&tensor);
    let picture = <[usize; 4]>::try_from(shape.as_slice()).ok();
    let (split, joined) = picture.and_then(shapes).ok_or_else(|| {
        format!("its input has shape {shape:?}, which cannot be divided into blocks")
    })?;
    let tensor = permute(reshape(tensor, &split), &order);
    Ok(Value::Device(reshape(tensor, &joined)))
}

fn depth_to_space(node: &NodeReader<'_>) -> Parsed {
    let block = block_size(node)?;
    let rows_first = match node.text_or("mode", "DCR")? {
        "DCR" => true,
        "CRD" => false,
        other => return Err(node.refuse("mode", format!("is `{other}`, which is not supported"))),
    };
    Ok(Operation::new(move |x| {
        let order = match rows_first {
            true => [0, 3, 4, 1, 5, 2],
            false => [0, 1, 4, 2, 5, 3],
        };
        rearrange(x, order, |[batch, channels, rows, columns]| {
            let depth = channels / (block * block);
            let split = match rows_first {
                true => [batch, block, block, depth, rows, columns],
                false => [batch, depth, block, block, rows, columns],
            };
            let joined = [batch, depth, rows * block, columns * block];
            (depth * block * block == channels).then_some((split, joined))
        })
    }))
}

fn space_to_depth(node: &NodeReader<'_>) -> Parsed {
    let block = block_size(node)?;
    Ok(Operation::new(move |x| {
        rearrange(x, [0, 3, 5, 1, 2, 4], |[batch, channels, rows, columns]| {
            let (down, across) = (rows / block, columns / block);
            let split = [batch, channels, down, block, across, block];
            let joined = [batch, channels * block * block, down, across];
            (down * block == rows && across * block == columns).then_some((split, joined))
        })
    }))
}

fn block_size(node: &NodeReader<'_>) -> Result<usize, crate::error::OnnxProblem> {
    let size = node.int_or("blocksize", 0)?;
    let size = usize::try_from(size).ok().filter(|&size| size > 0);
    size.ok_or_else(|| node.refuse("blocksize", "must be above 0"))
}

/// One triangle of each matrix; 0 in the other.
fn trilu(node: &NodeReader<'_>) -> Parsed {
    let upper = node.flag("upper", true)?;
    let operation = Operation::new(move |x| {
        let shift = x.optional_number(1)?.unwrap_or(0.0) as i64;
        let value = x.value(0)?;
        let shape = value.shape();
        let [.., rows, columns] = shape[..] else {
            return Err(format!(
                "its input has shape {shape:?}, and must hold matrices"
            ));
        };
        let kept = (0..rows).flat_map(|row| {
            (0..columns).map(move |column| {
                let above = column as i64 - row as i64;
                if upper {
                    above >= shift
                } else {
                    above <= shift
                }
            })
        });
        let kept = HostTensor::new(vec![rows, columns], HostData::Bool(kept.collect()));
        let zero = HostData::Float(vec![0.0]).cast(value.kind());
        let zero = Value::host(HostTensor::new(vec![1], zero));
        super::comparison::choose(Value::host(kept), value, zero, x.place)
    });
    Ok(operation.constants(&[1]))
}
