//! Entries of tensors by their numbers: embeddings, chosen places, and the like.

use burn::backend::{Dispatch, DispatchTensor, ops::*};

use super::{
    Arguments, NodeReader, Operation, axis_of,
    node::{MaybeParsed, Parsed},
    slice::narrow,
};
use crate::{
    host::{HostData, HostTensor, Kind},
    value::{Place, Value, by_kind, dims, kind, reshape},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    let axis = || node.int_or("axis", 0);
    Ok(Some(match node.operator() {
        "Gather" => {
            let axis = axis()?;
            Operation::new(move |x| gather(x.value(0)?, x.value(1)?, axis, x.place))
        }
        "GatherElements" => {
            let axis = axis()?;
            Operation::new(move |x| gather_elements(x.value(0)?, x.value(1)?, axis, x.place))
        }
        "GatherND" => {
            if node.int_or("batch_dims", 0)? != 0 {
                return Err(node.refuse("batch_dims", "is not supported unless it is 0"));
            }
            Operation::new(|x| gather_nd(x.value(0)?, x.value(1)?, x.place))
        }
        "ScatterND" => {
            if node.text_or("reduction", "none")? != "none" {
                return Err(node.refuse("reduction", "is not supported unless it is `none`"));
            }
            Operation::new(|x| scatter_nd(x).map(Value::host)).constants(&[0, 1, 2])
        }
        "ArgMax" => extreme(node, true)?,
        "ArgMin" => extreme(node, false)?,
        "CumSum" => cumulative_sum(node)?,
        "OneHot" => one_hot(node)?,
        _ => return Ok(None),
    }))
}

/// Numbers of entries, on the host, none negative.
fn counted(indices: &HostTensor, length: usize) -> Result<Vec<usize>, String> {
    let indices = indices.data.to_ints();
    let counted = indices.into_iter().map(|index| axis_of(index, length));
    let counted: Result<_, String> = counted.collect();
    counted.map_err(|_| format!("it looks up an entry that does not exist, among {length}"))
}

/// Along `axis`, the entries at `indices`, in their order.
pub(super) fn pick(tensor: DispatchTensor, axis: usize, indices: &[usize]) -> DispatchTensor {
    let device = burn::tensor::Device::new(burn::backend::TensorMetadata::device(&tensor));
    let indices: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
    let count = indices.len();
    let data = burn::tensor::TensorData::new(indices, [count]);
    let indices = burn::Tensor::<1, burn::tensor::Int>::from_data(data, &device).into_dispatch();
    select(tensor, axis, indices)
}

fn select(tensor: DispatchTensor, axis: usize, indices: DispatchTensor) -> DispatchTensor {
    by_kind!(tensor, float_select, int_select, bool_select, axis, indices)
}

fn gather(data: Value, indices: Value, axis: i64, place: &Place) -> Result<Value, String> {
    let shape = data.shape();
    let axis = axis_of(axis, shape.len())?;
    let mut found = shape[..axis].to_vec();
    found.extend(indices.shape());
    found.extend(&shape[axis + 1..]);
    let picked = match (data, indices) {
        (data, Value::Host(indices)) => {
            let indices = counted(&indices, shape[axis])?;
            let first = indices.first().copied().unwrap_or(0);
            match data {
                // Neighbours are a part of what there is.
                data if indices.iter().copied().eq(first..first + indices.len()) => {
                    narrow(data, axis, first, indices.len())
                }
                Value::Host(data) => Value::host(data.select(axis, &indices)),
                Value::Device(data) => Value::Device(pick(data, axis, &indices)),
            }
        }
        (data, Value::Device(indices)) => {
            if kind(&indices) != Kind::Int {
                return Err("its input 1 must hold whole numbers".into());
            }
            let count = dims(&indices).iter().product();
            let data = data.on(place);
            Value::Device(select(data, axis, reshape(indices, &[count])))
        }
    };
    Ok(picked.reshape(&found))
}

fn gather_elements(data: Value, indices: Value, axis: i64, place: &Place) -> Result<Value, String> {
    let shape = data.shape();
    let axis = axis_of(axis, shape.len())?;
    let indices = match indices {
        Value::Host(indices) => {
            let counted = counted(&indices, shape[axis])?;
            let counted = counted.into_iter().map(|index| index as i64).collect();
            place.upload(&HostTensor::new(
                indices.shape.clone(),
                HostData::Int(counted),
            ))
        }
        Value::Device(indices) => indices,
    };
    let data = data.on(place);
    Ok(Value::Device(match kind(&data) {
        Kind::Float => Dispatch::float_gather(axis, data, indices),
        Kind::Int => Dispatch::int_gather(axis, data, indices),
        Kind::Bool => Dispatch::bool_gather(axis, data, indices),
    }))
}

/// The entries at places that the last axis of `indices` tells.
fn gather_nd(data: Value, indices: Value, place: &Place) -> Result<Value, String> {
    let (shape, places) = (data.shape(), indices.shape());
    let [outer @ .., depth] = &places[..] else {
        return Err("its indices have no axis".into());
    };
    if *depth == 0 || *depth > shape.len() {
        return Err(format!(
            "its indices have {depth} coordinates, for {} axes",
            shape.len()
        ));
    }
    // The first axes as one, and the coordinates as numbers along it.
    let (first, rest) = shape.split_at(*depth);
    let mut flat = vec![first.iter().product()];
    flat.extend(rest);
    let steps: Vec<i64> = crate::host::contiguous_strides(first)
        .into_iter()
        .map(|step| step as i64)
        .collect();
    let steps = Value::host(HostTensor::ints(steps));
    let product = super::arithmetic::binary(super::Binary::Mul, indices, steps, place)?;
    let numbers = super::reduce::sum_of_ints(product, outer.len())?;
    let gathered = gather(data.reshape(&flat), numbers, 0, place)?;
    let mut found = outer.to_vec();
    found.extend(rest);
    Ok(gathered.reshape(&found))
}

