//! First and second derivatives of functions at the ends of their range, where what is left is small: to a few units in
//! the last place, in both types and in either mode, against closed forms without differences.

use backdraft_program::{ProgramError, grad, hvp, jvp};
use backdraft_test_support::{device, host};
use burn::{
    Tensor,
    tensor::{DType, TensorData, activation},
};

/// Units in the last place: half a dozen functions, each off by one or two, are multiplied.
const ULPS: f64 = 12.0;

const LARGE: [f64; 6] = [12.0, 16.25, 17.0, 21.75, 30.0, 40.5];
const LARGER: [f64; 6] = [16.5, 30.0, 37.5, 40.0, 100.0, 300.0];

fn types() -> [(DType, &'static [f64]); 2] {
    [(DType::F32, &LARGE), (DType::F64, &LARGER)]
}

pub(super) fn tensor<const D: usize>(values: &[f64], shape: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&device(), dtype))
}

#[track_caller]
fn assert_near(found: f64, expected: f64, dtype: DType, what: &str) {
    let (expected, unit, least) = match dtype {
        DType::F32 => (expected as f32 as f64, f32::EPSILON as f64, 1e-37),
        _ => (expected, f64::EPSILON, 1e-307),
    };
    let error = (found - expected).abs();
    assert!(
        error <= ULPS * unit * expected.abs() + least,
        "{what} in {dtype:?}: {found:e}, not {expected:e}"
    );
}

pub(super) fn sigmoid(x: f64) -> f64 {
    match x >= 0.0 {
        true => 1.0 / (1.0 + (-x).exp()),
        false => x.exp() / (1.0 + x.exp()),
    }
}

/// `sigmoid'`, `sigmoid''`.
pub(super) fn slopes(x: f64) -> (f64, f64) {
    let (p, q) = (sigmoid(x), sigmoid(-x));
    (p * q, p * q * (q - p))
}

pub(super) type Function = fn(Tensor<1>) -> Tensor<1>;
/// Value, derivative and second derivative.
pub(super) type Exact = fn(f64) -> [f64; 3];

const FUNCTIONS: [(&str, Function, Exact); 8] = [
    ("sigmoid", activation::sigmoid, |x| {
        let (first, second) = slopes(x);
        [sigmoid(x), first, second]
    }),
    ("tanh", activation::tanh, |x| {
        let first = 4.0 * slopes(2.0 * x).0;
        [x.tanh(), first, -2.0 * x.tanh() * first]
    }),
    ("log_sigmoid", activation::log_sigmoid, |x| {
        let value = x.min(0.0) - (-x.abs()).exp().ln_1p();
        [value, sigmoid(-x), -slopes(x).0]
    }),
    (
        "softplus",
        |x| activation::softplus(x, 1.0),
        |x| {
            let value = x.max(0.0) + (-x.abs()).exp().ln_1p();
            [value, sigmoid(x), slopes(x).0]
        },
    ),
    (
        "scaled softplus",
        |x| activation::softplus(x, 0.5),
        |x| {
            let value = x.max(0.0) + 2.0 * (-0.5 * x.abs()).exp().ln_1p();
            [value, sigmoid(0.5 * x), 0.5 * slopes(0.5 * x).0]
        },
    ),
    (
        "log1p of exp",
        |x| x.exp().log1p(),
        |x| {
            let value = x.max(0.0) + (-x.abs()).exp().ln_1p();
            [value, sigmoid(x), slopes(x).0]
        },
    ),
    ("silu", activation::silu, |x| {
        let (first, second) = slopes(x);
        [
            x * sigmoid(x),
            sigmoid(x) + x * first,
            2.0 * first + x * second,
        ]
    }),
    (
        "a loss of a margin",
        |x| activation::sigmoid(x * 2.0) * 3.0,
        |x| {
            let (first, second) = slopes(2.0 * x);
            [3.0 * sigmoid(2.0 * x), 6.0 * first, 12.0 * second]
        },
    ),
];

