//! A look at examples before they are first used.

use std::{
    iter,
    sync::{Arc, atomic::Ordering},
};

use burn::{
    Tensor,
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::IntTensorOps},
    tensor::{Bool, Int, Shape},
};

use super::Cost;
use crate::{
    CurvatureError,
    data::{Batch, Batches, Data},
    function::BatchFunction,
    loss::no_class,
    programs::Lookups,
};

impl Cost {
    /// Looks at a batch whose first example is number `start`, unless it was looked at before: whether what is looked up by numbers
    /// in it exists, and whether the loss is defined for its targets. All examples that are held are looked at together.
    pub(super) fn inspect(&self, start: usize, batch: &Batch) -> Result<(), CurvatureError> {
        CurvatureError::check_strength("l2", self.l2)?;
        let end = start + batch[0].len();
        if self.unchecked || end <= self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let held = match &self.data {
            Data::Held(all) => {
                self.inspect_targets(batch, all)?;
                self.inspect_lookups(batch, || self.data.batches(self.batch))?;
                self.len()
            }
            Data::Streamed { .. } => {
                let one = || -> Batches<'_> { Box::new(iter::once(Ok(batch.clone()))) };
                let found = self.inspect_targets(batch, batch);
                let found = found.and_then(|()| self.inspect_lookups(batch, one));
                found.map_err(|error| error.counted_from(start))?;
                end
            }
        };
        self.seen.store(held, Ordering::Relaxed);
        Ok(())
    }

    /// The same of examples that are held.
    pub(super) fn inspect_held(&self) -> Result<(), CurvatureError> {
        // What takes part of them again and again cuts no batch for it.
        if self.unchecked || self.seen.load(Ordering::Relaxed) == self.len() {
            return Ok(());
        }
        match self.data.batches(self.batch).next() {
            Some(batch) => self.inspect(0, &batch?),
            None => Ok(()),
        }
    }

    /// Looks at the targets of `examples`; the outputs have the width that they have for `batch`.
    fn inspect_targets(&self, batch: &Batch, examples: &Batch) -> Result<(), CurvatureError> {
        let arguments = self.arguments(batch.clone(), Vec::new());
        let get = |function| self.programs.get(function, self.parts(), &arguments);
        // What does not fit together is found while the losses are traced.
        get(BatchFunction::LOSSES)?;
        let width = get(BatchFunction::OUTPUTS)?.program().outputs()[0].shape[1];
        self.loss.inspect(&examples[self.model.arity()..], width)
    }

    /// Looks at the numbers by which anything is looked up in `batches`, of which `first` is the first.
    fn inspect_lookups<'a>(
        &self,
        first: &Batch,
        batches: impl Fn() -> Batches<'a>,
    ) -> Result<(), CurvatureError> {
        if self.lookups(first)?.0.found.is_empty() {
            return Ok(());
        }
        let mut wrong: Vec<Tensor<1, Bool>> = Vec::new();
        for batch in batches() {
            let (lookups, numbers) = self.lookups(&batch?)?;
            let pairs = numbers.into_iter().zip(&lookups.found);
            wrong.extend(pairs.map(|(numbers, it)| no_class(&numbers, it.len).any()));
        }
        if !Tensor::cat(wrong, 0).any().try_into_scalar::<bool>()? {
            return Ok(());
        }
        let mut start = 0;
        for batch in batches() {
            let batch = batch?;
            let (lookups, numbers) = self.lookups(&batch)?;
            for (numbers, it) in numbers.into_iter().zip(&lookups.found) {
                let numbers = numbers.try_into_vec_as::<i64>()?;
                let wrong = |&number: &i64| number < 0 || number >= it.len as i64;
                if let Some(position) = numbers.iter().position(wrong) {
                    // The numbers of an example are next to each other, in whatever shape.
                    let example = position * batch[0].len() / numbers.len();
                    return Err(CurvatureError::Lookup {
                        example: start + example,
                        value: numbers[position],
                        len: it.len,
                        operation: it.operation.clone(),
                        place: it.place.clone(),
                    });
                }
            }
            start += batch[0].len();
        }
        Ok(())
    }

    /// What is looked up in the losses of a batch, and by which numbers.
    fn lookups(
        &self,
        batch: &Batch,
    ) -> Result<(Arc<Lookups>, Vec<Tensor<1, Int>>), CurvatureError> {
        let arguments = self.arguments(batch.clone(), Vec::new());
        let lookups = self.programs.lookups(self.parts(), &arguments)?;
        let numbers = match lookups.found.is_empty() {
            true => Vec::new(),
            false => lookups.numbers.run(arguments)?,
        };
        Ok((lookups, numbers.into_iter().map(flat).collect()))
    }
}

fn flat(numbers: DispatchTensor) -> Tensor<1, Int> {
    let shape = Shape::new([numbers.shape().num_elements()]);
    Tensor::from_dispatch(Dispatch::int_reshape(numbers, shape))
}
