//! Inputs and targets of every kind, rank and place: through all quantities, or refused with what to cast or move. In
//! f64 on flex.

use backdraft_curvature::{
    BatchOperator, Cost, CrossEntropy, CurvatureError, LinearOperator, Loss, Model, Rows,
    SquaredError, Weighted,
};
use backdraft_program::ProgramError;
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{Bool, DType, Int, Tensor, TensorData, activation},
};

const N: usize = 6;
const TOKENS: usize = 4;

#[derive(Module, Debug)]
struct Net {
    embedding: Embedding,
    linear: Linear,
}

impl Net {
    fn new() -> Self {
        double(Self {
            embedding: EmbeddingConfig::new(7, 3).init(&device()),
            linear: LinearConfig::new(5, 2).init(&device()),
        })
    }

    /// The mean embedding of the tokens that a mask leaves, beside two numbers.
    fn forward(&self, (x, tokens, mask): Inputs) -> Tensor<2> {
        let mask: Tensor<3> = mask.float().cast(DType::F64).unsqueeze_dim(2);
        let embedded = self.embedding.forward(tokens) * mask.clone();
        let mean = embedded.sum_dim(1) / mask.sum_dim(1);
        let both = Tensor::cat(vec![mean.squeeze_dim(1), x], 1);
        activation::tanh(self.linear.forward(both))
    }
}

type Inputs = (Tensor<2>, Tensor<2, Int>, Tensor<2, Bool>);

/// The inputs of some of the examples.
fn inputs(examples: &[usize]) -> Inputs {
    let of = |i: usize| numbers(2, 10 + i as u64);
    let x: Vec<f64> = examples.iter().flat_map(|&i| of(i)).collect();
    let token = |i: usize, t: usize| ((3 * i + 2 * t) % 7) as i64;
    let tokens = |&i: &usize| (0..TOKENS).map(move |t| token(i, t));
    let tokens: Vec<i64> = examples.iter().flat_map(tokens).collect();
    let mask = |&i: &usize| (0..TOKENS).map(move |t| t <= i % TOKENS);
    let mask: Vec<bool> = examples.iter().flat_map(mask).collect();
    let shape = [examples.len(), TOKENS];
    (
        matrix(&x, 2),
        Tensor::from_data(TensorData::new(tokens, shape), &device()),
        Tensor::from_data(TensorData::new(mask, shape), &device()),
    )
}

fn targets(examples: &[usize]) -> Tensor<2> {
    let of = |i: usize| numbers(2, 30 + i as u64);
    let t: Vec<f64> = examples.iter().flat_map(|&i| of(i)).collect();
    matrix(&t, 2)
}

fn cost(examples: &[usize]) -> Cost {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    Cost::new(model, SquaredError, inputs(examples), targets(examples)).unwrap()
}

const ALL: [usize; N] = [0, 1, 2, 3, 4, 5];

/// What is asked of chosen examples, in any order and repeated, is that of a cost of these alone.
#[test]
fn numbers_tokens_and_masks_go_through_all_quantities() {
    let chosen = [4, 0, 4, 3];
    let (whole, alone) = (cost(&ALL), cost(&chosen));
    let v = vector(&numbers(whole.model().dim(), 5));
    let vs = Tensor::cat(
        vec![
            v.clone().unsqueeze_dim::<2>(0),
            v.clone().unsqueeze_dim(0) * 2.0,
        ],
        0,
    );
    let part = whole.select(&chosen).unwrap();
    let same = |a: Tensor<1>, b: Tensor<1>, what: &str| {
        assert!(relative_error(&host(a), &host(b)) < 1e-13, "{what}");
    };
    same(part.losses().unwrap(), alone.losses().unwrap(), "losses");
    same(
        part.gradient().unwrap(),
        alone.gradient().unwrap(),
        "gradient",
    );
    let along = |cost: &Cost| cost.directional_derivatives(v.clone()).unwrap();
    same(along(&part), along(&alone), "directional");
    let flat = |t: Tensor<2>| {
        let len = t.shape().num_elements();
        t.reshape([len])
    };
    let outputs = |cost: &Cost| flat(cost.outputs_along(v.clone()).unwrap().1);
    same(outputs(&part), outputs(&alone), "outputs");

    macro_rules! products {
        ($($matrix:ident),+) => {$(
            let (matrix, expected) = (whole.$matrix(), alone.$matrix());
            let found = matrix.apply_batch(&chosen, v.clone()).unwrap();
            same(found, expected.apply(v.clone()).unwrap(), stringify!($matrix));
            let found = matrix.apply_batch_many(&chosen, vs.clone()).unwrap();
            let many = expected.apply_many(vs.clone()).unwrap();
            same(flat(found), flat(many), stringify!($matrix));
        )+};
    }
    products!(gauss_newton, hessian, fisher, empirical_fisher);

    // Streamed in batches of two, one of which holds examples that are asked for twice.
    let pass = || {
        [[0, 1], [2, 3], [4, 5]]
            .map(|pair| Ok::<_, std::io::Error>((inputs(&pair), targets(&pair))))
            .into_iter()
    };
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let streamed = Cost::streamed(model, SquaredError, N, pass).unwrap();
    same(
        streamed.hessian().apply(v.clone()).unwrap(),
        whole.hessian().apply(v.clone()).unwrap(),
        "streamed",
    );
    same(
        streamed.select(&chosen).unwrap().gradient().unwrap(),
        alone.gradient().unwrap(),
        "select",
    );
    // No derivative by tokens and masks.
    let by_inputs = whole.input_derivatives::<Inputs>(v).map(|_| ());
    assert!(matches!(
        by_inputs,
        Err(CurvatureError::Program(
            ProgramError::NotDifferentiable { .. }
        ))
    ));
}

