//! Losses of networks that are sure: losses, gradients, Hessians and Fisher products however large the logits, right
//! and wrong ones, against closed forms without differences. A few units in the last place, in both types.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Huber, LinearOperator, Loss, Model, Poisson,
    TokenCrossEntropy, TokenReduction, Weighted,
};
use backdraft_test_support::*;
use burn::{
    module::Param,
    nn::Linear,
    tensor::{DType, FloatDType, Int, Tensor, TensorData, activation},
};

/// Units in the last place: a function is off by one or two, and half a dozen are multiplied.
const ULPS: f64 = 8.0;

/// Numbers that are exact in both types, from where the first digits are lost to where nothing is left of `1 - p`.
/// Beyond 87 the exponentials of f32 are no normal numbers.
const LARGE: [f64; 5] = [15.0, 17.0, 21.75, 40.5, 86.0];
/// The same for f64.
const LARGER: [f64; 4] = [30.0, 37.5, 100.0, 700.0];

fn types() -> [(DType, &'static [f64]); 2] {
    [(DType::F32, &LARGE), (DType::F64, &LARGER)]
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], dtype: DType) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), (&device(), dtype))
}

/// A linear network of identity weights: its outputs are its inputs.
fn identity(width: usize, dtype: DType) -> Model {
    let weight = Tensor::<2>::eye(width, &device()).cast(FloatDType::from(dtype));
    let linear = Linear {
        weight: Param::from_tensor(weight),
        bias: None,
    };
    Model::new(&linear, |linear: &Linear, x: Tensor<2>| linear.forward(x)).unwrap()
}

/// The cost of one example with these outputs.
fn cost<L: Loss>(outputs: &[f64], dtype: DType, loss: L, targets: L::Targets) -> Cost {
    let x = tensor(outputs, [1, outputs.len()], dtype);
    Cost::new(identity(outputs.len(), dtype), loss, x, targets).unwrap()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, dtype: DType, what: &str) {
    let (expected, unit, least) = match dtype {
        DType::F32 => (expected as f32 as f64, f32::EPSILON as f64, 1e-44),
        _ => (expected, f64::EPSILON, 1e-320),
    };
    let error = (found - expected).abs();
    assert!(
        error <= ULPS * unit * expected.abs() + least,
        "{what}: {found:e}, not {expected:e}"
    );
}

/// What a loss of one example is in closed form.
struct Exact {
    loss: f64,
    gradient: Vec<f64>,
    /// Row by row.
    hessian: Vec<f64>,
}

/// Everything that is computed of a loss of one example, in the outputs. A closed form of the Fisher matrix is the
/// Hessian.
fn check(name: &str, outputs: &[f64], loss: Any, target: f64, dtype: DType, exact: &Exact) {
    let width = outputs.len();
    let name = format!("{name} in {dtype:?} at {outputs:?}");
    if !matches!(loss, Any::OwnBinary(_) | Any::OwnClasses(_)) {
        check_at_once(&name, outputs, &loss, target, dtype, exact);
    }
    let open = Any::Open(Box::new(loss.clone()));
    let [closed, open] =
        [loss, open].map(|loss| cost(outputs, dtype, loss, tensor(&[target], [1, 1], dtype)));
    let found = host(closed.losses().unwrap())[0];
    assert_near(found, exact.loss, dtype, &format!("{name}: loss"));
    let gradient = host(closed.output_gradients().unwrap());
    for (found, expected) in gradient.iter().zip(&exact.gradient) {
        assert_near(
            *found,
            *expected,
            dtype,
            &format!("{name}: output gradient"),
        );
    }

    // The weight from input `i` to output `j` has the derivative `x_i g_j`, and moves output `j` by `x_i`.
    let (input, x) = outputs
        .iter()
        .copied()
        .enumerate()
        .find(|(_, x)| *x != 0.0)
        .unwrap();
    let gradient = host(closed.gradient().unwrap());
    for (found, g) in gradient[input * width..].iter().zip(&exact.gradient) {
        assert_near(*found, x * g, dtype, &format!("{name}: gradient"));
    }
    for column in 0..width {
        let mut v = vec![0.0; width * width];
        v[input * width + column] = 1.0;
        let v = tensor(&v, [width * width], dtype);
        let products = [
            ("Gauss-Newton", closed.gauss_newton().apply(v.clone())),
            ("Hessian", closed.hessian().apply(v.clone())),
            ("Fisher", closed.fisher().apply(v.clone())),
            ("open Gauss-Newton", open.gauss_newton().apply(v.clone())),
            ("open Hessian", open.hessian().apply(v)),
        ];
        for (matrix, product) in products {
            let product = host(product.unwrap());
            for (row, found) in product[input * width..][..width].iter().enumerate() {
                let expected = x * x * exact.hessian[row * width + column];
                let what = format!("{name}: {matrix}, {row}, {column}");
                assert_near(*found, expected, dtype, &what);
            }
        }
    }
}

