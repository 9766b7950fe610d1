//! Random small networks of the layers that the tables test one by one, put together with residual connections and tied
//! weights.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, GroupNorm, GroupNormConfig, Gru,
        GruConfig, Identity, InstanceNorm, InstanceNormConfig, LayerNorm, LayerNormConfig, Linear,
        LinearConfig, Lstm, LstmConfig, PRelu, PReluConfig, PaddingConfig2d, RmsNorm,
        RmsNormConfig, SwiGlu, SwiGluConfig,
        attention::{
            MhaInput, MultiHeadAttention, MultiHeadAttentionConfig, generate_autoregressive_mask,
        },
        conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig},
        pool::{AvgPool2dConfig, MaxPool2dConfig},
    },
    tensor::{Int, Tensor, TensorData, activation},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

/// Networks of each kind.
const CASES: u32 = 14;

#[derive(Clone, Copy, Debug)]
enum Activation {
    Relu,
    Tanh,
    Sigmoid,
    Silu,
    Gelu,
}

impl Activation {
    fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Tanh => activation::tanh(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Silu => activation::silu(x),
            Self::Gelu => activation::gelu(x),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Block {
    Dense(usize, Activation),
    /// `x + f(x)`.
    Residual(Activation),
    /// Back through the transposed weight of the last dense block, if it fits.
    Tied,
    SwiGlu(usize),
    PRelu,
    LayerNorm,
    RmsNorm,
    /// Channels, stride.
    Conv(usize, usize),
    /// `x + f(conv(x))`.
    ResidualConv(Activation),
    Transpose(usize),
    GroupNorm,
    InstanceNorm,
    BatchNorm,
    MaxPool,
    AvgPool,
    /// `x + attention(x)`, causal or not.
    Attention(bool),
    Gru(usize),
    Lstm(usize),
}

/// The parameters of a block.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
enum Unit {
    Nothing(Identity),
    Linear(Linear),
    SwiGlu(SwiGlu),
    PRelu(PRelu),
    LayerNorm(LayerNorm),
    RmsNorm(RmsNorm),
    Conv(Conv2d),
    Transpose(ConvTranspose2d),
    GroupNorm(GroupNorm),
    InstanceNorm(InstanceNorm),
    BatchNorm(BatchNorm),
    Attention(MultiHeadAttention),
    Gru(Gru),
    Lstm(Lstm),
}

fn linear(inputs: usize, outputs: usize) -> Unit {
    Unit::Linear(LinearConfig::new(inputs, outputs).init(&device()))
}

/// The units of blocks on inputs of so many features or channels.
fn units(blocks: &[Block], features: usize) -> Vec<Unit> {
    let device = device();
    let (mut width, mut dense): (usize, Option<[usize; 2]>) = (features, None);
    let unit = |block: &Block| match *block {
        Block::Dense(to, _) => {
            dense = Some([width, to]);
            let from = std::mem::replace(&mut width, to);
            linear(from, to)
        }
        Block::Residual(_) => linear(width, width),
        Block::Tied => {
            if let Some([from, to]) = dense
                && to == width
            {
                width = from;
            }
            Unit::Nothing(Identity::new())
        }
        Block::SwiGlu(to) => {
            let from = std::mem::replace(&mut width, to);
            Unit::SwiGlu(SwiGluConfig::new(from, to).init(&device))
        }
        Block::PRelu => Unit::PRelu(PReluConfig::new().init(&device)),
        Block::LayerNorm => Unit::LayerNorm(LayerNormConfig::new(width).init(&device)),
        Block::RmsNorm => Unit::RmsNorm(RmsNormConfig::new(width).init(&device)),
        Block::Conv(to, stride) => {
            let from = std::mem::replace(&mut width, to);
            let config = Conv2dConfig::new([from, to], [2, 2]).with_stride([stride, 1]);
            let padding = PaddingConfig2d::Explicit(1, 0, 1, 1);
            Unit::Conv(config.with_padding(padding).init(&device))
        }
        Block::ResidualConv(_) => {
            let config = Conv2dConfig::new([width, width], [3, 3]);
            Unit::Conv(config.with_padding(PaddingConfig2d::Same).init(&device))
        }
        Block::Transpose(to) => {
            let from = std::mem::replace(&mut width, to);
            Unit::Transpose(ConvTranspose2dConfig::new([from, to], [2, 1]).init(&device))
        }
        Block::GroupNorm => Unit::GroupNorm(GroupNormConfig::new(1, width).init(&device)),
        Block::InstanceNorm => Unit::InstanceNorm(InstanceNormConfig::new(width).init(&device)),
        Block::BatchNorm => {
            let mut norm = BatchNormConfig::new(width).init(&device);
            norm.training = Param::from_bool(false);
            Unit::BatchNorm(norm)
        }
        Block::MaxPool | Block::AvgPool => Unit::Nothing(Identity::new()),
        Block::Attention(_) => {
            let config = MultiHeadAttentionConfig::new(width, 1).with_dropout(0.0);
            Unit::Attention(config.init(&device))
        }
        Block::Gru(to) => {
            let from = std::mem::replace(&mut width, to);
            Unit::Gru(GruConfig::new(from, to, true).init(&device))
        }
        Block::Lstm(to) => {
            let from = std::mem::replace(&mut width, to);
            Unit::Lstm(LstmConfig::new(from, to, true).init(&device))
        }
    };
    blocks.iter().map(unit).collect()
}

/// A block on features, which are the last dimension. `last` is the dense layer that a tied one goes back through.
fn feature<'a, const D: usize>(
    block: &Block,
    unit: &'a Unit,
    last: &mut Option<&'a Linear>,
    x: Tensor<D>,
) -> Tensor<D> {
    match (block, unit) {
        (Block::Dense(_, f), Unit::Linear(m)) => {
            *last = Some(m);
            f.apply(m.forward(x))
        }
        (Block::Residual(f), Unit::Linear(m)) => x.clone() + f.apply(m.forward(x)),
        (Block::Tied, _) => match last.map(|m| m.weight.val().transpose()) {
            Some(weight) if weight.dims()[0] == x.dims()[D - 1] => x.matmul(weight.unsqueeze()),
            _ => x,
        },
        (_, Unit::SwiGlu(m)) => m.forward(x),
        (_, Unit::PRelu(m)) => m.forward(x),
        (_, Unit::LayerNorm(m)) => m.forward(x),
        (_, Unit::RmsNorm(m)) => m.forward(x),
        _ => unreachable!("{block:?} is not a block on features"),
    }
}

fn dense(blocks: &[Block], units: &[Unit], x: Tensor<2>) -> Tensor<2> {
    let mut last = None;
    let step = |x, (block, unit)| feature(block, unit, &mut last, x);
    blocks.iter().zip(units).fold(x, step)
}

fn sequence(blocks: &[Block], units: &[Unit], mut x: Tensor<3>) -> Tensor<3> {
    let mut last = None;
    for (block, unit) in blocks.iter().zip(units) {
        x = match (block, unit) {
            (Block::Attention(causal), Unit::Attention(m)) => {
                let [batch, length, _] = x.dims();
                let mut input = MhaInput::self_attn(x.clone());
                if *causal {
                    let mask = generate_autoregressive_mask(batch, length, &x.device());
                    input = input.mask_attn(mask);
                }
                x + m.forward(input).context
            }
            (_, Unit::Gru(m)) => m.forward(x, None),
            (_, Unit::Lstm(m)) => m.forward(x, None).0,
            _ => feature(block, unit, &mut last, x),
        };
    }
    x
}

fn image(blocks: &[Block], units: &[Unit], mut x: Tensor<4>) -> Tensor<4> {
    for (block, unit) in blocks.iter().zip(units) {
        let [_, _, height, width] = x.dims();
        x = match (block, unit) {
            (Block::Conv(..), Unit::Conv(m)) => activation::tanh(m.forward(x)),
            (Block::ResidualConv(f), Unit::Conv(m)) => x.clone() + f.apply(m.forward(x)),
            (_, Unit::Transpose(m)) => activation::tanh(m.forward(x)),
            (_, Unit::GroupNorm(m)) => m.forward(x),
            (_, Unit::InstanceNorm(m)) => m.forward(x),
            (_, Unit::PRelu(m)) => m.forward(x),
            (_, Unit::BatchNorm(m)) => m.forward(x),
            (Block::MaxPool, _) if height > 1 => MaxPool2dConfig::new([2, 1]).init().forward(x),
            (Block::AvgPool, _) if width > 1 => AvgPool2dConfig::new([1, 2]).init().forward(x),
            (Block::MaxPool | Block::AvgPool, _) => x,
            _ => unreachable!("{block:?} is not a block on images"),
        };
    }
    x
}

impl Block {
    fn activation(&self) -> Option<Activation> {
        match self {
            Self::Dense(_, f) | Self::Residual(f) | Self::ResidualConv(f) => Some(*f),
            _ => None,
        }
    }

