//! Parts of tensors, and tensors with more around them.

use burn::{
    backend::{Dispatch, DispatchTensor, Scalar, ops::*},
    tensor::{Slice, ops::PadMode},
};

use super::{
    Arguments, NodeReader, Operation, axis_of,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor, Kind},
    value::{Value, by_kind, dims, kind},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Slice" => slice(node)?,
        "Split" => split(node)?,
        "Pad" => pad(node)?,
        _ => return Ok(None),
    }))
}

/// Along `axis`, `length` entries from `start` on.
pub(super) fn narrow(value: Value, axis: usize, start: usize, length: usize) -> Value {
    match value {
        Value::Host(tensor) => Value::host(tensor.slice(axis, start, length, 1)),
        Value::Device(tensor) => Value::Device(cut(tensor, axis, start, length)),
    }
}

fn cut(tensor: DispatchTensor, axis: usize, start: usize, length: usize) -> DispatchTensor {
    let shape = dims(&tensor);
    if start == 0 && shape[axis] == length {
        return tensor;
    }
    let slices: Vec<_> = (0..shape.len())
        .map(|at| match at == axis {
            true => Slice::new(start as isize, Some((start + length) as isize), 1),
            false => Slice::full(),
        })
        .collect();
    by_kind!(tensor, float_slice, int_slice, bool_slice, &slices)
}

fn slice(node: &NodeReader<'_>) -> Parsed {
    let given = (node.ints("starts")?, node.ints("ends")?, node.ints("axes")?);
    Ok(Operation::new(move |x| {
        let mut value = x.value(0)?;
        let (starts, ends, axes, steps) = match &given {
            (Some(starts), Some(ends), axes) => (starts.clone(), ends.clone(), axes.clone(), None),
            _ => (
                x.ints(1)?,
                x.ints(2)?,
                x.optional_ints(3)?,
                x.optional_ints(4)?,
            ),
        };
        let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err("its starts, ends, axes and steps are not as many".into());
        }
        for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
            value = slice_one(value, start, end, axis, step)?;
        }
        Ok(value)
    }))
}

/// Along one axis, from `start` to before `end`, every `step`th; negative numbers count from the end.
fn slice_one(value: Value, start: i64, end: i64, axis: i64, step: i64) -> Result<Value, String> {
    let shape = value.shape();
    let axis = axis_of(axis, shape.len())?;
    let length = shape[axis] as i64;
    let counted = |at: i64| {
        if at < 0 {
            at.saturating_add(length)
        } else {
            at
        }
    };
    if step == 0 {
        return Err("its step is 0".into());
    }
    let (start, end) = match step > 0 {
        true => (
            counted(start).clamp(0, length),
            counted(end).clamp(0, length),
        ),
        false => (
            counted(start).clamp(0, length - 1),
            counted(end).clamp(-1, length - 1),
        ),
    };
    let count = match step > 0 {
        true => (end - start + step - 1).div_euclid(step).max(0),
        false => (start - end - step - 1).div_euclid(-step).max(0),
    } as usize;
    if step == 1 {
        return Ok(narrow(value, axis, start as usize, count));
    }
    let indices: Vec<usize> = (0..count)
        .map(|n| (start + n as i64 * step) as usize)
        .collect();
    Ok(match value {
        Value::Host(tensor) => {
            Value::host(tensor.slice(axis, start as usize, count, step as isize))
        }
        Value::Device(tensor) => Value::Device(super::gather::pick(tensor, axis, &indices)),
    })
}

fn split(node: &NodeReader<'_>) -> Parsed {
    let axis = node.int_or("axis", 0)?;
    let sizes = node.ints("split")?;
    let parts = node.int("num_outputs")?;
    let outputs = node.outputs();
    if parts.is_some_and(|parts| parts != outputs as i64) {
        return Err(node.refuse(
            "num_outputs",
            format!("is not {outputs}, its number of outputs"),
        ));
    }
    Ok(Operation::many(outputs, move |x| {
        let value = x.value(0)?;
        let shape = value.shape();
        let axis = axis_of(axis, shape.len())?;
        let sizes = match sizes.clone() {
            Some(sizes) => Some(sizes),
            None => x.optional_ints(1)?,
        };
        let sizes = match sizes {
            Some(sizes) => super::creation::lengths(&sizes)?,
            // The last part may be shorter.
            None => {
                let each = shape[axis].div_ceil(outputs);
                let left = |part: usize| shape[axis].saturating_sub(part * each);
                (0..outputs).map(|part| left(part).min(each)).collect()
            }
        };
        if sizes.iter().sum::<usize>() != shape[axis] || sizes.len() != outputs {
            return Err(format!(
                "axis {axis} of {shape:?} cannot be split into {outputs} parts of lengths {sizes:?}"
            ));
        }
        let mut start = 0;
        let parts = sizes.into_iter().map(|length| {
            start += length;
            narrow(value.clone(), axis, start - length, length)
        });
        Ok(parts.collect())
    }))
}

