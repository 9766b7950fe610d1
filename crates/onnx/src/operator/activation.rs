//! Functions of one number, element by element, and softmax.

use burn::backend::{Dispatch, DispatchTensor, Scalar, ops::*};

use super::{
    Arguments, NodeReader, Operation,
    arithmetic::expand,
    axis_of,
    node::{MaybeParsed, Parsed},
};
use crate::{
    host::Kind,
    value::{Value, dims, kind, reshape},
};

type Device = fn(DispatchTensor) -> DispatchTensor;

pub(super) fn parse(node: &NodeReader<'_>) -> MaybeParsed {
    Ok(Some(match node.operator() {
        "Relu" => unary(|x| x.max(0.0), Dispatch::relu),
        "Exp" => unary(f64::exp, Dispatch::float_exp),
        "Log" => unary(f64::ln, Dispatch::float_log),
        "Sqrt" => unary(f64::sqrt, Dispatch::float_sqrt),
        "Reciprocal" => unary(f64::recip, Dispatch::float_recip),
        "Sin" => unary(f64::sin, Dispatch::float_sin),
        "Cos" => unary(f64::cos, Dispatch::float_cos),
        "Tan" => unary(f64::tan, Dispatch::float_tan),
        "Sinh" => unary(f64::sinh, Dispatch::float_sinh),
        "Cosh" => unary(f64::cosh, Dispatch::float_cosh),
        "Tanh" => unary(f64::tanh, Dispatch::float_tanh),
        "Asin" => unary(f64::asin, Dispatch::float_asin),
        "Acos" => unary(f64::acos, Dispatch::float_acos),
        "Atan" => unary(f64::atan, Dispatch::float_atan),
        "Floor" => unary(f64::floor, Dispatch::float_floor),
        "Ceil" => unary(f64::ceil, Dispatch::float_ceil),
        "Round" => unary(f64::round_ties_even, Dispatch::float_round),
        "Neg" => unary(
            |x| -x,
            |x| match kind(&x) {
                Kind::Int => Dispatch::int_neg(x),
                _ => Dispatch::float_neg(x),
            },
        ),
        "Abs" => unary(f64::abs, |x| match kind(&x) {
            Kind::Int => Dispatch::int_abs(x),
            _ => Dispatch::float_abs(x),
        }),
        "Sign" => unary(
            |x| if x == 0.0 { 0.0 } else { x.signum() },
            |x| match kind(&x) {
                Kind::Int => Dispatch::int_sign(x),
                _ => Dispatch::float_sign(x),
            },
        ),
        "Erf" => float(Dispatch::float_erf),
        "Sigmoid" => float(Dispatch::sigmoid),
        "Softplus" => float(softplus),
        "Softsign" => float(|x| {
            let below = Dispatch::float_abs(x.clone());
            Dispatch::float_div(x, Dispatch::float_add_scalar(below, Scalar::Float(1.0)))
        }),
        "Mish" => float(|x| {
            let factor = Dispatch::float_tanh(softplus(x.clone()));
            Dispatch::float_mul(x, factor)
        }),
        "HardSwish" => float(|x| Dispatch::float_mul(x.clone(), hard_sigmoid(x, 1.0 / 6.0, 0.5))),
        "Gelu" => return gelu(node).map(Some),
        "PRelu" => prelu(),
        "Clip" => return clip(node).map(Some),
        "Softmax" => return softmax(node, Dispatch::softmax).map(Some),
        "LogSoftmax" => return softmax(node, Dispatch::log_softmax).map(Some),
        _ => return with_settings(node),
    }))
}

