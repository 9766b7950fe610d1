//! The best small changes of training inputs.

use backdraft_curvature::{Cost, Rows};
use backdraft_influence::{InputStep, input_score_rows, replacement_scores};
use burn::tensor::{Tensor, TensorData};

use super::Perturbations;
use crate::AttributionError;

/// Bytes of inputs whose changes are looked for at once: 64 MiB.
const AT_ONCE: usize = 64 << 20;

/// A change of one training example's inputs, and what it does to what is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct InputChange {
    /// The training example.
    pub example: usize,
    /// The predicted change for each unit added to an input, the inputs' tensors one after another.
    pub gradient: Vec<f64>,
    /// What is added to the inputs, alike.
    pub step: Vec<f64>,
    /// The predicted change to first order in the step: its inner product with the gradient.
    pub first_order: f64,
    /// The predicted change by the difference of the two gradients in the parameters, for steps of any size.
    pub predicted: f64,
}

impl Perturbations {
    /// The best steps of the inputs of the training examples `indices`, each by itself, for one row: those of
    /// [`InputStep::best`], and what they are predicted to do.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`]; [`AttributionError::Curvature`] for inputs that are no floats, or an example
    /// that does not exist; [`AttributionError::Solve`] for a step that makes no sense.
    pub fn best_changes(
        &self,
        row: usize,
        indices: &[usize],
        step: &InputStep,
    ) -> Result<Vec<InputChange>, AttributionError> {
        let solution = self.solution(row)?;
        let examples = self.train.select(indices)?;
        // The share of an example of all, not of those that are chosen.
        let share = indices.len() as f64 / self.train.len() as f64;
        let gradients = input_score_rows(&examples, solution.clone() * share)?;
        let inputs = examples.inputs()?;
        let (gradients, at) = (on_host(&gradients)?, on_host(&inputs)?);
        let steps = gradients.iter().zip(&at);
        let steps = steps.map(|(gradient, at)| step.best(gradient, at));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        let moved = moved(&examples, &inputs, &at, &steps)?;
        let predicted = replacement_scores(&self.train, solution.unsqueeze(), indices, &moved)?;
        let predicted = predicted.try_into_vec_as::<f64>()?;
        let found = indices.iter().zip(gradients).zip(steps).zip(predicted);
        Ok(found
            .map(|(((&example, gradient), step), predicted)| InputChange {
                example,
                first_order: gradient.iter().zip(&step).map(|(g, d)| g * d).sum(),
                gradient,
                step,
                predicted,
            })
            .collect())
    }

    /// What the best step of every training example does to one row: the examples with what is predicted of each
    /// ([`InputChange::predicted`]), the strongest in the direction of the step's goal first, equal ones by index. The
    /// steps themselves are not kept: [`best_changes`](Self::best_changes) has those of the examples that matter.
    ///
    /// # Errors
    /// As [`best_changes`](Self::best_changes).
    pub fn ranked_changes(
        &self,
        row: usize,
        step: &InputStep,
    ) -> Result<Vec<(usize, f64)>, AttributionError> {
        let width: usize = self
            .train
            .select(&[0])?
            .inputs()?
            .iter()
            .map(|rows| rows.shape().num_elements())
            .sum();
        let at_once = (AT_ONCE / (width * size_of::<f64>()).max(1)).max(1);
        let all: Vec<usize> = (0..self.train.len()).collect();
        let mut found = Vec::with_capacity(all.len());
        for indices in all.chunks(at_once) {
            let changes = self.best_changes(row, indices, step)?;
            found.extend(changes.into_iter().map(|it| (it.example, it.predicted)));
        }
        let sign = step.goal.sign();
        found.sort_by(|a, b| (sign * b.1).total_cmp(&(sign * a.1)).then(a.0.cmp(&b.0)));
        Ok(found)
    }

    /// The training example `index` with `step` added to its inputs, the tensors one after another: a cost of one
    /// example.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`]; [`AttributionError::Setting`] for a step of another length than the inputs.
    pub fn stepped(&self, index: usize, step: &[f64]) -> Result<Cost, AttributionError> {
        let example = self.train.select(&[index])?;
        let inputs = example.inputs()?;
        let at = on_host(&inputs)?;
        if at[0].len() != step.len() {
            return Err(AttributionError::Setting {
                name: "step",
                problem: format!("is of {} inputs, not {}", step.len(), at[0].len()),
            });
        }
        moved(&example, &inputs, &at, &[step.to_vec()])
    }
}

/// Examples one by one on the host, their tensors one after another.
fn on_host(tensors: &[Rows]) -> Result<Vec<Vec<f64>>, AttributionError> {
    let tables = tensors.iter().map(Rows::table).collect();
    let table = Tensor::cat(tables, 1);
    let [_, width] = table.dims();
    let numbers = table.try_into_vec_as::<f64>()?;
    Ok(numbers.chunks(width.max(1)).map(<[f64]>::to_vec).collect())
}

/// The examples with steps added to their inputs, which are `at` the numbers given.
fn moved(
    examples: &Cost,
    inputs: &[Rows],
    at: &[Vec<f64>],
    steps: &[Vec<f64>],
) -> Result<Cost, AttributionError> {
    let mut start = 0;
    let tensors = inputs.iter().map(|rows| {
        let like = rows.table();
        let [len, width] = like.dims();
        let range = start..start + width;
        start = range.end;
        let numbers = at.iter().zip(steps).flat_map(|(at, step)| {
            let pairs = at[range.clone()].iter().zip(&step[range.clone()]);
            pairs.map(|(x, d)| x + d)
        });
        let data = TensorData::new(numbers.collect::<Vec<f64>>(), [len, width]);
        rows.of_table(Tensor::from_data(data, (&like.device(), like.dtype())))
    });
    let tensors: Vec<Rows> = tensors.collect();
    Ok(examples.with_examples(tensors, examples.targets()?)?)
}
