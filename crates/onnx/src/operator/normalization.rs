//! Normalization by means and variances: those of a batch that was seen in training, or those of an example.

use burn::backend::{Dispatch, DispatchTensor, Scalar, ops::*};

use super::{
    Arguments, NodeReader, Operation,
    arithmetic::with_rank,
    axis_of,
    node::{MaybeParsed, Parsed},
    reduce::mean,
};
use crate::value::{Value, dims, reshape};

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "BatchNormalization" => batch(node)?,
        "LayerNormalization" => layer(node)?,
        "RMSNormalization" => root_mean_square(node)?,
        "InstanceNormalization" => instance(node)?,
        "GroupNormalization" => group(node)?,
        "LpNormalization" => lp(node)?,
        _ => return Ok(None),
    }))
}

/// A number a channel, to go with a tensor `[batch, channels, ..]` of `rank` axes.
fn a_channel(tensor: DispatchTensor, rank: usize) -> DispatchTensor {
    let mut shape = vec![1; rank];
    shape[1] = dims(&tensor).iter().product();
    reshape(tensor, &shape)
}

fn epsilon(node: &NodeReader<'_>) -> Result<f64, crate::error::OnnxProblem> {
    node.float_or("epsilon", 1e-5)
}

/// `1 / sqrt(variance + epsilon)`.
fn inverse_deviation(variance: DispatchTensor, epsilon: f64) -> DispatchTensor {
    let variance = Dispatch::float_add_scalar(variance, Scalar::Float(epsilon));
    Dispatch::float_recip(Dispatch::float_sqrt(variance))
}

/// With mean 0 and variance 1 along `axes`.
fn normalized(x: DispatchTensor, axes: &[usize], epsilon: f64) -> DispatchTensor {
    let centred = Dispatch::float_sub(x.clone(), mean(x, axes));
    let variance = mean(Dispatch::float_mul(centred.clone(), centred.clone()), axes);
    Dispatch::float_mul(centred, inverse_deviation(variance, epsilon))
}

/// With the means and variances that were seen in training, which are constants.
fn batch(node: &NodeReader<'_>) -> Parsed {
    let epsilon = epsilon(node)?;
    node.ignore("momentum");
    if node.flag("training_mode", false)? {
        return Err(node.refuse(
            "training_mode",
            "is on: outputs would depend on the batch; export the network in evaluation mode",
        ));
    }
    if !node.flag("spatial", true)? {
        return Err(node.refuse("spatial", "is not supported unless it is 1"));
    }
    let operation = Operation::new(move |x| {
        let tensor = x.float(0)?;
        let rank = dims(&tensor).len();
        if rank < 2 {
            return Err("its input has no axis of channels".into());
        }
        let channel = |i| Ok::<_, String>(a_channel(x.float(i)?, rank));
        let factor = Dispatch::float_mul(channel(1)?, inverse_deviation(channel(4)?, epsilon));
        let centred = Dispatch::float_sub(tensor, channel(3)?);
        let found = Dispatch::float_add(Dispatch::float_mul(centred, factor), channel(2)?);
        Ok(Value::Device(found))
    });
    Ok(operation.constants(&[3, 4]).weights(&[1, 2]))
}

/// Scaled by input 1, and moved by input 2 if there is one; both go with the last axes.
fn scaled(x: &Arguments<'_>, tensor: DispatchTensor) -> Result<Value, String> {
    let rank = dims(&tensor).len();
    let scaled = Dispatch::float_mul(tensor, with_rank(x.float(1)?, rank));
    Ok(Value::Device(match x.optional(2) {
        None => scaled,
        Some(_) => Dispatch::float_add(scaled, with_rank(x.float(2)?, rank)),
    }))
}

