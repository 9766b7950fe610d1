//! Gradients at several parameters at once.

use burn::Tensor;

use super::{Cost, fits::check_batch};
use crate::{Cause, CurvatureError, loss::Loss};

impl<L: Loss> Cost<L> {
    /// The gradients of `k` costs at once, each at parameters of its own: the rows of `thetas`, `[k, dim]`. The examples are those of
    /// the `k` costs one after another, the same number each. Row `i` of the result, `[k, dim]`, is the gradient at row `i` of
    /// `thetas` of the mean loss of part `i`, and of the L2 term: what [`select`](Self::select), [`at`](Self::at) and
    /// [`gradient`](Self::gradient) give for one part after another, up to rounding. To shorter parts add examples of weight
    /// zero ([`Weighted`](crate::Weighted)).
    ///
    /// One program computes all rows, in as many operations as one gradient takes, each `k` times as large, and needs `k` times its
    /// memory. That saves time where operations are so small that starting them counts, not where arithmetic does.
    ///
    /// # Errors
    /// [`CurvatureError::Parts`] if the number of examples is not a multiple of `k`; [`CurvatureError::Dimension`];
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn gradients_at(&self, thetas: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let thetas = self.model.vectors(thetas)?;
        let gradients = self.rows_of_gradients(thetas.clone())?;
        if self.is_sound(&gradients)? {
            return Ok(gradients);
        }
        // One part after another, the first that fails says why.
        let [k, dim] = thetas.dims();
        let size = self.len() / k;
        for part in 0..k {
            let start = part * size;
            let theta = thetas.clone().slice(part..part + 1).reshape([dim]);
            let examples: Vec<usize> = (start..start + size).collect();
            let gradient = self.select(&examples)?.at(theta)?.gradient();
            gradient.map_err(|error| error.counted_from(start))?;
        }
        Err(CurvatureError::NotFinite {
            what: "the gradients",
            cause: Cause::Unknown,
        })
    }

    fn rows_of_gradients(&self, thetas: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let [k, _] = thetas.dims();
        if k == 0 {
            return Ok(thetas);
        }
        let (examples, parts) = (self.len(), k);
        if !examples.is_multiple_of(parts) {
            return Err(CurvatureError::Parts { examples, parts });
        }
        if !self.is_streamed() {
            self.inspect_held()?;
        }
        let size = examples / parts;
        let scale = Tensor::<1>::full(
            [1],
            1.0 / size as f64,
            (self.model.device(), self.model.dtype()),
        );
        let all = self.data.all()?;
        check_batch(&self.model, &all)?;
        if self.is_streamed() {
            for start in (0..examples).step_by(self.batch) {
                let range = start..examples.min(start + self.batch);
                let batch = all.iter().map(|rows| rows.slice(range.clone())).collect();
                self.inspect(start, &batch)?;
            }
        }
        let parameters = self.model.unflatten_rows(&thetas);
        let mut total: Option<Tensor<2>> = None;
        for start in (0..size).step_by(self.batch) {
            let range = start..size.min(start + self.batch);
            let mut arguments = parameters.clone();
            arguments.extend(self.model.constants());
            arguments.extend(all.iter().map(|rows| rows.parts(k, range.clone())));
            arguments.push(scale.clone().into_dispatch());
            let program = self
                .quantities
                .gradients(&self.model, &self.loss, &arguments, k)?;
            let gradients = Tensor::from_dispatch(program.run(arguments)?.swap_remove(1));
            total = Some(match total {
                Some(total) => total + gradients,
                None => gradients,
            });
        }
        let total = total.expect("a cost has examples");
        Ok(match self.l2 {
            0.0 => total,
            l2 => total + thetas * l2,
        })
    }
}
