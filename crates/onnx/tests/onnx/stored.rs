//! Tensors, attributes and shapes in every form that a file may give them.

use backdraft_onnx::{OnnxDim, OnnxModel, OnnxProblem};
use backdraft_test_support::{host, matrix};
use burn::tensor::{Device, bf16, f16};

use crate::writer::{NodeWriter, RAW, Writer, varint};

/// `h = x + 0` of three numbers in f64, with 0 as a parameter.
fn start(version: u64) -> Writer {
    Writer::new(version, &[usize::MAX, 3])
        .floats("zero", &[3], &[0.0; 3])
        .node("Add", &["x", "zero"], &["h"])
}

/// `h + t` for one example.
fn outputs(writer: Writer, x: &[f64; 3]) -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let file = writer.node("Add", &["h", "t"], &["y"]).write(folder.path());
    let model = OnnxModel::load(file, &Device::flex()).unwrap();
    assert_eq!(model.inputs()[0].shape[0], OnnxDim::Free(String::new()));
    host(model.forward(matrix(x, 3)))
}

/// What is read of numbers of a type that stand in a field.
fn read(data_type: u64, field: u64, numbers: Vec<u8>) -> Vec<f64> {
    let cast = NodeWriter::new("Cast", &["n"], &["t"]).int("to", 11);
    let network = start(17)
        .stored("n", &[3], data_type, (field, &numbers))
        .with(cast);
    outputs(network, &[0.0; 3])
}

/// Whole numbers one after the other, as messages list them.
fn list(numbers: impl IntoIterator<Item = i64>) -> Vec<u8> {
    let mut all = Vec::new();
    numbers.into_iter().for_each(|n| varint(n as u64, &mut all));
    all
}

#[test]
fn floats_of_each_type() {
    let x = [1.5_f64, -2.0, 0.25];
    let single = || x.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect();
    let double = || x.iter().flat_map(|x| x.to_le_bytes()).collect();
    let half = x.map(|x| f16::from_f64(x).to_bits());
    let brain = x.map(|x| bf16::from_f64(x).to_bits());
    let raw = |bits: [u16; 3]| bits.iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(read(1, 4, single()), x);
    assert_eq!(read(1, RAW, single()), x);
    assert_eq!(read(11, 10, double()), x);
    assert_eq!(read(11, RAW, double()), x);
    assert_eq!(read(10, 5, list(half.map(i64::from))), x);
    assert_eq!(read(10, RAW, raw(half)), x);
    assert_eq!(read(16, 5, list(brain.map(i64::from))), x);
    assert_eq!(read(16, RAW, raw(brain)), x);
}

#[test]
fn whole_numbers_of_each_type() {
    let (n, expected) = ([1_i64, -2, 100], [1.0, -2.0, 100.0]);
    let bytes = |size: usize| {
        let all = n.iter().flat_map(|n| n.to_le_bytes()[..size].to_vec());
        all.collect::<Vec<u8>>()
    };
    for (data_type, field, size) in [(3, 5, 1), (5, 5, 2), (6, 5, 4), (7, 7, 8)] {
        assert_eq!(read(data_type, field, list(n)), expected, "{data_type}");
        assert_eq!(read(data_type, RAW, bytes(size)), expected, "{data_type}");
    }
    let (n, expected) = ([1_i64, 2, 200], [1.0, 2.0, 200.0]);
    for (data_type, field) in [(2, 5), (4, 5), (12, 11)] {
        assert_eq!(read(data_type, field, list(n)), expected, "{data_type}");
    }
    assert_eq!(read(9, 5, list([1, 0, 1])), [1.0, 0.0, 1.0]);
    assert_eq!(read(9, RAW, vec![1, 0, 1]), [1.0, 0.0, 1.0]);
}

/// As files of early versions of ONNX are.
#[test]
fn attributes_without_a_type() {
    let x = [-3.0, 0.5, 2.0];
    let slope = NodeWriter::new("LeakyRelu", &["h"], &["s"])
        .domain("ai.onnx")
        .untyped()
        .float("alpha", 0.5);
    let sum = NodeWriter::new("ReduceSum", &["s"], &["t"])
        .untyped()
        .ints("axes", &[1])
        .int("keepdims", 1);
    let network = start(11).with(slope).with(sum);
    assert_eq!(outputs(network, &x), x.map(|x| x + 1.0));
}

#[test]
fn sparse_tensors_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = start(17)
        .sparse()
        .node("Relu", &["h"], &["y"])
        .write(folder.path());
    let error = OnnxModel::load(file, &Device::flex()).unwrap_err();
    assert!(matches!(error.problem, OnnxProblem::Format(_)), "{error}");
    assert!(error.to_string().contains("sparse"), "{error}");
}
