//! What a cost can be made of: chosen parameters, an L2 term, several inputs, sequences, streamed examples; and its
//! derivatives in the inputs. In f64.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use backdraft_curvature::{
    BatchOperator, Cost, CrossEntropy, CurvatureError, Examples, IntoRows, LinearOperator, Loss,
    Model, Rows, SquaredError, TokenCrossEntropy, TokenReduction, Weighted, to_dense,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{DType, Int, Tensor, TensorData, activation},
};

const N: usize = 7;
const INPUTS: usize = 3;
const HIDDEN: usize = 4;
const OUTPUTS: usize = 2;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    blocks: Vec<Linear>,
    output: Linear,
}

impl Net {
    fn new() -> Self {
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        double(Self {
            first: layer(INPUTS, HIDDEN),
            blocks: vec![layer(HIDDEN, HIDDEN), layer(HIDDEN, HIDDEN)],
            output: layer(HIDDEN, OUTPUTS),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = activation::tanh(self.first.forward(x));
        let blocks = self.blocks.iter();
        let x = blocks.fold(x, |x, block| activation::tanh(block.forward(x)));
        self.output.forward(x)
    }
}

fn inputs() -> Tensor<2> {
    random([N, INPUTS], 81)
}

fn targets() -> Tensor<2> {
    random([N, OUTPUTS], 82)
}

fn cost(model: Model) -> Cost {
    Cost::new(model, SquaredError, inputs(), targets())
        .unwrap()
        .with_batch_size(3)
        .unwrap()
}

/// The part of `matrix`, of `dim` rows, whose rows and columns are in `chosen`.
fn part(matrix: &[f64], dim: usize, chosen: &[usize]) -> Vec<f64> {
    let row = |&i: &usize| chosen.iter().map(move |&j| matrix[i * dim + j]);
    chosen.iter().flat_map(row).collect()
}

#[test]
fn chosen_parameters_give_the_block_of_the_matrix() {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let whole = cost(model.clone());
    let dim = model.dim();
    let (hessian, gauss_newton) = (
        to_dense(&whole.hessian()).unwrap(),
        to_dense(&whole.gauss_newton()).unwrap(),
    );
    let gradient = host(whole.gradient().unwrap());
    for (patterns, names) in [
        (&["output"][..], &["output.weight", "output.bias"][..]),
        (&["blocks.1"], &["blocks.1.weight", "blocks.1.bias"]),
        (
            &["*.bias", "first.*"],
            &[
                "first.weight",
                "first.bias",
                "blocks.0.bias",
                "blocks.1.bias",
                "output.bias",
            ],
        ),
    ] {
        let chosen = model.only(patterns).unwrap();
        let found: Vec<_> = chosen.parameters().iter().map(|p| p.name.clone()).collect();
        assert_eq!(found, names);
        let places: Vec<usize> = model
            .parameters()
            .iter()
            .filter(|p| names.contains(&p.name.as_str()))
            .flat_map(|p| p.offset..p.offset + p.len())
            .collect();
        assert_eq!(chosen.dim(), places.len());
        let cost = cost(chosen);
        let block = to_dense(&cost.hessian()).unwrap();
        assert!(relative_error(&block, &part(&hessian, dim, &places)) < 1e-13);
        let block = to_dense(&cost.gauss_newton()).unwrap();
        assert!(relative_error(&block, &part(&gauss_newton, dim, &places)) < 1e-13);
        let expected: Vec<f64> = places.iter().map(|&i| gradient[i]).collect();
        assert!(relative_error(&host(cost.gradient().unwrap()), &expected) < 1e-13);
    }
}

#[test]
fn chosen_parameters_are_written_back() {
    let net = Net::new();
    let model = Model::new(&net, Net::forward).unwrap();
    let last = model.only(&["output"]).unwrap();
    let changed = last.write(net, last.theta() * 0.0).unwrap();
    let outputs = host(changed.forward(inputs()));
    assert!(outputs.iter().all(|&y| y == 0.0));
    let again = Model::new(&changed, Net::forward).unwrap();
    assert_eq!(
        host(again.theta().slice(0..INPUTS * HIDDEN)),
        host(model.theta().slice(0..INPUTS * HIDDEN))
    );
}

#[test]
fn a_pattern_without_parameters_is_refused() {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let message = model.only(&["output", "secnd"]).unwrap_err().to_string();
    assert!(message.contains("`secnd`") && message.contains("blocks.0.weight"));
    assert!(model.only(&[]).is_err());
}

#[test]
fn frozen_parameters_are_constants() {
    let net = Net::new();
    let whole = Model::new(&net, Net::forward).unwrap();
    let first = net.first.clone().no_grad();
    let frozen = Model::new(&Net { first, ..net }, Net::forward).unwrap();
    assert_eq!(frozen.parameters()[0].name, "blocks.0.weight");
    let v = vector(&numbers(frozen.dim(), 83));
    let product = host(cost(frozen).hessian().apply(v.clone()).unwrap());
    let chosen = whole.only(&["blocks", "output"]).unwrap();
    let expected = host(cost(chosen).hessian().apply(v).unwrap());
    assert_eq!(product, expected);
}

#[test]
fn the_l2_term_is_in_value_gradient_and_curvature() {
    let plain = cost(Model::new(&Net::new(), Net::forward).unwrap());
    let l2 = 0.05;
    let cost = plain.clone().with_l2(l2);
    let theta = plain.model().theta();
    let v = vector(&numbers(plain.model().dim(), 84));

    let square: f64 = host(theta.clone()).iter().map(|t| t * t).sum();
    let (value, gradient) = plain.value_and_gradient().unwrap();
    let (with, slope) = cost.value_and_gradient().unwrap();
    let expected = host(value)[0] + 0.5 * l2 * square;
    assert!((host(with)[0] - expected).abs() < 1e-14 * expected);
    assert!(relative_error(&host(slope), &host(gradient + theta * l2)) < 1e-14);

    let shifted = |product: Tensor<1>| host(product + v.clone() * l2);
    let pairs = [
        (
            cost.hessian().apply(v.clone()),
            plain.hessian().apply(v.clone()),
        ),
        (
            cost.gauss_newton().apply(v.clone()),
            plain.gauss_newton().apply(v.clone()),
        ),
        (
            cost.gauss_newton().apply_batch(&[0, 4], v.clone()),
            plain.gauss_newton().apply_batch(&[0, 4], v.clone()),
        ),
    ];
    for (with, without) in pairs {
        assert!(relative_error(&host(with.unwrap()), &shifted(without.unwrap())) < 1e-14);
    }
    let vs = Tensor::cat(vec![v.clone().unsqueeze_dim::<2>(0); 2], 0);
    let many = host(cost.hessian().apply_many(vs).unwrap());
    let one = host(cost.hessian().apply(v.clone()).unwrap());
    assert!(relative_error(&many, &[one.clone(), one].concat()) < 1e-13);

    // Single examples, and outer products of their gradients, are without.
    let (a, b) = (cost.empirical_fisher(), plain.empirical_fisher());
    assert_eq!(host(a.apply(v.clone()).unwrap()), host(b.apply(v).unwrap()));
    let (a, b) = (cost.select(&[2]).unwrap(), plain.select(&[2]).unwrap());
    assert_eq!(host(a.gradient().unwrap()), host(b.gradient().unwrap()));
}

#[test]
fn derivatives_along_several_vectors_are_those_along_each() {
    let cost = cost(Model::new(&Net::new(), Net::forward).unwrap());
    let dim = cost.model().dim();
    for cost in [cost.clone().with_batch_size(2).unwrap(), cost.clone()] {
        for k in [1, 3] {
            let vs = matrix(&numbers(k * dim, 86), dim);
            let many = cost.directional_derivatives_many(vs.clone()).unwrap();
            assert_eq!(many.dims(), [k, N]);
            let rows = vs.split(1, 0).into_iter().map(|row| row.squeeze_dim(0));
            let one = rows.flat_map(|v| host(cost.directional_derivatives(v).unwrap()));
            assert!(relative_error(&host(many), &one.collect::<Vec<_>>()) < 1e-13);
        }
    }
    let none = Tensor::<2>::zeros([0, dim], (&device(), DType::F64));
    assert_eq!(
        cost.directional_derivatives_many(none).unwrap().dims(),
        [0, N]
    );
    let long = matrix(&numbers(dim + 1, 87), dim + 1);
    let refused = cost.directional_derivatives_many(long);
    assert!(matches!(refused, Err(CurvatureError::Dimension { .. })));
}

/// The derivative of `directional_derivatives` in one input element, by central differences.
#[test]
fn mixed_derivatives_match_central_differences() {
    let cost = cost(Model::new(&Net::new(), Net::forward).unwrap());
    let v = vector(&numbers(cost.model().dim(), 85));
    let mixed = cost.input_derivatives::<Tensor<2>>(v.clone()).unwrap();
    assert_eq!(mixed.dims(), [N, INPUTS]);
    let mixed = host(mixed);
    let h = 1e-5;
    for element in [0, 5, 10, N * INPUTS - 1] {
        let at = |sign: f64| {
            let mut x = numbers(N * INPUTS, 81);
            x[element] += sign * h;
            let moved = cost.with_examples(matrix(&x, INPUTS), targets()).unwrap();
            host(moved.directional_derivatives(v.clone()).unwrap())[element / INPUTS]
        };
        let central = (at(1.0) - at(-1.0)) / (2.0 * h);
        assert!((mixed[element] - central).abs() < 1e-8 * central.abs().max(1.0));
    }
}

#[derive(Module, Debug)]
struct Gated {
    value: Linear,
    gate: Linear,
}

#[test]
fn several_inputs_are_a_tuple() {
    let layer = || LinearConfig::new(INPUTS, OUTPUTS).init(&device());
    let net = double(Gated {
        value: layer(),
        gate: layer(),
    });
    let forward = |net: &Gated, (x, z): (Tensor<2>, Tensor<2>)| {
        net.value.forward(x) * activation::sigmoid(net.gate.forward(z))
    };
    let model = Model::new(&net, forward).unwrap();
    let z = random([N, INPUTS], 86);
    let cost = Cost::new(
        model.clone(),
        SquaredError,
        (inputs(), z.clone()),
        targets(),
    )
    .unwrap();
    let small = cost.clone().with_batch_size(2).unwrap();
    let v = vector(&numbers(model.dim(), 87));
    let (a, b) = (
        cost.hessian().apply(v.clone()).unwrap(),
        small.hessian().apply(v.clone()).unwrap(),
    );
    assert!(relative_error(&host(a), &host(b)) < 1e-13);
    let (dx, dz) = cost.input_derivatives::<(Tensor<2>, Tensor<2>)>(v).unwrap();
    assert_eq!([dx.dims(), dz.dims()], [[N, INPUTS]; 2]);

    let one = Cost::new(model, SquaredError, inputs(), targets());
    assert!(matches!(
        one,
        Err(CurvatureError::Inputs {
            expected: 2,
            found: 1
        })
    ));
}

#[derive(Module, Debug)]
struct Language {
    embedding: Embedding,
    output: Linear,
}

const TOKENS: usize = 4;
const CLASSES: usize = 5;

fn sequences(values: &[i64]) -> Tensor<2, Int> {
    let data = TensorData::new(values.to_vec(), [values.len() / TOKENS, TOKENS]);
    Tensor::from_data(data, &device())
}

fn language() -> Model {
    let net = double(Language {
        embedding: EmbeddingConfig::new(CLASSES, 3).init(&device()),
        output: LinearConfig::new(3, CLASSES).init(&device()),
    });
    // Three dimensions of outputs: [batch, tokens, classes].
    let forward = |net: &Language, x: Tensor<2, Int>| {
        net.output
            .forward(activation::tanh(net.embedding.forward(x)))
    };
    Model::new(&net, forward).unwrap()
}

#[test]
fn tokens_are_classified_each_and_padding_is_left_out() {
    let x = sequences(&[0, 1, 2, 3, 4, 3, 2, 1]);
    let targets = sequences(&[1, 2, -100, 4, -100, -100, 3, -100]);
    let loss = |reduction| TokenCrossEntropy {
        padding: Some(-100),
        reduction,
    };
    let mean = Cost::new(language(), loss(TokenReduction::Mean), x, targets.clone()).unwrap();
    let sum = mean.with_loss(loss(TokenReduction::Sum), targets).unwrap();

    // The same tokens as examples of their own.
    let tokens = mean.outputs().unwrap();
    let tokens = tokens.reshape([2 * TOKENS, CLASSES]);
    let single = |token: usize, class: i64| {
        let y = tokens.clone().slice([token..token + 1, 0..CLASSES]);
        host(CrossEntropy.per_example(y, classes(&[class])))[0]
    };
    let first = single(0, 1) + single(1, 2) + single(3, 4);
    let second = single(6, 3);
    let close = |a: &[f64], b: &[f64]| relative_error(a, b) < 1e-14;
    assert!(close(&host(sum.losses().unwrap()), &[first, second]));
    assert!(close(&host(mean.losses().unwrap()), &[first / 3.0, second]));

    // By token, and with a weight an example: nothing of padding.
    let parts = host(mean.place_losses().unwrap());
    let third = 1.0 / 3.0;
    let expected = [
        third * single(0, 1),
        third * single(1, 2),
        0.0,
        third * single(3, 4),
    ];
    assert!(close(&parts[..TOKENS], &expected));
    assert_eq!((parts[4], parts[5], parts[7]), (0.0, 0.0, 0.0));
    let v = vector(&numbers(mean.model().dim(), 5));
    let along = host(mean.place_derivatives(v.clone()).unwrap());
    let sums: Vec<f64> = along.chunks(TOKENS).map(|it| it.iter().sum()).collect();
    assert!(close(
        &sums,
        &host(mean.directional_derivatives(v.clone()).unwrap())
    ));
    let weighted = Weighted(loss(TokenReduction::Mean));
    let targets = (mean.targets().unwrap(), vector(&[2.0, 0.5]).rows());
    let weighted = mean.with_any_loss(Arc::new(weighted), [targets.0, targets.1].concat());
    let weighted = host(weighted.unwrap().place_derivatives(v).unwrap());
    let doubled: Vec<f64> = along[..TOKENS].iter().map(|it| 2.0 * it).collect();
    assert!(close(&weighted[..TOKENS], &doubled));

    let padded = mean
        .with_examples(sequences(&[0; 4]), sequences(&[-100; 4]))
        .unwrap();
    assert_eq!(host(padded.losses().unwrap()), [0.0]);
    assert!(host(padded.gradient().unwrap()).iter().all(|&g| g == 0.0));
}

#[test]
fn integer_inputs_have_no_derivative() {
    let (x, t) = (sequences(&[0, 1, 2, 3]), sequences(&[1, 2, 3, 4]));
    let cost = Cost::new(language(), TokenCrossEntropy::default(), x, t).unwrap();
    let v = vector(&numbers(cost.model().dim(), 88));
    let refused = cost.input_derivatives::<Tensor<2, Int>>(v);
    assert!(matches!(refused, Err(CurvatureError::Program(_))));
}

fn streamed(len: usize, passes: Arc<AtomicUsize>) -> Cost {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    Cost::streamed(model, SquaredError, len, move || {
        passes.fetch_add(1, Ordering::Relaxed);
        [0..3, 3..6, 6..7].into_iter().map(|range| {
            let x = inputs().slice([range.clone(), 0..INPUTS]);
            let t = targets().slice([range, 0..OUTPUTS]);
            Ok::<_, io::Error>((x, t))
        })
    })
    .unwrap()
}

/// Targets of one tensor.
fn rows(targets: Vec<Rows>) -> Vec<f64> {
    host(<Tensor<2> as Examples>::from_rows(&mut targets.into_iter()))
}

#[test]
fn streamed_examples_give_what_held_ones_do() {
    let passes = Arc::new(AtomicUsize::new(0));
    let stream = streamed(N, passes.clone());
    let held = cost(Model::new(&Net::new(), Net::forward).unwrap());
    let v = vector(&numbers(held.model().dim(), 89));
    assert_eq!(stream.len(), N);
    assert_eq!(
        host(stream.gradient().unwrap()),
        host(held.gradient().unwrap())
    );
    assert_eq!(
        host(stream.outputs().unwrap()),
        host(held.outputs().unwrap())
    );
    assert_eq!(
        rows(stream.targets().unwrap()),
        rows(held.targets().unwrap())
    );

    // What was kept of a batch need not be read again.
    let expected = host(held.gauss_newton().apply(v.clone()).unwrap());
    let operator = stream.gauss_newton();
    let before = passes.load(Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(host(operator.apply(v.clone()).unwrap()), expected);
    }
    assert_eq!(passes.load(Ordering::Relaxed) - before, 1);
    let operator = stream.gauss_newton().with_memory(0);
    let before = passes.load(Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(host(operator.apply(v.clone()).unwrap()), expected);
    }
    assert_eq!(passes.load(Ordering::Relaxed) - before, 3);

    let chosen = [5, 0, 6, 5];
    let (a, b) = (
        stream.select(&chosen).unwrap(),
        held.select(&chosen).unwrap(),
    );
    assert_eq!(host(a.losses().unwrap()), host(b.losses().unwrap()));
    let other = stream.with_loss(SquaredError, targets() * 2.0).unwrap();
    let same = held.with_loss(SquaredError, targets() * 2.0).unwrap();
    assert_eq!(host(other.losses().unwrap()), host(same.losses().unwrap()));
}

#[test]
fn a_stream_that_is_wrong_is_reported() {
    for promised in [N - 1, N + 1] {
        let wrong = streamed(promised, Arc::default()).gradient();
        assert!(matches!(wrong, Err(CurvatureError::Count { .. })));
    }
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let broken = Cost::streamed(model, SquaredError, N, || {
        let error = io::Error::other("the disk is gone");
        [Err::<(Tensor<2>, Tensor<2>), _>(error)].into_iter()
    });
    let error = broken.unwrap().gradient().unwrap_err();
    assert!(matches!(error, CurvatureError::Read(_)));
    assert!(error.to_string().contains("the disk is gone"));
}
