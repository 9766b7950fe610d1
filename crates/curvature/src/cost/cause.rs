//! Whether results are finite, and which example is to blame if not.

use burn::Tensor;

use super::Cost;
use crate::{
    Cause, CurvatureError, Examples, Rows,
    data::{Batch, Data},
    finite::{are_finite, first},
    function::BatchFunction,
};

impl Cost {
    /// Whether `results` are finite, or are not looked at.
    pub(crate) fn is_sound(&self, results: &impl Examples) -> Result<bool, CurvatureError> {
        Ok(self.unchecked || are_finite(&results.clone().into_rows())?)
    }

    /// What `compute` makes of this cost, if it is finite. If not, it is made of single examples until the first is
    /// found that it comes from. `v` is a vector that it also depends on.
    pub(crate) fn sound<R: Examples>(
        &self,
        what: &'static str,
        v: Option<&Tensor<1>>,
        compute: impl Fn(&Self) -> Result<R, CurvatureError>,
    ) -> Result<R, CurvatureError> {
        let results = compute(self)?;
        if self.is_sound(&results)? {
            return Ok(results);
        }
        let cause = self.cause(v, |cost| Ok(compute(cost)?.into_rows()))?;
        Err(CurvatureError::NotFinite { what, cause })
    }

    /// What makes a result of `compute` NaN or infinite.
    pub(crate) fn cause(
        &self,
        v: Option<&Tensor<1>>,
        compute: impl Fn(&Self) -> Result<Vec<Rows>, CurvatureError>,
    ) -> Result<Cause, CurvatureError> {
        let not_finite = |x: f64| !x.is_finite();
        for (parameter, tensor) in self.model.parameters().iter().zip(self.model.tensors()) {
            if let Some((_, value)) = first(&[tensor.into()], not_finite)? {
                let name = parameter.name.clone();
                return Ok(Cause::Parameter { name, value });
            }
        }
        if let Some(v) = v
            && let Some((index, value)) = first(&[v.clone().into()], not_finite)?
        {
            return Ok(Cause::Vector { index, value });
        }
        let mut start = 0;
        for batch in self.data.batches(self.batch) {
            let batch = batch?;
            let len = batch[0].len();
            if !are_finite(&compute(&self.of(batch.clone()))?)? {
                let index = self.first_of(&batch, &compute)?;
                let one = batch.iter().map(|rows| rows.select(&[index])).collect();
                return Ok(self.part_of(one, &compute)?.counted_from(start + index));
            }
            start += len;
        }
        let dtype = self.model.dtype();
        Ok(match are_finite(&compute(self)?)? {
            true => Cause::Unknown,
            false => Cause::Overflow { dtype },
        })
    }

    /// The cost of other examples, which is not looked at.
    fn of(&self, batch: Batch) -> Self {
        Self {
            batch: batch[0].len(),
            data: Data::Held(batch),
            l2: 0.0,
            unchecked: true,
            ..self.clone()
        }
    }

    /// The first example of a batch with which the result is not finite: by halves, in batches of the same shape, the
    /// rest filled up with examples that are in already.
    fn first_of(
        &self,
        batch: &Batch,
        compute: &impl Fn(&Self) -> Result<Vec<Rows>, CurvatureError>,
    ) -> Result<usize, CurvatureError> {
        let len = batch[0].len();
        let (mut sound, mut broken) = (0, len);
        while broken - sound > 1 {
            let middle = (sound + broken) / 2;
            let indices: Vec<usize> = (0..len).map(|i| i.min(middle - 1)).collect();
            let part = batch.iter().map(|rows| rows.select(&indices)).collect();
            match are_finite(&compute(&self.of(part))?)? {
                true => sound = middle,
                false => broken = middle,
            }
        }
        Ok(broken - 1)
    }

    /// What of an example is not finite.
    fn part_of(
        &self,
        example: Batch,
        compute: &impl Fn(&Self) -> Result<Vec<Rows>, CurvatureError>,
    ) -> Result<Cause, CurvatureError> {
        let (inputs, targets) = example.split_at(self.model.arity());
        let cause = |part, (_, value)| Cause::Example {
            index: 0,
            part,
            value,
        };
        // A mask that is added may hold -inf.
        if let Some(found) = first(inputs, |x| x.is_nan() || x == f64::INFINITY)? {
            return Ok(cause("an input", found));
        }
        let not_finite = |x: f64| !x.is_finite();
        if let Some(found) = first(targets, not_finite)? {
            return Ok(cause("a target", found));
        }
        let one = self.of(example);
        let loss: Tensor<1> = one.concatenate(BatchFunction::LOSSES, None)?;
        if let Some(found) = first(&[loss.into()], not_finite)? {
            let outputs: Tensor<2> = one.concatenate(BatchFunction::OUTPUTS, None)?;
            return Ok(match first(&[outputs.into()], not_finite)? {
                Some(found) => cause("an output", found),
                None => cause("the loss", found),
            });
        }
        Ok(match first(&compute(&one)?, not_finite)? {
            Some(found) => cause("a derivative", found),
            None => Cause::Overflow {
                dtype: self.model.dtype(),
            },
        })
    }
}
