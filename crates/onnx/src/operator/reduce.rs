//! Sums, means and the like along axes.

use burn::backend::{Dispatch, DispatchTensor, ops::*};

use super::{NodeReader, Operation, axis_of, layout::axes, node::MaybeParsed};
use crate::{
    host::Kind,
    value::{Value, kind},
};

/// What is made of the numbers along some axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Product,
    SumOfMagnitudes,
    SumOfSquares,
    Norm,
    LogSum,
    LogSumExp,
}

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    let reduction = match node.operator() {
        "ReduceSum" => Reduction::Sum,
        "ReduceMean" => Reduction::Mean,
        "ReduceMax" => Reduction::Max,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Product,
        "ReduceL1" => Reduction::SumOfMagnitudes,
        "ReduceL2" => Reduction::Norm,
        "ReduceSumSquare" => Reduction::SumOfSquares,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        _ => return Ok(None),
    };
    let axes = axes(node)?;
    let keep = node.flag("keepdims", true)?;
    let none_is_none = node.flag("noop_with_empty_axes", false)?;
    Ok(Some(Operation::new(move |x| {
        let value = x.value(0)?;
        let rank = value.shape().len();
        let axes = match axes.get(x)?.filter(|axes| !axes.is_empty()) {
            None if none_is_none => return Ok(value),
            None => (0..rank).collect(),
            Some(axes) => {
                let axes = axes.into_iter().map(|axis| axis_of(axis, rank));
                axes.collect::<Result<Vec<_>, _>>()?
            }
        };
        reduce(reduction, value, &axes, keep)
    })))
}

impl Reduction {
    fn of_numbers(self, numbers: &[f64]) -> f64 {
        let all = || numbers.iter().copied();
        match self {
            Self::Sum => all().sum(),
            Self::Mean => all().sum::<f64>() / numbers.len() as f64,
            Self::Max => all().fold(f64::NEG_INFINITY, f64::max),
            Self::Min => all().fold(f64::INFINITY, f64::min),
            Self::Product => all().product(),
            Self::SumOfMagnitudes => all().map(f64::abs).sum(),
            Self::SumOfSquares => all().map(|x| x * x).sum(),
            Self::Norm => all().map(|x| x * x).sum::<f64>().sqrt(),
            Self::LogSum => all().sum::<f64>().ln(),
            Self::LogSumExp => all().map(f64::exp).sum::<f64>().ln(),
        }
    }
}

/// `reduction` along `axes`, which stay with length 1 if they are kept.
pub(super) fn reduce(
    reduction: Reduction,
    value: Value,
    axes: &[usize],
    keep: bool,
) -> Result<Value, String> {
    let shape = value.shape();
    let kept: Vec<_> = (0..shape.len())
        .filter(|axis| keep || !axes.contains(axis))
        .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
        .collect();
    let reduced = match value {
        Value::Host(tensor) => {
            Value::host(tensor.reduce(axes, |numbers| reduction.of_numbers(numbers)))
        }
        Value::Device(tensor) => Value::Device(match kind(&tensor) {
            Kind::Float => floats(reduction, tensor, axes),
            Kind::Int => ints(reduction, tensor, axes)?,
            Kind::Bool => return Err("it adds truth values".into()),
        }),
    };
    Ok(reduced.reshape(&kept))
}

/// Along one axis after the other.
fn along(
    tensor: DispatchTensor,
    axes: &[usize],
    f: fn(DispatchTensor, usize) -> DispatchTensor,
) -> DispatchTensor {
    axes.iter().fold(tensor, |tensor, &axis| f(tensor, axis))
}

fn floats(reduction: Reduction, x: DispatchTensor, axes: &[usize]) -> DispatchTensor {
    let sum = |x| along(x, axes, Dispatch::float_sum_dim);
    let square = |x: DispatchTensor| Dispatch::float_mul(x.clone(), x);
    match reduction {
        Reduction::Sum => sum(x),
        Reduction::Mean => along(x, axes, Dispatch::float_mean_dim),
        Reduction::Max => along(x, axes, Dispatch::float_max_dim),
        Reduction::Min => along(x, axes, Dispatch::float_min_dim),
        Reduction::Product => along(x, axes, Dispatch::float_prod_dim),
        Reduction::SumOfMagnitudes => sum(Dispatch::float_abs(x)),
        Reduction::SumOfSquares => sum(square(x)),
        Reduction::Norm => Dispatch::float_sqrt(sum(square(x))),
        Reduction::LogSum => Dispatch::float_log(sum(x)),
        Reduction::LogSumExp => {
            let max = along(x.clone(), axes, Dispatch::float_max_dim);
            let shifted = Dispatch::float_exp(Dispatch::float_sub(x, max.clone()));
            Dispatch::float_add(Dispatch::float_log(sum(shifted)), max)
        }
    }
}

fn ints(reduction: Reduction, x: DispatchTensor, axes: &[usize]) -> Result<DispatchTensor, String> {
    match reduction {
        Reduction::Sum => Ok(along(x, axes, Dispatch::int_sum_dim)),
        Reduction::Max => Ok(along(x, axes, Dispatch::int_max_dim)),
        Reduction::Min => Ok(along(x, axes, Dispatch::int_min_dim)),
        Reduction::Product => Ok(along(x, axes, Dispatch::int_prod_dim)),
        _ => Err("of whole numbers of an input this is not supported".into()),
    }
}

/// The sums of whole numbers along `axis`, which goes.
pub(super) fn sum_of_ints(value: Value, axis: usize) -> Result<Value, String> {
    reduce(Reduction::Sum, value, &[axis], false)
}

/// The mean of floats along `axes`, which stay with length 1.
pub(super) fn mean(tensor: DispatchTensor, axes: &[usize]) -> DispatchTensor {
    along(tensor, axes, Dispatch::float_mean_dim)
}
