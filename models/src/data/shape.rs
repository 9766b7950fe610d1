//! What the numbers of an example are: columns, pixels or tokens.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// What the numbers of one example are, which a [`Split`](super::Split) keeps in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExampleShape {
    /// Columns side by side, as in a table.
    Flat {
        /// Number of columns.
        columns: usize,
    },
    /// A picture: channel after channel, in each one row of pixels after another.
    Picture {
        /// 1 for grey, 3 for red, green and blue.
        channels: usize,
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
    /// Tokens one after another, each a whole number below the size of the vocabulary.
    Tokens {
        /// Number of tokens.
        length: usize,
    },
}

impl ExampleShape {
    /// How many numbers an example is: [`Split::columns`](super::Split::columns).
    pub fn len(&self) -> usize {
        self.dims().iter().product()
    }

    /// Whether an example is no number at all, which no reader lets through.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sizes of one example: `[columns]`, `[channels, height, width]` or `[length]`.
    pub fn dims(&self) -> Vec<usize> {
        match *self {
            Self::Flat { columns } => vec![columns],
            Self::Picture {
                channels,
                height,
                width,
            } => vec![channels, height, width],
            Self::Tokens { length } => vec![length],
        }
    }

    /// Inputs `[batch, channels * height * width]` as pictures `[batch, channels, height, width]`.
    ///
    /// # Panics
    ///
    /// If examples are no pictures, or the inputs have another width.
    pub fn pictures(&self, inputs: Tensor<2>) -> Tensor<4> {
        let Self::Picture {
            channels,
            height,
            width,
        } = *self
        else {
            panic!("{self:?} is not the shape of a picture")
        };
        let [batch, _] = inputs.dims();
        inputs.reshape([batch, channels, height, width])
    }
}
