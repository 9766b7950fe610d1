//! Files that are too large to keep, such as torchvision's: `fixtures/make.py FOLDER` writes them, `ONNX_FILES=FOLDER`
//! compares them.

use backdraft_onnx::OnnxModel;
use backdraft_test_support::{host, relative_error};
use burn::tensor::{Device, Tensor, TensorData};
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
        let network = match OnnxModel::load(&file, &Device::flex()) {
            Ok(network) => network,
            Err(error) => panic!("{error}"),
        };
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
        let error = relative_error(&host(network.forward(inputs)), &expected);
        println!(
            "{name}: {} tensors, relative error {error:.1e}",
            network.tensors().len()
        );
        assert!(error < 1e-5, "{name}: {error:e}");
    }
}
