//! How many operations the derivatives of a multilayer perceptron take: as few as by hand.
//!
//! With `L` layers `h_l = relu(h_(l-1) W_l + b_l)`, no relu after the last, and `h_0` the inputs:
//!
//! ```text
//! forward     h_(l-1) W_l                          L products
//! tangent     dh_(l-1) W_l + h_(l-1) dW_l          2L - 1: dh_0 = 0
//! cotangent   u_(l-1) = u_l W_l'                   L - 1: u_0 is not wanted
//! gradient    h_(l-1)' u_l                         L
//! ```
//!
//! so that a gradient takes `L + (L - 1) + L = 3L - 1` products, a Jacobian-vector product `L + (2L - 1)`, and a
//! Gauss-Newton product the tangents and the cotangents of it, `L + (2L - 1) + (2L - 1)`, of which the first `L` do not
//! depend on the vector. A Hessian product differentiates the gradient:
//!
//! ```text
//! tangent     as above                             2L - 1
//! cotangent   du_l W_l' + u_l dW_l'                2 (L - 1)
//! gradient    dh_(l-1)' u_l + h_(l-1)' du_l        2L - 1
//! ```
//!
//! which is `6L - 4`, and its fixed part is the forward pass with the cotangents `u_L .. u_2`, `L + (L - 2)`: `u_1`
//! meets no tangent.

use std::collections::BTreeMap;

use backdraft_program::{DispatchTensor, Linearized, Program, ProgramError, Spec};
use burn::{
    Tensor,
    tensor::{DType, Device, Int, activation},
};

const BATCH: usize = 6;
/// Widths of the layers, all different so that no two operations are alike by accident.
const WIDTHS: [usize; 4] = [8, 7, 5, 3];
/// Layers.
const L: usize = WIDTHS.len() - 1;
/// Parameter tensors: a weight and a bias a layer.
const P: usize = 2 * L;

fn parameters() -> Vec<Spec> {
    let shapes = WIDTHS
        .windows(2)
        .flat_map(|pair| [vec![pair[0], pair[1]], vec![pair[1]]]);
    shapes.map(|shape| Spec::new(shape, DType::F32)).collect()
}

/// `(w_1, b_1, .. w_L, b_L, x)`.
fn inputs() -> Vec<Spec> {
    let mut specs = parameters();
    specs.push(Spec::new([BATCH, WIDTHS[0]], DType::F32));
    specs
}

/// `(w_1, b_1, .. w_L, b_L, x, classes)`.
fn inputs_and_classes() -> Vec<Spec> {
    let mut specs = inputs();
    specs.push(Spec::new([BATCH], DType::I32));
    specs
}