/// Those that have settings.
fn with_settings(node: &NodeReader<'_>) -> MaybeParsed {
    let alpha = |default| node.float_or("alpha", default);
    Ok(Some(match node.operator() {
        "LeakyRelu" => {
            let slope = alpha(0.01)?;
            float(move |x| Dispatch::leaky_relu(x, Scalar::Float(slope)))
        }
        "HardSigmoid" => {
            let (alpha, beta) = (alpha(0.2)?, node.float_or("beta", 0.5)?);
            float(move |x| hard_sigmoid(x, alpha, beta))
        }
        "Swish" => {
            let alpha = alpha(1.0)?;
            float(move |x| {
                let scaled = Dispatch::float_mul_scalar(x.clone(), Scalar::Float(alpha));
                Dispatch::float_mul(x, Dispatch::sigmoid(scaled))
            })
        }
        "Elu" => exponential_below_zero(1.0, alpha(1.0)?, 1.0),
        "Celu" => {
            let alpha = alpha(1.0)?;
            exponential_below_zero(1.0, alpha, 1.0 / alpha)
        }
        "Selu" => {
            // The defaults are the numbers of the specification, in 32 bits.
            let gamma = node.float_or("gamma", 1.050_700_987_355_480_5)?;
            exponential_below_zero(gamma, alpha(1.673_263_242_354_377_3)?, 1.0)
        }
        "ThresholdedRelu" => {
            let threshold = alpha(1.0)?;
            Operation::new(move |x| {
                let tensor = x.float(0)?;
                let dtype = x.place.bool_dtype();
                let below = Dispatch::float_lower_equal_elem(
                    tensor.clone(),
                    Scalar::Float(threshold),
                    dtype,
                );
                let kept = Dispatch::float_mask_fill(tensor, below, Scalar::Float(0.0));
                Ok(Value::Device(kept))
            })
        }
        _ => return Ok(None),
    }))
}

/// A function of floats on the device.
fn float(f: impl Fn(DispatchTensor) -> DispatchTensor + Send + Sync + 'static) -> Operation {
    Operation::new(move |x| Ok(Value::Device(f(x.float(0)?))))
}

/// A function that constants have too.
fn unary(host: fn(f64) -> f64, device: Device) -> Operation {
    Operation::new(move |x| {
        Ok(match x.value(0)? {
            Value::Host(tensor) => Value::host(tensor.map(host)),
            Value::Device(tensor) => Value::Device(device(tensor)),
        })
    })
}

/// `log(1 + exp(x))`, without overflow.
fn softplus(x: DispatchTensor) -> DispatchTensor {
    Dispatch::float_neg(Dispatch::log_sigmoid(Dispatch::float_neg(x)))
}

fn hard_sigmoid(x: DispatchTensor, alpha: f64, beta: f64) -> DispatchTensor {
    let line = Dispatch::float_mul_scalar(x, Scalar::Float(alpha));
    let line = Dispatch::float_add_scalar(line, Scalar::Float(beta));
    Dispatch::float_clamp(line, Scalar::Float(0.0), Scalar::Float(1.0))
}

/// `scale x` above 0, and `scale alpha (exp(x rate) - 1)` below.
fn exponential_below_zero(scale: f64, alpha: f64, rate: f64) -> Operation {
    Operation::new(move |x| {
        let tensor = x.float(0)?;
        let above =
            Dispatch::float_greater_elem(tensor.clone(), Scalar::Float(0.0), x.place.bool_dtype());
        // Far above 0 an exponential would overflow, and its derivative with it.
        let below = Dispatch::float_clamp_max(tensor.clone(), Scalar::Float(0.0));
        let below = Dispatch::float_exp(Dispatch::float_mul_scalar(below, Scalar::Float(rate)));
        let below = Dispatch::float_sub_scalar(below, Scalar::Float(1.0));
        let below = Dispatch::float_mul_scalar(below, Scalar::Float(alpha));
        let found = Dispatch::float_mask_where(below, above, tensor);
        Ok(Value::Device(match scale == 1.0 {
            true => found,
            false => Dispatch::float_mul_scalar(found, Scalar::Float(scale)),
        }))
    })
}

