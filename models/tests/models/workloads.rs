//! The networks have the sizes that they are known by.

use backdraft_models::{
    AlexNetConfig, Architecture, AutoencoderConfig, LeNetConfig, LogisticRegressionConfig,
    MlpConfig, ResNet20Config, TransformerConfig, Vgg13Config, ZooConfig, trainable_parameters,
};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

#[test]
fn parameters_are_counted_as_published() {
    let device = Device::flex();
    let counts = Architecture::ALL.map(|model| {
        let config = ZooConfig::published(model);
        let count = trainable_parameters(&config.init(&device));
        // Without making it.
        assert_eq!(config.parameters(), count as u128, "{model}");
        (model.name(), count)
    });
    let expected = [
        ("lr", 7_850),
        ("mlp", 1_863_690),
        ("autoencoder", 2_837_314),
        ("lenet", 61_706),
        ("alexnet", 2_472_266),
        ("vgg13", 9_416_010),
        ("resnet20", 269_722),
        ("transformer", 6_718_992),
    ];
    assert_eq!(counts, expected);
    // 3 channels instead of 1: 2 * 6 * 25 weights more.
    let coloured = LeNetConfig::new()
        .with_channels(3)
        .with_height(32)
        .with_width(32);
    assert_eq!(trainable_parameters(&coloured.init(&device)), 62_006);
    assert_eq!(ZooConfig::LeNet(coloured).parameters(), 62_006);
}

#[test]
fn parameters_of_other_sizes_are_counted_without_making_them() {
    let device = Device::flex();
    let configs = [
        ZooConfig::LogisticRegression(LogisticRegressionConfig::new(7, 1)),
        ZooConfig::Mlp(MlpConfig::new(7, 3).with_hidden(vec![])),
        ZooConfig::Mlp(MlpConfig::new(7, 3).with_hidden(vec![4, 9, 5])),
        ZooConfig::Autoencoder(AutoencoderConfig::new().with_widths(vec![20, 8, 3])),
        ZooConfig::LeNet(LeNetConfig::new().with_height(41).with_width(8)),
        ZooConfig::AlexNet(
            AlexNetConfig::new()
                .with_channels(2)
                .with_widths([2, 3, 4, 5, 6]),
        ),
        ZooConfig::Vgg13(
            Vgg13Config::new()
                .with_channels(1)
                .with_widths([2, 3, 4, 5, 6]),
        ),
        ZooConfig::ResNet20(
            ResNet20Config::new()
                .with_channels(1)
                .with_widths([2, 5, 9]),
        ),
        ZooConfig::Transformer(
            TransformerConfig::new()
                .with_vocabulary(11)
                .with_length(5)
                .with_layers(3)
                .with_width(8)
                .with_hidden(6),
        ),
    ];
    for config in configs {
        let count = trainable_parameters(&config.init(&device)) as u128;
        assert_eq!(config.parameters(), count, "{:?}", config.model());
    }
    // No overflow, whatever is asked for.
    let wide = MlpConfig::new(1, 1).with_hidden(vec![usize::MAX; 3]);
    let square = (usize::MAX as u128).pow(2);
    assert!(ZooConfig::Mlp(wide).parameters() > square);
}

#[test]
fn outputs_have_a_row_for_each_example() {
    let device = Device::flex();
    let pictures = |channels, side| Tensor::ones([2, channels, side, side], &device);
    for (channels, side) in [(1, 28), (3, 32), (2, 41)] {
        let lenet = LeNetConfig::new()
            .with_channels(channels)
            .with_height(side)
            .with_width(side);
        let logits = lenet.init(&device).forward(pictures(channels, side));
        assert_eq!(logits.dims(), [2, 10]);
        let resnet = ResNet20Config::new()
            .with_channels(channels)
            .with_widths([4, 5, 8]);
        let logits = resnet.init(&device).forward(pictures(channels, side));
        assert_eq!(logits.dims(), [2, 10]);
        let alexnet = AlexNetConfig::new()
            .with_channels(channels)
            .with_height(side)
            .with_width(side)
            .with_widths([4, 4, 4, 4, 4]);
        let logits = alexnet.init(&device).forward(pictures(channels, side));
        assert_eq!(logits.dims(), [2, 10]);
        let vgg = Vgg13Config::new()
            .with_channels(channels)
            .with_height(side)
            .with_width(side)
            .with_widths([4, 4, 4, 4, 4]);
        let logits = vgg.init(&device).forward(pictures(channels, side));
        assert_eq!(logits.dims(), [2, 10]);
    }
    let small = AutoencoderConfig::new()
        .with_widths(vec![6, 4, 2])
        .init(&device);
    assert_eq!(
        small.num_params(),
        6 * 4 + 4 + 4 * 2 + 2 + 2 * 4 + 4 + 4 * 6 + 6
    );
    assert_eq!(small.forward(Tensor::ones([5, 6], &device)).dims(), [5, 6]);
}

#[test]
fn a_transformer_does_not_see_later_words() {
    let device = Device::flex();
    let config = TransformerConfig::new()
        .with_vocabulary(11)
        .with_length(6)
        .with_width(8)
        .with_hidden(12);
    let model = config.init(&device);
    let words = |last: [i32; 2]| {
        let [a, b] = last;
        Tensor::<2, Int>::from_ints([[3, 1, 4, 1, a], [5, 9, 2, 6, b]], &device)
    };
    let (one, other) = (model.predict(words([5, 3])), model.predict(words([0, 10])));
    assert_eq!(one.dims(), [2, 5, 11]);
    assert_eq!(model.forward(words([5, 3])).dims(), [2, 5 * 11]);
    let part = |logits: &Tensor<3>, range: std::ops::Range<usize>| {
        logits.clone().slice([0..2, range]).into_data()
    };
    assert_eq!(part(&one, 0..4), part(&other, 0..4));
    assert_ne!(part(&one, 4..5), part(&other, 4..5));
}

#[test]
fn weights_depend_on_the_seed_only() {
    let device = Device::flex();
    let outputs = |seed: u64| {
        device.seed(seed + 1000);
        let pictures = Tensor::ones([1, 3, 32, 32], &device);
        let resnet = ResNet20Config::new().with_seed(seed).init(&device);
        let words = Tensor::<2, Int>::from_ints([[1, 0, 2]], &device);
        let transformer = TransformerConfig::new()
            .with_vocabulary(5)
            .with_seed(seed)
            .init(&device);
        let lenet = LeNetConfig::new().with_seed(seed).init(&device);
        let grey = Tensor::ones([1, 1, 28, 28], &device);
        [
            resnet.forward(pictures).into_data(),
            transformer.forward(words).into_data(),
            lenet.forward(grey).into_data(),
        ]
    };
    device.seed(5);
    let first = outputs(3);
    assert_eq!(first, outputs(3));
    assert_ne!(first[0], outputs(4)[0]);
    assert_ne!(first[1], outputs(4)[1]);
    assert_ne!(first[2], outputs(4)[2]);
}
