//! Several descents at once.

use backdraft_curvature::Loss;
use burn::Tensor;

use super::{
    Descended, Descent, Objective, Removal, ResponseError, ResponseKind, Responses, Step,
    batch::Turn, descent::advance,
};

/// Parameters times examples of a batch up to which operations are so small that starting them counts.
const SMALL: usize = 100_000;

impl<L: Loss> Responses<L> {
    /// Makes the same `steps` for the objectives of `removals`, all of one kind, at once, each from its row of `from`,
    /// `[k, dim]`: what [`Objective::descend`] gives for one after another, up to rounding. In each step all gradients are computed
    /// by one program ([`Cost::gradients_at`](backdraft_curvature::Cost::gradients_at)), and for the linearised objective the linearisation
    /// of the batch is shared. Whether that is faster, [`together_is_faster`](Self::together_is_faster) says. The memory needed is
    /// `k` times that of one.
    ///
    /// Groups of different sizes go together: the smaller ones are filled up with examples of weight 0. One descent that diverges
    /// does not stop the others; it ends in an error of its own. `on_step` is called after each step of all.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] if `from` has not a row for each removal; otherwise as
    /// [`objective`](Self::objective) for any of the removals, and those of [`Objective::value`]. Each result, as
    /// [`Objective::descend`].
    pub fn descend_all(
        &self,
        kind: ResponseKind,
        removals: &[Removal],
        from: Tensor<2>,
        descent: Descent,
        steps: impl IntoIterator<Item = Step>,
        on_step: impl FnMut(usize),
    ) -> Result<Vec<Result<Descended, ResponseError>>, ResponseError> {
        descent.check()?;
        let [rows, _] = from.dims();
        if rows != removals.len() {
            let problem = format!("has {rows} rows for {} removals", removals.len());
            return Err(ResponseError::setting("from", problem));
        }
        let from = self.cost().model().vectors(from)?;
        if rows == 0 {
            return Ok(Vec::new());
        }
        let objectives = removals
            .iter()
            .map(|removal| self.objective(kind, removal.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut turns: Vec<_> = objectives.iter().map(Turn::of).collect();
        let starts = objectives
            .iter()
            .enumerate()
            .map(|(i, objective)| objective.value(&row(&from, i)))
            .collect::<Result<Vec<_>, _>>()?;

        // The step at which each was seen to be lost.
        let mut lost: Vec<Option<usize>> = vec![None; rows];
        let gradients = |thetas: &Tensor<2>, batch: &[usize]| {
            let removed: Vec<_> = turns.iter_mut().map(|turn| turn.next(batch)).collect();
            Objective::batch_gradients(&objectives, thetas, batch, &removed)
        };
        let sound = |thetas: &Tensor<2>, made| {
            // Zero times a number that is not finite is NaN, and no square overflows where the number itself does not.
            let zeros = (thetas.clone() * 0.0).sum_dim(1);
            let zeros = zeros
                .try_into_vec_as::<f64>()
                .map_err(|error| ResponseError::from(error).with_batch(self.cost().batch_size()))?;
            for (lost, zero) in lost.iter_mut().zip(zeros) {
                if zero.is_nan() {
                    lost.get_or_insert(made);
                }
            }
            Ok(lost.contains(&None))
        };
        let (thetas, made) = advance(from, descent, steps, gradients, sound, on_step)?;
        let ends = objectives.iter().zip(starts).zip(lost).enumerate();
        Ok(ends
            .map(|(i, ((objective, start), lost))| match lost {
                Some(step) => Err(ResponseError::NotFinite { step }),
                None => objective.descended(descent, start, row(&thetas, i), made),
            })
            .collect())
    }

    /// Whether [`descend_all`](Self::descend_all) is faster for several removals than one descent after another, with batches of
    /// `batch` examples on a processor: for the linearised objective always, for the others if the parameters times the examples
    /// are 100,000 at most and none of the parameters is a convolution's. Larger operations take the same arithmetic and more of the
    /// caches; then it is faster to share removals out among processes, one a core.
    ///
    /// Measured with perceptrons and a LeNet on two cores (`docs/performance.md`). On GPUs, where starting operations counts for
    /// more, it is not measured.
    pub fn together_is_faster(&self, kind: ResponseKind, batch: usize) -> bool {
        let model = self.cost().model();
        let matrices = model.parameters().iter().all(|p| p.shape.num_dims() <= 2);
        kind == ResponseKind::Linearized || (matrices && model.dim() * batch <= SMALL)
    }
}

fn row(rows: &Tensor<2>, i: usize) -> Tensor<1> {
    rows.clone().slice(i..i + 1).squeeze_dim(0)
}
