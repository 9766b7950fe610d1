//! Files that are wrong, and networks that are not supported: errors that name what is wrong.

use std::path::Path;

use backdraft_onnx::{OnnxError, OnnxModel, OnnxOptions, OnnxProblem};
use burn::tensor::{Device, Tensor};

use crate::{
    common::{Fixture, path},
    writer::{NodeWriter, Writer},
};

fn load(path: impl AsRef<Path>) -> OnnxError {
    OnnxModel::load(path, &Device::flex()).unwrap_err()
}

/// What is said of a file of these bytes.
fn of_bytes(bytes: &[u8]) -> OnnxError {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("network.onnx");
    std::fs::write(&file, bytes).unwrap();
    load(file)
}

fn of(writer: Writer) -> OnnxError {
    let folder = tempfile::tempdir().unwrap();
    load(writer.write(folder.path()))
}

/// `x [batch, 2]` with a weight `w [2, 2]`.
fn start(version: u64) -> Writer {
    Writer::new(version, &[0, 2]).floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
}

fn linear(version: u64) -> Writer {
    start(version).node("MatMul", &["x", "w"], &["h"])
}

#[test]
fn files_that_cannot_be_read() {
    let error = load(path("no_such_file.onnx"));
    assert!(matches!(error.problem, OnnxProblem::Read(_)), "{error}");
    assert!(error.to_string().contains("no_such_file.onnx"), "{error}");
    let text = "from torch import nn\n".repeat(20);
    let others = [&b""[..], b"not a network", text.as_bytes()];
    for bytes in others.into_iter().chain([&b"\x08\x07"[..], &[0xff; 40]]) {
        let error = of_bytes(bytes);
        assert!(matches!(error.problem, OnnxProblem::Format(_)), "{error}");
    }
    let mut state = 1_u64;
    for length in 0..300 {
        let bytes = (0..length).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        });
        let error = of_bytes(&bytes.collect::<Vec<u8>>());
        assert!(matches!(error.problem, OnnxProblem::Format(_)), "{error}");
    }
}

/// Wherever a file ends, it is not taken for a whole one: the versions of operators stand at its end.
#[test]
fn files_that_end_too_early() {
    for file in ["perceptron_dynamo.onnx", "sklearn_regressor.onnx"] {
        let whole = std::fs::read(path(file)).unwrap();
        for end in 0..whole.len() {
            let error = of_bytes(&whole[..end]);
            let told = matches!(
                error.problem,
                OnnxProblem::Format(_) | OnnxProblem::Version { .. }
            );
            assert!(told, "{file}, {end} bytes: {error}");
        }
    }
    let whole = std::fs::read(path("perceptron_dynamo.onnx")).unwrap();
    let error = of_bytes(&whole[..whole.len() / 2]).to_string();
    assert!(error.contains("ModelProto.graph"), "{error}");
}

#[test]
fn tensors_with_too_few_numbers() {
    let error = of(Writer::new(17, &[0, 2])
        .floats("w", &[2, 2], &[1.0, 2.0, 3.0])
        .node("MatMul", &["x", "w"], &["y"]));
    assert!(
        matches!(&error.problem, OnnxProblem::Tensor { tensor, .. } if tensor == "w"),
        "{error}"
    );
}

