//! Gradients at several parameters at once, in f64, against one after another.

use crate::common::*;
use backdraft_curvature::{
    Cost, CrossEntropy, CurvatureError, Loss, Model, SquaredError, TokenCrossEntropy, Weighted,
};
use burn::{
    module::Module,
    nn::{
        Embedding, EmbeddingConfig, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Int, Tensor, TensorData, activation},
};

const PARTS: usize = 3;
const SIZE: usize = 4;
const N: usize = PARTS * SIZE;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    output: Linear,
}

impl Net {
    fn new() -> Self {
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        double(Self {
            first: layer(3, 5),
            output: layer(5, 2),
        })
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(activation::tanh(self.first.forward(x)))
    }
}

fn inputs() -> Tensor<2> {
    matrix(&numbers(N * 3, 81), N, 3)
}

fn targets() -> Tensor<2> {
    matrix(&numbers(N * 2, 82), N, 2)
}

fn regression(model: Model) -> Cost<SquaredError> {
    Cost::new(model, SquaredError, inputs(), targets()).unwrap()
}

/// Parameters around the model's own.
fn thetas(model: &Model) -> Tensor<2> {
    let dim = model.dim();
    matrix(&numbers(PARTS * dim, 83), PARTS, dim) * 0.1 + model.theta().unsqueeze_dim(0)
}

fn row(rows: &Tensor<2>, i: usize) -> Tensor<1> {
    rows.clone().slice(i..i + 1).squeeze_dim(0)
}

/// Each row is the gradient of its part alone. Both add the same terms, in orders that may differ.
fn assert_rows<L: Loss>(cost: &Cost<L>) {
    let thetas = thetas(cost.model());
    let together = cost.gradients_at(thetas.clone()).unwrap();
    assert_eq!(together.dims(), [PARTS, cost.model().dim()]);
    for i in 0..PARTS {
        let part: Vec<usize> = (i * SIZE..(i + 1) * SIZE).collect();
        let alone = cost.select(&part).unwrap().with_l2(cost.l2());
        let alone = alone.at(row(&thetas, i)).unwrap().gradient().unwrap();
        let error = relative_error(&host(row(&together, i)), &host(alone));
        assert!(error < 1e-14, "{i} {error:e}");
    }
}

#[test]
fn rows_are_the_gradients_of_the_parts() {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let cost = regression(model.clone());
    assert_rows(&cost);
    assert_rows(&cost.clone().with_l2(0.05));
    // Two batches to a part, the second shorter.
    assert_rows(&cost.with_batch_size(3).unwrap());
    // The other parameters are constants, the same for all.
    assert_rows(&regression(model.only(&["output"]).unwrap()));
}

#[test]
fn convolutions_and_tokens_have_rows_too() {
    let conv: Conv2d = double(Conv2dConfig::new([1, 2], [2, 2]).init(&device()));
    let forward =
        |conv: &Conv2d, x: Tensor<2>| conv.forward(x.reshape([-1, 1, 3, 3])).flatten::<2>(1, 3);
    let labels: Vec<i64> = (0..N as i64).map(|i| i % 8).collect();
    let cost = Cost::new(
        Model::new(&conv, forward).unwrap(),
        CrossEntropy,
        matrix(&numbers(N * 9, 84), N, 9),
        classes(&labels),
    );
    assert_rows(&cost.unwrap());

    #[derive(Module, Debug)]
    struct Language {
        embedding: Embedding,
        output: Linear,
    }
    let net = double(Language {
        embedding: EmbeddingConfig::new(5, 3).init(&device()),
        output: LinearConfig::new(3, 5).init(&device()),
    });
    let forward = |net: &Language, x: Tensor<2, Int>| {
        net.output
            .forward(activation::tanh(net.embedding.forward(x)))
    };
    let tokens = |shift: i64| {
        let tokens: Vec<i64> = (0..2 * N as i64).map(|i| (i * i + shift) % 5).collect();
        Tensor::<2, Int>::from_data(TensorData::new(tokens, [N, 2]), &device())
    };
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(model, TokenCrossEntropy::default(), tokens(0), tokens(2));
    assert_rows(&cost.unwrap());
}

#[test]
fn parts_are_filled_up_with_examples_of_weight_zero() {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let cost = regression(model);
    let weights = [vec![1.0; 4], vec![1.0, 1.0, 0.0, 0.0], vec![1.0; 4]].concat();
    let weighted = cost.with_loss(Weighted(SquaredError), (targets(), vector(&weights)));
    let thetas = thetas(cost.model());
    let rows = weighted.unwrap().gradients_at(thetas.clone()).unwrap();
    let two = cost.select(&[4, 5]).unwrap().at(row(&thetas, 1)).unwrap();
    // The mean is over four rows.
    let expected = host(two.gradient().unwrap() * 0.5);
    assert!(relative_error(&host(row(&rows, 1)), &expected) < 1e-14);
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let cost = regression(model.clone());
    let dim = model.dim();
    let error = cost.gradients_at(matrix(&numbers(5 * dim, 1), 5, dim));
    let message = error.unwrap_err().to_string();
    assert!(message.contains("12 examples do not make 5"), "{message}");
    let error = cost.gradients_at(matrix(&numbers(PARTS * 2, 1), PARTS, 2));
    assert!(matches!(error, Err(CurvatureError::Dimension { .. })));
    let none = cost.gradients_at(thetas(&model).slice(0..0)).unwrap();
    assert_eq!(none.dims(), [0, dim]);
}
