//! Activations between two dense layers, away from their kinks.

use burn::{
    nn::{
        Linear, LinearConfig,
        activation::{RRelu, RReluConfig},
    },
    tensor::{
        Tensor,
        activation::{self, *},
    },
};

use crate::{
    check,
    row::{N, Row, device, inputs},
};

fn row(name: &str, width: usize, f: fn(Tensor<2>) -> Tensor<2>) -> Row {
    let module = (
        LinearConfig::new(4, 6).init(&device()),
        LinearConfig::new(width, 2).init(&device()),
    );
    Row::new(
        name,
        module,
        inputs([N, 4]),
        move |m: &(Linear, Linear), x: Tensor<2>| m.1.forward(f(m.0.forward(x))),
    )
}

fn rows() -> Vec<Row> {
    vec![
        row("relu", 6, relu),
        row("relu6", 6, |x| relu6(x * 9.0)),
        row("leaky relu", 6, |x| leaky_relu(x, 0.03)),
        // Burn's own gradient is that of an approximation.
        row("gelu", 6, gelu).burn_within(1e-2),
        row("gelu by tanh", 6, gelu_approximate),
        row("sigmoid", 6, sigmoid),
        row("hard sigmoid", 6, |x| hard_sigmoid(x * 3.0, 0.2, 0.5)).burn_in_f32(),
        row("log sigmoid", 6, log_sigmoid),
        row("tanh", 6, activation::tanh),
        row("tanhshrink", 6, tanhshrink),
        row("hardtanh", 6, |x| hardtanh(x, -0.4, 0.7)),
        row("silu", 6, silu),
        row("hard swish", 6, |x| hard_swish(x * 4.0)).burn_in_f32(),
        row("mish", 6, mish),
        row("softplus", 6, |x| softplus(x, 1.3)).burn_divides_in_f32(),
        row("softplus, in part linear", 6, |x| {
            softplus_with_threshold(x, 1.3, 0.5)
        })
        .burn_divides_in_f32(),
        row("softsign", 6, softsign),
        row("elu", 6, |x| elu(x, 0.7)),
        row("celu", 6, |x| celu(x, 0.7)).burn_divides_in_f32(),
        row("selu", 6, selu),
        row("threshold", 6, |x| threshold(x, 0.1, 0.3)),
        row("thresholded relu", 6, |x| thresholded_relu(x, 0.2)),
        row("hard shrink", 6, |x| hard_shrink(x, 0.2)),
        row("soft shrink", 6, |x| soft_shrink(x, 0.2)),
        row("shrink", 6, |x| shrink(x, 0.2, 0.1)),
        row("softmax", 6, |x| softmax(x, 1)),
        row("softmax over examples' halves", 6, |x| {
            softmax(x.reshape([-1, 2, 3]), 1).flatten(1, 2)
        }),
        row("softmin", 6, |x| softmin(x, 1)),
        row("log softmax", 6, |x| log_softmax(x, 1)),
        row("quiet softmax", 6, |x| quiet_softmax(x, 1)),
        row("glu", 3, |x| glu(x, 1)),
        Row::new(
            "rrelu, inactive",
            (
                LinearConfig::new(4, 6).init(&device()),
                RReluConfig::new().init(),
            ),
            inputs([N, 4]),
            |m: &(Linear, RRelu), x: Tensor<2>| m.1.forward(m.0.forward(x)),
        )
        // Burn draws slopes when it trains.
        .without_burn(),
    ]
}

#[test]
fn activations() {
    check::all(rows());
}
