//! Dense layers, embeddings, and layers that only look at features.

use burn::{
    nn::{
        CosineSimilarityConfig, DropoutConfig, EmbeddingConfig, GaussianNoiseConfig, Linear,
        LinearConfig, LinearLayout, PReluConfig, PairwiseDistanceConfig, SwiGluConfig,
    },
    tensor::{Int, Tensor, TensorData, activation::tanh},
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

fn linear(inputs: usize, outputs: usize) -> Linear {
    LinearConfig::new(inputs, outputs).init(&device())
}

/// `N` sequences of three tokens of seven, with repeats.
fn tokens() -> Tensor<2, Int> {
    let tokens: Vec<i64> = (0..3 * N as i64).map(|i| i * i % 7).collect();
    Tensor::from_data(TensorData::new(tokens, [N, 3]), &device())
}

fn rows() -> Vec<Row> {
    let device = &device();
    let shared = linear(3, 3);
    vec![
        Row::new("linear", linear(4, 3), inputs([N, 4]), |m, x: Tensor<2>| {
            m.forward(x)
        }),
        Row::new(
            "linear without bias",
            LinearConfig::new(4, 3).with_bias(false).init(device),
            inputs([N, 4]),
            |m, x: Tensor<2>| tanh(m.forward(x)),
        ),
        Row::new(
            "linear stored by columns",
            LinearConfig::new(4, 3)
                .with_layout(LinearLayout::Col)
                .init(device),
            inputs([N, 4]),
            |m, x: Tensor<2>| tanh(m.forward(x)),
        ),
        Row::new(
            "linear on sequences",
            (linear(4, 3), linear(3, 2)),
            inputs([N, 2, 4]),
            |m: &(Linear, Linear), x: Tensor<3>| m.1.forward(tanh(m.0.forward(x))),
        ),
        Row::new(
            "one linear layer used twice",
            (linear(3, 3), linear(3, 2)),
            inputs([N, 3]),
            |m: &(Linear, Linear), x: Tensor<2>| {
                let once = tanh(m.0.forward(x));
                m.1.forward(once.clone() + tanh(m.0.forward(once)))
            },
        ),
        Row::new(
            "two layers that share their parameters",
            (shared.clone(), shared),
            inputs([N, 3]),
            |m: &(Linear, Linear), x: Tensor<2>| m.1.forward(tanh(m.0.forward(x))),
        )
        // Burn keeps a gradient for each layer.
        .without_burn(),
        Row::new(
            "embedding",
            (EmbeddingConfig::new(7, 3).init(device), linear(3, 2)),
            tokens(),
            |m: &(_, Linear), x| {
                let embedding: &burn::nn::Embedding = &m.0;
                m.1.forward(tanh(embedding.forward(x)))
            },
        ),
        Row::new(
            "embedding tied to the output",
            (EmbeddingConfig::new(7, 3).init(device), linear(3, 3)),
            tokens(),
            |m: &(burn::nn::Embedding, Linear), x| {
                let hidden = tanh(m.1.forward(m.0.forward(x)));
                hidden.matmul(m.0.weight.val().transpose().unsqueeze())
            },
        ),
        Row::new(
            "prelu with one slope",
            (linear(4, 5), PReluConfig::new().init(device)),
            inputs([N, 4]),
            |m: &(Linear, burn::nn::PRelu), x: Tensor<2>| m.1.forward(m.0.forward(x)),
        ),
        Row::new(
            "prelu with a slope a channel",
            (
                linear(4, 2),
                PReluConfig::new().with_num_parameters(3).init(device),
            ),
            inputs([N, 3, 4]),
            |m: &(Linear, burn::nn::PRelu), x: Tensor<3>| m.1.forward(m.0.forward(x)),
        ),
        Row::new(
            "swiglu",
            (
                linear(3, 4),
                SwiGluConfig::new(4, 3).with_bias(true).init(device),
            ),
            inputs([N, 3]),
            |m: &(Linear, burn::nn::SwiGlu), x: Tensor<2>| m.1.forward(m.0.forward(x)),
        ),
        Row::new(
            "dropout and noise, inactive",
            (
                linear(3, 4),
                DropoutConfig::new(0.5).init(),
                GaussianNoiseConfig::new(0.5).init(),
            ),
            inputs([N, 3]),
            |m: &(Linear, burn::nn::Dropout, burn::nn::GaussianNoise), x: Tensor<2>| {
                m.2.forward(m.1.forward(tanh(m.0.forward(x))))
            },
        )
        // Burn trains with both.
        .without_burn(),
        Row::new(
            "cosine similarity",
            (linear(3, 4), linear(3, 4)),
            inputs([N, 3]),
            |m: &(Linear, Linear), x: Tensor<2>| {
                let (a, b) = (m.0.forward(x.clone()), m.1.forward(x));
                CosineSimilarityConfig::new().init().forward(a, b)
            },
        ),
        Row::new(
            "pairwise distance",
            (linear(3, 4), linear(3, 4)),
            inputs([N, 3]),
            |m: &(Linear, Linear), x: Tensor<2>| {
                let (a, b) = (m.0.forward(x.clone()), m.1.forward(x));
                PairwiseDistanceConfig::new().init().forward(a, b)
            },
        ),
    ]
}

#[test]
fn dense_layers() {
    check::all(rows());
}
