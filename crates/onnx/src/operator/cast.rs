//! Tensors as other kinds of numbers, and as they are.

use burn::backend::{Dispatch, ops::*};

use super::{
    NodeReader, Operation,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor, Kind},
    port::OnnxElement,
    value::{Place, Value, dims, kind},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Cast" => {
            node.ignore("saturate");
            node.ignore("round_mode");
            let to = node.int("to")?.unwrap_or_default();
            let kind = match OnnxElement::of(to) {
                it if it.is_float() => Kind::Float,
                OnnxElement::Int => Kind::Int,
                OnnxElement::Bool => Kind::Bool,
                _ => {
                    return Err(node.refuse("to", format!("is {to}, a type that is not supported")));
                }
            };
            Operation::new(move |x| cast(x.value(0)?, kind, x.place))
        }
        "CastLike" => {
            node.ignore("saturate");
            node.ignore("round_mode");
            Operation::new(|x| cast(x.value(0)?, x.value(1)?.kind(), x.place))
        }
        "Identity" => Operation::new(|x| x.value(0)),
        "Dropout" => dropout(node)?,
        _ => return Ok(None),
    }))
}

/// Floats of all widths are of one kind: they are computed with as the parameters are.
pub(super) fn cast(value: Value, to: Kind, place: &Place) -> Result<Value, String> {
    let tensor = match value {
        Value::Host(tensor) => {
            let data = tensor.data.cast(to);
            return Ok(Value::host(HostTensor::new(tensor.shape.clone(), data)));
        }
        Value::Device(tensor) => tensor,
    };
    Ok(Value::Device(match (kind(&tensor), to) {
        (Kind::Float, Kind::Int) => Dispatch::float_into_int(tensor, place.int_dtype()),
        (Kind::Int, Kind::Float) => Dispatch::int_into_float(tensor, place.float),
        (Kind::Bool, Kind::Float) => Dispatch::bool_into_float(tensor, place.float),
        (Kind::Bool, Kind::Int) => Dispatch::bool_into_int(tensor, place.int_dtype()),
        (Kind::Int, Kind::Bool) => {
            Dispatch::int_not_equal_elem(tensor, burn::backend::Scalar::Int(0), place.bool_dtype())
        }
        (Kind::Float, Kind::Bool) => Dispatch::float_not_equal_elem(
            tensor,
            burn::backend::Scalar::Float(0.0),
            place.bool_dtype(),
        ),
        _ => tensor,
    }))
}

/// As in inference: everything is kept.
fn dropout(node: &NodeReader<'_>) -> Parsed {
    node.ignore("ratio");
    node.ignore("seed");
    let operation = Operation::many(2, |x| {
        if x.optional_number(2)?
            .is_some_and(|training| training != 0.0)
        {
            return Err("it is in training mode; export the network in evaluation mode".into());
        }
        let value = x.value(0)?;
        let shape = match &value {
            Value::Device(tensor) => dims(tensor),
            Value::Host(tensor) => tensor.shape.clone(),
        };
        let count = shape.iter().product();
        let kept = HostTensor::new(shape, HostData::Bool(vec![true; count]));
        Ok(vec![value, Value::host(kept)])
    });
    Ok(operation.constants(&[1, 2]))
}
