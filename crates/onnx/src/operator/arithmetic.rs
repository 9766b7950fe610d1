//! Sums, products, powers and the like, element by element.

use burn::backend::{Dispatch, DispatchTensor, Scalar, ops::*};

use super::{Arguments, NodeReader, Operation, node::MaybeParsed};
use crate::{
    host::{HostTensor, Kind, broadcast},
    value::{Place, Value, dims, kind, reshape},
};

/// An operation of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    /// The remainder with the sign of the divisor.
    Modulo,
    /// The remainder with the sign of the dividend.
    Remainder,
}

impl Binary {
    pub(crate) fn of_floats(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow => a.powf(b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Modulo => a - b * (a / b).floor(),
            Self::Remainder => a % b,
        }
    }

    pub(crate) fn of_ints(self, a: i64, b: i64) -> Result<i64, String> {
        let found = match self {
            Self::Add => a.checked_add(b),
            Self::Sub => a.checked_sub(b),
            Self::Mul => a.checked_mul(b),
            Self::Div => a.checked_div(b),
            Self::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
            Self::Min => Some(a.min(b)),
            Self::Max => Some(a.max(b)),
            // The sign of the divisor, unlike Rust's.
            Self::Modulo => a
                .checked_rem(b)
                .map(|rest| match rest != 0 && (rest < 0) != (b < 0) {
                    true => rest + b,
                    false => rest,
                }),
            Self::Remainder => a.checked_rem(b),
        };
        found.ok_or_else(|| format!("{self:?} of {a} and {b} is no whole number in 64 bits"))
    }
}

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    let op = match node.operator() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        "Mod" => match node.flag("fmod", false)? {
            true => Binary::Remainder,
            false => Binary::Modulo,
        },
        "Min" => return Ok(Some(Operation::new(|x| fold(Binary::Min, x)))),
        "Max" => return Ok(Some(Operation::new(|x| fold(Binary::Max, x)))),
        "Sum" => return Ok(Some(Operation::new(|x| fold(Binary::Add, x)))),
        "Mean" => {
            return Ok(Some(Operation::new(|x| {
                let sum = fold(Binary::Add, x)?;
                let count = HostTensor::new(
                    vec![],
                    crate::host::HostData::Float(vec![x.values.len() as f64]),
                );
                binary(Binary::Div, sum, Value::host(count), x.place)
            })));
        }
        _ => return Ok(None),
    };
    let operation = Operation::new(move |x| binary(op, x.value(0)?, x.value(1)?, x.place));
    Ok(Some(match op {
        Binary::Pow => operation.constants(&[1]),
        _ => operation,
    }))
}

fn fold(op: Binary, x: &Arguments<'_>) -> Result<Value, String> {
    let mut all = x.all()?.into_iter();
    let first = all.next().ok_or("it has no inputs")?;
    all.try_fold(first, |so_far, next| binary(op, so_far, next, x.place))
}

/// `op` of two tensors, each repeated where it must be.
pub(super) fn binary(op: Binary, a: Value, b: Value, place: &Place) -> Result<Value, String> {
    if let (Value::Host(a), Value::Host(b)) = (&a, &b) {
        return HostTensor::binary(op, a, b).map(Value::host);
    }
    if a.kind() != b.kind() && !(op == Binary::Pow && a.kind() == Kind::Float) {
        return Err(format!(
            "its inputs are of kinds {:?} and {:?}",
            a.kind(),
            b.kind()
        ));
    }
    let shape = broadcast(&[&a.shape(), &b.shape()])?;
    match a.kind() {
        Kind::Bool => return Err("it computes with truth values".into()),
        Kind::Int => return ints(op, a, b, &shape, place),
        Kind::Float => (),
    }
    if let (Value::Device(tensor), Value::Host(number)) = (&a, &b)
        && let Some(number) = number.single()
    {
        let tensor = with_rank(tensor.clone(), shape.len());
        if let Some(found) = with_scalar(op, tensor, number) {
            return Ok(Value::Device(found));
        }
    }
    if let (Value::Host(number), Value::Device(tensor)) = (&a, &b)
        && let Some(number) = number.single()
    {
        let tensor = with_rank(tensor.clone(), shape.len());
        if let Some(found) = scalar_with(op, number, tensor) {
            return Ok(Value::Device(found));
        }
    }
    let a = with_rank(a.on(place), shape.len());
    let b = match b.kind() {
        Kind::Float => b.on(place),
        _ => Dispatch::int_into_float(b.on(place), place.float),
    };
    let b = with_rank(b, shape.len());
    Ok(Value::Device(floats(op, a, b, &shape, place)))
}

/// A tensor with at least `rank` axes, the first of which are new and have length 1.
pub(super) fn with_rank(tensor: DispatchTensor, rank: usize) -> DispatchTensor {
    let own = dims(&tensor);
    if own.len() >= rank {
        return tensor;
    }
    let mut shape = vec![1; rank - own.len()];
    shape.extend(own);
    reshape(tensor, &shape)
}

