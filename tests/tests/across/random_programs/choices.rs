//! The numbers that a random program is made from.

use burn::tensor::Tensor;

/// Numbers that say what a step does. Read to the end, there follow zeros: the first of everything.
pub(crate) struct Choices<'a>(&'a [u16]);

impl<'a> Choices<'a> {
    pub(crate) fn of(numbers: &'a [u16]) -> Self {
        Self(numbers)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        usize::from(*first) % n
    }

    pub(crate) fn of_slice<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of those tensors that fit, if any does.
    pub(crate) fn fitting<const D: usize>(
        &mut self,
        from: &[Tensor<D>],
        fits: impl Fn([usize; D]) -> bool,
    ) -> Option<Tensor<D>> {
        let fitting: Vec<_> = from.iter().filter(|x| fits(x.dims())).collect();
        (!fitting.is_empty()).then(|| fitting[self.below(fitting.len())].clone())
    }

    pub(crate) fn tensor<const D: usize>(&mut self, from: &[Tensor<D>]) -> Tensor<D> {
        from[self.below(from.len())].clone()
    }
}
