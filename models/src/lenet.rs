use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, activation::relu};

/// Configuration of a [`LeNet`].
#[derive(Config, Debug)]
pub struct LeNetConfig {
    /// Number of classes.
    #[config(default = 10)]
    pub outputs: usize,
}

/// LeNet for pictures of 28 by 28 grey pixels (LeCun et al. 1998, with ReLU and max pooling): two convolutions of 5 by 5 with 6 and
/// 16 channels, each pooled by 2, and layers of 120, 84 and `outputs` units. 61,706 parameters with ten classes.
#[derive(Module, Debug)]
pub struct LeNet {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    hidden: [Linear; 2],
    output: Linear,
}

impl LeNetConfig {
    /// The model with Burn's initial weights, from the device's generator.
    pub fn init(&self, device: &Device) -> LeNet {
        let padding = PaddingConfig2d::Explicit(2, 2, 2, 2);
        LeNet {
            first: Conv2dConfig::new([1, 6], [5, 5])
                .with_padding(padding)
                .init(device),
            second: Conv2dConfig::new([6, 16], [5, 5]).init(device),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            hidden: [(400, 120), (120, 84)]
                .map(|(inputs, outputs)| LinearConfig::new(inputs, outputs).init(device)),
            output: LinearConfig::new(84, self.outputs).init(device),
        }
    }
}

impl LeNet {
    /// From pictures `[batch, 1, 28, 28]` to logits `[batch, outputs]`.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(pictures)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        let x = self
            .hidden
            .iter()
            .fold(x.flatten(1, 3), |x, layer| relu(layer.forward(x)));
        self.output.forward(x)
    }
}