    /// Whether differences may straddle a kink of it.
    fn is_kinked(&self) -> bool {
        matches!(self, Self::MaxPool | Self::PRelu)
            || matches!(self.activation(), Some(Activation::Relu))
    }
}

/// Runs the checks on random networks of up to four blocks, the same ones each time.
fn run(block: impl Strategy<Value = Block>, network: impl Fn(Vec<Block>) -> Row) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[41; 32]);
    let networks = proptest::collection::vec(block, 1..=4);
    let outcome = TestRunner::new_with_rng(config, rng).run(&networks, |blocks| {
        let has = |what: fn(&Block) -> bool| blocks.iter().any(what);
        let rounded = has(|block| matches!(block, Block::RmsNorm));
        let mut row = network(blocks.clone());
        if has(|block| matches!(block, Block::Attention(_))) {
            row = row.burn_divides_in_f32();
        }
        if rounded {
            row = row.in_f32();
        }
        if rounded || has(Block::is_kinked) {
            // Differences of rounded numbers, or on both sides of a kink.
            row = row.without_differences();
        }
        if has(|block| matches!(block.activation(), Some(Activation::Gelu))) {
            // Its gradient is an approximation in Burn.
            row = row.burn_within(1e-2);
        }
        let failures = check::failures(&row).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// A network on so many features or channels, behind a linear layer so that there is always something to differentiate
/// by.
fn floats<const D: usize>(
    features: usize,
    shape: [usize; D],
    forward: fn(&[Block], &[Unit], Tensor<D>) -> Tensor<D>,
) -> impl Fn(Vec<Block>) -> Row {
    move |blocks| {
        let first = LinearConfig::new(shape[D - 1], shape[D - 1]).init(&device());
        let module = (units(&blocks, features), first);
        Row::new("network", module, inputs(shape), {
            move |m: &(Vec<Unit>, Linear), x: Tensor<D>| forward(&blocks, &m.0, m.1.forward(x))
        })
    }
}

/// A network on sequences of three tokens, behind their embedding.
fn tokens(blocks: Vec<Block>) -> Row {
    let embedding = EmbeddingConfig::new(7, 4).init(&device());
    let module = (units(&blocks, 4), embedding);
    let tokens: Vec<i64> = (0..3 * N as i64).map(|i| i * i % 7).collect();
    let tokens = Tensor::from_data(TensorData::new(tokens, [N, 3]), &device());
    Row::new("network", module, tokens, {
        move |m: &(Vec<Unit>, Embedding), x: Tensor<2, Int>| sequence(&blocks, &m.0, m.1.forward(x))
    })
}

fn activations() -> impl Strategy<Value = Activation> {
    use Activation::{Gelu, Relu, Sigmoid, Silu, Tanh};
    prop_oneof![
        Just(Relu),
        Just(Tanh),
        Just(Sigmoid),
        Just(Silu),
        Just(Gelu)
    ]
}

fn feature_blocks() -> impl Strategy<Value = Block> {
    prop_oneof![
        (2..5usize, activations()).prop_map(|(width, f)| Block::Dense(width, f)),
        activations().prop_map(Block::Residual),
        Just(Block::Tied),
        (2..5usize).prop_map(Block::SwiGlu),
        Just(Block::PRelu),
        Just(Block::LayerNorm),
        Just(Block::RmsNorm),
    ]
}

fn sequence_blocks() -> impl Strategy<Value = Block> {
    prop_oneof![
        2 => feature_blocks(),
        1 => any::<bool>().prop_map(Block::Attention),
        1 => (2..4usize).prop_map(Block::Gru),
        1 => (2..4usize).prop_map(Block::Lstm),
    ]
}

#[test]
fn on_features() {
    run(feature_blocks(), floats(4, [N, 4], dense));
}

#[test]
fn on_sequences() {
    run(sequence_blocks(), floats(4, [N, 3, 4], sequence));
}

#[test]
fn on_tokens() {
    run(sequence_blocks(), tokens);
}

#[test]
fn on_images() {
    let blocks = prop_oneof![
        (1..4usize, 1..3usize).prop_map(|(channels, stride)| Block::Conv(channels, stride)),
        activations().prop_map(Block::ResidualConv),
        (1..4usize).prop_map(Block::Transpose),
        Just(Block::PRelu),
        Just(Block::GroupNorm),
        Just(Block::InstanceNorm),
        Just(Block::BatchNorm),
        Just(Block::MaxPool),
        Just(Block::AvgPool),
    ];
    run(blocks, floats(2, [N, 2, 4, 3], image));
}