/// Constants with other entries at the places that the last axis of `indices` tells.
fn scatter_nd(x: &Arguments<'_>) -> Result<HostTensor, String> {
    let (data, indices, updates) = (x.host(0)?, x.host(1)?, x.host(2)?);
    let depth = indices.shape.last().copied().unwrap_or(0);
    if depth == 0 || depth > data.shape.len() || data.kind() != updates.kind() {
        return Err("its indices or updates do not fit its data".into());
    }
    let (first, rest) = data.shape.split_at(depth);
    let block: usize = rest.iter().product();
    let steps = crate::host::contiguous_strides(first);
    // Which of all numbers, those of the data and then the updates, stands in each place.
    let mut from: Vec<usize> = (0..data.len()).collect();
    let numbers = indices.data.to_ints();
    if numbers.len() / depth * block != updates.len() {
        return Err("its updates are not as many as its indices".into());
    }
    for (at, place) in numbers.chunks_exact(depth).enumerate() {
        let mut start = 0;
        for ((&index, &length), step) in place.iter().zip(first).zip(&steps) {
            start += axis_of(index, length)? * step * block;
        }
        for offset in 0..block {
            from[start + offset] = data.len() + at * block + offset;
        }
    }
    let flat = |tensor: &HostTensor| HostTensor::new(vec![tensor.len()], tensor.data.clone());
    let all = HostTensor::concat(&[&flat(&data), &flat(&updates)], 0)?;
    Ok(HostTensor::new(data.shape.clone(), all.data.pick(&from)))
}

/// Where the greatest or the least number along an axis is.
fn extreme(node: &NodeReader<'_>, greatest: bool) -> Parsed {
    let (axis, keep) = (node.int_or("axis", 0)?, node.flag("keepdims", true)?);
    if node.flag("select_last_index", false)? {
        return Err(node.refuse("select_last_index", "is not supported"));
    }
    Ok(Operation::new(move |x| {
        let tensor = x.value(0)?.on(x.place);
        let mut shape = dims(&tensor);
        let axis = axis_of(axis, shape.len())?;
        let found = match (kind(&tensor), greatest) {
            (Kind::Float, true) => Dispatch::float_argmax(tensor, axis, x.place.int_dtype()),
            (Kind::Float, false) => Dispatch::float_argmin(tensor, axis, x.place.int_dtype()),
            (Kind::Int, true) => Dispatch::int_argmax(tensor, axis),
            (Kind::Int, false) => Dispatch::int_argmin(tensor, axis),
            (Kind::Bool, _) => return Err("it compares truth values".into()),
        };
        shape[axis] = 1;
        if !keep {
            shape.remove(axis);
        }
        Ok(Value::Device(reshape(found, &shape)))
    }))
}

fn cumulative_sum(node: &NodeReader<'_>) -> Parsed {
    for name in ["exclusive", "reverse"] {
        if node.flag(name, false)? {
            return Err(node.refuse(name, "is not supported"));
        }
    }
    Ok(Operation::new(|x| {
        let value = x.value(0)?;
        let shape = value.shape();
        let axis = x.ints(1)?;
        let axis = axis_of(*axis.first().ok_or("it has no axis")?, shape.len())?;
        Ok(match value {
            Value::Host(tensor) => {
                let parts = (0..shape[axis]).map(|end| {
                    let so_far = tensor.slice(axis, 0, end + 1, 1);
                    so_far.reduce(&[axis], |numbers| numbers.iter().sum())
                });
                let parts: Vec<_> = parts.collect();
                let parts: Vec<_> = parts.iter().collect();
                Value::host(HostTensor::concat(&parts, axis)?)
            }
            Value::Device(tensor) => Value::Device(match kind(&tensor) {
                Kind::Float => Dispatch::float_cumsum(tensor, axis),
                Kind::Int => Dispatch::int_cumsum(tensor, axis),
                Kind::Bool => return Err("it adds truth values".into()),
            }),
        })
    }))
}

/// 1 at the number that is given, and 0 elsewhere.
fn one_hot(node: &NodeReader<'_>) -> Parsed {
    let axis = node.int_or("axis", -1)?;
    let operation = Operation::new(move |x| {
        let (indices, values) = (x.value(0)?, x.host(2)?);
        let depth = x.optional_number(1)?.ok_or("it has no depth")? as usize;
        let shape = indices.shape();
        let axis = axis_of(axis, shape.len() + 1)?;
        let mut with_axis = shape.clone();
        with_axis.insert(axis, 1);
        let mut classes = vec![1; with_axis.len()];
        classes[axis] = depth;
        let numbers = HostData::Int((0..depth as i64).collect()).cast(indices.kind());
        let classes = x.place.upload(&HostTensor::new(classes, numbers));
        let indices = indices.reshape(&with_axis).on(x.place);
        let dtype = x.place.bool_dtype();
        let chosen = match kind(&indices) {
            Kind::Float => Dispatch::float_equal(indices, classes, dtype),
            _ => Dispatch::int_equal(indices, classes, dtype),
        };
        let value = |at: usize| HostTensor::new(vec![1], values.data.pick(&[at]));
        let (off, on) = (Value::host(value(0)), Value::host(value(1)));
        super::comparison::choose(Value::Device(chosen), on, off, x.place)
    });
    Ok(operation.constants(&[2]))
}