fn pad(node: &NodeReader<'_>) -> Parsed {
    let mode = node.text_or("mode", "constant")?;
    let mode = match mode {
        "constant" | "reflect" | "edge" => mode.to_owned(),
        other => return Err(node.refuse("mode", format!("is `{other}`, which is not supported"))),
    };
    let (pads, fill) = (node.ints("pads")?, node.float("value")?);
    let operation = Operation::new(move |x| {
        let value = x.value(0)?;
        let rank = value.shape().len();
        let pads = match pads.clone() {
            Some(pads) => pads,
            None => x.ints(1)?,
        };
        let fill = x.optional_number(2)?.or(fill).unwrap_or(0.0);
        let axes = match x.optional_ints(3)? {
            Some(axes) => axes
                .into_iter()
                .map(|axis| axis_of(axis, rank))
                .collect::<Result<Vec<_>, _>>()?,
            None => (0..rank).collect(),
        };
        if pads.len() != 2 * axes.len() {
            return Err(format!("it pads {} axes by {pads:?}", axes.len()));
        }
        let (before, after) = pads.split_at(axes.len());
        let mut sides = vec![(0, 0); rank];
        for ((axis, before), after) in axes.into_iter().zip(before).zip(after) {
            sides[axis] = (*before, *after);
        }
        padded(x, value, &sides, &mode, fill)
    });
    Ok(operation.constants(&[2]))
}

/// With more around it, or, where a number is negative, less.
fn padded(
    x: &Arguments<'_>,
    mut value: Value,
    sides: &[(i64, i64)],
    mode: &str,
    fill: f64,
) -> Result<Value, String> {
    for (axis, &(before, after)) in sides.iter().enumerate() {
        let length = value.shape()[axis] as i64;
        let kept = length + before.min(0) + after.min(0);
        if kept < 0 {
            return Err(format!(
                "it takes more away from axis {axis} than its length {length}"
            ));
        }
        value = narrow(value, axis, (-before.min(0)) as usize, kept as usize);
    }
    let sides: Vec<_> = sides
        .iter()
        .map(|&(before, after)| (before.max(0) as usize, after.max(0) as usize))
        .collect();
    if let (Value::Host(tensor), "constant") = (&value, mode) {
        return pad_on_host(tensor, &sides, fill).map(Value::host);
    }
    let mode = match mode {
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        _ => PadMode::Constant(fill as f32),
    };
    let tensor = value.on(x.place);
    if kind(&tensor) != Kind::Float {
        return Err(
            "its input holds no floating-point numbers, and depends on the network's".into(),
        );
    }
    // Burn takes the number in 32 bits: one that does not fit is taken away before, and given back after.
    let fits = mode != PadMode::Constant(fill as f32) || f64::from(fill as f32) == fill;
    Ok(Value::Device(match fits {
        true => pad_floats(tensor, &sides, mode),
        false => {
            let moved = Dispatch::float_sub_scalar(tensor, Scalar::Float(fill));
            let padded = pad_floats(moved, &sides, PadMode::Constant(0.0));
            Dispatch::float_add_scalar(padded, Scalar::Float(fill))
        }
    }))
}

/// Floats with more around them.
pub(super) fn pad_floats(
    tensor: DispatchTensor,
    sides: &[(usize, usize)],
    mode: PadMode,
) -> DispatchTensor {
    match sides.iter().all(|&side| side == (0, 0)) {
        true => tensor,
        false => Dispatch::float_pad(tensor, sides, mode),
    }
}

fn pad_on_host(
    tensor: &HostTensor,
    sides: &[(usize, usize)],
    fill: f64,
) -> Result<HostTensor, String> {
    let fill = HostData::Float(vec![fill]).cast(tensor.kind());
    let mut padded = tensor.clone();
    for (axis, &(before, after)) in sides.iter().enumerate() {
        let around = |length| {
            let mut shape = padded.shape.clone();
            shape[axis] = length;
            HostTensor::new(vec![1; shape.len()], fill.clone()).expand(&shape)
        };
        padded = HostTensor::concat(&[&around(before), &padded, &around(after)], axis)?;
    }
    Ok(padded)
}
