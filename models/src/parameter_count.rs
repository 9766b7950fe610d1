//! The number of a network's parameters, counted without making it.

use std::iter::once;

use crate::layers::margin;
use crate::zoo::ZooConfig;

impl ZooConfig {
    /// Numbers that training changes, counted from the configuration: nothing is allocated, and whatever is beyond 128
    /// bits is their largest number. [`trainable_parameters`](crate::trainable_parameters) counts those of a model that
    /// there is.
    pub fn parameters(&self) -> u128 {
        match self {
            Self::LogisticRegression(config) => linear(config.inputs, config.outputs),
            Self::Mlp(config) => {
                let widths = once(config.inputs)
                    .chain(config.hidden.iter().copied())
                    .chain(once(config.outputs));
                chain(widths)
            }
            Self::Autoencoder(config) => {
                let back = config.widths.iter().rev().skip(1);
                chain(config.widths.iter().chain(back).copied())
            }
            Self::LeNet(config) => {
                // A convolution of 5 by 5 takes 4 pixels, a pool halves.
                let [height, width] = [config.height, config.width].map(|side| {
                    ((side + 2 * margin(side, 32)).saturating_sub(4) / 2).saturating_sub(4) / 2
                });
                let flat = 16_usize.saturating_mul(height).saturating_mul(width);
                sum([
                    convolution(config.channels, 6, 5, true),
                    convolution(6, 16, 5, true),
                    chain([flat, 120, 84, config.outputs].into_iter()),
                ])
            }
            Self::AlexNet(config) => {
                let channels: Vec<usize> = once(config.channels).chain(config.widths).collect();
                let convolutions = channels
                    .windows(2)
                    .zip([11, 5, 3, 3, 3])
                    .map(|(pair, kernel)| convolution(pair[0], pair[1], kernel, true));
                sum(convolutions.chain(once(linear(config.widths[4], config.outputs))))
            }
            Self::Vgg13(config) => {
                let widths = config.widths.into_iter().flat_map(|width| [width; 2]);
                let channels: Vec<usize> = once(config.channels).chain(widths).collect();
                let stages = channels
                    .windows(2)
                    .map(|pair| sum([convolution(pair[0], pair[1], 3, true), norm(pair[1])]));
                sum(stages.chain(once(linear(config.widths[4], config.outputs))))
            }
            Self::ResNet20(config) => {
                let [first, second, third] = config.widths;
                // Three blocks of two convolutions in each stage.
                let inner = [first; 7].into_iter().chain([second; 6]).chain([third; 6]);
                let channels: Vec<usize> = once(config.channels).chain(inner).collect();
                let layers = channels
                    .windows(2)
                    .map(|pair| sum([convolution(pair[0], pair[1], 3, false), norm(pair[1])]));
                sum(layers.chain(once(linear(third, config.outputs))))
            }
            Self::Transformer(config) => {
                let width = config.width;
                let layer = sum([
                    norm(width),
                    linear(width, 3_usize.saturating_mul(width)),
                    linear(width, width),
                    norm(width),
                    linear(width, config.hidden),
                    linear(config.hidden, width),
                ]);
                sum([
                    product([config.vocabulary, width]),
                    product([config.length, width]),
                    layer.saturating_mul(config.layers as u128),
                    norm(width),
                    linear(width, config.vocabulary),
                ])
            }
            Self::Onnx(config) => config.parameters(),
        }
    }
}

/// Linear layers one after another, with biases.
fn chain(mut widths: impl Iterator<Item = usize>) -> u128 {
    let mut inputs = widths.next().unwrap_or(0);
    sum(widths.map(|outputs| {
        let layer = linear(inputs, outputs);
        inputs = outputs;
        layer
    }))
}

fn linear(inputs: usize, outputs: usize) -> u128 {
    product([inputs, outputs]).saturating_add(outputs as u128)
}

fn convolution(inputs: usize, outputs: usize, kernel: usize, bias: bool) -> u128 {
    let bias = if bias { outputs } else { 0 };
    product([inputs, outputs, kernel, kernel]).saturating_add(bias as u128)
}

/// A factor and a shift for each channel.
fn norm(channels: usize) -> u128 {
    product([2, channels])
}

fn product<const N: usize>(sizes: [usize; N]) -> u128 {
    let factors = sizes.into_iter().map(|size| size as u128);
    factors.fold(1, u128::saturating_mul)
}

fn sum(terms: impl IntoIterator<Item = u128>) -> u128 {
    terms.into_iter().fold(0, u128::saturating_add)
}
