//! Constants, and tensors that are made of shapes.

use super::{
    NodeReader, Operation,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor},
    value::Value,
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Constant" => constant(node)?,
        "ConstantOfShape" => {
            let zero = || HostTensor::new(vec![1], HostData::Float(vec![0.0]));
            let value = node.tensor("value")?.unwrap_or_else(zero);
            if value.len() != 1 {
                return Err(node.refuse("value", "must be one number"));
            }
            Operation::new(move |x| {
                let shape = lengths(&x.ints(0)?)?;
                let one = HostTensor::new(vec![1; shape.len()], value.data.clone());
                Ok(Value::host(one.expand(&shape)))
            })
        }
        "Shape" => shape(node)?,
        "Size" => Operation::new(|x| {
            let size = x.value(0)?.shape().iter().product::<usize>();
            Ok(Value::host(HostTensor::new(
                vec![],
                HostData::Int(vec![size as i64]),
            )))
        }),
        "Range" => Operation::new(|x| range(&*x.host(0)?, &*x.host(1)?, &*x.host(2)?)),
        "EyeLike" => eye_like(node)?,
        _ => return Ok(None),
    }))
}

/// Lengths of axes.
pub(super) fn lengths(values: &[i64]) -> Result<Vec<usize>, String> {
    let lengths = values.iter().map(|&length| usize::try_from(length));
    let lengths = lengths.collect::<Result<_, _>>();
    lengths.map_err(|_| format!("its shape {values:?} has a negative length"))
}

fn constant(node: &NodeReader<'_>) -> Parsed {
    let tensor = if let Some(tensor) = node.tensor("value")? {
        tensor
    } else if let Some(value) = node.float("value_float")? {
        HostTensor::new(vec![], HostData::Float(vec![value]))
    } else if let Some(values) = node.floats("value_floats")? {
        HostTensor::new(vec![values.len()], HostData::Float(values))
    } else if let Some(value) = node.int("value_int")? {
        HostTensor::new(vec![], HostData::Int(vec![value]))
    } else if let Some(values) = node.ints("value_ints")? {
        HostTensor::ints(values)
    } else {
        return Err(node.problem("its value is text or sparse, which is not supported"));
    };
    let value = Value::host(tensor);
    Ok(Operation::new(move |_| Ok(value.clone())))
}

fn shape(node: &NodeReader<'_>) -> Parsed {
    let (start, end) = (node.int_or("start", 0)?, node.int("end")?);
    Ok(Operation::new(move |x| {
        let shape = x.value(0)?.shape();
        let rank = shape.len() as i64;
        let bound = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
        let (start, end) = (bound(start), bound(end.unwrap_or(rank)));
        let part = shape.get(start..end).unwrap_or_default();
        let part = part.iter().map(|&length| length as i64).collect();
        Ok(Value::host(HostTensor::ints(part)))
    }))
}

fn range(start: &HostTensor, limit: &HostTensor, step: &HostTensor) -> Result<Value, String> {
    let number = |tensor: &HostTensor| tensor.single().ok_or("its inputs must be single numbers");
    let (first, end, by) = (number(start)?, number(limit)?, number(step)?);
    if by == 0.0 {
        return Err("its step is 0".into());
    }
    let count = ((end - first) / by).ceil().max(0.0) as usize;
    let numbers = (0..count).map(|n| first + n as f64 * by).collect();
    let data = HostData::Float(numbers).cast(start.kind());
    Ok(Value::host(HostTensor::new(vec![count], data)))
}

fn eye_like(node: &NodeReader<'_>) -> Parsed {
    let shift = node.int_or("k", 0)?;
    let to = node.int("dtype")?;
    if to.is_some_and(|to| !matches!(to, 1 | 11)) {
        return Err(node.refuse(
            "dtype",
            "is not supported unless it is a floating-point type",
        ));
    }
    Ok(Operation::new(move |x| {
        let shape = x.value(0)?.shape();
        let [rows, columns] = shape[..] else {
            return Err(format!(
                "its input has shape {shape:?}, and must be a matrix"
            ));
        };
        let ones = (0..rows).flat_map(|row| {
            let one = move |column| f64::from(u8::from(column as i64 == row as i64 + shift));
            (0..columns).map(one)
        });
        let data = HostData::Float(ones.collect());
        Ok(Value::host(HostTensor::new(shape, data)))
    }))
}
