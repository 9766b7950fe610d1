//! What is a parameter, how parameters are called and chosen, and what a network says of itself.

use backdraft_curvature::Model;
use backdraft_onnx::{OnnxDim, OnnxModel, OnnxOptions};
use backdraft_test_support::{assert_close, host};
use burn::{
    module::Module,
    tensor::{DType, Device, Tensor},
};

use crate::common::{Fixture, path};

fn names(model: &OnnxModel) -> Vec<String> {
    let model = Model::new(model, |it: &OnnxModel, x: Tensor<2>| it.forward(x)).unwrap();
    model
        .parameters()
        .iter()
        .map(|it| it.name.clone())
        .collect()
}

#[test]
fn they_are_called_as_in_the_file() {
    let fixture = Fixture::load("perceptron_dynamo");
    let expected = ["0", "1", "3", "5"].map(|layer| {
        [
            format!("layers.{layer}.weight"),
            format!("layers.{layer}.bias"),
        ]
    });
    assert_eq!(names(&fixture.model), expected.concat());
    let model = Model::new(&fixture.model, |it: &OnnxModel, x: Tensor<2>| it.forward(x));
    let last = model.unwrap().only(&["layers.5", "*.1.bias"]).unwrap();
    let chosen: Vec<_> = last
        .parameters()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        chosen,
        ["layers.1.bias", "layers.5.weight", "layers.5.bias"]
    );
}

#[test]
fn running_statistics_are_kept_and_constant() {
    let fixture = Fixture::load("residual_dynamo");
    let kept: Vec<_> = fixture
        .model
        .tensors()
        .into_iter()
        .map(|it| it.name)
        .collect();
    let parameters = names(&fixture.model);
    let constant: Vec<_> = kept
        .iter()
        .filter(|name| !parameters.contains(name))
        .collect();
    assert_eq!(constant, ["before.running_mean", "before.running_var"]);
    assert!(parameters.contains(&"before.weight".into()));
    // Unless they are named.
    let options = OnnxOptions {
        parameters: vec!["*.running_mean".into()],
        constants: vec!["head.*".into()],
        ..OnnxOptions::default()
    };
    let file = path("residual_dynamo.onnx");
    let model = OnnxModel::load_with(file, &options, &Device::flex()).unwrap();
    let parameters = names(&model);
    assert!(parameters.contains(&"before.running_mean".into()));
    assert!(!parameters.contains(&"head.weight".into()));
    let x = fixture.tensor::<2>("inputs");
    assert_close(&host(model.forward(x)), fixture.numbers("outputs"), 1e-6);
}

#[test]
fn scales_of_attention_and_masks_are_none() {
    for name in [
        "encoder_dynamo",
        "encoder_torchscript",
        "decoder_dynamo",
        "decoder_torchscript",
    ] {
        let parameters = Fixture::load(name).model.tensors();
        assert!(
            parameters.iter().all(|it| it.shape.num_elements() > 1),
            "{parameters:?}"
        );
    }
}

#[test]
fn it_tells_what_it_reads_and_returns() {
    let fixture = Fixture::load("residual_dynamo");
    let [input] = fixture.model.inputs() else {
        panic!("one input")
    };
    assert_eq!(input.to_string(), "x [batch, 2, 7, 7]");
    assert_eq!(fixture.model.output().to_string(), "y [batch, 3]");
    assert_eq!(input.shape[1], OnnxDim::Fixed(2));
    let scikit = Fixture::load("sklearn_three_classes");
    let outputs: Vec<_> = scikit
        .model
        .outputs()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(outputs, ["output_label", "output_probability"]);
}

#[test]
fn an_output_that_is_named_is_taken_as_it_is() {
    let fixture = Fixture::load("sklearn_three_classes");
    let options = OnnxOptions {
        output: Some("out_activations_result".into()),
        ..OnnxOptions::default()
    };
    let file = path("sklearn_three_classes.onnx");
    let model = OnnxModel::load_with(file, &options, &Device::flex()).unwrap();
    assert_eq!(model.cut(), None);
    let probabilities = host(model.forward(fixture.tensor("inputs")).sum_dim(1));
    assert_close(&probabilities, &vec![1.0; probabilities.len()], 1e-12);
}

#[test]
fn a_module_cast_to_f64_computes_in_f64() {
    struct Double;
    impl burn::module::ModuleMapper for Double {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(DType::F64))
        }
    }
    let mut fixture = Fixture::load("perceptron_torchscript");
    fixture.model = fixture.model.clone().map(&mut Double);
    fixture.dtype = DType::F64;
    fixture.check(&fixture.cost(backdraft_curvature::CrossEntropy, fixture.ints("targets")));
}
