//! Comparisons, logic, and choice by them.

use burn::backend::{Dispatch, DispatchTensor, ops::*};

use super::{
    NodeReader, Operation,
    arithmetic::{expand, with_rank},
    node::MaybeParsed,
};
use crate::{
    host::{HostData, HostTensor, Kind, broadcast},
    value::{Place, Value, by_kind},
};

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Compare {
    pub(crate) fn of<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Equal => a == b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
        }
    }
}

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    let op = match node.operator() {
        "Equal" => Compare::Equal,
        "Greater" => Compare::Greater,
        "GreaterOrEqual" => Compare::GreaterOrEqual,
        "Less" => Compare::Less,
        "LessOrEqual" => Compare::LessOrEqual,
        "And" => return logic(|a, b| a && b, Dispatch::bool_and),
        "Or" => return logic(|a, b| a || b, Dispatch::bool_or),
        "Xor" => return logic(|a, b| a != b, Dispatch::bool_not_equal),
        "Not" => return Ok(Some(Operation::new(|x| not(x.value(0)?)))),
        "IsNaN" => return Ok(Some(Operation::new(|x| is_nan(x.value(0)?, x.place)))),
        "Where" => {
            let operation =
                Operation::new(|x| choose(x.value(0)?, x.value(1)?, x.value(2)?, x.place));
            return Ok(Some(operation));
        }
        _ => return Ok(None),
    };
    Ok(Some(Operation::new(move |x| {
        compare(op, x.value(0)?, x.value(1)?, x.place)
    })))
}

/// An operation of two truth values.
fn logic(
    host: fn(bool, bool) -> bool,
    device: fn(DispatchTensor, DispatchTensor) -> DispatchTensor,
) -> MaybeParsed {
    Ok(Some(Operation::new(move |x| {
        let (a, b) = (x.value(0)?, x.value(1)?);
        let shape = broadcast(&[&a.shape(), &b.shape()])?;
        if let (Value::Host(a), Value::Host(b)) = (&a, &b) {
            let (a, b) = (a.expand(&shape), b.expand(&shape));
            let (a, b) = (a.data.to_bools(), b.data.to_bools());
            let found = a.into_iter().zip(b).map(|(a, b)| host(a, b)).collect();
            return Ok(Value::host(HostTensor::new(shape, HostData::Bool(found))));
        }
        if (a.kind(), b.kind()) != (Kind::Bool, Kind::Bool) {
            return Err("its inputs must be truth values".into());
        }
        let a = expand(a.on(x.place), &shape);
        Ok(Value::Device(device(a, expand(b.on(x.place), &shape))))
    })))
}

fn not(a: Value) -> Result<Value, String> {
    match a {
        Value::Host(a) => {
            let found = a.data.to_bools().into_iter().map(|it| !it).collect();
            Ok(Value::host(HostTensor::new(
                a.shape.clone(),
                HostData::Bool(found),
            )))
        }
        Value::Device(a) if crate::value::kind(&a) == Kind::Bool => {
            Ok(Value::Device(Dispatch::bool_not(a)))
        }
        Value::Device(_) => Err("its input must be truth values".into()),
    }
}

fn is_nan(a: Value, place: &Place) -> Result<Value, String> {
    match a {
        Value::Host(a) => {
            let found = a.data.to_floats().into_iter().map(f64::is_nan).collect();
            Ok(Value::host(HostTensor::new(
                a.shape.clone(),
                HostData::Bool(found),
            )))
        }
        Value::Device(a) => Ok(Value::Device(Dispatch::float_is_nan(a, place.bool_dtype()))),
    }
}

fn compare(op: Compare, a: Value, b: Value, place: &Place) -> Result<Value, String> {
    if let (Value::Host(a), Value::Host(b)) = (&a, &b) {
        return HostTensor::compare(op, a, b).map(Value::host);
    }
    let shape = broadcast(&[&a.shape(), &b.shape()])?;
    let kinds = (a.kind(), b.kind());
    let (a, b) = (
        with_rank(a.on(place), shape.len()),
        with_rank(b.on(place), shape.len()),
    );
    let dtype = place.bool_dtype();
    Ok(Value::Device(match (kinds, op) {
        ((Kind::Float, Kind::Float), Compare::Equal) => Dispatch::float_equal(a, b, dtype),
        ((Kind::Float, Kind::Float), Compare::Greater) => Dispatch::float_greater(a, b, dtype),
        ((Kind::Float, Kind::Float), Compare::GreaterOrEqual) => {
            Dispatch::float_greater_equal(a, b, dtype)
        }
        ((Kind::Float, Kind::Float), Compare::Less) => Dispatch::float_lower(a, b, dtype),
        ((Kind::Float, Kind::Float), Compare::LessOrEqual) => {
            Dispatch::float_lower_equal(a, b, dtype)
        }
        ((Kind::Int, Kind::Int), Compare::Equal) => Dispatch::int_equal(a, b, dtype),
        ((Kind::Int, Kind::Int), Compare::Greater) => Dispatch::int_greater(a, b, dtype),
        ((Kind::Int, Kind::Int), Compare::GreaterOrEqual) => {
            Dispatch::int_greater_equal(a, b, dtype)
        }
        ((Kind::Int, Kind::Int), Compare::Less) => Dispatch::int_lower(a, b, dtype),
        ((Kind::Int, Kind::Int), Compare::LessOrEqual) => Dispatch::int_lower_equal(a, b, dtype),
        ((Kind::Bool, Kind::Bool), Compare::Equal) => {
            Dispatch::bool_equal(expand(a, &shape), expand(b, &shape))
        }
        _ => return Err(format!("its inputs are of kinds {kinds:?}")),
    }))
}

/// `a` where `condition` holds, and `b` where not.
pub(super) fn choose(condition: Value, a: Value, b: Value, place: &Place) -> Result<Value, String> {
    if let (Value::Host(condition), Value::Host(a), Value::Host(b)) = (&condition, &a, &b) {
        return condition.choose(a, b).map(Value::host);
    }
    let shape = broadcast(&[&condition.shape(), &a.shape(), &b.shape()])?;
    if condition.kind() != Kind::Bool || a.kind() != b.kind() {
        return Err("it must choose by truth values between tensors of one kind".into());
    }
    let mask = expand(condition.on(place), &shape);
    let a = expand(a.on(place), &shape);
    let b = expand(b.on(place), &shape);
    Ok(Value::Device(by_kind!(
        b,
        float_mask_where,
        int_mask_where,
        bool_mask_where,
        mask,
        a
    )))
}
