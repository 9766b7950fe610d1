//! The models, their losses and their measures, against values worked out by hand.

use backdraft_models::data::{Split, Targets, Task, digits};
use backdraft_models::{
    Activation, LogisticRegressionConfig, MlpConfig, Model, Objective, Zoo, ZooConfig, evaluate,
    outputs, per_example_losses, to_dtype,
};
use burn::config::Config;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Tensor};

/// The parameters of a module, tensor by tensor.
fn tensors<M: Module>(model: &M) -> Vec<Vec<f32>> {
    struct Collector(Vec<Vec<f32>>);

    impl ModuleVisitor for Collector {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().into_data().iter::<f32>().collect());
        }
    }

    let mut collector = Collector(Vec::new());
    model.visit(&mut collector);
    collector.0
}

fn split(columns: usize, features: &[f32], targets: Targets) -> Split {
    let rows = features.len() / columns;
    Split {
        rows,
        columns,
        features: features.to_vec(),
        targets,
        origin: (0..rows).collect(),
    }
}

#[test]
fn initial_weights_are_burns_default_and_depend_on_the_seed_only() {
    let device = Device::flex();
    let config = MlpConfig::new(64, 10);
    let weights = tensors(&config.init(&device));
    let shapes: Vec<usize> = weights.iter().map(Vec::len).collect();
    assert_eq!(shapes, [64 * 32, 32, 32 * 32, 32, 32 * 10, 10]);
    for (tensor, inputs) in weights.iter().zip([64.0, 64.0, 32.0, 32.0, 32.0, 32.0_f32]) {
        let bound = 1.0 / inputs.sqrt();
        assert!(tensor.iter().all(|weight| weight.abs() <= bound));
        let widest = tensor
            .iter()
            .fold(0.0_f32, |widest, weight| widest.max(weight.abs()));
        assert!(widest > 0.7 * bound, "{widest} of {bound}");
    }
    device.seed(1);
    assert_eq!(tensors(&config.init(&device)), weights);
    assert_ne!(tensors(&config.with_seed(1).init(&device)), weights);
}

#[test]
fn the_mlp_is_layers_with_a_function_between() {
    let device = Device::flex();
    let inputs = [0.3_f32, -1.2, 0.8];
    type Row = (Activation, fn(f64) -> f64);
    let functions: [Row; 3] = [
        (Activation::Relu, |x| x.max(0.0)),
        (Activation::Tanh, f64::tanh),
        (Activation::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    ];
    for (activation, function) in functions {
        let config = MlpConfig::new(3, 2)
            .with_hidden(vec![4])
            .with_activation(activation);
        let model = to_dtype(config.init(&device), DType::F64);
        let [first, bias, second, last] = tensors(&model).try_into().unwrap();
        let hidden: Vec<f64> = (0..4)
            .map(|unit| {
                let sum: f64 = (0..3)
                    .map(|i| f64::from(inputs[i]) * f64::from(first[i * 4 + unit]))
                    .sum();
                function(sum + f64::from(bias[unit]))
            })
            .collect();
        let expected: Vec<f64> = (0..2)
            .map(|unit| {
                let sum: f64 = (0..4)
                    .map(|i| hidden[i] * f64::from(second[i * 2 + unit]))
                    .sum();
                sum + f64::from(last[unit])
            })
            .collect();
        let found = outputs(
            &Zoo::Mlp(model),
            &split(3, &inputs, Targets::Classes(vec![0])),
        );
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-14,
                "{activation:?}: {found} {expected}"
            );
        }
    }
    // x Phi(x) at 1, from a table of the normal distribution.
    let gelu = Activation::Gelu.forward(Tensor::<1>::from_data([1.0], (&device, DType::F64)));
    assert!((gelu.into_scalar::<f64>() - 0.841_344_746_068_542_9).abs() < 1e-7);
}

/// A linear model of one input with outputs `weights x`.
fn identity(outputs: usize) -> Zoo {
    struct Setter;

    impl burn::module::ModuleMapper for Setter {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| match D {
                2 => tensor.clone().ones_like().cast(DType::F64),
                _ => tensor.clone().zeros_like().cast(DType::F64),
            })
        }
    }

    let config = LogisticRegressionConfig::new(1, outputs);
    Zoo::LogisticRegression(config.init(&Device::flex())).map(&mut Setter)
}