#[test]
fn of_one_number() {
    for (dtype, numbers) in types() {
        for x in numbers.iter().flat_map(|x| [*x, -*x]) {
            for (name, f, exact) in FUNCTIONS {
                let [value, first, second] = exact(x);
                let at = || tensor(&[x], [1], dtype);
                let one = || tensor(&[1.0], [1], dtype);
                let near = |what: &str, found: Tensor<1>, expected| {
                    let what = format!("{name} at {x}: {what}");
                    assert_near(host(found)[0], expected, dtype, &what);
                };
                let (y, forward) = jvp(f, at(), one()).unwrap();
                near("value", y, value);
                near("forward", forward, first);
                near("reverse", grad(f, at()).unwrap(), first);
                near("forward over reverse", hvp(f, at(), one()).unwrap(), second);
                let slope = |x: Tensor<1>| grad(f, x);
                near("reverse over reverse", grad(slope, at()).unwrap(), second);
                let slope =
                    |x: Tensor<1>| Ok::<_, ProgramError>(jvp(f, x.clone(), x.ones_like())?.1);
                let (_, again) = jvp(slope, at(), one()).unwrap();
                near("forward over forward", again, second);
                near("reverse over forward", grad(slope, at()).unwrap(), second);
            }
        }
    }
}

/// Classes of which one has almost all of the probability, in the middle.
fn logits(x: f64) -> [f64; 3] {
    [-0.5, x, 1.0]
}

/// Odds of the others, and their sum.
fn odds(x: f64) -> ([f64; 3], f64) {
    let odds = logits(x).map(|y| (y - x).exp());
    (odds, odds[0] + odds[2])
}

#[test]
fn of_softmax() {
    for (dtype, numbers) in types() {
        for &x in numbers {
            let (odds, others) = odds(x);
            let total = 1.0 + others;
            let but = [1.0 + odds[2], others, 1.0 + odds[0]];
            let p = odds.map(|odds| odds / total);
            for i in 0..3 {
                for j in 0..3 {
                    let entry = match i == j {
                        true => p[i] * but[i] / total,
                        false => -p[i] * p[j],
                    };
                    let pick = move |y: Tensor<2>| y.slice([0..1, i..i + 1]).reshape([1]);
                    let soft = move |x| pick(activation::softmax(x, 1));
                    let log = move |x| pick(activation::log_softmax(x, 1));
                    let at = || tensor(&logits(x), [1, 3], dtype);
                    let mut unit = [0.0; 3];
                    unit[j] = 1.0;
                    let unit = || tensor(&unit, [1, 3], dtype);
                    let near = |what: &str, found: f64, expected| {
                        let what = format!("at {x}: {what}, {i} by {j}");
                        assert_near(found, expected, dtype, &what);
                    };
                    near(
                        "softmax",
                        host(jvp(soft, at(), unit()).unwrap().1)[0],
                        entry,
                    );
                    near(
                        "softmax's pull-back",
                        host(grad(soft, at()).unwrap())[j],
                        entry,
                    );
                    let slope = match i == j {
                        true => but[i] / total,
                        false => -p[j],
                    };
                    near(
                        "log_softmax",
                        host(jvp(log, at(), unit()).unwrap().1)[0],
                        slope,
                    );
                    near(
                        "log_softmax's pull-back",
                        host(grad(log, at()).unwrap())[j],
                        slope,
                    );
                    // The Hessian of each logarithm is that of minus the sum of the exponentials' logarithm.
                    for k in 0..3 {
                        let expected = match k == j {
                            true => -p[j] * but[j] / total,
                            false => p[j] * p[k],
                        };
                        let product = host(hvp(log, at(), unit()).unwrap())[k];
                        near("the Hessian of log_softmax", product, expected);
                    }
                }
            }
        }
    }
}