/// Repeated to `shape`.
pub(super) fn expand(tensor: DispatchTensor, shape: &[usize]) -> DispatchTensor {
    let tensor = with_rank(tensor, shape.len());
    if dims(&tensor) == shape {
        return tensor;
    }
    let shape = burn::tensor::Shape::from(shape.to_vec());
    crate::value::by_kind!(tensor, float_expand, int_expand, bool_expand, shape)
}

fn floats(
    op: Binary,
    a: DispatchTensor,
    b: DispatchTensor,
    shape: &[usize],
    place: &Place,
) -> DispatchTensor {
    match op {
        Binary::Add => Dispatch::float_add(a, b),
        Binary::Sub => Dispatch::float_sub(a, b),
        Binary::Mul => Dispatch::float_mul(a, b),
        Binary::Div => Dispatch::float_div(a, b),
        Binary::Pow => Dispatch::float_powf(expand(a, shape), expand(b, shape)),
        Binary::Modulo => Dispatch::float_remainder(a, b),
        Binary::Remainder => {
            // Towards zero: a - b trunc(a / b).
            let whole = Dispatch::float_trunc(Dispatch::float_div(a.clone(), b.clone()));
            Dispatch::float_sub(a, Dispatch::float_mul(b, whole))
        }
        Binary::Min | Binary::Max => {
            let (a, b) = (expand(a, shape), expand(b, shape));
            let dtype = place.bool_dtype();
            let other = match op {
                Binary::Min => Dispatch::float_lower(b.clone(), a.clone(), dtype),
                _ => Dispatch::float_greater(b.clone(), a.clone(), dtype),
            };
            Dispatch::float_mask_where(a, other, b)
        }
    }
}

/// `op` of a tensor and a number, if there is a shorter way than with two tensors.
fn with_scalar(op: Binary, a: DispatchTensor, b: f64) -> Option<DispatchTensor> {
    let scalar = Scalar::Float(b);
    Some(match op {
        Binary::Add => Dispatch::float_add_scalar(a, scalar),
        Binary::Sub => Dispatch::float_sub_scalar(a, scalar),
        Binary::Mul => Dispatch::float_mul_scalar(a, scalar),
        Binary::Div => Dispatch::float_div_scalar(a, scalar),
        Binary::Min => Dispatch::float_clamp_max(a, scalar),
        Binary::Max => Dispatch::float_clamp_min(a, scalar),
        Binary::Pow if b == 1.0 => a,
        Binary::Pow if b == 2.0 => Dispatch::float_mul(a.clone(), a),
        Binary::Pow if b == 0.5 => Dispatch::float_sqrt(a),
        Binary::Pow if b.fract() == 0.0 && b.abs() < 64.0 => {
            Dispatch::float_powi_scalar(a, Scalar::Int(b as i64))
        }
        Binary::Pow => Dispatch::float_powf_scalar(a, scalar),
        Binary::Modulo => Dispatch::float_remainder_scalar(a, scalar),
        Binary::Remainder => return None,
    })
}

/// `op` of a number and a tensor, if there is a shorter way than with two tensors.
fn scalar_with(op: Binary, a: f64, b: DispatchTensor) -> Option<DispatchTensor> {
    Some(match op {
        Binary::Add | Binary::Mul | Binary::Min | Binary::Max => with_scalar(op, b, a)?,
        Binary::Sub => Dispatch::float_add_scalar(Dispatch::float_neg(b), Scalar::Float(a)),
        Binary::Div => Dispatch::float_mul_scalar(Dispatch::float_recip(b), Scalar::Float(a)),
        _ => return None,
    })
}

fn ints(op: Binary, a: Value, b: Value, shape: &[usize], place: &Place) -> Result<Value, String> {
    let a = with_rank(a.on(place), shape.len());
    let b = with_rank(b.on(place), shape.len());
    debug_assert_eq!(kind(&b), Kind::Int);
    Ok(Value::Device(match op {
        Binary::Add => Dispatch::int_add(a, b),
        Binary::Sub => Dispatch::int_sub(a, b),
        Binary::Mul => Dispatch::int_mul(a, b),
        Binary::Div => Dispatch::int_div(a, b),
        Binary::Modulo => Dispatch::int_remainder(a, b),
        Binary::Min | Binary::Max => {
            let (a, b) = (expand(a, shape), expand(b, shape));
            let dtype = place.bool_dtype();
            let other = match op {
                Binary::Min => Dispatch::int_lower(b.clone(), a.clone(), dtype),
                _ => Dispatch::int_greater(b.clone(), a.clone(), dtype),
            };
            Dispatch::int_mask_where(a, other, b)
        }
        Binary::Pow | Binary::Remainder => {
            return Err(format!(
                "{op:?} of whole numbers of an input is not supported"
            ));
        }
    }))
}
