//! K-FAC and EK-FAC against dense matrices, where they are exact, and against their definitions. In f64.

use backdraft_curvature::{
    BlockKind, Cost, CrossEntropy, CurvatureError, KroneckerConfig, KroneckerFactored, Loss, Model,
    SquaredError, TokenCrossEntropy, to_dense,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{
        Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
        attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig},
        conv::{
            Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig,
        },
    },
    tensor::{Int, Tensor, TensorData, activation},
};

const N: usize = 5;

fn config(corrected: bool) -> KroneckerConfig {
    KroneckerConfig {
        corrected,
        ..Default::default()
    }
}

/// The approximation as a dense matrix.
fn dense(matrix: &KroneckerFactored, dim: usize) -> Vec<f64> {
    let units = Tensor::<2>::eye(dim, &device()).cast(burn::tensor::DType::F64);
    host(matrix.products(&units))
}

/// The block of the parameters from `start` to `end` of a square matrix.
fn block(matrix: &[f64], dim: usize, start: usize, end: usize) -> Vec<f64> {
    let rows = matrix.chunks(dim).skip(start).take(end - start);
    rows.flat_map(|row| row[start..end].to_vec()).collect()
}

fn trace(matrix: &[f64], dim: usize) -> f64 {
    (0..dim).map(|i| matrix[i * dim + i]).sum()
}

/// That with corrected eigenvalues the trace is that of the Gauss-Newton matrix, as directions are orthonormal, and
/// that the inverse is one. Gives the coverage as text.
fn check(cost: &Cost) -> String {
    let dim = cost.model().dim();
    let exact = to_dense(&cost.gauss_newton()).unwrap();
    let matrix = cost.kronecker_factored(&config(true)).unwrap();
    let expected = trace(&exact, dim);
    assert!((matrix.trace().unwrap() / expected - 1.0).abs() < 1e-12);
    let v = random([3, dim], 7);
    let again = matrix.products(&matrix.solve(&v, 0.1)) + matrix.solve(&v, 0.1) * 0.1;
    assert!(relative_error(&host(again), &host(v)) < 1e-12);
    let named: usize = matrix.coverage().blocks.iter().map(|block| block.len).sum();
    assert_eq!(named, dim);
    matrix.coverage().to_string()
}

#[derive(Module, Debug)]
struct Mlp {
    first: Linear,
    second: Linear,
}

impl Mlp {
    fn new(inputs: usize, hidden: usize, outputs: usize) -> Self {
        double(Self {
            first: LinearConfig::new(inputs, hidden).init(&device()),
            second: LinearConfig::new(hidden, outputs).init(&device()),
        })
    }
}

fn mlp<L: Loss>(loss: L, targets: L::Targets, bent: bool) -> Cost {
    let forward = move |net: &Mlp, x: Tensor<2>| {
        let hidden = net.first.forward(x);
        net.second
            .forward(if bent { hidden.tanh() } else { hidden })
    };
    let model = Model::new(&Mlp::new(3, 4, 2), forward).unwrap();
    Cost::new(model, loss, random([N, 3], 1), targets).unwrap()
}

#[test]
fn linear_networks_with_squared_error_are_exact_within_a_layer() {
    // What is pulled back is the same for all examples, so the mean of products is the product of means.
    let cost = mlp(SquaredError, random([N, 2], 2), false);
    let dim = cost.model().dim();
    let exact = to_dense(&cost.gauss_newton()).unwrap();
    for corrected in [false, true] {
        let matrix = cost.kronecker_factored(&config(corrected)).unwrap();
        let found = dense(&matrix, dim);
        for (start, end) in [(0, 16), (16, dim)] {
            let (found, exact) = (
                block(&found, dim, start, end),
                block(&exact, dim, start, end),
            );
            assert!(relative_error(&found, &exact) < 1e-13);
        }
        assert_eq!(
            matrix.coverage().to_string(),
            "26 of 26 parameters: 26 as Kronecker products (2); every column of the output Hessians, 2"
        );
    }
}

