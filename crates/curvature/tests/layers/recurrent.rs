//! Recurrent layers over sequences of three.

use burn::{
    nn::{
        BiGru, BiGruConfig, BiLstm, BiLstmConfig, BiRnn, BiRnnConfig, Gru, GruConfig, Lstm,
        LstmConfig, LstmState, Rnn, RnnConfig, activation::ActivationConfig,
    },
    tensor::Tensor,
};

use crate::{
    check,
    row::{N, Row, device, inputs, tensor},
};

/// Features of the inputs and of the hidden state.
const INPUTS: usize = 3;
const HIDDEN: usize = 2;

fn sequences() -> Tensor<3> {
    inputs([N, 3, INPUTS])
}

fn lstm(name: &str, config: LstmConfig) -> Row {
    Row::new(
        name,
        config.init(&device()),
        sequences(),
        |m: &Lstm, x: Tensor<3>| {
            let (outputs, state) = m.forward(x, None);
            let state = Tensor::cat(vec![state.cell, state.hidden], 1);
            Tensor::cat(vec![outputs.flatten(1, 2), state], 1)
        },
    )
}

fn gru(name: &str, config: GruConfig) -> Row {
    Row::new(
        name,
        config.init(&device()),
        sequences(),
        |m: &Gru, x: Tensor<3>| m.forward(x, None),
    )
}

fn rows() -> Vec<Row> {
    let device = &device();
    let long = || LstmConfig::new(INPUTS, HIDDEN, true);
    let gated = || GruConfig::new(INPUTS, HIDDEN, true);
    vec![
        Row::new(
            "rnn",
            RnnConfig::new(INPUTS, HIDDEN, true).init(device),
            sequences(),
            |m: &Rnn, x: Tensor<3>| m.forward(x, None).0,
        ),
        Row::new(
            "rnn with sigmoid, backwards and clipped",
            RnnConfig::new(INPUTS, HIDDEN, false)
                .with_hidden_activation(ActivationConfig::Sigmoid)
                .with_reverse(true)
                .with_clip(Some(0.55))
                .init(device),
            sequences(),
            |m: &Rnn, x: Tensor<3>| m.forward(x, None).0,
        ),
        Row::new(
            "bidirectional rnn",
            BiRnnConfig::new(INPUTS, HIDDEN, true).init(device),
            sequences(),
            |m: &BiRnn, x: Tensor<3>| m.forward(x, None).0,
        ),
        lstm("lstm", long()),
        lstm(
            "lstm with coupled gates, backwards",
            long().with_input_forget(true).with_reverse(true),
        ),
        lstm("lstm, clipped", long().with_clip(Some(0.2))),
        Row::new(
            "lstm from a given state",
            LstmConfig::new(INPUTS, HIDDEN, false).init(device),
            sequences(),
            |m: &Lstm, x: Tensor<3>| {
                let [batch, ..] = x.dims();
                let given = |seed| {
                    let one = tensor([1, HIDDEN], seed).to_device(&x.device());
                    one.expand([batch, HIDDEN])
                };
                let state = LstmState::new(given(64), given(65));
                m.forward(x.clone(), Some(state)).0
            },
        ),
        Row::new(
            "bidirectional lstm",
            BiLstmConfig::new(INPUTS, HIDDEN, true).init(device),
            sequences(),
            |m: &BiLstm, x: Tensor<3>| m.forward(x, None).0,
        ),
        gru("gru", gated()),
        gru(
            "gru with the gate before the product",
            gated().with_reset_after(false),
        ),
        gru(
            "gru without bias, clipped",
            GruConfig::new(INPUTS, HIDDEN, false).with_clip(Some(0.1)),
        ),
        Row::new(
            "bidirectional gru",
            BiGruConfig::new(INPUTS, HIDDEN, true).init(device),
            sequences(),
            |m: &BiGru, x: Tensor<3>| m.forward(x, None).0,
        ),
    ]
}

#[test]
fn recurrent_layers() {
    check::all(rows());
}