fn gelu(node: &NodeReader<'_>) -> Parsed {
    match node.text_or("approximate", "none")? {
        "none" => Ok(float(Dispatch::gelu)),
        "tanh" => Ok(float(|x| {
            // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
            let cube = Dispatch::float_mul(Dispatch::float_mul(x.clone(), x.clone()), x.clone());
            let cube = Dispatch::float_mul_scalar(cube, Scalar::Float(0.044_715));
            let inner = Dispatch::float_add(x.clone(), cube);
            let factor = Scalar::Float((2.0 / std::f64::consts::PI).sqrt());
            let curve = Dispatch::float_tanh(Dispatch::float_mul_scalar(inner, factor));
            let curve = Dispatch::float_add_scalar(curve, Scalar::Float(1.0));
            let half = Dispatch::float_mul_scalar(x, Scalar::Float(0.5));
            Dispatch::float_mul(half, curve)
        })),
        other => Err(node.refuse(
            "approximate",
            format!("is `{other}`, which is not supported"),
        )),
    }
}

fn prelu() -> Operation {
    let operation = Operation::new(|x| {
        let tensor = x.float(0)?;
        let slope = expand(x.float(1)?, &dims(&tensor));
        Ok(Value::Device(Dispatch::prelu(tensor, slope)))
    });
    operation.weights(&[1])
}

fn clip(node: &NodeReader<'_>) -> Parsed {
    let given = (node.float("min")?, node.float("max")?);
    let operation = Operation::new(move |x| {
        let bound = |i, given: Option<f64>| Ok::<_, String>(x.optional_number(i)?.or(given));
        let (min, max) = (bound(1, given.0)?, bound(2, given.1)?);
        clamp(x, min, max)
    });
    Ok(operation.constants(&[1, 2]))
}

fn clamp(x: &Arguments<'_>, min: Option<f64>, max: Option<f64>) -> Result<Value, String> {
    let tensor = match x.value(0)? {
        Value::Host(tensor) => {
            let (min, max) = (
                min.unwrap_or(f64::NEG_INFINITY),
                max.unwrap_or(f64::INFINITY),
            );
            return Ok(Value::host(tensor.map(|x| x.max(min).min(max))));
        }
        Value::Device(tensor) => tensor,
    };
    Ok(Value::Device(match (kind(&tensor), min, max) {
        (Kind::Float, Some(min), Some(max)) => {
            Dispatch::float_clamp(tensor, Scalar::Float(min), Scalar::Float(max))
        }
        (Kind::Float, Some(min), None) => Dispatch::float_clamp_min(tensor, Scalar::Float(min)),
        (Kind::Float, None, Some(max)) => Dispatch::float_clamp_max(tensor, Scalar::Float(max)),
        (Kind::Int, min, max) => {
            let min = min.map_or(tensor.clone(), |min| {
                Dispatch::int_clamp_min(tensor, Scalar::Int(min as i64))
            });
            match max {
                Some(max) => Dispatch::int_clamp_max(min, Scalar::Int(max as i64)),
                None => min,
            }
        }
        (_, None, None) => tensor,
        (Kind::Bool, ..) => return Err("it bounds truth values".into()),
    }))
}

/// Along one axis; before version 13, over that axis and all after it together.
fn softmax(node: &NodeReader<'_>, f: fn(DispatchTensor, usize) -> DispatchTensor) -> Parsed {
    let together = node.version < 13;
    let axis = node.int_or("axis", if together { 1 } else { -1 })?;
    Ok(Operation::new(move |x| {
        let tensor = x.float(0)?;
        let shape = dims(&tensor);
        let axis = axis_of(axis, shape.len())?;
        if !together || axis + 1 == shape.len() {
            return Ok(Value::Device(f(tensor, axis)));
        }
        let mut flat = shape[..axis].to_vec();
        flat.push(shape[axis..].iter().product());
        Ok(Value::Device(reshape(
            f(reshape(tensor, &flat), axis),
            &shape,
        )))
    }))
}
