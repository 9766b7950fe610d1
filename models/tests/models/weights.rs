//! Weights that PyTorch wrote, and weights written for it. The files are made by data/make_state_dict.py.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use backdraft_models::weights::{
    Mismatch, NameMap, WeightsError, encode, load_into, save, save_as,
};
use backdraft_models::{Architecture, Mlp, MlpConfig, ZooConfig, to_dtype, trainable_parameters};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, GroupNorm, GroupNormConfig, InstanceNorm, InstanceNormConfig,
    LayerNorm, LayerNormConfig, Linear, LinearConfig, PRelu, PReluConfig, PaddingConfig2d,
};
use burn::tensor::{DType, Device, Tensor, TensorData, activation::relu};
use safetensors::SafeTensors;

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    folder.join(name)
}

/// Inputs or outputs that PyTorch wrote.
fn numbers<const D: usize>(name: &str) -> (Vec<f32>, [usize; D]) {
    let bytes = fs::read(file("outputs.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let view = tensors.tensor(name).unwrap();
    let values = view.data().as_chunks::<4>().0.iter();
    (
        values.map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        view.shape().try_into().unwrap(),
    )
}

fn inputs<const D: usize>(name: &str) -> Tensor<D> {
    let (values, shape) = numbers::<D>(name);
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn assert_close(found: Tensor<2>, name: &str, tolerance: f64) {
    let (expected, shape) = numbers::<2>(name);
    assert_eq!(found.dims(), shape);
    for (found, expected) in found.into_data().iter::<f64>().zip(expected) {
        let expected = f64::from(expected);
        assert!((found - expected).abs() < tolerance, "{found} {expected}");
    }
}

/// 6-8-5-3, as the perceptron of the script.
fn perceptron() -> Mlp {
    MlpConfig::new(6, 3)
        .with_hidden(vec![8, 5])
        .init(&Device::flex())
}

fn layers() -> NameMap {
    NameMap::parse(["=layers"]).unwrap()
}

#[derive(Module, Debug)]
struct Convolutional {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    group: GroupNorm,
    instance: InstanceNorm,
    prelu: PRelu,
    fc1: Linear,
    norm: LayerNorm,
    fc2: Linear,
    pool: MaxPool2d,
}

impl Convolutional {
    fn new() -> Self {
        let device = &Device::flex();
        Self {
            conv1: Conv2dConfig::new([1, 4], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(device),
            bn1: BatchNormConfig::new(4).init(device),
            conv2: Conv2dConfig::new([4, 6], [3, 3])
                .with_bias(false)
                .init(device),
            bn2: BatchNormConfig::new(6).init(device),
            group: GroupNormConfig::new(2, 6).init(device),
            instance: InstanceNormConfig::new(6).init(device),
            prelu: PReluConfig::new().init(device),
            fc1: LinearConfig::new(54, 12).init(device),
            norm: LayerNormConfig::new(12).init(device),
            fc2: LinearConfig::new(12, 5).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.bn1.forward(self.conv1.forward(x));
        let x = self
            .bn2
            .forward(self.conv2.forward(self.pool.forward(relu(x))));
        let x = self.instance.forward(self.group.forward(x));
        let x = self.fc1.forward(self.prelu.forward(x).flatten(1, 3));
        self.fc2.forward(relu(self.norm.forward(x)))
    }
}

#[test]
fn a_perceptron_computes_what_pytorch_does() {
    for name in ["perceptron.pt", "perceptron.safetensors"] {
        let model = load_into(perceptron(), file(name), &layers()).unwrap();
        let outputs = model.forward(inputs("perceptron.inputs"));
        assert_close(outputs, "perceptron.outputs", 1e-6);
    }
    // The same with every layer named by hand, and behind the enum of all models.
    let named = NameMap::parse(["0=layers.0", "2=layers.1", "4=layers.2"]).unwrap();
    let config = MlpConfig::new(6, 3).with_hidden(vec![8, 5]);
    let zoo = ZooConfig::Mlp(config).init(&Device::flex());
    let zoo = load_into(zoo, file("perceptron.pt"), &named).unwrap();
    let outputs = zoo.forward(inputs("perceptron.inputs"));
    assert_close(outputs, "perceptron.outputs", 1e-6);
}

#[test]
fn a_convolutional_net_with_norms_computes_what_pytorch_does() {
    // The first is a checkpoint: epoch, optimizer and state dictionary.
    for name in ["convolutional.pt", "convolutional.safetensors"] {
        let net = load_into(Convolutional::new(), file(name), &NameMap::default()).unwrap();
        let outputs = net.forward(inputs("convolutional.inputs"));
        // Sums of up to 54 products of 32-bit numbers, in another order.
        assert_close(outputs, "convolutional.outputs", 1e-5);
    }
}

#[test]
fn numbers_become_the_models_type() {
    // Half a unit in the last place of 24, 11 and 8 bits, through three layers of outputs near 1.
    for (name, tolerance) in [("f64", 1e-6), ("f16", 3e-3), ("bf16", 2e-2)] {
        let path = file(&format!("perceptron_{name}.safetensors"));
        let model = load_into(perceptron(), &path, &layers()).unwrap();
        let outputs = model.forward(inputs("perceptron.inputs"));
        assert_eq!(outputs.dtype(), DType::F32, "{name}");
        assert_close(outputs, "perceptron.outputs", tolerance);

        let double = load_into(to_dtype(perceptron(), DType::F64), &path, &layers()).unwrap();
        let outputs = double.forward(inputs::<2>("perceptron.inputs").cast(DType::F64));
        assert_eq!(outputs.dtype(), DType::F64);
        assert_close(outputs, "perceptron.outputs", tolerance);
    }
}

#[derive(Module, Debug)]
struct Views {
    transposed: Param<Tensor<2>>,
    part: Param<Tensor<2>>,
    parameter: Param<Tensor<1>>,
    nested: Vec<Param<Tensor<1>>>,
    scalar: Param<Tensor<1>>,
}

#[test]
fn views_of_a_storage_are_gathered() {
    let device = Device::flex();
    let views = Views {
        transposed: Param::from_tensor(Tensor::zeros([4, 3], &device)),
        part: Param::from_tensor(Tensor::zeros([2, 2], &device)),
        parameter: Param::from_tensor(Tensor::zeros([3], &device)),
        nested: vec![Param::from_tensor(Tensor::zeros([2], &device))],
        scalar: Param::from_tensor(Tensor::zeros([1], &device)),
    };
    let views = load_into(views, file("views.pt"), &NameMap::default()).unwrap();
    let table = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11].map(f64::from);
    let all = |tensor: Tensor<1>| tensor.into_data().iter::<f64>().collect::<Vec<_>>();
    assert_eq!(all(views.transposed.val().flatten(0, 1)), table);
    assert_eq!(all(views.part.val().flatten(0, 1)), [5.0, 7.0, 9.0, 11.0]);
    assert_eq!(all(views.parameter.val()), [0.5, 1.5, 2.5]);
    assert_eq!(all(views.nested[0].val()), [7.0, 7.0]);
    assert_eq!(all(views.scalar.val()), [3.0]);
}

#[test]
fn parameters_are_tracked_as_before() {
    let device = Device::flex().autodiff();
    let model = MlpConfig::new(6, 3).with_hidden(vec![8, 5]).init(&device);
    let model = load_into(model, file("perceptron.pt"), &layers()).unwrap();
    let inputs = Tensor::<2>::ones([1, 6], &device);
    let gradients = model.forward(inputs).sum().backward();
    let found = burn::optim::GradientsParams::from_grads(gradients, &model);
    assert_eq!(found.len(), 6);
}

fn tensors(path: &Path) -> HashMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let all = tensors.iter();
    all.map(|(name, view)| {
        (
            name.to_owned(),
            (view.shape().to_vec(), view.data().to_vec()),
        )
    })
    .collect()
}

#[test]
fn what_is_saved_is_what_pytorch_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    fs::write(&path, "an older file").unwrap();
    let from = file("convolutional.safetensors");
    let net = load_into(Convolutional::new(), &from, &NameMap::default()).unwrap();
    save(&net, &path).unwrap();
    let mut expected = tensors(&from);
    // PyTorch adds these where they are missing.
    expected.retain(|name, _| !name.ends_with("num_batches_tracked"));
    assert_eq!(tensors(&path), expected);

    // The names of an nn.Sequential, from those of a list of layers.
    let from = file("perceptron.safetensors");
    let model = load_into(perceptron(), &from, &layers()).unwrap();
    let names = NameMap::parse(["layers.0=0", "layers.1=2", "layers.2=4"]).unwrap();
    save_as(&model, &path, &names).unwrap();
    assert_eq!(tensors(&path), tensors(&from));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_model_of_the_zoo_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for kind in Architecture::ALL {
        let init = |seed| {
            let config = ZooConfig::published(kind).with_seed(seed);
            config.init(&Device::flex())
        };
        let bytes = encode(&init(1), &path).unwrap();
        fs::write(&path, &bytes).unwrap();
        let other = init(2);
        assert!(encode(&other, &path).unwrap() != bytes, "{kind}");
        let read = load_into(other, &path, &NameMap::default()).unwrap();
        assert!(encode(&read, &path).unwrap() == bytes, "{kind}");
        assert_eq!(
            trainable_parameters(&read),
            trainable_parameters(&init(1)),
            "{kind}"
        );
    }
}

#[test]
fn what_cannot_be_saved_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let mut net = Convolutional::new();
    net.fc2.bias = Some(Param::from_data(
        [0.0, 1.0, f32::NAN, 0.0, 0.0],
        &Device::flex(),
    ));
    assert!(matches!(
        save(&net, &path),
        Err(WeightsError::NotFinite { name, index: 2, value, .. }) if name == "fc2.bias" && value.is_nan()
    ));
    let missing = folder.path().join("nowhere/net.safetensors");
    assert!(matches!(
        save(&perceptron(), missing),
        Err(WeightsError::Write { .. })
    ));
    let names = NameMap::parse(["layers.0=same", "layers.1=same"]).unwrap();
    assert!(matches!(
        save_as(&perceptron(), &path, &names),
        Err(WeightsError::Collision { name, .. }) if name == "same.weight"
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn mismatch<M: Module>(model: M, path: &Path, rules: &[&str]) -> Mismatch {
    let names = NameMap::parse(rules).unwrap();
    match load_into(model, path, &names) {
        Err(WeightsError::Mismatch { path, mismatch }) => {
            let text = WeightsError::Mismatch {
                path: path.clone(),
                mismatch: mismatch.clone(),
            }
            .to_string();
            assert!(text.contains(&*path.to_string_lossy()), "{text}");
            assert!(!text.contains('\n'), "{text}");
            *mismatch
        }
        other => panic!("a mismatch was expected: {other:?}"),
    }
}

#[test]
fn everything_that_does_not_fit_is_listed() {
    let path = file("perceptron.pt");
    let found = mismatch(perceptron(), &path, &[]);
    let missing: Vec<&str> = found.missing.iter().map(|tensor| &*tensor.name).collect();
    let expected = ["layers.0", "layers.1", "layers.2"]
        .map(|layer| [format!("{layer}.weight"), format!("{layer}.bias")]);
    assert_eq!(missing, expected.concat());
    // In PyTorch's layout [out, in], with the name of a tensor of that shape.
    assert_eq!(found.missing[0].shape, [8, 6]);
    assert_eq!(found.missing[0].nearest.as_deref(), Some("0.weight"));
    assert_eq!(found.missing[2].nearest.as_deref(), Some("2.weight"));
    assert_eq!(
        found.unexpected,
        [
            "0.bias", "0.weight", "2.bias", "2.weight", "4.bias", "4.weight"
        ]
    );

    let wide = MlpConfig::new(6, 3)
        .with_hidden(vec![9, 5])
        .init(&Device::flex());
    let found = mismatch(wide, &path, &["0=layers.0", "2=layers.1", "4=layers.2"]);
    assert!(found.missing.is_empty() && found.unexpected.is_empty());
    let names: Vec<&str> = found.misshapen.iter().map(|tensor| &*tensor.name).collect();
    assert_eq!(
        names,
        ["layers.0.weight", "layers.0.bias", "layers.1.weight"]
    );
    assert_eq!(found.misshapen[0].found.0, [8, 6]);
    assert_eq!(found.misshapen[0].expected.0, [9, 6]);

    // A file with more than the model, part of which is left out by name.
    let deep = mismatch(Convolutional::new(), &file("convolutional.pt"), &["fc2=-"]);
    assert_eq!(deep.missing.len(), 2);
    assert_eq!(deep.missing[0].nearest, None);
    let small = MlpConfig::new(6, 5)
        .with_hidden(vec![8])
        .init(&Device::flex());
    let rules = ["0=layers.0", "2=layers.1"];
    assert_eq!(
        mismatch(small.clone(), &path, &rules).unexpected,
        ["4.bias", "4.weight"]
    );
    let names = NameMap::parse(["4=-", "0=layers.0", "2=layers.1"]).unwrap();
    load_into(small, &path, &names).unwrap();
}

/// A safetensors file of one tensor for each of some names.
fn one_by_one(path: &Path, dtype: safetensors::Dtype, data: &[u8]) {
    let shape = vec![data.len() * 8 / dtype.bitsize()];
    let view = safetensors::tensor::TensorView::new(dtype, shape, data).unwrap();
    let bytes = safetensors::serialize([("gamma", view)], None).unwrap();
    fs::write(path, bytes).unwrap();
}

#[derive(Module, Debug)]
struct One {
    gamma: Param<Tensor<1>>,
}

fn one() -> One {
    One {
        gamma: Param::from_data([1.0_f32, 2.0], &Device::flex()),
    }
}

#[test]
fn a_field_of_ones_own_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.safetensors");
    save(&one(), &path).unwrap();
    assert_eq!(tensors(&path).keys().collect::<Vec<_>>(), ["gamma"]);
    load_into(one(), &path, &NameMap::default()).unwrap();
}

#[test]
fn numbers_of_another_kind_and_infinite_ones_are_refused() {
    use safetensors::Dtype;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.safetensors");
    let none = NameMap::default();
    one_by_one(&path, Dtype::I64, &[0; 16]);
    let found = mismatch(one(), &path, &[]);
    assert_eq!(found.misshapen.len(), 1);

    // Finite in 64 bits, and not in the model's 32.
    let large: Vec<u8> = [1.0, -1e300_f64]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    one_by_one(&path, Dtype::F64, &large);
    assert!(matches!(
        load_into(one(), &path, &none),
        Err(WeightsError::NotFinite { index: 1, value, .. }) if value == f64::NEG_INFINITY
    ));
    load_into(to_dtype(one(), DType::F64), &path, &none).unwrap();
    one_by_one(&path, Dtype::F8_E4M3, &[0; 2]);
    assert!(matches!(
        load_into(one(), &path, &none),
        Err(WeightsError::Malformed { reason, .. }) if reason.contains("F8_E4M3")
    ));
}

#[derive(Module, Debug)]
struct Pair {
    first: Linear,
    second: Linear,
}

fn pair() -> Pair {
    let layer = || {
        LinearConfig::new(2, 2)
            .with_bias(false)
            .init(&Device::flex())
    };
    Pair {
        first: layer(),
        second: layer(),
    }
}

/// As `safetensors.torch.save_model` writes tied tensors: one, and the metadata have the other's name.
#[test]
fn tied_tensors_are_taken_under_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tied.safetensors");
    let data: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let view = || {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 2], &data);
        [("first.weight", view.unwrap())]
    };
    let ties = |name: &str, kept: &str| {
        let entries = [("format", "pt"), (name, kept)];
        let metadata = entries.map(|(a, b)| (a.to_owned(), b.to_owned()));
        let bytes = safetensors::serialize(view(), Some(metadata.into())).unwrap();
        fs::write(&path, bytes).unwrap();
    };
    ties("second.weight", "first.weight");
    let loaded = load_into(pair(), &path, &NameMap::default()).unwrap();
    for layer in [&loaded.first, &loaded.second] {
        // Burn's layout is the other way round.
        let weight = layer
            .weight
            .val()
            .into_data()
            .iter::<f32>()
            .collect::<Vec<_>>();
        assert_eq!(weight, [1.0, 3.0, 2.0, 4.0]);
    }
    // A module that has it once does not miss the other.
    let single = Single {
        first: pair().first,
    };
    load_into(single, &path, &NameMap::default()).unwrap();

    // Without the metadata, what may be meant is said.
    ties("unrelated", "of no tensor");
    let found = mismatch(pair(), &path, &[]);
    assert_eq!(found.missing.len(), 1);
    assert_eq!(found.missing[0].twin.as_deref(), Some("first.weight"));
    let text = found.to_string();
    assert!(
        text.contains("second.weight [2, 2] (if it is tied to first.weight"),
        "{text}"
    );
}

#[derive(Module, Debug)]
struct Single {
    first: Linear,
}
