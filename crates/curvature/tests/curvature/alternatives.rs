//! Derivatives of the losses with other targets, against those of a cost that has these. In f64 on flex.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Examples, IntoRows, Loss, Model, Rows,
    SquaredError, TokenCrossEntropy, Weighted,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{Int, Tensor, TensorData, activation},
};

const N: usize = 7;
const INPUTS: usize = 3;
const CLASSES: usize = 4;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

fn cost<L: Loss>(loss: L, targets: L::Targets) -> Cost {
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let net = double(Net {
        first: layer(INPUTS, 5),
        second: layer(5, CLASSES),
    });
    let forward =
        |net: &Net, x: Tensor<2>| net.second.forward(activation::tanh(net.first.forward(x)));
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(model, loss, random([N, INPUTS], 31), targets).unwrap();
    cost.with_batch_size(3).unwrap()
}

/// Holds the rows against those of one cost for each alternative.
#[track_caller]
fn agree(cost: &Cost, alternatives: &[Vec<Rows>]) {
    let v = vector(&numbers(cost.model().dim(), 86));
    let found = cost
        .directional_derivatives_with(v.clone(), alternatives)
        .unwrap();
    assert_eq!(found.dims(), [alternatives.len(), cost.len()]);
    for (row, targets) in found.split(1, 0).into_iter().zip(alternatives) {
        let other = cost.with_targets(targets.clone()).unwrap();
        let one = other.directional_derivatives(v.clone()).unwrap();
        // The same chain rule, cut at the outputs.
        assert_close(&host(row), &host(one), 1e-14);
    }
}

fn all(class: usize) -> Vec<Rows> {
    classes(&[class as i64; N]).into_rows()
}

#[test]
fn they_are_those_of_the_cost_with_these_targets() {
    let labels: Vec<i64> = (0..N as i64)
        .map(|i| (i * i + 1) % CLASSES as i64)
        .collect();
    let alternatives: Vec<_> = (0..CLASSES).map(all).collect();
    agree(&cost(CrossEntropy, classes(&labels)), &alternatives);

    let numbers = |seed| random([N, CLASSES], seed);
    let several: Vec<_> = (1..4).map(|seed| numbers(seed).into_rows()).collect();
    agree(&cost(SquaredError, numbers(9)), &several);
    let shares = |seed| (numbers(seed) + 1.0) * 0.5;
    let several: Vec<_> = (1..3).map(|seed| shares(seed).into_rows()).collect();
    agree(&cost(BinaryCrossEntropy, shares(9)), &several);
    let weights = |seed| (random([N], seed) + 1.0) * 0.5;
    let weighted = |class: usize| [all(class), weights(class as u64).into_rows()].concat();
    let several: Vec<_> = (0..CLASSES).map(weighted).collect();
    let own = cost(Weighted(CrossEntropy), (classes(&labels), weights(8)));
    agree(&own, &several);
    assert_eq!(
        own.directional_derivatives_with(vector(&vec![0.0; own.model().dim()]), &[])
            .unwrap()
            .dims(),
        [0, N]
    );
}

#[derive(Module, Debug)]
struct Language {
    embedding: Embedding,
    output: Linear,
}

/// Outputs of three dimensions, of which the loss sees rows, from examples that are read anew in every pass.
#[test]
fn targets_of_tokens_and_of_streams_may_be_others() {
    const TOKENS: usize = 4;
    let net = double(Language {
        embedding: EmbeddingConfig::new(CLASSES, 3).init(&device()),
        output: LinearConfig::new(3, CLASSES).init(&device()),
    });
    let forward = |net: &Language, x: Tensor<2, Int>| net.output.forward(net.embedding.forward(x));
    let tokens = |n: usize, seed: usize| -> Tensor<2, Int> {
        let values = (0..n * TOKENS).map(|i| ((i * i + seed * i + seed) % CLASSES) as i64);
        let data = TensorData::new(values.collect::<Vec<_>>(), [n, TOKENS]);
        Tensor::from_data(data, &device())
    };
    let model = Model::new(&net, forward).unwrap();
    let (x, t) = (tokens(N, 1), tokens(N, 2));
    let loss = TokenCrossEntropy::default();
    let held = Cost::new(model.clone(), loss, x.clone(), t.clone()).unwrap();
    let others: Vec<_> = (3..6).map(|seed| tokens(N, seed).into_rows()).collect();
    agree(&held, &others);
    let streamed = Cost::streamed(model, loss, N, move || {
        let (x, t) = (x.clone(), t.clone());
        [0..4, 4..N].into_iter().map(move |range| {
            let part = |it: &Tensor<2, Int>| it.clone().slice(range.clone());
            Ok::<_, String>((part(&x), part(&t)))
        })
    });
    agree(&streamed.unwrap(), &others);
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let cost = cost(CrossEntropy, classes(&[0; N]));
    let v = vector(&numbers(cost.model().dim(), 86));
    let refused = |alternatives: &[Vec<Rows>]| {
        let found = cost.directional_derivatives_with(v.clone(), alternatives);
        found.map(|_| ()).unwrap_err()
    };
    let short = classes(&[0; N - 1]).into_rows();
    assert!(matches!(
        refused(&[all(1), short]),
        CurvatureError::Examples {
            inputs: N,
            targets: 6
        }
    ));
    let mut wrong = [1; N];
    wrong[5] = CLASSES as i64;
    let error = refused(&[all(1), classes(&wrong).into_rows()]);
    assert!(
        matches!(&error, CurvatureError::Target { example: 5, .. }),
        "{error}"
    );
    let kind = refused(&[random([N], 1).into_rows()]);
    assert!(matches!(kind, CurvatureError::TargetTensor { .. }));
    let long = vector(&numbers(cost.model().dim() + 1, 86));
    let long = cost.directional_derivatives_with(long, &[all(1)]);
    assert!(matches!(long, Err(CurvatureError::Dimension { .. })));

    let squares = self::cost(SquaredError, random([N, CLASSES], 9));
    let mut far = vec![0.0; N * CLASSES];
    far[9] = 1e308;
    let v = v.mul_scalar(1e9);
    let far = squares.directional_derivatives_with(v, &[matrix(&far, CLASSES).rows()]);
    let error = far.map(|_| ()).unwrap_err();
    assert!(matches!(error, CurvatureError::NotFinite { .. }), "{error}");
}