fn layer(node: &NodeReader<'_>) -> Parsed {
    let (axis, epsilon) = (node.int_or("axis", -1)?, epsilon(node)?);
    // In which type means are computed: always that of the parameters.
    node.ignore("stash_type");
    let operation = Operation::new(move |x| {
        let tensor = x.float(0)?;
        let rank = dims(&tensor).len();
        let axes: Vec<usize> = (axis_of(axis, rank)?..rank).collect();
        scaled(x, normalized(tensor, &axes, epsilon))
    });
    Ok(operation.weights(&[1, 2]))
}

fn root_mean_square(node: &NodeReader<'_>) -> Parsed {
    let (axis, epsilon) = (node.int_or("axis", -1)?, epsilon(node)?);
    node.ignore("stash_type");
    let operation = Operation::new(move |x| {
        let tensor = x.float(0)?;
        let rank = dims(&tensor).len();
        let axes: Vec<usize> = (axis_of(axis, rank)?..rank).collect();
        let square = mean(Dispatch::float_mul(tensor.clone(), tensor.clone()), &axes);
        let factor = inverse_deviation(square, epsilon);
        scaled(x, Dispatch::float_mul(tensor, factor))
    });
    Ok(operation.weights(&[1]))
}

fn instance(node: &NodeReader<'_>) -> Parsed {
    let epsilon = epsilon(node)?;
    let operation = Operation::new(move |x| {
        let tensor = x.float(0)?;
        let rank = dims(&tensor).len();
        let axes: Vec<usize> = (2..rank).collect();
        let (scale, bias) = (a_channel(x.float(1)?, rank), a_channel(x.float(2)?, rank));
        let found = Dispatch::float_mul(normalized(tensor, &axes, epsilon), scale);
        Ok(Value::Device(Dispatch::float_add(found, bias)))
    });
    Ok(operation.weights(&[1, 2]))
}

fn group(node: &NodeReader<'_>) -> Parsed {
    let epsilon = epsilon(node)?;
    node.ignore("stash_type");
    let groups = usize::try_from(node.int_or("num_groups", 0)?).ok();
    let groups = groups.filter(|&groups| groups > 0);
    let groups = groups.ok_or_else(|| node.refuse("num_groups", "must be above 0"))?;
    // Before version 21 there is a scale a group, and since then one a channel.
    let a_group = node.version < 21;
    let operation = Operation::new(move |x| {
        let tensor = x.float(0)?;
        let shape = dims(&tensor);
        if shape.len() < 2 || !shape[1].is_multiple_of(groups) {
            return Err(format!("{groups} groups cannot be made of shape {shape:?}"));
        }
        let rest = shape[1..].iter().product::<usize>() / groups;
        let found = normalized(reshape(tensor, &[shape[0], groups, rest]), &[2], epsilon);
        let scaled = |tensor: DispatchTensor| {
            let rank = dims(&tensor).len();
            let (scale, bias) = (a_channel(x.float(1)?, rank), a_channel(x.float(2)?, rank));
            Ok::<_, String>(Dispatch::float_add(
                Dispatch::float_mul(tensor, scale),
                bias,
            ))
        };
        Ok(Value::Device(match a_group {
            true => reshape(scaled(found)?, &shape),
            false => scaled(reshape(found, &shape))?,
        }))
    });
    Ok(operation.weights(&[1, 2]))
}

/// Over the sum of magnitudes, or over the square root of that of squares.
fn lp(node: &NodeReader<'_>) -> Parsed {
    let (axis, power) = (node.int_or("axis", -1)?, node.int_or("p", 2)?);
    if !matches!(power, 1 | 2) {
        return Err(node.refuse("p", "must be 1 or 2"));
    }
    Ok(Operation::new(move |x| {
        let tensor = x.float(0)?;
        let axis = axis_of(axis, dims(&tensor).len())?;
        let norm = match power {
            1 => Dispatch::float_sum_dim(Dispatch::float_abs(tensor.clone()), axis),
            _ => {
                let squares = Dispatch::float_mul(tensor.clone(), tensor.clone());
                Dispatch::float_sqrt(Dispatch::float_sum_dim(squares, axis))
            }
        };
        Ok(Value::Device(Dispatch::float_div(tensor, norm)))
    }))
}
