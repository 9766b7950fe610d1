//! Files that are too large to keep, such as torchvision's: `fixtures/make.py FOLDER` writes them, `ONNX_FILES=FOLDER`
//! compares them.

use backdraft_curvature::{Cost, LinearOperator, Model, SquaredError};
use backdraft_onnx::OnnxModel;
use backdraft_test_support::{flat_gradients, host, relative_error};
use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use safetensors::SafeTensors;

#[test]
fn outputs_are_those_of_pytorch() {
    let Some(folder) = std::env::var_os("ONNX_FILES") else {
        eprintln!("skipped: ONNX_FILES names no folder of files");
        return;
    };
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "onnx") {
            continue;
        }
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let network = OnnxModel::load(&file, &Device::flex());
        let network = network.unwrap_or_else(|error| panic!("{error}"));
        let bytes = std::fs::read(file.with_extension("safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let floats = |name: &str| {
            let view = tensors.tensor(name).unwrap();
            let parts = view.data().as_chunks::<4>().0;
            let numbers: Vec<f32> = parts.iter().map(|&part| f32::from_le_bytes(part)).collect();
            (numbers, view.shape()[0])
        };
        let (inputs, rows) = floats("inputs");
        let width = inputs.len() / rows;
        let inputs =
            Tensor::<2>::from_data(TensorData::new(inputs, [rows, width]), &Device::flex());
        let expected: Vec<f64> = floats("outputs").0.into_iter().map(f64::from).collect();
        let error = relative_error(&host(network.forward(inputs.clone())), &expected);
        println!(
            "{name}: {} tensors, relative error {error:.1e}",
            network.tensors().len()
        );
        assert!(error < 1e-5, "{name}: {error:e}");
        check_products(&network, inputs, &name);
    }
}

/// The engine's gradient against Burn's, and the quadratic form of a Gauss-Newton product against the derivatives that
/// it is made of.
fn check_products(network: &OnnxModel, x: Tensor<2>, name: &str) {
    let t = network.forward(x.clone()) * 0.5;
    let tracked = network.clone().train();
    let loss = (tracked.forward(x.clone()) - t.clone()).square().sum() / (2 * x.dims()[0]) as f64;
    let expected = flat_gradients(&tracked, &loss.backward());
    let forward = |it: &OnnxModel, x: Tensor<2>| it.forward(x);
    let model = Model::new(network, forward).unwrap();
    let cost = Cost::new(model, SquaredError, x, t).unwrap();
    let gradient = cost.gradient().unwrap();
    let error = relative_error(&host(gradient.clone()), &expected);
    println!("{name}: gradient, relative error {error:.1e}");
    assert!(error < 1e-3, "{name}: {error:e}");
    let along = cost.outputs_along(gradient.clone()).unwrap().1;
    let expected = host(along.square().mean_dim(0).sum())[0];
    let product = cost.gauss_newton().apply(gradient.clone()).unwrap();
    let found = host((product * gradient).sum())[0];
    let error = (found / expected - 1.0).abs();
    println!("{name}: Gauss-Newton product, relative error {error:.1e}");
    assert!(error < 1e-3, "{name}: {error:e}");
}
