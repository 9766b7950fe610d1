//! Elementwise functions of many elements, which are computed in pieces, against Burn's own on the whole.

use backdraft_program::{DispatchTensor, Program, Spec};
use backdraft_test_support::host;
use burn::tensor::{DType, Device, Tensor, TensorData, activation};

/// Not a multiple of any piece.
const SHAPE: [usize; 2] = [331, 607];

type Function = fn(Tensor<2>) -> Tensor<2>;

#[test]
fn pieces_make_the_whole() {
    let device = Device::flex();
    // From -20 to 20.
    let values: Vec<f64> = (0..SHAPE[0] * SHAPE[1])
        .map(|i| 20.0 * (i as f64 * 0.37).sin())
        .collect();
    let functions: [(&str, Function); 9] = [
        ("exp", |x| x.exp()),
        ("log", |x| (x.abs() + 1.0).log()),
        ("log1p", |x| x.abs().log1p()),
        ("tanh", activation::tanh),
        ("erf", |x| x.erf()),
        ("sin, cos", |x| x.clone().sin() * x.cos()),
        ("sigmoid", activation::sigmoid),
        ("log sigmoid", activation::log_sigmoid),
        ("gelu", activation::gelu),
    ];
    for dtype in [DType::F32, DType::F64] {
        let data = TensorData::new(values.clone(), SHAPE);
        let x = Tensor::<2>::from_data(data, (&device, dtype));
        for (name, function) in functions {
            let apply = |inputs: Vec<DispatchTensor>| {
                let x = Tensor::from_dispatch(inputs[0].clone());
                Ok(vec![function(x).into_dispatch()])
            };
            let specs = [Spec::new(SHAPE, dtype)];
            let program = Program::trace(&device.settings(), &specs, apply).unwrap();
            for (what, x) in [("whole", x.clone()), ("a view", transposed(&x))] {
                let found = program
                    .call(vec![x.clone().into_dispatch()])
                    .unwrap()
                    .remove(0);
                let found = host(Tensor::<2>::from_dispatch(found));
                let expected = host(function(x));
                // Sigmoid in f32 is written differently: two units in the last place.
                let tolerance = if name == "sigmoid" { 3e-7 } else { 0.0 };
                for (a, b) in found.iter().zip(&expected) {
                    assert!(
                        (a - b).abs() <= tolerance * b.abs(),
                        "{name}, {what}: {a} {b}"
                    );
                }
            }
        }
    }
}

/// The same shape by way of a transposed tensor, which is not contiguous.
fn transposed(x: &Tensor<2>) -> Tensor<2> {
    let [rows, columns] = SHAPE;
    x.clone().reshape([columns, rows]).transpose()
}

/// Gradients of functions of two operands, computed in pieces, are those of a small part.
#[test]
fn gradients_are_those_of_parts() {
    let device = Device::flex();
    let functions: [Function; 2] = [activation::log_sigmoid, activation::gelu];
    for function in functions {
        let gradient = |x: Tensor<2>| {
            let specs = [Spec::of(&x.clone().into_dispatch())];
            let program = Program::trace(&device.settings(), &specs, |inputs| {
                let x = Tensor::from_dispatch(inputs[0].clone());
                Ok(vec![function(x).into_dispatch()])
            });
            let gradient = program.unwrap().gradient(&[0]).unwrap();
            let gradient = gradient.call(vec![x.into_dispatch()]).unwrap().remove(1);
            host(Tensor::<2>::from_dispatch(gradient))
        };
        let values: Vec<f64> = (0..SHAPE[0] * SHAPE[1])
            .map(|i| 5.0 * (i as f64 * 0.37).sin())
            .collect();
        let data = TensorData::new(values, SHAPE);
        let x = Tensor::<2>::from_data(data, (&device, DType::F64));
        let part = gradient(x.clone().slice([100..102, 0..SHAPE[1]]));
        let whole = gradient(x);
        assert_eq!(whole[100 * SHAPE[1]..102 * SHAPE[1]], part);
    }
}