/// Masks that a network makes itself, and picks elements of.
#[test]
fn masks_may_be_indexed_within_the_network() {
    let picked = |net: &Linear, (x, mask): (Tensor<2>, Tensor<2, Bool>)| {
        let order = Tensor::<1, Int>::from_data([1, 0], &x.device());
        let swapped = mask.select(1, order.clone());
        let [n, _] = swapped.dims();
        let swapped = swapped.gather(1, order.unsqueeze_dim::<2>(0).expand([n, 2]));
        net.forward(x.mask_fill(swapped.bool_not(), 0.0))
    };
    let net: Linear = double(LinearConfig::new(2, 2).init(&device()));
    let x = random([N, 2], 1);
    let bits: Vec<bool> = (0..2 * N).map(|i| i % 3 == 0).collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(bits, [N, 2]), &device());
    let masked = x.clone() * mask.clone().float().cast(DType::F64);
    let found = Model::new(&net, picked).unwrap();
    let found = Cost::new(found, SquaredError, (x, mask), targets(&ALL)).unwrap();
    let expected = Model::new(&net, Linear::forward::<2>).unwrap();
    let expected = Cost::new(expected, SquaredError, masked, targets(&ALL)).unwrap();
    let gradient = |cost: &Cost| host(cost.select(&[5, 1]).unwrap().gradient().unwrap());
    assert!(relative_error(&gradient(&found), &gradient(&expected)) < 1e-14);
}

fn linear() -> Model {
    let net: Linear = double(LinearConfig::new(2, 2).init(&device()));
    Model::new(&net, Linear::forward::<2>).unwrap()
}

fn single(tensor: Tensor<2>) -> Tensor<2> {
    tensor.cast(DType::F32)
}

/// What goes wrong with a gradient, a product and a selection.
fn refused(cost: &Cost) -> CurvatureError {
    let v = cost.model().theta();
    let error = cost.gradient().unwrap_err();
    for other in [
        cost.losses().unwrap_err(),
        cost.hessian().apply(v.clone()).unwrap_err(),
        cost.gauss_newton().apply_batch(&[1], v).unwrap_err(),
    ] {
        assert_eq!(other.to_string(), error.to_string());
    }
    error
}

#[test]
fn other_float_types_are_named_with_their_place() {
    let x = || inputs(&ALL).0;
    let unbiased: Linear = double(LinearConfig::new(2, 2).with_bias(false).init(&device()));
    let unbiased = Model::new(&unbiased, Linear::forward::<2>).unwrap();
    let classes = classes(&[0, 1, 0, 1, 0, 1]);
    let weights = Tensor::<1>::ones([N], (&device(), DType::F32));
    let inputs = [
        Cost::new(linear(), SquaredError, single(x()), targets(&ALL)),
        Cost::new(unbiased, SquaredError, single(x()), targets(&ALL)),
    ];
    let inputs = inputs.map(|cost| refused(&cost.unwrap()));
    let targets = Cost::new(linear(), SquaredError, x(), single(targets(&ALL)));
    let weights = Cost::new(linear(), Weighted(CrossEntropy), x(), (classes, weights));
    let network = inputs.into_iter().map(|error| (error, "downstream of `"));
    let losses = [refused(&targets.unwrap()), refused(&weights.unwrap())];
    let losses = losses.into_iter().map(|error| (error, "in `loss`"));
    for (error, expected) in network.chain(losses) {
        let text = error.to_string();
        let CurvatureError::Program(ProgramError::MixedTypes { types, place }) = error else {
            panic!("{text}");
        };
        assert!(types.contains(&DType::F32) && types.contains(&DType::F64));
        assert!(place.unwrap().to_string().starts_with(expected), "{text}");
    }
}