#[test]
fn losses_are_the_formulas() {
    let logits = [-40.0_f32, -1.5, 0.0, 2.0, 40.0];
    for class in [0, 1] {
        let data = split(1, &logits, Targets::Classes(vec![class; 5]));
        let losses =
            per_example_losses(&identity(1), &data, Objective::BinaryCrossEntropyWithLogits);
        for (loss, logit) in losses.iter().zip(logits) {
            let sign = if class == 1 { -1.0 } else { 1.0 };
            let exact = (sign * f64::from(logit)).exp().ln_1p();
            // Relative, so that the smallest loss of 4e-18 counts as well.
            assert!(
                (loss - exact).abs() <= 1e-14 * exact,
                "{logit}: {loss} {exact}"
            );
        }
    }
    let data = split(1, &logits, Targets::Classes(vec![0, 1, 2, 1, 0]));
    for loss in per_example_losses(&identity(3), &data, Objective::CrossEntropy) {
        assert!((loss - 3.0_f64.ln()).abs() < 1e-14, "{loss}");
    }
    let data = split(1, &logits, Targets::Values(vec![1.0; 5]));
    let losses = per_example_losses(&identity(1), &data, Objective::SquaredError);
    assert_eq!(losses, [840.5, 3.125, 0.5, 0.5, 760.5]);
}

#[test]
fn measures_are_the_formulas() {
    let data = split(
        1,
        &[-2.0, -1.0, 1.0, 3.0],
        Targets::Classes(vec![0, 1, 1, 1]),
    );
    let metrics = evaluate(&identity(1), &data, Objective::BinaryCrossEntropyWithLogits);
    assert_eq!((metrics.accuracy, metrics.r2), (Some(0.75), None));
    let losses = per_example_losses(&identity(1), &data, Objective::BinaryCrossEntropyWithLogits);
    assert_eq!(metrics.loss, losses.iter().sum::<f64>() / 4.0);

    let data = split(1, &[1.0, 2.0, 3.0], Targets::Values(vec![1.0, 2.0, 6.0]));
    let metrics = evaluate(&identity(1), &data, Objective::SquaredError);
    // 1 - 9 / (4 + 1 + 9)
    assert!((metrics.r2.unwrap() - 5.0 / 14.0).abs() < 1e-15);
    assert_eq!((metrics.loss, metrics.accuracy), (1.5, None));
}

#[test]
fn evaluation_in_batches_covers_every_row() {
    let features: Vec<f32> = (0..2500).map(|row| row as f32).collect();
    let data = split(1, &features, Targets::Values(features.clone()));
    let expected: Vec<f64> = (0..2500).map(f64::from).collect();
    assert_eq!(outputs(&identity(1), &data), expected);
    assert_eq!(
        evaluate(&identity(1), &data, Objective::SquaredError).r2,
        Some(1.0)
    );
}

#[test]
fn the_zoo_is_configured_by_name_and_data() {
    let data = digits();
    for model in Model::ALL {
        assert_eq!(model.to_string().parse(), Ok(model));
        let config = ZooConfig::preset(model, &data).with_seed(4);
        assert_eq!(config.model(), model);
        let zoo = config.init(&Device::flex());
        assert_eq!(zoo.model(), model);
        let inputs = data.test.select(&[0, 1, 2]).inputs(&Device::flex());
        assert_eq!(zoo.forward(inputs).dims(), [3, 10]);
        // A configuration survives its file format.
        let text = config.to_string();
        let again = ZooConfig::load_binary(text.as_bytes()).unwrap();
        assert_eq!(again.to_string(), text);
        assert_eq!(tensors(&again.init(&Device::flex())), tensors(&zoo));
    }
    let unknown = "resnet".parse::<Model>().unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no model `resnet`: use lr or mlp"
    );
}

#[test]
fn tasks_fix_outputs_and_objectives() {
    let names = |count: usize| {
        (0..count)
            .map(|class| class.to_string())
            .collect::<Vec<_>>()
    };
    let cases = [
        (
            Task::of_classes(names(2)),
            1,
            Objective::BinaryCrossEntropyWithLogits,
        ),
        (Task::of_classes(names(3)), 3, Objective::CrossEntropy),
        (Task::Regression, 1, Objective::SquaredError),
    ];
    for (task, outputs, objective) in cases {
        assert_eq!((task.outputs(), task.objective()), (outputs, objective));
    }
}

#[test]
#[should_panic(expected = "outputs and targets differ in shape")]
fn broadcasting_targets_is_refused() {
    let data = split(1, &[1.0, 2.0], Targets::Values(vec![1.0, 2.0]));
    per_example_losses(&identity(3), &data, Objective::SquaredError);
}
