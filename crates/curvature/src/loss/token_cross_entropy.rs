//! Softmax cross-entropy of every token of a sequence.

use backdraft_program::log_softmax;
use burn::{
    Tensor,
    tensor::{Bool, DType, Int, Shape},
};

use super::{
    Loss,
    check::{a_class, no_class, reject},
    cross_entropy::{softmax_curvature, softmax_root},
    shapes::tokens,
};
use crate::CurvatureError;

/// How a sequence's loss is made of its tokens'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenReduction {
    /// Their mean, padding left out; 0 for a sequence of padding alone.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// Softmax cross-entropy of every token of a sequence, which is one example: from logits `[batch, tokens, classes]`,
/// which a network may return as they are, and classes `[batch, tokens]`. Output Hessian `diag(p) - p p'` a token.
///
/// The cost is then the mean over sequences. Where all have the same number of tokens, the mean of means is the mean
/// over all tokens; where they do not, [`TokenReduction::Sum`] weighs all tokens alike, and `N` times the cost over the
/// number of tokens is what `torch.nn.CrossEntropyLoss(ignore_index=..)` computes. In the Fisher matrix a token has the
/// weight that it has in the loss.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenCrossEntropy {
    /// The target that marks a token as padding, which does not count: often 0 or -100.
    pub padding: Option<i64>,
    /// How a sequence's loss is made of its tokens'.
    pub reduction: TokenReduction,
}

impl TokenCrossEntropy {
    /// What every token adds to the loss of its sequence, `[batch, tokens]`: 0 for padding.
    fn parts(&self, outputs: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<2> {
        let [batch, tokens] = targets.dims();
        let weights = self.weights(&targets, &outputs);
        let log_p = log_softmax(self.logits(outputs, &targets));
        let classes = self.classes(targets).reshape([batch * tokens, 1]);
        let losses = -log_p.gather(1, classes).reshape([batch, tokens]);
        losses * weights
    }

    /// A weight for every token, `[batch, tokens]`.
    fn weights(&self, targets: &Tensor<2, Int>, like: &Tensor<2>) -> Tensor<2> {
        let shape = targets.dims();
        let ones = Tensor::<2>::ones(shape, (&like.device(), like.dtype()));
        let counted = match self.padded(targets) {
            Some(padded) => ones.mask_fill(padded, 0.0),
            None => ones,
        };
        match self.reduction {
            TokenReduction::Sum => counted,
            TokenReduction::Mean => {
                let count = counted.clone().sum_dim(1).clamp_min(1.0);
                counted / count
            }
        }
    }

    /// Logits `[batch tokens, classes]`, with 0 in place of padding's: what they are does not matter, be it infinite or
    /// NaN.
    fn logits(&self, outputs: Tensor<2>, targets: &Tensor<2, Int>) -> Tensor<2> {
        let [batch, tokens] = targets.dims();
        let logits = by_token(outputs, tokens);
        let Some(padded) = self.padded(targets) else {
            return logits;
        };
        let padded = padded.reshape([batch * tokens, 1]).expand(logits.dims());
        logits.mask_fill(padded, 0.0)
    }

    /// The classes, with one that exists in place of padding.
    fn classes(&self, targets: Tensor<2, Int>) -> Tensor<2, Int> {
        match self.padded(&targets) {
            Some(padded) => targets.mask_fill(padded, 0),
            None => targets,
        }
    }

    /// Where padding is; nowhere if the targets' type cannot hold its mark, which would come out as another number in
    /// it.
    fn padded(&self, targets: &Tensor<2, Int>) -> Option<Tensor<2, Bool>> {
        let padding = self.padding?;
        holds(targets.dtype(), padding).then(|| targets.clone().equal_elem(padding))
    }
}

/// Whether an integer of `dtype` can be `value`.
fn holds(dtype: DType, value: i64) -> bool {
    match dtype {
        DType::I8 => i8::try_from(value).is_ok(),
        DType::I16 => i16::try_from(value).is_ok(),
        DType::I32 => i32::try_from(value).is_ok(),
        DType::U8 => u8::try_from(value).is_ok(),
        DType::U16 => u16::try_from(value).is_ok(),
        DType::U32 => u32::try_from(value).is_ok(),
        DType::U64 => u64::try_from(value).is_ok(),
        _ => true,
    }
}

/// One row a token.
fn by_token(outputs: Tensor<2>, tokens: usize) -> Tensor<2> {
    let [batch, width] = outputs.dims();
    assert!(
        width % tokens == 0,
        "{width} outputs are not classes of {tokens} tokens"
    );
    outputs.reshape([batch * tokens, width / tokens])
}

impl Loss for TokenCrossEntropy {
    type Targets = Tensor<2, Int>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        tokens(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2, Int>) -> Tensor<1> {
        self.parts(outputs, targets).sum_dim(1).squeeze_dim(1)
    }

    fn per_place(&self, outputs: Tensor<2>, targets: Tensor<2, Int>) -> Option<Tensor<2>> {
        Some(self.parts(outputs, targets))
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<2, Int>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let ([batch, tokens], shape) = (targets.dims(), outputs.dims());
        let weights = self
            .weights(&targets, &outputs)
            .reshape([batch * tokens, 1]);
        let logits = self.logits(outputs, &targets);
        let product = softmax_curvature(logits, by_token(tangents, tokens));
        Some((product * weights).reshape(shape))
    }

    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<2, Int>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_product(outputs, targets, tangents)
    }

    fn hessian_root(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let ([batch, tokens], shape) = (targets.dims(), outputs.dims());
        let weights = self.weights(&targets, &outputs);
        let weights = weights.sqrt().reshape([batch * tokens, 1]);
        let logits = self.logits(outputs, &targets);
        let product = softmax_root(logits, by_token(vectors, tokens));
        Some((product * weights).reshape(shape))
    }

    fn check(&self, targets: &Tensor<2, Int>, outputs: usize) -> Result<(), CurvatureError> {
        let count = outputs / targets.dims()[1].max(1);
        let mut wrong = no_class(targets, count);
        if let Some(padded) = self.padded(targets) {
            wrong = wrong.bool_and(padded.bool_not());
        }
        reject("target", targets, wrong, || match self.padding {
            Some(padding) => format!("{}, or {padding} for padding", a_class(count)),
            None => format!("{}; no padding is set", a_class(count)),
        })
    }

    fn is_convex(&self) -> bool {
        true
    }
}