/// The loss and its gradient where Burn computes at once and differentiates itself, as in training.
fn check_at_once(
    name: &str,
    outputs: &[f64],
    loss: &Any,
    target: f64,
    dtype: DType,
    exact: &Exact,
) {
    let data = TensorData::new(outputs.to_vec(), [1, outputs.len()]);
    let outputs = Tensor::<2>::from_data(data, (&device().autodiff(), dtype)).require_grad();
    let loss = loss.per_example(outputs.clone(), tensor(&[target], [1, 1], dtype));
    let gradient = outputs.grad(&loss.clone().backward()).unwrap();
    let what = format!("{name}: loss at once");
    assert_near(host(loss)[0], exact.loss, dtype, &what);
    for (found, expected) in host(gradient).iter().zip(&exact.gradient) {
        let what = format!("{name}: gradient at once");
        assert_near(*found, *expected, dtype, &what);
    }
}

/// All losses in one type, so that the engine is compiled once for them: with targets that are numbers, whatever they
/// mean.
#[derive(Clone)]
enum Any {
    Binary,
    Weighted,
    Classes,
    Tokens(TokenReduction),
    Poisson,
    /// What a user wrote for two classes, with the Fisher matrix of one that is known.
    OwnBinary(fn(Tensor<2>, Tensor<2>) -> Tensor<1>),
    /// The same for many classes.
    OwnClasses(fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>),
    /// Without the closed form of its Hessian.
    Open(Box<Any>),
}

impl Any {
    fn tokens(reduction: TokenReduction) -> TokenCrossEntropy {
        let padding = Some(-100);
        TokenCrossEntropy { padding, reduction }
    }
}

/// Numbers as classes.
fn integers(t: Tensor<2>) -> Tensor<1, Int> {
    t.squeeze_dim::<1>(1).int()
}

/// Numbers with a weight of one each.
fn weighted(t: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
    let ones = (t.clone() * 0.0 + 1.0).squeeze_dim(1);
    (t, ones)
}

impl Loss for Any {
    type Targets = Tensor<2>;

