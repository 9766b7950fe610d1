//! Costs and operators in parts: those of all examples at once.

use backdraft_curvature::{
    BatchOperator, Cost, CrossEntropy, Curvature, CurvatureError, Damped, ExampleLosses,
    KroneckerConfig, LinearOperator, Model, Sharded, ShardedCost,
};
use backdraft_test_support::{double, host, norm, numbers, random, vector};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Int, Tensor, activation},
};

const N: usize = 11;
const L2: f64 = 0.3;
/// A few hundred roundings of f64.
const ROUNDING: f64 = 1e-13;

/// A curvature matrix of a cost.
type Matrix = fn(&Cost) -> Curvature;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }
}

fn whole() -> Cost {
    let device = Device::flex();
    let net = double(Net {
        first: LinearConfig::new(4, 5).init(&device),
        second: LinearConfig::new(5, 3).init(&device),
    });
    let model = Model::new(&net, Net::forward).unwrap();
    let classes = Tensor::<1, Int>::from_ints([0, 2, 1, 1, 0, 2, 2, 1, 0, 0, 1], &device);
    let cost = Cost::new(model, CrossEntropy, random([N, 4], 3), classes).unwrap();
    cost.with_batch_size(3).unwrap().with_l2(L2)
}

/// The same in three parts of different size.
fn sharded(whole: &Cost) -> ShardedCost {
    ShardedCost::over(N, &vec![Device::flex(); 3], |range, _| {
        let part = whole.select(&range.collect::<Vec<_>>())?;
        Ok::<_, CurvatureError>(part.with_l2(whole.l2()))
    })
    .unwrap()
}

fn assert_near<const D: usize>(found: Tensor<D>, expected: Tensor<D>, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let (found, expected) = (host(found), host(expected));
    let off: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
    let bound = ROUNDING * norm(&expected);
    assert!(norm(&off) <= bound, "{what}: {} > {bound}", norm(&off));
}

#[test]
fn parts_compute_what_the_whole_does() {
    let whole = whole();
    let parts = sharded(&whole);
    assert_eq!((parts.len(), parts.examples()), (N, N));
    let v = || vector(&numbers(whole.model().dim(), 4));
    let vs = || Tensor::stack(vec![v(), v() * 2.0 + 1.0], 0);
    let (value, gradient) = parts.value_and_gradient().unwrap();
    let expected = whole.value_and_gradient().unwrap();
    assert_near(value, expected.0, "the cost");
    assert_near(gradient, expected.1, "the gradient");
    assert_near(parts.losses().unwrap(), whole.losses().unwrap(), "losses");
    assert_near(
        parts.outputs().unwrap(),
        whole.outputs().unwrap(),
        "outputs",
    );
    assert_near(
        parts.directional_derivatives(v()).unwrap(),
        whole.directional_derivatives(v()).unwrap(),
        "derivatives",
    );
    assert_near(
        parts.directional_derivatives_many(vs()).unwrap(),
        whole.directional_derivatives_many(vs()).unwrap(),
        "derivatives along several vectors",
    );
    let matrices: [(&str, Matrix); 4] = [
        ("Gauss-Newton", Cost::gauss_newton),
        ("Hessian", Cost::hessian),
        ("Fisher", Cost::fisher),
        ("empirical Fisher", Cost::empirical_fisher),
    ];
    for (name, matrix) in matrices {
        let (one, several) = (matrix(&whole), parts.operator(matrix).unwrap());
        assert_eq!(several.law(), one.law(), "{name}");
        assert_eq!((several.parts(), several.dim()), (3, one.dim()), "{name}");
        assert_near(several.apply(v()).unwrap(), one.apply(v()).unwrap(), name);
        let many = several.apply_many(vs()).unwrap();
        assert_near(many, one.apply_many(vs()).unwrap(), name);
        // Parts in which there is none, and an example twice.
        let batch = [9, 0, 1, 9, 10];
        let examples = several.over_examples().unwrap();
        assert_eq!(examples.examples(), N, "{name}");
        let found = examples.apply_batch(&batch, v()).unwrap();
        assert_near(found, one.apply_batch(&batch, v()).unwrap(), name);
        let found = examples.apply_batch_many(&batch, vs()).unwrap();
        assert_near(found, one.apply_batch_many(&batch, vs()).unwrap(), name);
    }
    let none = Tensor::zeros([0, whole.model().dim()], (&Device::flex(), DType::F64));
    let none = parts.gauss_newton().unwrap().apply_many(none).unwrap();
    assert_eq!(none.dims(), [0, whole.model().dim()]);
}

