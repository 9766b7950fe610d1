//! Products of matrices.

use burn::backend::{Dispatch, DispatchTensor, Scalar, ops::*};

use super::{
    Arguments, Binary, NodeReader, Operation,
    arithmetic::{binary, with_rank},
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::Kind,
    value::{Value, dims, reshape},
};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "MatMul" => Operation::new(|x| {
            let (a, b) = (x.float(0)?, x.float(1)?);
            matmul(a, b).map(Value::Device)
        })
        .weights(&[0, 1]),
        "Gemm" => gemm(node)?,
        _ => return Ok(None),
    }))
}

/// As in NumPy: the last two axes are those of matrices, and a single axis that of a vector.
pub(super) fn matmul(a: DispatchTensor, b: DispatchTensor) -> Result<DispatchTensor, String> {
    let (left, right) = (dims(&a), dims(&b));
    let inner = right[right.len().saturating_sub(2)];
    if left[left.len() - 1] != inner {
        return Err(format!(
            "shapes {left:?} and {right:?} cannot be multiplied"
        ));
    }
    if right.len() == 2 && left.len() >= 2 {
        // A layer, as the engine knows them.
        return Ok(Dispatch::linear(a, b, None));
    }
    let a_matrix = match left.len() {
        1 => reshape(a, &[1, left[0]]),
        _ => a,
    };
    let b_matrix = match right.len() {
        1 => reshape(b, &[right[0], 1]),
        _ => b,
    };
    let rank = left.len().max(right.len()).max(2);
    let product = Dispatch::float_matmul(with_rank(a_matrix, rank), with_rank(b_matrix, rank));
    let mut shape = dims(&product);
    if right.len() == 1 {
        shape.pop();
    }
    if left.len() == 1 {
        let row = shape.len() - usize::from(right.len() > 1) - 1;
        shape.remove(row);
    }
    Ok(reshape(product, &shape))
}

/// `alpha A B + beta C`, with `A` and `B` transposed if the node says so.
fn gemm(node: &NodeReader<'_>) -> Parsed {
    let (alpha, beta) = (node.float_or("alpha", 1.0)?, node.float_or("beta", 1.0)?);
    let (turn_a, turn_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let operation = Operation::new(move |x| {
        let turned = |i, turn| {
            let tensor = x.float(i)?;
            match (dims(&tensor).len(), turn) {
                (2, true) => Ok(Dispatch::float_swap_dims(tensor, 0, 1)),
                (2, false) => Ok(tensor),
                (rank, _) => Err(format!(
                    "its input {i} has {rank} axes, and must be a matrix"
                )),
            }
        };
        let (a, b) = (turned(0, turn_a)?, turned(1, turn_b)?);
        if dims(&a)[1] != dims(&b)[0] {
            let (a, b) = (dims(&a), dims(&b));
            return Err(format!("matrices {a:?} and {b:?} cannot be multiplied"));
        }
        let width = dims(&b)[1];
        if alpha == 1.0 && beta == 1.0 && x.optional(2).is_none_or(|c| c.shape() == [width]) {
            let bias = x.optional(2).map(|_| x.float(2)).transpose()?;
            return Ok(Value::Device(Dispatch::linear(a, b, bias)));
        }
        let product = Value::Device(scaled(Dispatch::linear(a, b, None), alpha));
        plus(x, product, beta)
    });
    Ok(operation.weights(&[0, 1, 2]))
}

fn scaled(tensor: DispatchTensor, factor: f64) -> DispatchTensor {
    match factor == 1.0 {
        true => tensor,
        false => Dispatch::float_mul_scalar(tensor, Scalar::Float(factor)),
    }
}

/// `product + beta C`.
fn plus(x: &Arguments<'_>, product: Value, beta: f64) -> Result<Value, String> {
    match x.optional(2) {
        None => Ok(product),
        Some(c) if c.kind() == Kind::Float => {
            let c = match (c, beta == 1.0) {
                (c, true) => c,
                (c, false) => Value::Device(scaled(c.on(x.place), beta)),
            };
            binary(Binary::Add, product, c, x.place)
        }
        Some(_) => Err("its input 2 must hold floating-point numbers".into()),
    }
}
