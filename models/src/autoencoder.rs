use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation::sigmoid};

/// Configuration of an [`Autoencoder`].
#[derive(Config, Debug)]
pub struct AutoencoderConfig {
    /// Widths from the input to the code; the way back mirrors them.
    #[config(default = "vec![784, 1000, 500, 250, 30]")]
    pub widths: Vec<usize>,
}

/// A deep autoencoder with sigmoid units (Martens & Grosse 2015). Its outputs are logits of the pixels, for a binary cross-entropy.
/// 2,837,314 parameters with the default widths.
#[derive(Module, Debug)]
pub struct Autoencoder {
    layers: Vec<Linear>,
}

impl AutoencoderConfig {
    /// The model with Burn's initial weights, from the device's generator.
    pub fn init(&self, device: &Device) -> Autoencoder {
        let back = self.widths.iter().rev().skip(1);
        let widths: Vec<usize> = self.widths.iter().chain(back).copied().collect();
        let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).init(device);
        Autoencoder {
            layers: widths.windows(2).map(layer).collect(),
        }
    }
}

impl Autoencoder {
    /// From inputs `[batch, widths[0]]` to logits of the same shape.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut layers = self.layers.iter();
        let first = layers
            .next()
            .map_or(inputs.clone(), |layer| layer.forward(inputs));
        layers.fold(first, |x, layer| layer.forward(sigmoid(x)))
    }
}
