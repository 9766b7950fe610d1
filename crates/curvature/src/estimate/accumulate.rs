//! Sums over all examples that the blocks of a structured approximation are made of.

use burn::{Tensor, backend::TensorMetadata, tensor::Device};

use super::{
    layout::{KroneckerBlock, ParameterBlock},
    pull_back::{PulledBack, shaped},
};
use crate::{
    Cost, CurvatureError,
    parts::{Parcel, Parts, by_place},
};

/// A layer's inputs, `[examples, positions, inputs]`, and what is pulled back to its outputs,
/// `[examples, columns, positions, outputs]`.
pub(super) struct LayerVectors {
    pub inputs: Tensor<3>,
    pub gradients: Tensor<4>,
}

/// The sums of a block.
pub(super) enum BlockMoments {
    /// Of `a a' / positions` and `d d'`.
    Kronecker(Box<[Tensor<2>; 2]>),
    /// Of `g g'`.
    Exact(Tensor<2>),
    /// Of `g g`, element by element.
    Diagonal(Tensor<1>),
}

/// Where a block's results are in a [`PulledBack`].
pub(super) enum BlockSource {
    /// Inputs among the fixed ones, and gradients among the varying ones.
    Layer(Vec<(usize, usize)>),
    /// A whole gradient among the varying ones.
    Whole(usize),
}

impl LayerVectors {
    pub fn new(block: &KroneckerBlock, terms: &[(usize, usize)], part: &PulledBack) -> Self {
        let (mut all_inputs, mut all_gradients) = (Vec::new(), Vec::new());
        for &(inputs, gradients) in terms {
            let (inputs, gradients) = (&part.fixed[inputs], &part.varying[gradients]);
            let (a, d) = (inputs.shape(), gradients.shape());
            let mut vectors = shaped(inputs, [a[0], a[1], a[2]]);
            if block.bias.is_some() {
                let ones = vectors.clone().narrow(2, 0, 1).ones_like();
                vectors = Tensor::cat(vec![vectors, ones], 2);
            }
            all_inputs.push(vectors);
            all_gradients.push(shaped(gradients, [d[0], d[1], d[2], d[3]]));
        }
        Self {
            inputs: Tensor::cat(all_inputs, 1),
            gradients: Tensor::cat(all_gradients, 2),
        }
    }

    /// The sums of `a a' / positions` and `d d'`.
    fn moments(self) -> [Tensor<2>; 2] {
        let [examples, positions, inputs] = self.inputs.dims();
        let a = self.inputs.reshape([examples * positions, inputs]);
        let [_, columns, positions, outputs] = self.gradients.dims();
        let d = self
            .gradients
            .reshape([examples * columns * positions, outputs]);
        [square(a) / positions as f64, square(d)]
    }

    /// The sum over examples and columns of the squares of `left' (sum over positions of a d') right`, with the rows of
    /// `left` and `right` as directions.
    pub fn squares(self, left: &Tensor<2>, right: &Tensor<2>) -> Tensor<2> {
        let [examples, positions, inputs] = self.inputs.dims();
        let [_, columns, _, outputs] = self.gradients.dims();
        let a = self.inputs.reshape([examples * positions, inputs]);
        let a = a.matmul(left.clone().transpose());
        let rows = examples * columns * positions;
        let d = self.gradients.reshape([rows, outputs]);
        let d = d.matmul(right.clone().transpose());
        if positions == 1 {
            // One product: every example's gradient is a single outer product.
            let d = d.square().reshape([examples, columns, outputs]).sum_dim(1);
            let d = d.reshape([examples, outputs]);
            return a.square().transpose().matmul(d);
        }
        let a = a.reshape([examples, positions, inputs]);
        let d = d.reshape([examples, columns, positions, outputs]);
        let mut total = Tensor::zeros([inputs, outputs], (&a.device(), a.dtype()));
        for example in 0..examples {
            let a = a.clone().narrow(0, example, 1).swap_dims(1, 2);
            let a = a.reshape([inputs, positions]);
            // All columns side by side: `[positions, columns outputs]`.
            let d = d.clone().narrow(0, example, 1);
            let d = d.reshape([columns, positions, outputs]).swap_dims(0, 1);
            let product = a.matmul(d.reshape([positions, columns * outputs]));
            let squares = product.square().reshape([inputs, columns, outputs]);
            total = total + squares.sum_dim(1).reshape([inputs, outputs]);
        }
        total
    }
}

impl BlockMoments {
    /// Of a few examples.
    pub fn new(block: &ParameterBlock, source: &BlockSource, part: &PulledBack) -> Self {
        match (block, source) {
            (ParameterBlock::Kronecker(block), BlockSource::Layer(terms)) => {
                let moments = LayerVectors::new(block, terms, part).moments();
                Self::Kronecker(Box::new(moments))
            }
            (ParameterBlock::Exact(_), BlockSource::Whole(at)) => {
                Self::Exact(square(part.gradients(*at)))
            }
            (_, BlockSource::Whole(at)) => {
                Self::Diagonal(part.gradients(*at).square().sum_dim(0).squeeze_dim(0))
            }
            (_, BlockSource::Layer(_)) => unreachable!("only layers have vectors"),
        }
    }

    /// Divided by the number of examples.
    pub fn over(self, examples: usize) -> Self {
        let count = examples as f64;
        match self {
            Self::Kronecker(sums) => Self::Kronecker(Box::new(sums.map(|sum| sum / count))),
            Self::Exact(matrix) => Self::Exact(matrix / count),
            Self::Diagonal(values) => Self::Diagonal(values / count),
        }
    }

    /// For another device: the matrices, or a row of one.
    ///
    /// # Errors
    /// [`CurvatureError::Device`].
    pub fn sent(self, device: &Device) -> Result<Vec<Parcel<2>>, CurvatureError> {
        let tensors = match self {
            Self::Kronecker(sums) => sums.to_vec(),
            Self::Exact(matrix) => vec![matrix],
            Self::Diagonal(values) => vec![values.unsqueeze_dim(0)],
        };
        let sent = tensors.into_iter().map(|it| Parcel::to(it, device));
        sent.collect()
    }

    /// The mean over all parts of what each has [`sent`](Self::sent).
    pub fn reduced(block: &ParameterBlock, sent: Vec<Vec<Parcel<2>>>, parts: &Parts<Cost>) -> Self {
        let mut means = by_place(sent).into_iter();
        let mut mean = || {
            let of = means.next().expect("every part has sent as many");
            parts.reduced(parts.shares().zip(of))
        };
        match block {
            ParameterBlock::Kronecker(_) => Self::Kronecker(Box::new([mean(), mean()])),
            ParameterBlock::Exact(_) => Self::Exact(mean()),
            ParameterBlock::Diagonal(_) => Self::Diagonal(mean().squeeze_dim(0)),
        }
    }

    pub fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Kronecker(sums), Self::Kronecker(more)) => {
                let ([a, d], [b, e]) = (*sums, *more);
                Self::Kronecker(Box::new([a + b, d + e]))
            }
            (Self::Exact(a), Self::Exact(b)) => Self::Exact(a + b),
            (Self::Diagonal(a), Self::Diagonal(b)) => Self::Diagonal(a + b),
            _ => unreachable!("sums of one block"),
        }
    }
}

/// The sum of the rows' squares, `rows' rows`.
fn square(rows: Tensor<2>) -> Tensor<2> {
    rows.clone().transpose().matmul(rows)
}
