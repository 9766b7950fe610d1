//! Attention as one operator, which exporters write since version 23.

use burn::backend::{Dispatch, DispatchTensor, Scalar, ops::*};

use super::{
    Arguments, Binary, NodeReader, Operation,
    arithmetic::{binary, expand},
    comparison::choose,
    layout::permute,
    linear::matmul,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::{HostData, HostTensor, Kind},
    value::{Place, Value, dims, reshape},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    match node.operator() {
        "Attention" => attention(node).map(Some),
        _ => Ok(None),
    }
}

/// What a node says of its attention.
struct Settings {
    causal: bool,
    scale: Option<f64>,
    /// Heads of the queries, and of keys and values, if the inputs do not tell.
    heads: [Option<usize>; 2],
}

fn attention(node: &NodeReader<'_>) -> Parsed {
    let heads = |name| {
        let heads = node.int(name)?.map(usize::try_from).transpose();
        heads.map_err(|_| node.refuse(name, "is negative"))
    };
    let settings = Settings {
        causal: node.flag("is_causal", false)?,
        scale: node.float("scale")?,
        heads: [heads("q_num_heads")?, heads("kv_num_heads")?],
    };
    node.ignore("softmax_precision");
    if node.float_or("softcap", 0.0)? != 0.0 {
        return Err(node.refuse("softcap", "is not supported unless it is 0"));
    }
    if node.int_or("qk_matmul_output_mode", 0)? != 0 {
        return Err(node.refuse("qk_matmul_output_mode", "is not supported unless it is 0"));
    }
    if (4..node.inputs()).any(|i| node.has_input(i)) {
        return Err(
            node.problem("it takes keys and values of earlier steps, which is not supported")
        );
    }
    Ok(Operation::new(move |x| {
        attend(x, &settings).map(Value::Device)
    }))
}

/// `[batch, heads, places, width]`, of an input that has that shape or `[batch, places, heads * width]`.
fn with_heads(tensor: DispatchTensor, heads: Option<usize>) -> Result<DispatchTensor, String> {
    let shape = dims(&tensor);
    match (&shape[..], heads) {
        ([_, _, _, _], _) => Ok(tensor),
        (&[batch, places, all], Some(heads)) if heads > 0 && all % heads == 0 => {
            let split = reshape(tensor, &[batch, places, heads, all / heads]);
            Ok(permute(split, &[0, 2, 1, 3]))
        }
        _ => Err(format!(
            "its input has shape {shape:?}, which are not {heads:?} heads"
        )),
    }
}

/// Keys or values with as many heads as the queries have: each serves some of them, one after the other.
fn repeated(tensor: DispatchTensor, heads: usize) -> Result<DispatchTensor, String> {
    let shape = dims(&tensor);
    let (batch, own, places, width) = (shape[0], shape[1], shape[2], shape[3]);
    if own == heads {
        return Ok(tensor);
    }
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(format!("it has {heads} heads of queries and {own} of keys"));
    }
    let each = reshape(tensor, &[batch, own, 1, places, width]);
    let each = expand(each, &[batch, own, heads / own, places, width]);
    Ok(reshape(each, &[batch, heads, places, width]))
}

fn attend(x: &Arguments<'_>, settings: &Settings) -> Result<DispatchTensor, String> {
    let [queries_have, keys_have] = settings.heads;
    let together = dims(&x.float(0)?).len() == 3;
    let queries = with_heads(x.float(0)?, queries_have)?;
    let heads = dims(&queries)[1];
    let keys = repeated(with_heads(x.float(1)?, keys_have.or(queries_have))?, heads)?;
    let values = repeated(with_heads(x.float(2)?, keys_have.or(queries_have))?, heads)?;
    let width = dims(&queries)[3];
    let scale = settings
        .scale
        .unwrap_or_else(|| (width as f64).sqrt().recip());
    let scores = matmul(queries, Dispatch::float_swap_dims(keys, 2, 3))?;
    let mut scores = Dispatch::float_mul_scalar(scores, Scalar::Float(scale));
    if settings.causal {
        let shape = dims(&scores);
        let seen = Value::host(earlier(shape[2], shape[3]));
        scores = masked(scores, seen, x.place)?;
    }
    if let Some(mask) = x.optional(3) {
        scores = masked(scores, mask, x.place)?;
    }
    let found = matmul(Dispatch::softmax(scores, 3), values)?;
    if !together {
        return Ok(found);
    }
    let found = permute(found, &[0, 2, 1, 3]);
    let shape = dims(&found);
    Ok(reshape(found, &[shape[0], shape[1], shape[2] * shape[3]]))
}

/// Which places are not later than another.
fn earlier(queries: usize, keys: usize) -> HostTensor {
    let seen = (0..queries).flat_map(|query| (0..keys).map(move |key| key <= query));
    HostTensor::new(vec![queries, keys], HostData::Bool(seen.collect()))
}

/// Scores of what a mask lets see, and those to which one adds.
fn masked(scores: DispatchTensor, mask: Value, place: &Place) -> Result<DispatchTensor, String> {
    let scores = Value::Device(scores);
    let masked = match mask.kind() {
        Kind::Bool => {
            let hidden = HostTensor::new(vec![1], HostData::Float(vec![f64::NEG_INFINITY]));
            choose(mask, scores, Value::host(hidden), place)?
        }
        _ => binary(Binary::Add, scores, mask, place)?,
    };
    Ok(masked.on(place))
}