    fn per_example(&self, y: Tensor<2>, t: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Binary => BinaryCrossEntropy.per_example(y, t),
            Self::Weighted => Weighted(BinaryCrossEntropy).per_example(y, weighted(t)),
            Self::Classes => CrossEntropy.per_example(y, integers(t)),
            Self::Tokens(reduction) => Self::tokens(*reduction).per_example(y, t.int()),
            Self::Poisson => Poisson.per_example(y, t),
            Self::OwnBinary(f) => f(y, t),
            Self::OwnClasses(f) => f(y, integers(t)),
            Self::Open(loss) => loss.per_example(y, t),
        }
    }

    fn hessian_product(&self, y: Tensor<2>, t: Tensor<2>, v: Tensor<2>) -> Option<Tensor<2>> {
        match self {
            Self::Binary => BinaryCrossEntropy.hessian_product(y, t, v),
            Self::Weighted => Weighted(BinaryCrossEntropy).hessian_product(y, weighted(t), v),
            Self::Classes => CrossEntropy.hessian_product(y, integers(t), v),
            Self::Tokens(reduction) => Self::tokens(*reduction).hessian_product(y, t.int(), v),
            Self::Poisson => Poisson.hessian_product(y, t, v),
            Self::OwnBinary(_) | Self::OwnClasses(_) | Self::Open(_) => None,
        }
    }

    fn fisher_product(&self, y: Tensor<2>, t: Tensor<2>, v: Tensor<2>) -> Option<Tensor<2>> {
        match self {
            Self::Binary | Self::OwnBinary(_) => BinaryCrossEntropy.fisher_product(y, t, v),
            Self::Weighted => Weighted(BinaryCrossEntropy).fisher_product(y, weighted(t), v),
            Self::Classes | Self::OwnClasses(_) => CrossEntropy.fisher_product(y, integers(t), v),
            Self::Tokens(reduction) => Self::tokens(*reduction).fisher_product(y, t.int(), v),
            Self::Poisson => Poisson.fisher_product(y, t, v),
            Self::Open(loss) => loss.fisher_product(y, t, v),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    match x >= 0.0 {
        true => 1.0 / (1.0 + (-x).exp()),
        false => x.exp() / (1.0 + x.exp()),
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn binary(y: f64, t: f64) -> Exact {
    Exact {
        loss: t * softplus(-y) + (1.0 - t) * softplus(y),
        gradient: vec![(1.0 - t) * sigmoid(y) - t * sigmoid(-y)],
        hessian: vec![sigmoid(y) * sigmoid(-y)],
    }
}

/// Of logits of which the first of the largest adds the one to the sum of all exponentials.
fn categorical(y: &[f64], t: usize) -> Exact {
    let largest = (0..y.len()).fold(0, |a, b| if y[b] > y[a] { b } else { a });
    let odds: Vec<f64> = y.iter().map(|y_j| (y_j - y[largest]).exp()).collect();
    let but = |i: usize| -> f64 { (0..y.len()).filter(|&j| j != i).map(|j| odds[j]).sum() };
    let total = 1.0 + but(largest);
    let p = |i: usize| odds[i] / total;
    let entry = |i: usize, j: usize| match i == j {
        true => p(i) * but(i) / total,
        false => -p(i) * p(j),
    };
    let n = y.len();
    Exact {
        loss: y[largest] - y[t] + but(largest).ln_1p(),
        gradient: (0..n)
            .map(|i| if i == t { -but(t) / total } else { p(i) })
            .collect(),
        hessian: (0..n * n).map(|ij| entry(ij / n, ij % n)).collect(),
    }
}

#[test]
fn mirror_images_have_equal_derivatives() {
    let x = tensor(&[17.0, -17.0], [2, 1], DType::F32);
    let t = tensor(&[1.0, 0.0], [2, 1], DType::F32);
    let cost = Cost::new(identity(1, DType::F32), BinaryCrossEntropy, x, t).unwrap();
    let derivatives = [0, 1].map(|i| host(cost.select(&[i]).unwrap().gradient().unwrap())[0]);
    assert_eq!(derivatives[0], derivatives[1]);
    assert_near(derivatives[0], -7.037_894_5e-7, DType::F32, "derivative");
    let losses = host(cost.losses().unwrap());
    assert_eq!(losses[0], losses[1]);
    assert!(losses[0] > 0.0);
}

#[test]
fn binary_cross_entropy() {
    for (dtype, numbers) in types() {
        for y in numbers.iter().flat_map(|y| [*y, -*y]) {
            for t in [0.0, 1.0, 0.25] {
                let exact = binary(y, t);
                check("binary", &[y], Any::Binary, t, dtype, &exact);
                check("weighted", &[y], Any::Weighted, t, dtype, &exact);
            }
        }
    }
}

/// In f32, softplus is its argument above Burn's threshold of 20 to within rounding; its derivatives are not one and
/// zero.
#[test]
fn binary_losses_of_users() {
    let with_softplus = Any::OwnBinary(|y: Tensor<2>, t: Tensor<2>| {
        let (right, wrong) = (
            activation::softplus(-y.clone(), 1.0),
            activation::softplus(y, 1.0),
        );
        (t.clone() * right + (-t + 1.0) * wrong)
            .sum_dim(1)
            .squeeze_dim(1)
    });
    let with_log_sigmoid = Any::OwnBinary(|y: Tensor<2>, t: Tensor<2>| {
        let sign = t * 2.0 - 1.0;
        -activation::log_sigmoid(y * sign).sum_dim(1).squeeze_dim(1)
    });
    let with_scale = Any::OwnBinary(|y: Tensor<2>, t: Tensor<2>| {
        let sign = t * -2.0 + 1.0;
        (activation::softplus(y * sign * 0.5, 2.0) * 2.0)
            .sum_dim(1)
            .squeeze_dim(1)
    });
    for (dtype, numbers) in types() {
        for y in numbers.iter().flat_map(|y| [*y, -*y]) {
            for t in [0.0, 1.0] {
                let exact = binary(y, t);
                for loss in [&with_softplus, &with_log_sigmoid, &with_scale] {
                    check("a user's", &[y], loss.clone(), t, dtype, &exact);
                }
            }
        }
    }
}

#[test]
fn cross_entropies() {
    let own = Any::OwnClasses(|y: Tensor<2>, classes: Tensor<1, Int>| {
        let log_p = activation::log_softmax(y, 1);
        -log_p.gather(1, classes.unsqueeze_dim(1)).squeeze_dim(1)
    });
    for (dtype, numbers) in types() {
        for y in numbers.iter().flat_map(|y| [*y, -*y]) {
            for logits in [vec![y, 1.0], vec![y, 0.5, -2.0], vec![y, y, 1.0]] {
                for t in 0..logits.len() {
                    let (exact, class) = (categorical(&logits, t), t as f64);
                    let means = [TokenReduction::Mean, TokenReduction::Sum].map(Any::Tokens);
                    for loss in [Any::Classes, own.clone()].into_iter().chain(means) {
                        check("classes", &logits, loss, class, dtype, &exact);
                    }
                }
            }
        }
    }
}

/// Soft targets: the gradient is `p - t`, of which no digit is lost where both are small.
#[test]
fn soft_targets() {
    let own = Any::OwnBinary(|y: Tensor<2>, t: Tensor<2>| {
        -(activation::log_softmax(y, 1) * t)
            .sum_dim(1)
            .squeeze_dim(1)
    });
    for (dtype, y) in [(DType::F32, 18.0), (DType::F64, 40.0)] {
        let small = 0.25 * f64::exp(-y);
        let targets = tensor(&[1.0, small], [1, 2], dtype);
        let cost = cost(&[y, 0.0], dtype, own.clone(), targets);
        let gradient = host(cost.output_gradients().unwrap());
        let odds = f64::exp(-y);
        // g_i = sum over j of (t_j p_i - p_j t_i).
        let expected = (small - odds) / (1.0 + odds);
        assert_near(gradient[0], expected, dtype, "the likely class");
        assert_near(gradient[1], -expected, dtype, "the other");
    }
}

#[test]
fn poisson_and_huber() {
    for (dtype, numbers) in types() {
        for &y in numbers {
            for (y, t) in [(y, 3.0), (-y, 0.0), (-y, 2.0)] {
                let exact = Exact {
                    loss: y.exp() - t * y,
                    gradient: vec![y.exp() - t],
                    hessian: vec![y.exp()],
                };
                if (y * y * y.exp()).is_finite() && (dtype == DType::F64 || y < 75.0) {
                    check("Poisson", &[y], Any::Poisson, t, dtype, &exact);
                }
            }
            for delta in [1.0, 2.0 * y] {
                let c = delta.min(y);
                let targets = tensor(&[0.0], [1, 1], dtype);
                let cost = cost(&[-y], dtype, Huber { delta }, targets);
                let loss = host(cost.losses().unwrap())[0];
                assert_near(loss, c * (y - 0.5 * c), dtype, "Huber's loss");
                let gradient = host(cost.output_gradients().unwrap())[0];
                assert_eq!(gradient, -c, "Huber's gradient");
                let v = tensor(&[1.0], [1], dtype);
                let expected = if delta > y { y * y } else { 0.0 };
                for product in [
                    cost.hessian().apply(v.clone()),
                    cost.gauss_newton().apply(v),
                ] {
                    let product = host(product.unwrap())[0];
                    assert_near(product, expected, dtype, "Huber's Hessian");
                }
            }
        }
    }
}
