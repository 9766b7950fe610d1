//! Sums of products by the labels of axes, and entries that are put elsewhere.

use backdraft_curvature::{Cost, LinearOperator, Model, SquaredError};
use backdraft_onnx::{OnnxModel, OnnxProblem};
use backdraft_test_support::{assert_close, host, numbers, random};
use burn::tensor::{Device, Tensor};

use crate::{
    operators::{load, outputs, start},
    writer::{NodeWriter, Writer},
};

#[test]
fn products_are_summed_by_labels() {
    let (x, w) = (numbers(24, 20), numbers(24, 21));
    let einsum = |equation: &str, shape: &[usize]| {
        let network = start(12, &[3, 4]).floats("w", shape, &w);
        outputs(&network.with(node(["h", "w"], equation)), &x, 2)
    };
    let entry = |b: usize, i: usize, j: usize| x[(b * 3 + i) * 4 + j];
    // A layer with two axes of outputs, [4, 2, 3].
    let layer = einsum("bij,jkl->bikl", &[4, 2, 3]);
    let expected = (0..36).map(|at| {
        let (b, i, k) = (at / 18, at / 6 % 3, at % 6);
        (0..4).map(|j| entry(b, i, j) * w[j * 6 + k]).sum::<f64>()
    });
    assert_close(&layer, &expected.collect::<Vec<_>>(), 1e-14);
    assert_eq!(einsum("...j,jkl->...kl", &[4, 2, 3]), layer);
    assert_eq!(einsum("bij,jkl", &[4, 2, 3]), layer);
    // Axes in both that stay, and one that is summed alone.
    let both = einsum("bij,ijk->bj", &[3, 4, 2]);
    let expected = (0..8).map(|at| {
        let (b, j) = (at / 4, at % 4);
        let term = |i: usize| entry(b, i, j) * (w[(i * 4 + j) * 2] + w[(i * 4 + j) * 2 + 1]);
        (0..3).map(term).sum::<f64>()
    });
    assert_close(&both, &expected.collect::<Vec<_>>(), 1e-14);
}

fn node(inputs: [&str; 2], equation: &str) -> NodeWriter {
    NodeWriter::new("Einsum", &inputs, &["y"]).text("equation", equation)
}

/// Whichever stands first, a layer's derivatives are those of a layer.
#[test]
fn products_of_layers_have_their_derivatives() {
    let products = |layer: NodeWriter| {
        let network = Writer::new(12, &[0, 4])
            .floats("w", &[4, 3], &numbers(12, 22))
            .with(layer);
        let network = load(&network);
        let forward = |it: &OnnxModel, x: Tensor<2>| it.forward(x);
        let model = Model::new(&network, forward).unwrap();
        let (x, t) = (random::<2>([5, 4], 23), random::<2>([5, 3], 24));
        let cost = Cost::new(model, SquaredError, x, t).unwrap();
        let gradient = cost.gradient().unwrap();
        let product = cost.gauss_newton().apply(gradient.clone()).unwrap();
        let hessian = cost.hessian().apply(gradient.clone()).unwrap();
        [gradient, product, hessian].map(host)
    };
    let expected = products(NodeWriter::new("MatMul", &["x", "w"], &["y"]));
    for (inputs, equation) in [(["x", "w"], "bj,jk->bk"), (["w", "x"], "jk,bj->bk")] {
        let found = products(node(inputs, equation));
        for (found, expected) in found.iter().zip(&expected) {
            assert_close(found, expected, 1e-12);
        }
    }
}

#[test]
fn equations_that_make_no_sense() {
    let error = |equation: &str| {
        let folder = tempfile::tempdir().unwrap();
        let network = start(12, &[3, 4]).floats("w", &[4, 6], &numbers(24, 25));
        let file = network
            .with(node(["h", "w"], equation))
            .write(folder.path());
        OnnxModel::load(file, &Device::flex()).unwrap_err().problem
    };
    for equation in ["", "bij->bi", "bii,ij->bj", "bi0,0j->bj", "bi......,ij->b"] {
        let problem = error(equation);
        assert!(
            matches!(problem, OnnxProblem::Attribute { .. }),
            "{equation}: {problem}"
        );
    }
    for equation in ["bi,ij->bj", "bij,ij->bj", "bij,jk->bil", "b...ijkl,ij->b"] {
        let problem = error(equation);
        assert!(
            matches!(problem, OnnxProblem::Node { .. }),
            "{equation}: {problem}"
        );
    }
}

/// As Swin's masks of windows are made: strips of a constant are set to other numbers.
#[test]
fn entries_of_constants_are_set() {
    let network = start(16, &[2, 3])
        .floats("data", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .ints("places", &[2, 1, 2], &[0, 2, -1, 0])
        .floats("updates", &[2, 1], &[30.0, 40.0])
        .node("ScatterND", &["data", "places", "updates"], &["set"])
        .node("Add", &["h", "set"], &["y"]);
    let x = numbers(6, 26);
    let shifted = |by: [f64; 6]| -> Vec<f64> { x.iter().zip(by).map(|(x, by)| x + by).collect() };
    let found = outputs(&network, &x, 1);
    assert_close(&found, &shifted([1.0, 2.0, 30.0, 40.0, 5.0, 6.0]), 1e-15);
    let names: Vec<_> = load(&network)
        .tensors()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["one"]);
    let whole = start(16, &[2, 3])
        .floats("data", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        .ints("row", &[1, 1], &[0])
        .floats("rows", &[1, 3], &[0.0, 0.5, 0.25])
        .node("ScatterND", &["data", "row", "rows"], &["set"])
        .node("Add", &["h", "set"], &["y"]);
    let found = outputs(&whole, &x, 1);
    assert_close(&found, &shifted([0.0, 0.5, 0.25, 4.0, 5.0, 6.0]), 1e-15);
}
