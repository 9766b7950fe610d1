//! What is kept of batches between products.

use std::{ops::Range, sync::Arc};

use backdraft_program::{DispatchTensor, LinearMap};
use burn::Tensor;

use crate::{
    CurvatureError, Rows,
    data::Batch,
    fixed::{Fixed, first},
    operator::by_rows,
};

/// What is kept of the batches.
#[derive(Default)]
pub(super) struct Kept {
    batches: Vec<KeptBatch>,
    /// Bytes that may still be kept.
    free: usize,
    /// Whether all batches are kept, so that there is no need to visit the examples again.
    complete: bool,
}

struct KeptBatch {
    /// Which examples they are.
    examples: Range<usize>,
    /// Of a stream: what a later pass must give for them.
    print: Option<Tensor<1>>,
    fixed: Fixed,
}

/// A batch's product of which nothing is computed yet.
#[derive(Clone)]
pub(super) struct Local {
    pub map: Arc<LinearMap>,
    pub arguments: Vec<DispatchTensor>,
    /// What keeping it would take.
    pub bytes: usize,
}

/// A batch's product, as there is memory for it.
pub(super) enum BatchProduct {
    Kept(Fixed),
    Once(Local),
}

impl Kept {
    pub fn new(free: usize) -> Self {
        Self {
            free,
            ..Self::default()
        }
    }

    /// All batches, where all are kept.
    pub fn all(&self) -> Option<Vec<Fixed>> {
        let all = self.batches.iter().map(|batch| batch.fixed.clone());
        self.complete.then(|| all.collect())
    }

    /// What is kept of the batch that holds `examples`. Another pass may have cut a stream otherwise: then nothing is.
    pub fn get(&self, examples: &Range<usize>) -> Option<(Fixed, Option<Tensor<1>>)> {
        let same = |batch: &&KeptBatch| batch.examples == *examples;
        let batch = self.batches.iter().find(same)?;
        Some((batch.fixed.clone(), batch.print.clone()))
    }

    /// Takes `bytes` for the batch that holds `examples`, if they are free and none of these examples is in what is
    /// kept.
    pub fn reserve(&mut self, examples: &Range<usize>, bytes: usize) -> bool {
        let free = bytes <= self.free && !self.overlaps(examples);
        if free {
            self.free -= bytes;
        }
        free
    }

    /// Keeps what does not depend on the vector for the batch that holds `examples`, unless that happened meanwhile.
    pub fn keep(&mut self, examples: Range<usize>, print: Option<Tensor<1>>, fixed: &Fixed) {
        if !self.overlaps(&examples) {
            self.batches.push(KeptBatch {
                examples,
                print,
                fixed: fixed.clone(),
            });
        }
    }

    fn overlaps(&self, examples: &Range<usize>) -> bool {
        let overlaps = |batch: &KeptBatch| {
            batch.examples.start < examples.end && examples.start < batch.examples.end
        };
        self.batches.iter().any(overlaps)
    }

    /// Drops what is kept.
    pub fn forget(&mut self) {
        self.batches.clear();
    }

    /// Settles whether all of `examples` examples are kept.
    pub fn settle(&mut self, examples: usize) {
        let kept: usize = self.batches.iter().map(|batch| batch.examples.len()).sum();
        self.complete = kept == examples;
    }
}

impl Local {
    /// The sum over this batch's examples.
    pub fn apply(self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.map.apply_at(vec![v.into_dispatch()], self.arguments)?;
        Ok(first(product))
    }

    pub fn fix(self) -> Result<Fixed, CurvatureError> {
        Fixed::new(self.map, self.arguments)
    }

    /// The sum for every row of `vs`, one after another.
    pub fn by_rows(self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        if self.map.recomputes() {
            return by_rows(vs, |v| self.clone().apply(v));
        }
        let fixed = self.fix()?;
        by_rows(vs, |v| fixed.clone().apply(v))
    }
}

impl BatchProduct {
    pub fn apply(self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        match self {
            Self::Kept(fixed) => fixed.apply(v),
            Self::Once(local) => local.apply(v),
        }
    }

    /// The same for every row of `vs`.
    pub fn apply_many(self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        match self {
            Self::Kept(fixed) => fixed.apply_many(vs),
            // What several vectors would share is what there is no memory for.
            Self::Once(local) if local.map.recomputes() => local.by_rows(vs),
            Self::Once(local) => local.fix()?.apply_many(vs),
        }
    }
}

/// Numbers that tell the examples of a batch from others, on the device: sums over all of them, which do not look at
/// their order.
pub(super) fn print(batch: &Batch) -> Option<Tensor<1>> {
    let sums = batch.iter().map(Rows::numbers).flat_map(|x| {
        let x = x.clone().mask_fill(x.is_finite().bool_not(), 0.0);
        [x.clone().sum(), x.square().sum()]
    });
    let sums: Vec<Tensor<1>> = sums.collect();
    // Tokens and masks beside inputs in 64 bits are numbers of the device's own type.
    let widest = sums.iter().map(Tensor::dtype).max_by_key(|it| it.size())?;
    let sums = sums.into_iter().map(|sum| sum.cast(widest));
    Some(Tensor::cat(sums.collect(), 0))
}

pub(super) fn add<const D: usize>(total: Option<Tensor<D>>, part: Tensor<D>) -> Tensor<D> {
    match total {
        Some(total) => total + part,
        None => part,
    }
}
