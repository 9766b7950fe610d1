//! Outputs, gradients, Gauss-Newton and Hessian products against those of the networks that were exported.

use backdraft_attribution::{InfluenceConfig, Measurement};
use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Model, SquaredError, TokenCrossEntropy,
};
use backdraft_onnx::OnnxModel;
use backdraft_test_support::{assert_close, host};
use burn::tensor::Tensor;

use crate::common::Fixture;

fn check_classifier(name: &str) {
    let fixture = Fixture::load(name);
    fixture.check(&fixture.cost(CrossEntropy, fixture.ints("targets")));
}

#[test]
fn a_perceptron_of_the_older_exporter() {
    check_classifier("perceptron_torchscript");
}

#[test]
fn a_perceptron_of_the_newer_exporter() {
    check_classifier("perceptron_dynamo");
}

#[test]
fn a_perceptron_in_f64() {
    check_classifier("perceptron_f64");
}

#[test]
fn convolutions_of_the_older_exporter() {
    check_classifier("residual_torchscript");
}

#[test]
fn convolutions_of_the_newer_exporter() {
    check_classifier("residual_dynamo");
}

#[test]
fn a_transformer_encoder_of_the_older_exporter() {
    check_classifier("encoder_torchscript");
}

#[test]
fn a_transformer_encoder_of_the_newer_exporter() {
    check_classifier("encoder_dynamo");
}

#[test]
fn a_transformer_encoder_in_f64() {
    check_classifier("encoder_f64");
}

#[test]
fn three_classes_of_scikit_learn() {
    let fixture = Fixture::load("sklearn_three_classes");
    assert_eq!(fixture.model.cut(), Some("Softmax"));
    fixture.check(&fixture.cost(CrossEntropy, fixture.ints("targets")));
}

#[test]
fn two_classes_of_scikit_learn_behind_a_scaler() {
    let fixture = Fixture::load("sklearn_two_classes");
    assert_eq!(fixture.model.cut(), Some("Sigmoid, Sub, Concat"));
    fixture.check(&fixture.cost(BinaryCrossEntropy, fixture.tensor("targets")));
}

#[test]
fn a_regressor_of_scikit_learn() {
    let fixture = Fixture::load("sklearn_regressor");
    assert_eq!(fixture.model.cut(), None);
    fixture.check(&fixture.cost(SquaredError, fixture.tensor("targets")));
}

fn check_language_model(name: &str) {
    let fixture = Fixture::load(name);
    let forward = |it: &OnnxModel, x: Tensor<2>| it.forward_shaped::<3>(x).unwrap();
    let model = Model::new(&fixture.model, forward).unwrap();
    let targets = fixture.ints::<2>("targets");
    let inputs = fixture.tensor::<2>("inputs");
    let cost = Cost::new(model, TokenCrossEntropy::default(), inputs, targets).unwrap();
    fixture.check(&cost.with_batch_size(2).unwrap());
}

#[test]
fn a_language_model_of_the_older_exporter() {
    check_language_model("decoder_torchscript");
}

#[test]
fn a_language_model_of_the_newer_exporter() {
    check_language_model("decoder_dynamo");
}

/// What removing an example does to its own loss is `1/N g' (G + lambda I)^-1 g`, which is above 0.
#[test]
fn influence_is_that_of_any_module() {
    let fixture = Fixture::load("perceptron_f64");
    let forward = |it: &OnnxModel, x: Tensor<2>| it.forward(x);
    let data = (fixture.tensor::<2>("inputs"), fixture.ints::<1>("targets"));
    let influence = InfluenceConfig::new()
        .with_damping(0.1)
        .init(&fixture.model, forward, CrossEntropy, data)
        .unwrap();
    let loss = Measurement::loss(fixture.ints::<1>("targets"));
    let scores = influence
        .scores(&loss, fixture.tensor::<2>("inputs"))
        .unwrap();
    let values = host(scores.values());
    let n = fixture.shape("inputs")[0];
    let own: Vec<f64> = (0..n).map(|i| values[i * n + i]).collect();
    assert!(own.iter().all(|&score| score > 0.0), "{own:?}");
    // Symmetric, as a matrix of inner products is.
    let turned: Vec<f64> = (0..n * n).map(|at| values[at % n * n + at / n]).collect();
    assert_close(&values, &turned, 1e-6);
}
