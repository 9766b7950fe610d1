//! First and second derivatives of quotients, reciprocals and logarithms near the ends of their range: to a few units
//! in the last place.

use super::saturation::{Exact, Function, sigmoid, slopes, tensor};
use backdraft_program::{grad, hvp, jvp};
use backdraft_test_support::host;
use burn::{Tensor, tensor::DType};

/// Functions that users write with quotients, reciprocals and logarithms of exponentials, near the ends of what these
/// can be: squares of them are beyond.
#[test]
fn of_quotients_of_large_and_small_numbers() {
    let functions: [(&str, Function, Exact); 5] = [
        (
            "a share",
            |x| {
                let (e, other) = (x.clone().exp(), (x * 0.5).exp());
                e.clone() / (e + other)
            },
            |x| {
                let (first, second) = slopes(0.5 * x);
                [sigmoid(0.5 * x), 0.5 * first, 0.25 * second]
            },
        ),
        (
            "a share by a reciprocal",
            |x| {
                let (e, other) = (x.clone().exp(), (x * 0.5).exp());
                e.clone() * (e + other).recip()
            },
            |x| {
                let (first, second) = slopes(0.5 * x);
                [sigmoid(0.5 * x), 0.5 * first, 0.25 * second]
            },
        ),
        (
            "the logarithm of a sum of exponentials",
            |x| (x.clone().exp() + (x * 0.5).exp()).log(),
            |x| {
                let value = 0.5 * x + (0.5 * x).max(0.0) + (-0.5 * x.abs()).exp().ln_1p();
                [
                    value,
                    0.5 + 0.5 * sigmoid(0.5 * x),
                    0.25 * slopes(0.5 * x).0,
                ]
            },
        ),
        (
            "a sigmoid by a reciprocal",
            |x| ((-x).exp() + 1.0).recip(),
            |x| {
                let (first, second) = slopes(x);
                [sigmoid(x), first, second]
            },
        ),
        (
            "an exponential over another",
            |x| x.clone().exp() / (x * 0.5).exp(),
            |x| {
                let value = (0.5 * x).exp();
                [value, 0.5 * value, 0.25 * value]
            },
        ),
    ];
    for (dtype, ends) in [(DType::F32, 85.0), (DType::F64, 700.0)] {
        // In reverse mode the square of a share is met by itself.
        let (unit, least) = match dtype {
            DType::F32 => (f32::EPSILON as f64, 1e-18),
            _ => (f64::EPSILON, 1e-153),
        };
        for x in [0.3, 0.5, 0.7, 1.0]
            .iter()
            .flat_map(|&share| [share * ends, -share * ends])
        {
            for (name, f, exact) in functions {
                let exact = exact(x);
                let at = || tensor(&[x], [1], dtype);
                let one = || tensor(&[1.0], [1], dtype);
                let (y, forward) = jvp(f, at(), one()).unwrap();
                let slope = |x: Tensor<1>| grad(f, x);
                let found = [
                    (0, y),
                    (1, forward),
                    (1, grad(f, at()).unwrap()),
                    (2, hvp(f, at(), one()).unwrap()),
                    (2, grad(slope, at()).unwrap()),
                ];
                // Two exponentials are off by as many units as their argument has; terms of the size of the first
                // derivative, or of the value where that is less, cancel.
                let size = exact[1].abs().max(exact[0].abs().min(1.0));
                for (order, found) in found {
                    let (found, expected) = (host(found)[0], exact[order]);
                    let bound = 4.0 * unit * (ends * expected.abs() + size) + least;
                    let error = (found - expected).abs();
                    assert!(
                        error <= bound,
                        "{name} at {x} in {dtype:?}, order {order}: {found:e}, not {expected:e}"
                    );
                }
            }
        }
    }
}
