//! The check that every rule has to pass.

use approx::abs_diff_eq;
use backdraft_forward::{Dual, DualTensor};
use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_backend::{Shape, TensorData, TensorMetadata};
use burn_flex::{Flex, FlexTensor};

/// A tensor with two directions: the tangent of the outer decorator, itself with a tangent of the
/// inner one.
pub type Tensor = DualTensor<Inner>;
pub type Inner = Dual<Flex>;
pub type Outer = Dual<Inner>;

/// The five-point central difference errs by `STEP^4 f'''''/30`, some 1e-13 here, plus rounding, some
/// 1e-16 / STEP; the tolerance leaves room for functions with large derivatives.
const STEP: f64 = 5e-4;
const TOLERANCE: f64 = 1e-9;

/// Distinct values spread evenly over `low..high` in a scrambled order, so that extrema are far from
/// ties and, for an even number of them, signs far from zero.
pub fn spread<const D: usize>(shape: [usize; D], low: f64, high: f64) -> FlexTensor {
    let shape = Shape::new(shape);
    let count = shape.num_elements();
    // Any multiplier coprime to the count permutes it.
    let stride = (1..).map(|k| 7 * k + 5).find(|&k| gcd(k, count) == 1);
    let stride = stride.expect("some multiplier is coprime");
    let values = (0..count).map(|i| {
        let place = (i * stride + 3) % count;
        low + (high - low) * (place as f64 + 0.5) / count as f64
    });
    floats(values.collect(), shape)
}

pub fn floats(values: Vec<f64>, shape: impl Into<Shape>) -> FlexTensor {
    Flex::float_from_data(TensorData::new(values, shape.into()), &Default::default())
}

pub fn ints(values: Vec<i64>, shape: impl Into<Shape>) -> FlexTensor {
    Flex::int_from_data(TensorData::new(values, shape.into()), &Default::default())
}

pub fn bools(values: Vec<bool>, shape: impl Into<Shape>) -> FlexTensor {
    Flex::bool_from_data(TensorData::new(values, shape.into()), &Default::default())
}

pub fn values(tensor: FlexTensor) -> Vec<f64> {
    let data = tensor.into_data();
    data.try_into_vec()
        .expect("results are in double precision")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A direction for input `index`, of no particular structure.
fn direction(like: &FlexTensor, index: usize, salt: f64) -> FlexTensor {
    let shape = like.shape();
    let values = (0..shape.num_elements())
        .map(|i| (salt * (1.0 + i as f64) + 0.7 * index as f64).sin())
        .collect();
    floats(values, shape)
}

/// How the inputs move: each along its own direction, or not at all.
type Motion = Vec<Option<FlexTensor>>;

/// Calls `f` at `x + step * along`, with the outer tangents `outer` and the inner ones `inner`.
fn evaluate<const N: usize>(
    f: &impl Fn([Tensor; N]) -> Tensor,
    x: &[FlexTensor; N],
    (step, along): (f64, &Motion),
    outer: &Motion,
    inner: &Motion,
) -> Tensor {
    f(std::array::from_fn(|i| {
        let mut x = x[i].clone();
        if let (Some(along), true) = (&along[i], step != 0.0) {
            x = Flex::float_add(x, Flex::float_mul_scalar(along.clone(), step.into()));
        }
        let primal = match &inner[i] {
            Some(inner) => DualTensor::new(x, inner.clone()),
            None => DualTensor::constant(x),
        };
        match &outer[i] {
            Some(outer) => Tensor::new(primal, DualTensor::constant(outer.clone())),
            None => Tensor::constant(primal),
        }
    }))
}

/// The value of `f`, all inputs constant.
fn value(y: Tensor) -> Vec<f64> {
    assert!(y.tangent().is_none(), "constants have no tangent");
    values(y.into_parts().0.into_parts().0)
}

/// The first derivative along the outer direction.
fn first(y: Tensor) -> Vec<f64> {
    let zeros = vec![0.0; y.shape().num_elements()];
    let tangent = y.into_parts().1;
    tangent.map_or(zeros, |tangent| values(tangent.into_parts().0))
}

/// The second derivative along the outer and the inner direction.
fn second(y: Tensor) -> Vec<f64> {
    let zeros = vec![0.0; y.shape().num_elements()];
    let tangent = y.into_parts().1.and_then(|tangent| tangent.into_parts().1);
    tangent.map_or(zeros, values)
}

/// The five-point central difference of `g` at zero.
fn difference(g: impl Fn(f64) -> Vec<f64>, step: f64) -> Vec<f64> {
    let [near, far] = [step, 2.0 * step].map(|h| (g(h), g(-h)));
    let slope = |i: usize| {
        let (near, far) = (near.0[i] - near.1[i], far.0[i] - far.1[i]);
        (8.0 * near - far) / (12.0 * step)
    };
    (0..near.0.len()).map(slope).collect()
}

fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths differ");
    let scale = expected.iter().fold(1.0f64, |scale, x| scale.max(x.abs()));
    for (i, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        assert!(
            abs_diff_eq!(a, e, epsilon = tolerance * scale),
            "{what}: element {i} is {a}, not {e}",
        );
    }
}

/// Checks `f` at `inputs`, whichever of them have a tangent: its value, its first derivative and its
/// second, against central differences.
pub fn check<const N: usize>(
    name: &str,
    inputs: [FlexTensor; N],
    f: impl Fn([Tensor; N]) -> Tensor,
) {
    check_with(name, inputs, STEP, TOLERANCE, f);
}

/// [`check`] with another step and tolerance.
pub fn check_with<const N: usize>(
    name: &str,
    inputs: [FlexTensor; N],
    step: f64,
    tolerance: f64,
    f: impl Fn([Tensor; N]) -> Tensor,
) {
    let still: Motion = vec![None; N];
    for moving in 1..1usize << N {
        let motion = |salt: f64| -> Motion {
            (0..N)
                .map(|i| ((moving >> i) & 1 == 1).then(|| direction(&inputs[i], i, salt)))
                .collect()
        };
        let (v, w) = (motion(1.3), motion(2.1));
        let what = |order: &str| format!("{name}, inputs {moving:#b}, {order}");
        let at = |step, along, outer, inner| evaluate(&f, &inputs, (step, along), outer, inner);

        let plain = value(at(0.0, &still, &still, &still));
        let lifted = values(at(0.0, &still, &v, &w).into_parts().0.into_parts().0);
        // A composed rule may round differently from the backend's fused operation.
        assert_close(&what("value"), &lifted, &plain, 1e-12);

        let expected = difference(|h| value(at(h, &v, &still, &still)), step);
        let tangent = first(at(0.0, &still, &v, &still));
        assert_close(&what("first order"), &tangent, &expected, tolerance);

        let expected = difference(|h| first(at(h, &w, &v, &still)), step);
        let curvature = second(at(0.0, &still, &v, &w));
        assert_close(&what("second order"), &curvature, &expected, tolerance);
    }
}

#[test]
#[should_panic(expected = "first order")]
fn a_lost_tangent_is_noticed() {
    check("x stop(x)", [spread([4], -1.0, 1.0)], |[x]| {
        Outer::float_mul(Outer::float_detach(x.clone()), x)
    });
}

#[test]
#[should_panic(expected = "second order")]
fn a_lost_second_tangent_is_noticed() {
    check("x^2", [spread([4], -1.0, 1.0)], |[x]| {
        let (primal, tangent) = Outer::float_mul(x.clone(), x).into_parts();
        match tangent {
            Some(tangent) => Tensor::new(primal, DualTensor::constant(tangent.into_parts().0)),
            None => Tensor::constant(primal),
        }
    });
}