#[test]
fn numbers_in_a_file_that_is_missing_or_elsewhere() {
    let network = |file: &str| {
        Writer::new(17, &[0, 2])
            .elsewhere("w", &[2, 2], file)
            .node("MatMul", &["x", "w"], &["y"])
    };
    for file in ["missing.data", "../outside.data", "/etc/hostname", ""] {
        let error = of(network(file));
        assert!(
            matches!(error.problem, OnnxProblem::ExternalData { .. }),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let numbers: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let data = folder.path().join("weights.data");
    std::fs::write(&data, &numbers[..24]).unwrap();
    let file = network("weights.data").write(folder.path());
    assert!(matches!(load(&file).problem, OnnxProblem::Tensor { .. }));
    std::fs::write(&data, &numbers).unwrap();
    assert!(OnnxModel::load(&file, &Device::flex()).is_ok());
}

#[test]
fn operators_that_are_not_supported() {
    let error = of(linear(17).node("Loop", &["h"], &["y"]));
    let OnnxProblem::Operator { node, operator } = &error.problem else {
        panic!("{error}")
    };
    assert_eq!((node.as_str(), operator.as_str()), ("node of y", "Loop"));
    // An operator that the output does not need is none of ours.
    let folder = tempfile::tempdir().unwrap();
    let other = linear(17)
        .node("Loop", &["h"], &["z"])
        .node("Relu", &["h"], &["y"]);
    assert!(OnnxModel::load(other.write(folder.path()), &Device::flex()).is_ok());
}

#[test]
fn attributes_that_are_not_supported() {
    let attribute = |error: OnnxError| match error.problem {
        OnnxProblem::Attribute { attribute, .. } => attribute,
        other => panic!("{other}"),
    };
    let node = NodeWriter::new("Relu", &["h"], &["y"]).int("slope", 1);
    assert_eq!(attribute(of(linear(17).with(node))), "slope");
    let node = NodeWriter::new("Gelu", &["h"], &["y"]).text("approximate", "sigmoid");
    assert_eq!(attribute(of(linear(20).with(node))), "approximate");
    let batch_norm = NodeWriter::new("BatchNormalization", &["h", "a", "a", "a", "a"], &["y"]);
    let network = linear(17).floats("a", &[2], &[1.0, 2.0]);
    let error = of(network.with(batch_norm.int("training_mode", 1)));
    assert_eq!(attribute(error), "training_mode");
}

#[test]
fn versions_that_are_not_known() {
    for version in [6, 99] {
        let error = of(start(version).node("MatMul", &["x", "w"], &["y"]));
        assert!(
            matches!(error.problem, OnnxProblem::Version { .. }),
            "{error}"
        );
    }
}

#[test]
fn graphs_that_are_not_whole() {
    let error = of(start(17).node("MatMul", &["x", "missing"], &["y"]));
    assert!(matches!(error.problem, OnnxProblem::Graph(_)), "{error}");
    let error = of(linear(17));
    assert!(matches!(error.problem, OnnxProblem::Graph(_)), "{error}");
}

#[test]
fn networks_without_parameters() {
    let error = of(Writer::new(17, &[0, 2]).node("Relu", &["x"], &["y"]));
    assert!(
        matches!(error.problem, OnnxProblem::Parameters(_)),
        "{error}"
    );
}

#[test]
fn shapes_that_do_not_fit() {
    let error = of(start(17)
        .floats("b", &[3], &[1.0, 2.0, 3.0])
        .node("MatMul", &["x", "w"], &["h"])
        .node("Add", &["h", "b"], &["y"]));
    let OnnxProblem::Node { node, operator, .. } = &error.problem else {
        panic!("{error}")
    };
    assert_eq!((node.as_str(), operator.as_str()), ("node of y", "Add"));
}

#[test]
fn batches_of_one_size_alone() {
    let error = of(Writer::new(17, &[1, 4])
        .floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
        .ints("shape", &[2], &[2, 2])
        .ints("back", &[2], &[1, 4])
        .node("Reshape", &["x", "shape"], &["h"])
        .node("MatMul", &["h", "w"], &["g"])
        .node("Reshape", &["g", "back"], &["y"]));
    assert!(
        error.to_string().contains("free batch dimension"),
        "{error}"
    );
}

#[test]
fn outputs_that_are_not_there() {
    let options = OnnxOptions {
        output: Some("z".into()),
        ..OnnxOptions::default()
    };
    let file = path("perceptron_dynamo.onnx");
    let error = OnnxModel::load_with(file, &options, &Device::flex()).unwrap_err();
    assert!(matches!(error.problem, OnnxProblem::Outputs(_)), "{error}");
}

#[test]
fn patterns_that_match_nothing() {
    let options = OnnxOptions {
        constants: vec!["position*".into()],
        ..OnnxOptions::default()
    };
    let file = path("perceptron_dynamo.onnx");
    let error = OnnxModel::load_with(file, &options, &Device::flex()).unwrap_err();
    assert!(
        matches!(error.problem, OnnxProblem::Parameters(_)),
        "{error}"
    );
    assert!(error.to_string().contains("layers.0.weight"), "{error}");
}

#[test]
fn rows_of_another_length() {
    let model = Fixture::load("residual_dynamo").model;
    let error = model
        .try_forward(Tensor::zeros([2, 97], &Device::flex()))
        .unwrap_err();
    assert!(matches!(error.problem, OnnxProblem::Inputs(_)), "{error}");
    assert!(error.to_string().contains("98"), "{error}");
}
