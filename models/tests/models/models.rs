//! The models, their losses and their measures, against values worked out by hand.

use backdraft_models::data::{
    Dataset, Division, ExampleShape, Reading, Source, Split, Targets, Task, cancer, digits,
};
use backdraft_models::{
    Activation, Architecture, AutoencoderConfig, LogisticRegressionConfig, MlpConfig, Objective,
    Preset, Zoo, ZooConfig, evaluate, outputs, per_example_losses, to_dtype,
};
use backdraft_test_support::parameters;
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};

/// The parameters of a module, tensor by tensor.
fn tensors<M: Module>(model: &M) -> Vec<Vec<f32>> {
    let tensors = parameters(model);
    tensors
        .iter()
        .map(|data| data.iter::<f32>().collect())
        .collect()
}

fn split(columns: usize, features: &[f32], targets: Targets) -> Split {
    let rows = features.len() / columns;
    Split {
        rows,
        columns,
        features: features.to_vec(),
        targets,
        origin: (0..rows).collect(),
        weights: None,
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

/// Twelve sequences of five of seven words.
fn text() -> Dataset {
    let words: Vec<i64> = (0..72).map(|place| place * place % 7).collect();
    let split = Split {
        rows: 12,
        columns: 5,
        features: (0..60).map(|i| words[i / 5 * 6 + i % 5] as f32).collect(),
        targets: Targets::Tokens {
            length: 5,
            ids: (0..60).map(|i| words[i / 5 * 6 + i % 5 + 1]).collect(),
        },
        origin: (0..12).collect(),
        weights: None,
    };
    let memory = Source::Embedded {
        name: "text".to_owned(),
    };
    Dataset {
        name: "text".to_owned(),
        task: Task::NextToken {
            vocabulary: (0..7).map(|word| format!("w{word}")).collect(),
        },
        train: split.clone(),
        valid: None,
        test: split,
        shape: ExampleShape::Tokens { length: 5 },
        features: Vec::new(),
        image: None,
        attribution: None,
        division: Division::Source,
        input_scaling: None,
        target_scaling: None,
        train_source: memory.clone(),
        test_source: memory,
        reading: Reading::default(),
        loss: None,
        class_weights: None,
        inference: None,
    }
}

#[test]
fn the_zoo_is_configured_by_name_and_data() {
    let (pictures, text) = (digits(), text());
    for model in Architecture::ALL {
        assert_eq!(model.to_string().parse(), Ok(model));
        let data = match model {
            Architecture::Transformer => &text,
            _ => &pictures,
        };
        model.check(data).unwrap();
        let config = ZooConfig::preset(model, data).with_seed(4);
        assert_eq!(config.model(), model);
        let zoo = config.init(&Device::flex());
        assert_eq!(zoo.model(), model);
        let inputs = data.test.select(&[0, 1, 2]).inputs(&Device::flex());
        let outputs = match model {
            Architecture::Transformer => 5 * 7,
            Architecture::Autoencoder => 64,
            _ => 10,
        };
        let found = zoo.forward(inputs.clone());
        assert_eq!(found.dims(), [3, outputs]);
        // A configuration survives its file format.
        let text = config.to_string();
        let again = ZooConfig::load_binary(text.as_bytes()).unwrap();
        assert_eq!(again.to_string(), text);
        assert_eq!(tensors(&again.init(&Device::flex())), tensors(&zoo));
        // So do the published sizes, which differ.
        let paper = Preset::Paper.network(model, data);
        assert_eq!(paper.model(), model);
        // A copy in another type leaves the original as it was, running statistics included.
        let double = to_dtype(zoo.clone(), DType::F64);
        assert_eq!(zoo.forward(inputs.clone()).into_data(), found.into_data());
        assert_eq!(double.forward(inputs.cast(DType::F64)).dims(), [3, outputs]);
    }
    let unknown = "resnet".parse::<Architecture>().unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "there is no model `resnet`: use lr, mlp, autoencoder, lenet, alexnet, vgg13, resnet20 or transformer"
    );
}

#[test]
fn a_model_tells_which_data_it_cannot_read() {
    let table = cancer();
    let mut coloured = digits();
    // Standardised pixels are no probabilities.
    coloured.train.features[3] = -0.5;
    let cases = [
        (
            Architecture::LeNet,
            table.clone(),
            "the model `lenet` reads pictures, and cancer holds a table; use one of lr, mlp for it",
        ),
        (
            Architecture::Transformer,
            table,
            "the model `transformer` reads text, and cancer holds a table; use one of lr, mlp for it",
        ),
        (
            Architecture::Mlp,
            text(),
            "the model `mlp` reads tables and pictures, and text holds text; use one of transformer for it",
        ),
        (
            Architecture::Autoencoder,
            coloured,
            "the model `autoencoder` reads pictures with pixels between 0 and 1, and digits holds pictures with \
             other pixels; use one of lr, mlp, lenet, alexnet, vgg13, resnet20 for it",
        ),
        (
            Architecture::Transformer,
            digits(),
            "the model `transformer` reads text, and digits holds pictures; use one of lr, mlp, autoencoder, lenet, \
             alexnet, vgg13, resnet20 for it",
        ),
    ];
    for (model, data, message) in cases {
        assert_eq!(model.check(&data).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_sequence_is_measured_place_by_place() {
    let data = text();
    let model = ZooConfig::preset(Architecture::Transformer, &data).init(&Device::flex());
    let model = to_dtype(model, DType::F64);
    let logits = outputs(&model, &data.test);
    let Targets::Tokens { ids, .. } = &data.test.targets else {
        panic!("tokens were expected")
    };
    let losses: Vec<f64> = logits
        .chunks_exact(7)
        .zip(ids)
        .map(|(logits, &id)| {
            let sum: f64 = logits.iter().map(|x| x.exp()).sum();
            sum.ln() - logits[id as usize]
        })
        .collect();
    let found = per_example_losses(&model, &data.test, Objective::CrossEntropy);
    for (found, losses) in found.iter().zip(losses.chunks_exact(5)) {
        let mean = losses.iter().sum::<f64>() / 5.0;
        assert!((found - mean).abs() < 1e-14, "{found} {mean}");
    }
    let metrics = evaluate(&model, &data.test, Objective::CrossEntropy);
    let mean = losses.iter().sum::<f64>() / 60.0;
    assert!((metrics.perplexity.unwrap() - mean.exp()).abs() < 1e-13);
    assert_eq!(metrics.accuracy, None);
}

#[test]
fn reconstruction_is_the_formula() {
    let inputs = [0.0_f32, 0.25, 1.0];
    let data = split(3, &inputs, Targets::Classes(vec![0]));
    let objective = Architecture::Autoencoder.objective(&digits());
    assert_eq!(objective, Objective::Reconstruction);
    let model = AutoencoderConfig::new()
        .with_widths(vec![3, 2])
        .init(&Device::flex());
    let model = to_dtype(model, DType::F64);
    let expected: f64 = outputs(&model, &data)
        .iter()
        .zip(inputs)
        .map(|(y, t)| y.exp().ln_1p() - f64::from(t) * y)
        .sum();
    let found = per_example_losses(&model, &data, objective);
    assert!((found[0] - expected).abs() < 1e-14, "{found:?} {expected}");
    let metrics = evaluate(&model, &data, objective);
    assert_eq!((metrics.loss, metrics.accuracy), (found[0], None));
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
#[should_panic(expected = "outputs [2, 3] do not fit the targets")]
fn broadcasting_targets_is_refused() {
    let data = split(1, &[1.0, 2.0], Targets::Values(vec![1.0, 2.0]));
    per_example_losses(&identity(3), &data, Objective::SquaredError);
}
