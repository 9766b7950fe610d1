//! A look at examples before they are first used.

use std::{
    iter,
    sync::{Arc, atomic::Ordering},
};

use backdraft_program::Spec;
use burn::{
    Tensor,
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::IntTensorOps},
    tensor::{Bool, Int, Shape},
};

use super::Cost;
use crate::{
    CurvatureError, Rows,
    data::{Batch, Batches, Data},
    function::BatchFunction,
    lock::locked,
    loss::no_class,
    programs::Lookups,
};

impl Cost {
    /// Looks at a batch whose first example is number `start`, unless it was looked at before: whether what is looked
    /// up by numbers in it exists, and whether the loss is defined for its targets. All examples that are held are
    /// looked at together.
    pub(super) fn inspect(&self, start: usize, batch: &Batch) -> Result<(), CurvatureError> {
        CurvatureError::check_strength("l2", self.l2, self.model.dtype())?;
        let end = start + batch[0].len();
        if self.unchecked || end <= self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let held = match &self.data {
            Data::Held(all) => {
                self.inspect_targets(batch, all)?;
                self.inspect_lookups(batch, || self.data.batches(self.batch))?;
                self.inspect_independence(batch)?;
                self.len()
            }
            Data::Streamed { .. } => {
                let one = || -> Batches<'_> { Box::new(iter::once(Ok(batch.clone()))) };
                let found = self.inspect_targets(batch, batch);
                let found = found.and_then(|()| self.inspect_lookups(batch, one));
                let found = found.and_then(|()| self.inspect_independence(batch));
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

    /// Looks whether the outputs of a batch are the same among other examples, once for examples of such shapes. What
    /// mixes examples as a whole is found while it is traced; what chooses among them, or moves along the batch, is not
    /// told from honest work there.
    fn inspect_independence(&self, batch: &Batch) -> Result<(), CurvatureError> {
        let n = batch[0].len();
        let bare = |rows: &Rows| {
            let mut spec = rows.spec();
            spec.shape.remove(0);
            spec
        };
        let each: Vec<Spec> = batch[..self.model.arity()].iter().map(bare).collect();
        if n < 2 || locked(&self.programs.independent).contains(&each) {
            return Ok(());
        }
        let places = disorder(n);
        let select = |rows: &Rows| rows.select(&places);
        let own = select(&self.outputs_of(batch.clone())?.into());
        let among = self.outputs_of(batch.iter().map(select).collect())?;
        if among.dims()[1] == 0 {
            return Ok(());
        }
        let rows = distances(own.into_tensor(), among)?;
        let typical = rows.iter().map(|(size, _)| size).sum::<f64>() / n as f64;
        let tolerance = self.roundings();
        let differs = |(size, distance): &(f64, f64)| *distance > tolerance * size.max(typical);
        let found = rows.iter().filter(|row| differs(row)).count();
        // One that lies at a step, such as between two choices of a network, may fall to either side by rounding.
        if let Some(first) = rows.iter().position(differs).filter(|_| 8 * found >= n) {
            return Err(CurvatureError::Together {
                example: places[first],
                difference: rows[first].1,
            });
        }
        locked(&self.programs.independent).insert(each);
        Ok(())
    }

    /// More than rounding makes of outputs, as a share of them.
    fn roundings(&self) -> f64 {
        const COARSE: f64 = 0.1;
        match (self.model.products(), self.model.dtype().finfo()) {
            (None, Some(info)) => (10.0 * info.epsilon.sqrt()).min(COARSE),
            _ => COARSE,
        }
    }

    /// The outputs of one batch.
    fn outputs_of(&self, batch: Batch) -> Result<Tensor<2>, CurvatureError> {
        let arguments = self.arguments(batch, Vec::new());
        let outputs = self
            .programs
            .get(BatchFunction::OUTPUTS, self.parts(), &arguments)?;
        let outputs = outputs.run(arguments)?.swap_remove(0);
        Ok(Tensor::from_dispatch(outputs))
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

/// For each row the largest element of `a`, and the largest difference from `b`; of those that are finite in both.
fn distances(a: Tensor<2>, b: Tensor<2>) -> Result<Vec<(f64, f64)>, CurvatureError> {
    let wrong = a
        .clone()
        .is_finite()
        .bool_and(b.clone().is_finite())
        .bool_not();
    let (a, b) = (a.mask_fill(wrong.clone(), 0.0), b.mask_fill(wrong, 0.0));
    let size = a.clone().abs().max_dim(1);
    let both = Tensor::cat(vec![size, (a - b).abs().max_dim(1)], 1);
    let both = both.try_into_vec_as::<f64>()?;
    Ok(both.chunks_exact(2).map(|row| (row[0], row[1])).collect())
}

/// What stands in the places of `n` examples where they are looked at among others: some of them in disorder.
fn disorder(n: usize) -> Vec<usize> {
    // The constants of Knuth's MMIX; where there are two, both are the second.
    let mut state: u64 = 1;
    let next = |place: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match place {
            0 | 1 => n - 1,
            _ => (state >> 33) as usize % n,
        }
    };
    (0..n).map(next).collect()
}

fn flat(numbers: DispatchTensor) -> Tensor<1, Int> {
    let shape = Shape::new([numbers.shape().num_elements()]);
    Tensor::from_dispatch(Dispatch::int_reshape(numbers, shape))
}
