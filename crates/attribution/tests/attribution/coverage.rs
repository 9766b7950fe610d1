//! What K-FAC and EK-FAC know of the networks of the zoo: all parameters, nearly all of them as Kronecker products.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Examples, IntoRows, KroneckerConfig, Loss, Model,
    TokenCrossEntropy,
};
use backdraft_models::{
    AlexNetConfig, Autoencoder, AutoencoderConfig, LeNet, LeNetConfig, ResNet20, ResNet20Config,
    Transformer, TransformerConfig, Vgg13Config,
};
use burn::tensor::{Device, Int, Tensor};

fn covered<L: Loss>(model: Model, loss: L, inputs: impl IntoRows, targets: L::Targets) -> String {
    let loss = std::sync::Arc::new(loss);
    let cost = Cost::of_any(model, loss, inputs, targets.into_rows()).unwrap();
    let coverage = cost.kronecker_coverage(&KroneckerConfig::default());
    coverage.unwrap().to_string()
}

fn device() -> Device {
    Device::flex()
}

fn pictures(channels: usize, side: usize) -> Tensor<4> {
    Tensor::ones([1, channels, side, side], &device())
}

fn class() -> Tensor<1, Int> {
    Tensor::from_ints([3], &device())
}

#[test]
fn convolutional_networks() {
    let net = LeNetConfig::new().init(&device());
    let model = Model::new(&net, LeNet::forward).unwrap();
    assert_eq!(
        covered(model, CrossEntropy, pictures(1, 28), class()),
        "61706 of 61706 parameters: 61706 as Kronecker products (5); every column of the output Hessians, 10"
    );
    let net = ResNet20Config::new().init(&device());
    let model = Model::new(&net, ResNet20::forward).unwrap();
    // Batch norms belong to no product.
    assert_eq!(
        covered(model, CrossEntropy, pictures(3, 32), class()),
        "269722 of 269722 parameters: 268346 as Kronecker products (20), 1376 in exact blocks (38); every column of the output Hessians, 10"
    );
    let net = AlexNetConfig::new().init(&device());
    let model = Model::new(&net, backdraft_models::AlexNet::forward).unwrap();
    let text = covered(model, CrossEntropy, pictures(3, 32), class());
    assert!(
        !text.contains("exact") && !text.contains("diagonal"),
        "{text}"
    );
    let net = Vgg13Config::new().init(&device());
    let model = Model::new(&net, backdraft_models::Vgg13::forward).unwrap();
    let text = covered(model, CrossEntropy, pictures(3, 32), class());
    assert!(!text.contains("diagonal"), "{text}");
}

#[test]
fn an_autoencoder() {
    let net = AutoencoderConfig::new().init(&device());
    let model = Model::new(&net, Autoencoder::forward).unwrap();
    let picture = Tensor::<2>::ones([1, 784], &device());
    let text = covered(model, BinaryCrossEntropy, picture.clone(), picture);
    assert!(
        text.ends_with(
            "as Kronecker products (8); 64 random mixtures of the output Hessians' columns"
        ),
        "{text}"
    );
}

#[test]
fn a_transformer() {
    let config = TransformerConfig::new()
        .with_vocabulary(50)
        .with_length(8)
        .with_width(16)
        .with_hidden(32);
    let model = Model::new(&config.init(&device()), Transformer::forward).unwrap();
    let words = || Tensor::<2, Int>::from_ints([[1, 2, 3, 4, 5, 6, 7, 8]], &device());
    // Norms and places are exact, the vectors of words have their diagonal.
    assert_eq!(
        covered(model, TokenCrossEntropy::default(), words(), words()),
        "6258 of 6258 parameters: 5170 as Kronecker products (9), 288 in exact blocks (11), 800 by the diagonal (1); \
         64 random mixtures of the output Hessians' columns"
    );
}
