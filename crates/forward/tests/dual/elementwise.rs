//! Elementwise functions and the arithmetic of two tensors.

use burn_backend::Scalar;
use burn_backend::ops::FloatTensorOps;

use crate::support::{Outer, Tensor, check, floats, ints, spread};

/// A function of one tensor and a range away from its kinks and poles.
type Unary = (&'static str, fn(Tensor) -> Tensor, f64, f64);

const UNARY: &[Unary] = &[
    ("neg", Outer::float_neg, -2.0, 2.0),
    ("recip", Outer::float_recip, 0.7, 2.0),
    ("exp", Outer::float_exp, -2.0, 2.0),
    ("log", Outer::float_log, 0.5, 3.0),
    ("log1p", Outer::float_log1p, -0.5, 3.0),
    ("sqrt", Outer::float_sqrt, 0.5, 3.0),
    ("abs", Outer::float_abs, -2.0, 2.0),
    ("sign", Outer::float_sign, -2.0, 2.0),
    ("sin", Outer::float_sin, -2.0, 2.0),
    ("cos", Outer::float_cos, -2.0, 2.0),
    ("tan", Outer::float_tan, -1.0, 1.0),
    ("sinh", Outer::float_sinh, -2.0, 2.0),
    ("cosh", Outer::float_cosh, -2.0, 2.0),
    ("tanh", Outer::float_tanh, -2.0, 2.0),
    ("asin", Outer::float_asin, -0.7, 0.7),
    ("acos", Outer::float_acos, -0.7, 0.7),
    ("atan", Outer::float_atan, -2.0, 2.0),
    ("asinh", Outer::float_asinh, -2.0, 2.0),
    ("acosh", Outer::float_acosh, 1.5, 3.0),
    ("atanh", Outer::float_atanh, -0.7, 0.7),
    ("erf", Outer::float_erf, -2.0, 2.0),
    ("round", Outer::float_round, 0.55, 1.45),
    ("floor", Outer::float_floor, 0.05, 0.95),
    ("ceil", Outer::float_ceil, 0.05, 0.95),
    ("trunc", Outer::float_trunc, 0.05, 0.95),
];

#[test]
fn functions_of_one_tensor() {
    for &(name, f, low, high) in UNARY {
        check(name, [spread([2, 4], low, high)], |[x]| f(x));
    }
}

#[test]
fn a_tensor_and_a_number() {
    let x = || [spread([2, 4], -2.0, 2.0)];
    let number = Scalar::from(0.6);
    check("add_scalar", x(), |[x]| Outer::float_add_scalar(x, number));
    check("sub_scalar", x(), |[x]| Outer::float_sub_scalar(x, number));
    check("mul_scalar", x(), |[x]| Outer::float_mul_scalar(x, number));
    check("div_scalar", x(), |[x]| Outer::float_div_scalar(x, number));
    check("remainder_scalar", [spread([2, 4], 0.1, 0.5)], |[x]| {
        Outer::float_remainder_scalar(Outer::float_sub_scalar(x, 1.2.into()), number)
    });
    let (min, max) = (Scalar::from(-0.9), Scalar::from(0.9));
    check("clamp", x(), |[x]| Outer::float_clamp(x, min, max));
    check("clamp_min", x(), |[x]| Outer::float_clamp_min(x, min));
    check("clamp_max", x(), |[x]| Outer::float_clamp_max(x, max));
}

#[test]
fn powers() {
    for exponent in [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0] {
        let name = format!("x^{exponent}");
        check(&name, [spread([2, 4], -2.0, 2.0)], |[x]| {
            // Moved away from the pole at zero, on both sides of it.
            let x = Outer::float_add(x.clone(), Outer::float_sign(x));
            Outer::float_powf_scalar(x, exponent.into())
        });
    }
    check("x^1.7", [spread([2, 4], 0.5, 2.0)], |[x]| {
        Outer::float_powf_scalar(x, 1.7.into())
    });
    check("powf_scalar_impl", [spread([2, 4], 0.5, 2.0)], |[x]| {
        Outer::float_powf_scalar_impl(x, (-0.4).into())
    });
    for exponent in [0i64, 1, 2, 5] {
        check("powi_scalar", [spread([2, 4], -2.0, 2.0)], |[x]| {
            Outer::float_powi_scalar(x, exponent.into())
        });
    }
    check("powi_scalar_impl", [spread([2, 4], -2.0, 2.0)], |[x]| {
        Outer::float_powi_scalar_impl(x, 3i64.into())
    });
    let exponents = ints(vec![0, 1, 2, 3], [1, 4]);
    check("powi", [spread([2, 4], -2.0, 2.0)], |[x]| {
        Outer::float_powi(x, exponents.clone())
    });
}

#[test]
fn an_integer_power_of_zero() {
    let exponents = ints(vec![0, 1, 2, 3], [4]);
    check("powi at zero", [floats(vec![0.0; 4], [4])], |[x]| {
        Outer::float_powi(x, exponents.clone())
    });
}

#[test]
fn two_tensors() {
    let same = |low, high| [spread([2, 4], low, high), spread([2, 4], 0.6, 1.9)];
    let broadcast = |low, high| [spread([2, 1], low, high), spread([1, 4], 0.6, 1.9)];
    type Binary = (&'static str, fn(Tensor, Tensor) -> Tensor, f64, f64);
    let table: [Binary; 8] = [
        ("add", Outer::float_add, -2.0, 2.0),
        ("sub", Outer::float_sub, -2.0, 2.0),
        ("mul", Outer::float_mul, -2.0, 2.0),
        ("div", Outer::float_div, -2.0, 2.0),
        ("powf", Outer::float_powf, 0.5, 2.0),
        ("atan2", Outer::float_atan2, -2.0, 2.0),
        ("hypot", Outer::float_hypot, -2.0, 2.0),
        ("remainder", remainder, 0.1, 0.5),
    ];
    for (name, f, low, high) in table {
        check(name, same(low, high), |[x, y]| f(x, y));
        let name = format!("{name}, broadcasting");
        check(&name, broadcast(low, high), |[x, y]| f(x, y));
    }
}

/// The remainder of a number that is negative and some periods away, clear of the jumps.
fn remainder(x: Tensor, y: Tensor) -> Tensor {
    let shift = Outer::float_mul_scalar(y.clone(), (-3.0).into());
    Outer::float_remainder(Outer::float_add(x, shift), y)
}

#[test]
fn one_tensor_twice() {
    check("x * x", [spread([2, 4], -2.0, 2.0)], |[x]| {
        Outer::float_mul(x.clone(), x)
    });
    check("x / exp(x)", [spread([2, 4], -2.0, 2.0)], |[x]| {
        Outer::float_div(x.clone(), Outer::float_exp(x))
    });
    check("x^x", [spread([2, 4], 0.5, 2.0)], |[x]| {
        Outer::float_powf(x.clone(), x)
    });
}

#[test]
fn a_zero_base_does_not_move_with_its_exponent() {
    let base = floats(vec![0.0, 0.0, 2.0], [3]);
    check("0^p", [floats(vec![1.5, 2.5, 3.0], [3])], |[p]| {
        let base = Tensor::constant(backdraft_forward::DualTensor::constant(base.clone()));
        Outer::float_powf(base, p)
    });
}

#[test]
fn products_of_matrices_and_vectors() {
    let [a, b] = [spread([2, 3, 4], -2.0, 2.0), spread([2, 4, 2], -1.0, 1.0)];
    check("matmul", [a.clone(), b], |[a, b]| Outer::float_matmul(a, b));
    let b = spread([1, 4, 2], -1.0, 1.0);
    check("matmul, broadcasting", [a, b], |[a, b]| {
        Outer::float_matmul(a, b)
    });
    let [a, b] = [spread([2, 3], -2.0, 2.0), spread([2, 3], -1.0, 1.0)];
    check("cross", [a, b], |[a, b]| Outer::float_cross(a, b, 1));
}
