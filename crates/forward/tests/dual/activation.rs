//! Activation functions and their reverse passes.

use burn_backend::ops::ActivationOps;

use crate::support::{Outer, Tensor, check, spread};

#[test]
fn activations() {
    type Row = (&'static str, fn(Tensor) -> Tensor);
    let table: [Row; 10] = [
        ("relu", Outer::relu),
        ("leaky_relu", |x| Outer::leaky_relu(x, 0.1.into())),
        ("gelu", Outer::gelu),
        ("sigmoid", Outer::sigmoid),
        ("hard_sigmoid", |x| {
            Outer::hard_sigmoid(x, 0.9.into(), 0.45.into())
        }),
        ("log_sigmoid", Outer::log_sigmoid),
        ("softmax", |x| Outer::softmax(x, 1)),
        ("softmax, first dimension", |x| Outer::softmax(x, 0)),
        ("log_softmax", |x| Outer::log_softmax(x, 1)),
        ("softmin", |x| Outer::softmin(x, 1)),
    ];
    for (name, f) in table {
        check(name, [spread([2, 4], -2.0, 2.0)], |[x]| f(x));
    }
}

#[test]
fn prelu() {
    let inputs = [spread([2, 4], -2.0, 2.0), spread([1, 4], 0.1, 0.4)];
    check("prelu", inputs, |[x, alpha]| Outer::prelu(x, alpha));
}

#[test]
fn reverse_passes() {
    type Row = (&'static str, fn(Tensor, Tensor) -> Tensor);
    let table: [Row; 4] = [
        ("relu_backward", Outer::relu_backward),
        ("gelu_backward", Outer::gelu_backward),
        ("sigmoid_backward", Outer::sigmoid_backward),
        ("log_sigmoid_backward", Outer::log_sigmoid_backward),
    ];
    for (name, f) in table {
        let inputs = [spread([2, 4], -2.0, 2.0), spread([2, 4], -1.0, 1.5)];
        check(name, inputs, |[x, grad]| f(x, grad));
    }
}