fn trace(
    specs: &[Spec],
    f: impl FnOnce(Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError>,
) -> Program {
    Program::trace(&Device::flex().settings(), specs, f).unwrap()
}

fn wrt() -> Vec<usize> {
    (0..P).collect()
}

fn logits(inputs: &[DispatchTensor]) -> Tensor<2> {
    let mut h = Tensor::<2>::from_dispatch(inputs[P].clone());
    for layer in 0..L {
        let w = Tensor::<2>::from_dispatch(inputs[2 * layer].clone());
        let b = Tensor::<1>::from_dispatch(inputs[2 * layer + 1].clone());
        h = h.matmul(w) + b.unsqueeze();
        if layer + 1 < L {
            h = activation::relu(h);
        }
    }
    h
}

fn outputs() -> Program {
    trace(&inputs(), |inputs| {
        Ok(vec![logits(&inputs).into_dispatch()])
    })
}

/// The sum of the examples' cross-entropies.
fn loss() -> Program {
    trace(&inputs_and_classes(), |inputs| {
        let log_p = activation::log_softmax(logits(&inputs), 1);
        let classes = Tensor::<1, Int>::from_dispatch(inputs[P + 1].clone());
        let of_classes = log_p.gather(1, classes.reshape([BATCH, 1]));
        Ok(vec![(-of_classes.sum()).into_dispatch()])
    })
}

/// The Gauss-Newton product for the cross-entropy, as a function of `(parameters .., x, v)` with a flat `v`.
fn gauss_newton() -> Program {
    let (jvp, vjp) = (
        outputs().jvp(&wrt()).unwrap(),
        outputs().vjp(&wrt()).unwrap(),
    );
    trace(&with_v(inputs()), |mut inputs| {
        let v = inputs.pop().expect("v is the last");
        let mut arguments = inputs.clone();
        arguments.extend(unflatten(v));
        let [y, dy] = jvp.call(arguments)?.try_into().expect("two results");
        let (y, dy) = (
            Tensor::<2>::from_dispatch(y),
            Tensor::<2>::from_dispatch(dy),
        );
        let p = activation::softmax(y, 1);
        let weighted = p.clone() * dy;
        let curved = weighted.clone() - p * weighted.sum_dim(1);
        inputs.push(curved.into_dispatch());
        Ok(vec![flatten(vjp.call(inputs)?.split_off(1))])
    })
}

/// The Hessian product, as a function of `(parameters .., x, classes, v)`.
fn hessian() -> Program {
    let gradient = loss().gradient(&wrt()).unwrap();
    let gradient = trace(&inputs_and_classes(), |inputs| {
        Ok(gradient.call(inputs)?.split_off(1))
    });
    let product = gradient.jvp(&wrt()).unwrap();
    trace(&with_v(inputs_and_classes()), |mut inputs| {
        let v = inputs.pop().expect("v is the last");
        inputs.extend(unflatten(v));
        Ok(vec![flatten(product.call(inputs)?.split_off(P))])
    })
}

fn with_v(mut specs: Vec<Spec>) -> Vec<Spec> {
    let dim: usize = parameters().iter().map(|p| p.shape.num_elements()).sum();
    specs.push(Spec::new([dim], DType::F32));
    specs
}

fn unflatten(v: DispatchTensor) -> Vec<DispatchTensor> {
    let v = Tensor::<1>::from_dispatch(v);
    let mut start = 0;
    let part = |spec: &Spec| {
        let end = start + spec.shape.num_elements();
        let part = v.clone().slice(start..end);
        start = end;
        match spec.shape.as_slice() {
            &[rows, columns] => part.reshape([rows, columns]).into_dispatch(),
            _ => part.into_dispatch(),
        }
    };
    parameters().iter().map(part).collect()
}

fn flatten(parts: Vec<DispatchTensor>) -> DispatchTensor {
    let flat = parts.into_iter().zip(parameters()).map(|(part, spec)| {
        let size = spec.shape.num_elements();
        match spec.shape.num_dims() {
            2 => Tensor::<2>::from_dispatch(part).reshape([size]),
            _ => Tensor::<1>::from_dispatch(part),
        }
    });
    Tensor::cat(flat.collect(), 0).into_dispatch()
}

/// The last input's part of a program.
fn linearized(program: &Program) -> Linearized {
    program.linearize(&[program.inputs().len() - 1]).unwrap()
}

/// Fails unless the program consists of exactly these operations.
fn assert_operations(what: &str, program: &Program, expected: &[(&str, usize)]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    program
        .operations()
        .for_each(|name| *counts.entry(name).or_default() += 1);
    let expected: BTreeMap<String, usize> = expected
        .iter()
        .map(|&(name, count)| (name.into(), count))
        .collect();
    assert_eq!(counts, expected, "{what}\n{program}");
}

#[test]
fn outputs_are_what_was_written() {
    let forward = [
        ("Matmul", L),
        // Biases as rows.
        ("Reshape", L),
        ("Add", L),
        ("Relu", L - 1),
    ];
    assert_operations("outputs", &outputs(), &forward);
}

#[test]
fn a_jacobian_vector_product() {
    let jvp = [
        ("Matmul", L + (2 * L - 1)),
        // Biases and their tangents as rows.
        ("Reshape", 2 * L),
        // Biases, their tangents, and the two products.
        ("Add", 2 * L + (L - 1)),
        ("Relu", L - 1),
        ("ReluBackward", L - 1),
    ];
    assert_operations("jvp", &outputs().jvp(&wrt()).unwrap(), &jvp);
}

#[test]
fn a_vector_jacobian_product() {
    let vjp = [
        ("Matmul", 3 * L - 1),
        // Biases as rows, and their gradients as vectors.
        ("Reshape", 2 * L),
        // The layers' inputs and all weights but the first.
        ("SwapDims", 2 * L - 1),
        ("Add", L),
        ("Relu", L - 1),
        ("ReluBackward", L - 1),
        ("SumDim", L),
    ];
    assert_operations("vjp", &outputs().vjp(&wrt()).unwrap(), &vjp);
}

#[test]
fn a_gradient() {
    let gradient = [
        ("Matmul", 3 * L - 1),
        // Also the classes as a column.
        ("Reshape", 2 * L + 1),
        ("SwapDims", 2 * L - 1),
        ("Relu", L - 1),
        ("ReluBackward", L - 1),
        // The loss: -sum of log p at the classes.
        ("LogSoftmax", 1),
        ("Gather", 1 + 2),
        ("Sum", 1),
        // Its gradient g in log p is -1 at the classes, and g - p sum g in the logits: apart where a class has most of
        // the probability, of which the elements of p and g are taken out, and g (1 - p) - p sum g put in. One more sum
        // a bias, and one sign is the loss's own.
        ("Full", 1),
        ("Zeros", 1),
        ("Softmax", 1),
        ("ArgMax", 1),
        ("LowerEqualElem", 1),
        ("MaskFill", 2),
        ("Scatter", 1 + 3),
        ("SumDim", L + 2),
        ("Neg", 1 + 2),
        ("Mul", 3),
        ("Sub", 2),
        ("Add", L + 1),
    ];
    assert_operations("gradient", &loss().gradient(&wrt()).unwrap(), &gradient);
}

#[test]
fn a_gauss_newton_product() {
    let program = gauss_newton();
    let matmuls = |program: &Program| program.operations().filter(|n| n == "Matmul").count();
    assert_eq!(matmuls(&program), L + 2 * (2 * L - 1));

    let split = linearized(&program);
    let fixed = [
        ("Matmul", L),
        ("Reshape", L),
        ("Add", L),
        ("Relu", L - 1),
        ("Softmax", 1),
    ];
    assert_operations("fixed part", &split.fixed, &fixed);
    let varying = [
        ("Matmul", 2 * (2 * L - 1)),
        // v in parts, the weights' reshaped and the biases' as rows; the gradients flat, and put together.
        ("Slice", P),
        ("Reshape", 2 * P),
        ("Cat", 1),
        // Views of the layers' inputs and of all weights but the first.
        ("SwapDims", 2 * L - 1),
        // Biases' tangents and the two products.
        ("Add", L + (L - 1)),
        // In both directions.
        ("ReluBackward", 2 * (L - 1)),
        // p (dy - <p, dy>) and the biases' gradients.
        ("Mul", 2),
        ("Sub", 1),
        ("SumDim", L + 1),
    ];
    assert_operations("varying part", &split.varying, &varying);

    // Kept: the layers' inputs and softmax. No pre-activations, and no transposes, which are views.
    let floats = |widths: &[usize]| 4 * BATCH * widths.iter().sum::<usize>();
    let activations = floats(&WIDTHS[1..L]);
    let softmax = floats(&WIDTHS[L..]);
    assert_eq!(split.kept_bytes, activations + softmax);
}

#[test]
fn a_hessian_product() {
    let program = hessian();
    let matmuls = |program: &Program| program.operations().filter(|n| n == "Matmul").count();
    assert_eq!(matmuls(&program), (2 * L - 2) + (6 * L - 4));

    let split = linearized(&program);
    let fixed = [
        ("Matmul", 2 * L - 2),
        // Biases as rows, the classes as a column.
        ("Reshape", L + 1),
        // Of the weights between the first and the last, for the cotangents.
        ("SwapDims", L - 2),
        ("Relu", L - 1),
        ("ReluBackward", L - 2),
        // The gradient in the logits, as above.
        ("Full", 1),
        ("Zeros", 1),
        ("Softmax", 1),
        ("ArgMax", 1),
        ("LowerEqualElem", 1),
        ("Gather", 2),
        ("MaskFill", 2),
        ("Scatter", 1 + 3),
        ("SumDim", 2),
        ("Neg", 2),
        ("Mul", 3),
        ("Sub", 2),
        ("Add", L + 1),
    ];
    assert_operations("fixed part", &split.fixed, &fixed);
    let varying = [
        ("Matmul", 6 * L - 4),
        ("Slice", P),
        ("Reshape", 2 * P),
        ("Cat", 1),
        // Of the layers' inputs and all weights but the first, and of their tangents.
        ("SwapDims", (2 * L - 1) + 2 * (L - 1)),
        // Biases' tangents, and the pairs of products: in tangents, cotangents and gradients.
        ("Add", L + 3 * (L - 1)),
        ("ReluBackward", 2 * (L - 1)),
        // The tangent of p, p (dy - <p, dy>) for dy less its element at a class of most of the probability, and that of
        // the gradient in the logits, with such a class apart. Also the biases' gradients.
        ("Gather", 2),
        ("MaskFill", 2),
        ("Neg", 2),
        ("Mul", 5),
        ("Sub", 3),
        ("Scatter", 2),
        ("SumDim", L + 2),
    ];
    assert_operations("varying part", &split.varying, &varying);
}