#[test]
fn a_layer_is_the_product_of_means_over_examples() {
    let cost = mlp(CrossEntropy, classes(&[0, 1, 1, 0, 1]), true);
    let dim = cost.model().dim();
    let found = dense(&cost.kronecker_factored(&config(false)).unwrap(), dim);
    // The last layer by hand: its inputs are the hidden units and a one, its output matrix is the mean output Hessian.
    let net = Mlp::new(3, 4, 2);
    let hidden = net.first.forward(random([N, 3], 1)).tanh();
    let p = host(activation::softmax(net.second.forward(hidden.clone()), 1));
    let hidden = host(hidden);
    let (mut a, mut d) = (vec![0.0; 25], vec![0.0; 4]);
    for i in 0..N {
        let row: Vec<f64> = [&hidden[i * 4..i * 4 + 4], &[1.0]].concat();
        let p = &p[i * 2..i * 2 + 2];
        for j in 0..25 {
            a[j] += row[j / 5] * row[j % 5] / N as f64;
        }
        for j in 0..4 {
            let own = if j / 2 == j % 2 { p[j / 2] } else { 0.0 };
            d[j] += (own - p[j / 2] * p[j % 2]) / N as f64;
        }
    }
    let expected: Vec<f64> = (0..100)
        .map(|k| {
            let (i, j) = (k / 10, k % 10);
            a[(i / 2) * 5 + j / 2] * d[(i % 2) * 2 + j % 2]
        })
        .collect();
    assert!(relative_error(&block(&found, dim, 16, dim), &expected) < 1e-13);
}

#[test]
fn of_one_example_with_one_output_a_layer_is_exact() {
    let forward = |net: &Mlp, x: Tensor<2>| net.second.forward(net.first.forward(x).tanh());
    let model = Model::new(&Mlp::new(3, 4, 1), forward).unwrap();
    let cost = Cost::new(model, SquaredError, random([1, 3], 1), random([1, 1], 2)).unwrap();
    let dim = cost.model().dim();
    let exact = to_dense(&cost.gauss_newton()).unwrap();
    let found = dense(&cost.kronecker_factored(&config(false)).unwrap(), dim);
    for (start, end) in [(0, 16), (16, dim)] {
        let (found, exact) = (
            block(&found, dim, start, end),
            block(&exact, dim, start, end),
        );
        assert!(relative_error(&found, &exact) < 1e-13);
    }
}

#[test]
fn batches_and_roots_that_are_computed_change_nothing() {
    /// Cross-entropy that keeps the root of its Hessian to itself.
    #[derive(Clone)]
    struct Rootless;

    impl Loss for Rootless {
        type Targets = Tensor<1, Int>;

        fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1> {
            CrossEntropy.per_example(outputs, targets)
        }

        fn is_convex(&self) -> bool {
            true
        }
    }

    let targets = || classes(&[0, 1, 1, 0, 1]);
    let v = random([2, 26], 3);
    let whole = mlp(CrossEntropy, targets(), true);
    let parts = whole.clone().with_batch_size(2).unwrap();
    let rootless = mlp(Rootless, targets(), true);
    for corrected in [false, true] {
        let of = |cost: &Cost| {
            let matrix = cost.kronecker_factored(&config(corrected)).unwrap();
            host(matrix.products(&v))
        };
        let expected = of(&whole);
        assert!(relative_error(&of(&parts), &expected) < 1e-13);
        assert!(relative_error(&of(&rootless), &expected) < 1e-12);
    }
}

#[derive(Module, Debug)]
struct Convolutions {
    first: Conv2d,
    grouped: Conv2d,
    up: ConvTranspose2d,
    line: Conv1d,
    output: Linear,
}

#[test]
fn convolutions_of_all_kinds_are_covered() {
    let net = double(Convolutions {
        first: Conv2dConfig::new([1, 2], [3, 2])
            .with_stride([2, 1])
            .with_dilation([1, 2])
            .init(&device()),
        grouped: Conv2dConfig::new([2, 2], [1, 2])
            .with_groups(2)
            .init(&device()),
        up: ConvTranspose2dConfig::new([2, 3], [2, 2])
            .with_stride([2, 1])
            .init(&device()),
        line: Conv1dConfig::new(3, 2, 3).with_stride(2).init(&device()),
        output: LinearConfig::new(14, 2).init(&device()),
    });
    let forward = |net: &Convolutions, x: Tensor<4>| {
        let x = net.first.forward(x).tanh();
        let x = net.up.forward(net.grouped.forward(x).tanh()).tanh();
        let x = net.line.forward(x.flatten(2, 3)).tanh();
        net.output.forward(x.flatten::<2>(1, 2))
    };
    let model = Model::new(&net, forward).unwrap();
    let x = random([N, 1, 6, 6], 4);
    let cost = Cost::new(model, CrossEntropy, x, classes(&[0, 1, 1, 0, 1])).unwrap();
    // The biases of the grouped and of the transposed convolution belong to no product.
    assert_eq!(
        check(&cost),
        "97 of 97 parameters: 88 as Kronecker products (4), 9 in exact blocks (3); every column of the output Hessians, 2"
    );
}

#[derive(Module, Debug)]
struct Attention {
    tokens: Embedding,
    norm: LayerNorm,
    attention: MultiHeadAttention,
    output: Linear,
}