/// The same parts give the same bits, and one part those of the whole.
#[test]
fn sums_are_in_the_order_of_the_parts() {
    let whole = whole();
    let v = || vector(&numbers(whole.model().dim(), 4));
    let product = |parts: &ShardedCost| {
        let matrix = parts.gauss_newton().unwrap();
        host(matrix.apply(v()).unwrap())
    };
    let parts = sharded(&whole);
    assert_eq!(product(&parts), product(&sharded(&whole)));
    let alone = ShardedCost::new(vec![whole.clone()]).unwrap();
    assert_eq!(
        product(&alone),
        host(whole.gauss_newton().apply(v()).unwrap())
    );
}

#[test]
fn factors_are_of_all_parts() {
    let whole = whole();
    let vs = random([2, whole.model().dim()], 9);
    for corrected in [true, false] {
        let config = KroneckerConfig {
            corrected,
            ..Default::default()
        };
        let found = sharded(&whole).kronecker_factored(&config).unwrap();
        let expected = whole.kronecker_factored(&config).unwrap();
        assert_near(found.solve(&vs, 0.1), expected.solve(&vs, 0.1), "solutions");
        assert_near(found.products(&vs), expected.products(&vs), "products");
        let off = found.trace().unwrap() - expected.trace().unwrap();
        assert!(off.abs() <= ROUNDING * expected.trace().unwrap());
    }
}

#[test]
fn parts_that_do_not_fit_together_are_refused() {
    let whole = whole();
    let of = |of: &[usize]| whole.select(of).unwrap();
    let said = |parts: Vec<Cost>| ShardedCost::new(parts).err().unwrap().to_string();
    assert_eq!(
        said(Vec::new()),
        "the setting `parts` is empty: there must be one at least"
    );
    let regularised = vec![of(&[0]).with_l2(0.1), of(&[1])];
    assert!(said(regularised).contains("different L2 terms: 0.1 and 0"));
    let less = vec![of(&[0]), of(&[1]).only(&["second"]).unwrap()];
    assert!(matches!(
        ShardedCost::new(less).err(),
        Some(CurvatureError::Dimension {
            expected: 43,
            found: 18
        })
    ));
    let matrices = vec![of(&[0]).gauss_newton(), of(&[1]).hessian()];
    let error = Sharded::new(matrices).err().unwrap().to_string();
    assert!(error.contains("different matrices"), "{error}");
    let damped = [0.1, 0.2].map(|damping| Damped::new(of(&[0]).gauss_newton(), damping));
    let error = Sharded::new(damped.into()).err().unwrap().to_string();
    assert!(error.contains("different matrices"), "{error}");
    let many = ShardedCost::over(2, &vec![Device::flex(); 3], |_, _| Ok(whole.clone()));
    let error = many.err().map(|it: CurvatureError| it.to_string());
    assert_eq!(
        error.as_deref(),
        Some("the setting `devices` names 3, of 2 examples")
    );

    let matrix = sharded(&whole).gauss_newton().unwrap();
    let error = matrix.apply(vector(&[1.0])).unwrap_err();
    assert!(matches!(error, CurvatureError::Dimension { found: 1, .. }));
    let single = Tensor::zeros([43], (&Device::flex(), DType::F32));
    let error = matrix.apply(single).unwrap_err();
    assert!(matches!(error, CurvatureError::Placement { .. }));
    let v = || vector(&numbers(43, 4));
    let error = matrix.apply_batch(&[N], v()).unwrap_err();
    assert!(matches!(error, CurvatureError::Index { index: N, len: N }));
    let error = matrix.apply_batch(&[], v()).unwrap_err();
    assert!(matches!(error, CurvatureError::Examples { .. }));
}

/// What is wrong with an example of a later part is told by its place among all.
#[test]
fn examples_are_counted_over_all_parts() {
    let whole = whole();
    let mut inputs = numbers(N * 4, 8);
    inputs[9 * 4 + 1] = f64::NAN;
    let inputs = vector(&inputs).reshape([N, 4]);
    let classes = Tensor::<1, Int>::zeros([N], &Device::flex());
    let broken = whole.with_examples(inputs, classes).unwrap();
    let matrix = sharded(&broken).gauss_newton().unwrap();
    let error = matrix
        .apply(vector(&numbers(43, 4)))
        .unwrap_err()
        .to_string();
    assert!(error.contains("an input of example 9 is NaN"), "{error}");
    let error = sharded(&broken).losses().unwrap_err().to_string();
    assert!(error.contains("example 9"), "{error}");
}