/// Beyond what an exponential can be, where none is taken.
#[test]
fn of_exponential_linear_units() {
    type Row = (&'static str, Function, [f64; 2], fn(f64) -> f64);
    const SCALE: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    // The slopes on the right, and the exponential's factor; and its rate.
    let functions: [Row; 5] = [
        ("elu", |x| activation::elu(x, 0.5), [1.0, 0.5], |x| x),
        (
            "celu",
            |x| activation::celu(x, 2.0),
            [1.0, 2.0],
            |x| x / 2.0,
        ),
        ("selu", activation::selu, [SCALE, SCALE * ALPHA], |x| x),
        (
            "one's own",
            |x| {
                let negative = x.clone().lower_elem(0.0);
                let exponential = x.clone().exp() - 1.0;
                (x * 3.0).mask_where(negative, exponential)
            },
            [3.0, 1.0],
            |x| x,
        ),
        (
            "the other way round",
            |x| {
                let positive = x.clone().greater_elem(0.0);
                (x.clone().exp() - 1.0).mask_where(positive, x * 3.0)
            },
            [3.0, 1.0],
            |x| x,
        ),
    ];
    for (dtype, large) in [(DType::F32, 500.0), (DType::F64, 2_000.0)] {
        for (name, f, [right, factor], rate) in functions {
            for x in [large, 1.0, -1.0, -20.0, -large] {
                let of = rate(1.0);
                let exponential = factor * (of * x).exp();
                let (first, second) = match x > 0.0 {
                    true => (right, 0.0),
                    false => (of * exponential, of * of * exponential),
                };
                let at = || tensor(&[x], [1], dtype);
                let one = || tensor(&[1.0], [1], dtype);
                let near = |what: &str, found: Tensor<1>, expected| {
                    let what = format!("{name} at {x}: {what}");
                    assert_near(host(found)[0], expected, dtype, &what);
                };
                near("forward", jvp(f, at(), one()).unwrap().1, first);
                near("reverse", grad(f, at()).unwrap(), first);
                near("forward over reverse", hvp(f, at(), one()).unwrap(), second);
                let slope = |x: Tensor<1>| grad(f, x);
                near("reverse over reverse", grad(slope, at()).unwrap(), second);
            }
        }
    }
}

/// Where no class has most of the probability, nothing is taken away.
#[test]
fn of_softmax_of_many_equal_classes() {
    let count = 1000;
    let at = || Tensor::<2>::zeros([1, count], (&device(), DType::F32));
    let log = |x| {
        activation::log_softmax(x, 1)
            .slice([0..1, 0..1])
            .reshape([1])
    };
    let gradient = host(grad(log, at()).unwrap());
    let p = 1.0 / count as f64;
    assert_near(gradient[0], 1.0 - p, DType::F32, "its own");
    assert_near(gradient[1], -p, DType::F32, "another's");
    let mut unit = vec![0.0; count];
    unit[0] = 1.0;
    let unit = tensor(&unit, [1, count], DType::F32);
    let product = host(hvp(log, at(), unit).unwrap());
    assert_near(product[0], -p * (1.0 - p), DType::F32, "second");
    assert_near(product[1], p * p, DType::F32, "mixed second");
}

/// Functions of which the derivative has a pole at one.
#[test]
fn beside_a_pole() {
    type Row = (&'static str, Function, fn(f64) -> f64);
    let functions: [Row; 4] = [
        ("asin", Tensor::asin, |x| {
            1.0 / ((1.0 - x) * (1.0 + x)).sqrt()
        }),
        ("acos", Tensor::acos, |x| {
            -1.0 / ((1.0 - x) * (1.0 + x)).sqrt()
        }),
        ("atanh", Tensor::atanh, |x| 1.0 / ((1.0 - x) * (1.0 + x))),
        ("acosh", Tensor::acosh, |x| {
            1.0 / ((x - 1.0) * (x + 1.0)).sqrt()
        }),
    ];
    for (dtype, beside) in [(DType::F32, 2f64.powi(-23)), (DType::F64, 2f64.powi(-51))] {
        for (name, f, exact) in functions {
            let x = if name == "acosh" {
                1.0 + beside
            } else {
                1.0 - beside
            };
            let at = || tensor(&[x], [1], dtype);
            let (_, forward) = jvp(f, at(), at().ones_like()).unwrap();
            assert_near(host(forward)[0], exact(x), dtype, name);
            assert_near(host(grad(f, at()).unwrap())[0], exact(x), dtype, name);
        }
    }
}

/// `docs/upstream.md`: the ways round are no longer needed once these fail.
#[test]
fn burn_still_loses_the_ends() {
    let log_p = activation::log_softmax(tensor(&[17.0, 0.0], [1, 2], DType::F32), 1);
    assert_eq!(host(log_p), [0.0, -17.0]);
    let softplus = activation::softplus(tensor(&[20.5], [1], DType::F64), 1.0);
    assert_eq!(host(softplus), [20.5]);
    let x = || {
        let x = Tensor::<1>::from_data([17.0_f32], &device().autodiff());
        x.require_grad()
    };
    let slope = |f: Function| {
        let x = x();
        host(x.grad(&f(x.clone()).backward()).unwrap())[0]
    };
    assert_eq!(slope(activation::tanh), 0.0);
    assert_eq!(slope(activation::sigmoid), 0.0);
}

/// The same of `docs/upstream.md`: a gradient that is one where it should be zero, and one that is not a number.
#[test]
fn burn_still_squares_divisors() {
    let slope = |f: Function, x: f32| {
        let x = Tensor::<1>::from_data([x], &device().autodiff()).require_grad();
        host(x.grad(&f(x.clone()).backward()).unwrap())[0]
    };
    let share: Function = |x| {
        let e = x.exp();
        e.clone() / (e + 1.0)
    };
    assert_eq!(slope(share, 60.0), 1.0);
    assert!(slope(|x| activation::elu(x, 1.0), 100.0).is_nan());
}
