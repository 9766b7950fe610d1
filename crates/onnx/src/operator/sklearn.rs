//! Operators of classical machine learning, as far as networks of scikit-learn have them.

use super::{
    Binary, NodeReader, Operation,
    arithmetic::binary,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor, Kind},
    operator::cast::cast,
    value::Value,
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    match node.operator() {
        "Scaler" => scaler(node).map(Some),
        _ => Ok(None),
    }
}

/// `(x - offset) scale`, by columns: what was measured on the training examples, and is no parameter.
fn scaler(node: &NodeReader<'_>) -> Parsed {
    let list = |values: Option<Vec<f64>>| {
        values
            .map(|values| Value::host(HostTensor::new(vec![values.len()], HostData::Float(values))))
    };
    let (offset, scale) = (list(node.floats("offset")?), list(node.floats("scale")?));
    Ok(Operation::new(move |x| {
        let mut value = cast(x.value(0)?, Kind::Float, x.place)?;
        if let Some(offset) = offset.clone() {
            value = binary(Binary::Sub, value, offset, x.place)?;
        }
        if let Some(scale) = scale.clone() {
            value = binary(Binary::Mul, value, scale, x.place)?;
        }
        Ok(value)
    }))
}