fn attention() -> Cost {
    let net = double(Attention {
        tokens: EmbeddingConfig::new(5, 4).init(&device()),
        norm: LayerNormConfig::new(4).init(&device()),
        attention: MultiHeadAttentionConfig::new(4, 2)
            .with_dropout(0.0)
            .init(&device()),
        output: LinearConfig::new(4, 5).init(&device()),
    });
    let forward = |net: &Attention, x: Tensor<2, Int>| {
        let x = net.norm.forward(net.tokens.forward(x));
        let x = x.clone() + net.attention.forward(MhaInput::self_attn(x)).context;
        net.output.forward(x)
    };
    let model = Model::new(&net, forward).unwrap();
    let tokens = |first: i64| {
        let numbers: Vec<i64> = (0..N as i64 * 3).map(|i| (first + i * i) % 5).collect();
        Tensor::<2, Int>::from_data(TensorData::new(numbers, [N, 3]), &device())
    };
    Cost::new(model, TokenCrossEntropy::default(), tokens(0), tokens(2)).unwrap()
}

#[test]
fn attention_is_covered() {
    assert_eq!(
        check(&attention()),
        "133 of 133 parameters: 105 as Kronecker products (5), 28 in exact blocks (3); every column of the output Hessians, 15"
    );
}

#[test]
fn more_outputs_than_columns_are_mixed_and_the_mean_is_right() {
    let cost = attention();
    let exact = trace(&to_dense(&cost.gauss_newton()).unwrap(), cost.model().dim());
    let of = |seed| {
        let config = KroneckerConfig {
            columns: 4,
            seed,
            ..Default::default()
        };
        let matrix = cost.kronecker_factored(&config).unwrap();
        assert!(
            matrix
                .coverage()
                .to_string()
                .ends_with("4 random mixtures of the output Hessians' columns")
        );
        matrix.trace().unwrap()
    };
    assert_eq!(of(1).to_bits(), of(1).to_bits());
    let mean = (0..40).map(of).sum::<f64>() / 40.0;
    // The mean of 160 draws, each of which is off by a part of the trace.
    assert!((mean / exact - 1.0).abs() < 0.1, "{mean} is not {exact}");
}

#[test]
fn a_tied_weight_is_one_block() {
    let net = double(LinearConfig::new(3, 3).init(&device()));
    let forward = |net: &Linear, x: Tensor<2>| net.forward(net.forward(x).tanh());
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(model, SquaredError, random([N, 3], 5), random([N, 3], 6)).unwrap();
    assert_eq!(
        check(&cost),
        "12 of 12 parameters: 9 as Kronecker products (1), 3 in exact blocks (1); every column of the output Hessians, 3"
    );
}

#[test]
fn blocks_that_are_no_layers_are_exact_or_diagonal() {
    let cost = attention();
    let dim = cost.model().dim();
    let exact = to_dense(&cost.gauss_newton()).unwrap();
    let small = KroneckerConfig {
        exact: 10,
        ..Default::default()
    };
    let matrix = cost.kronecker_factored(&small).unwrap();
    let found = dense(&matrix, dim);
    // The embedding's 20 numbers come first, then the 8 of the norm.
    let kinds = [
        (0, 20, BlockKind::Diagonal),
        (20, 24, BlockKind::Exact),
        (24, 28, BlockKind::Exact),
    ];
    for (start, end, kind) in kinds {
        let mut expected = block(&exact, dim, start, end);
        let size = end - start;
        if kind == BlockKind::Diagonal {
            let off = |k: usize| k / size != k % size;
            (0..size * size)
                .filter(|k| off(*k))
                .for_each(|k| expected[k] = 0.0);
        }
        assert!(relative_error(&block(&found, dim, start, end), &expected) < 1e-12);
    }
    assert_eq!(matrix.coverage().len(BlockKind::Diagonal), 20);
}

#[test]
fn what_cannot_be_approximated_is_said() {
    #[derive(Clone)]
    struct Plain;

    impl Loss for Plain {
        type Targets = Tensor<2>;

        fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1> {
            SquaredError.per_example(outputs, targets)
        }
    }

    let cost = mlp(Plain, random([N, 2], 2), true);
    let found = cost.kronecker_factored(&config(true)).err().unwrap();
    assert!(matches!(found, CurvatureError::NotConvex));
    let cost = mlp(SquaredError, random([N, 2], 2), true);
    let none = KroneckerConfig {
        columns: 0,
        ..Default::default()
    };
    let found = cost.kronecker_factored(&none).err().unwrap();
    assert!(found.to_string().contains("`columns` is 0"), "{found}");
}