/// A network that casts what it reads may be given any type.
#[test]
fn a_network_may_cast_its_inputs() {
    let net: Linear = double(LinearConfig::new(2, 2).init(&device()));
    let forward = |net: &Linear, x: Tensor<2>| net.forward(x.cast(DType::F64));
    let model = Model::new(&net, forward).unwrap();
    let x = single(inputs(&ALL).0);
    let found = Cost::new(model, SquaredError, x.clone(), targets(&ALL)).unwrap();
    let expected = Cost::new(linear(), SquaredError, x.cast(DType::F64), targets(&ALL)).unwrap();
    assert_eq!(
        host(found.gradient().unwrap()),
        host(expected.gradient().unwrap())
    );
}

#[test]
fn inputs_of_another_rank_or_kind_are_refused() {
    let (x, tokens, mask) = inputs(&ALL);
    let t = || targets(&ALL);
    let deep = Cost::new(linear(), SquaredError, x.clone().unsqueeze_dim::<3>(1), t());
    let ints = Cost::new(linear(), SquaredError, tokens.clone(), t());
    let bools = Cost::new(linear(), SquaredError, mask, t());
    let rows = Cost::new(linear(), SquaredError, Rows::from(tokens), t());
    for (cost, given) in [
        (deep, "F64[6, 1, 2]"),
        (ints, "[6, 4]"),
        (bools, "[6, 4]"),
        (rows, "[6, 4]"),
    ] {
        let error = cost.map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, CurvatureError::Input { index: 0, .. }),
            "{text}"
        );
        assert!(
            text.contains(given) && text.contains("a float tensor of rank 2"),
            "{text}"
        );
    }
    // Of no rank known beforehand they are fine.
    let fine = Cost::new(linear(), SquaredError, Rows::from(x.clone()), t()).unwrap();
    fine.gradient().unwrap();
    // Derivatives by inputs of another rank.
    let cost = Cost::new(linear(), SquaredError, x, t()).unwrap();
    let v = cost.model().theta();
    let error = cost.input_derivatives::<Tensor<3>>(v.clone()).map(|_| ());
    assert!(matches!(error, Err(CurvatureError::Input { .. })));
    let error = cost
        .input_derivatives::<Tensor<2, Int>>(v.clone())
        .map(|_| ());
    assert!(matches!(error, Err(CurvatureError::Input { .. })));
    cost.input_derivatives::<Tensor<2>>(v).unwrap();
}

#[test]
fn a_batch_holds_an_example() {
    let cost = cost(&ALL);
    assert!(matches!(
        cost.with_batch_size(0).map(|_| ()),
        Err(CurvatureError::BatchSize)
    ));
}

/// Tensors with autodiff are taken for what they are without.
#[test]
fn autodiff_is_left_aside() {
    let (x, t) = (inputs(&ALL).0, targets(&ALL));
    let plain = Cost::new(linear(), SquaredError, x.clone(), t.clone()).unwrap();
    let v = vector(&numbers(6, 3));
    let expected = host(plain.hessian().apply(v.clone()).unwrap());
    let tracked = x.clone().autodiff().require_grad();
    let cost = Cost::new(linear(), SquaredError, tracked, t.clone().autodiff()).unwrap();
    assert_eq!(
        host(cost.hessian().apply(v.clone().autodiff()).unwrap()),
        expected
    );
    let there = cost.at(cost.model().theta().autodiff()).unwrap();
    assert_eq!(host(there.hessian().apply(v.clone()).unwrap()), expected);

    // Turned on within the network or the loss, it is an error that says so.
    let net: Linear = double(LinearConfig::new(2, 2).init(&device()));
    let model = Model::new(&net, |net: &Linear, x: Tensor<2>| net.forward(x.autodiff())).unwrap();
    let network = Cost::new(model, SquaredError, x.clone(), t.clone()).unwrap();
    let loss = Cost::new(linear(), Tracked, x, t).unwrap();
    for error in [network.gradient(), loss.gradient()] {
        let error = error.unwrap_err();
        let text = error.to_string();
        let panicked = matches!(
            error,
            CurvatureError::Program(ProgramError::Panicked { .. })
        );
        assert!(panicked && text.contains("turns autodiff on"), "{text}");
    }
}

/// Squared error by way of autodiff.
#[derive(Clone)]
struct Tracked;

impl Loss for Tracked {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        SquaredError.per_example(outputs.autodiff(), targets)
    }
}
