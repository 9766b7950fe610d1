//! Training, step by step.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData};

use super::checkpoint::{Checkpoint, TrainState, numbers, with_numbers};
use super::checkpoint_error::CheckpointError;
use super::config::TrainConfig;
use super::error::TrainError;
use super::examples::TrainExamples;
use super::loss_history::LossHistory;
use super::optimizer::DescentSteps;
use super::order::Order;
use super::progress::TrainProgress;
use super::trained::Trained;
use crate::data::Split;
use crate::network::{Network, placement, zero_if_finite};
use crate::objective::Objective;

/// Steps between two readings of the loss, which make the host wait for the device.
const REPORT_EVERY: usize = 32;

/// Time after which the loss is read even so. When it is read changes nothing but the reports.
const REPORT_AFTER: Duration = Duration::from_millis(500);

/// Training by SGD or Adam that can be stopped between steps, stored, and taken up again with the same result to the
/// bit.
///
/// It minimises what [`train`](super::train()) does; that function is a loop over [`advance`](Self::advance). Batch
/// normalisation uses the batch's statistics here, and updates the running ones that everything else uses.
pub struct Training<M> {
    model: M,
    optimizer: DescentSteps,
    config: TrainConfig,
    examples: TrainExamples,
    /// Most examples that are differentiated at once.
    part: usize,
    order: Order,
    step: usize,
    losses: LossHistory,
}

impl<M: Network> Training<M> {
    /// Before the first step.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for a setting out of range, [`TrainError::NoExamples`] for an empty split, and
    /// [`TrainError::WholeData`] for L-BFGS.
    ///
    /// # Panics
    ///
    /// If the split's targets are not of the objective's kind.
    pub fn new(
        model: M,
        split: &Split,
        objective: Objective,
        config: &TrainConfig,
    ) -> Result<Self, TrainError> {
        config.check()?;
        if split.rows == 0 {
            return Err(TrainError::NoExamples);
        }
        let descent = config.optimizer.descent().ok_or(TrainError::WholeData)?;
        let (device, dtype) = placement(&model);
        let model = model.train();
        Ok(Self {
            optimizer: DescentSteps::new(descent, config.weight_decay, &model),
            model,
            config: config.clone(),
            examples: TrainExamples::new(split, objective, (&device, dtype)),
            part: config.batch_size,
            order: Order::new(split.rows, config.seed),
            step: 0,
            losses: LossHistory::default(),
        })
    }

    /// From where a checkpoint was made. The model's own weights do not matter, its structure does.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`TrainError::Checkpoint`] if the checkpoint is of other settings, of another number
    /// of examples or of another model.
    pub fn resume(
        model: M,
        split: &Split,
        objective: Objective,
        config: &TrainConfig,
        checkpoint: Checkpoint,
    ) -> Result<Self, TrainError> {
        let mut training = Self::new(model, split, objective, config)?;
        let state = checkpoint.state;
        check(&state, config, split.rows, training.steps())?;
        let mut tensors: HashMap<String, TensorData> = checkpoint.tensors.into_iter().collect();
        let model = with_numbers(training.model, |name| tensors.remove(name))?;
        training.model = model.train();
        let find = |name: &str| tensors.remove(name);
        training
            .optimizer
            .restore(state.step, &training.model, find)?;
        if let Some(name) = tensors.into_keys().min() {
            return Err(CheckpointError::Unused { name }.into());
        }
        training.step = state.step;
        training.losses = LossHistory::of(&state);
        Ok(training)
    }

    /// The same with a factor on the loss of each example, as if it were there so many times; 0 leaves it out, and
    /// batches and their means count it all the same. Checkpoints do not hold the factors.
    ///
    /// # Panics
    ///
    /// If there are not as many as examples.
    #[must_use]
    pub fn with_weights(mut self, weights: &[f64]) -> Self {
        self.examples.weigh(weights);
        self
    }

    /// The same with at most `part` examples of a batch on their way through the network at once, for devices whose
    /// memory does not suffice for all: gradients of parts are added up, which changes them by rounding alone. Batch
    /// normalisation, however, sees a part's statistics in place of the batch's.
    ///
    /// # Panics
    ///
    /// If `part` is zero.
    #[must_use]
    pub fn with_parts(self, part: usize) -> Self {
        assert!(part > 0, "a part needs at least one example");
        Self { part, ..self }
    }

    /// Makes the next steps, at most 32, for about half a second and not beyond the end of the pass; `None` once all
    /// are made.
    ///
    /// # Errors
    ///
    /// [`TrainError::Diverged`] if the loss is not finite, grows beyond reason, or ends higher than it began: in the
    /// last pass more than twice that of the first batch, and than twice that of outputs of 0, or if the last step,
    /// which no other measures, left a parameter that is not finite or such a loss of its own batch;
    /// [`TrainError::Device`] if the device fails, after which training goes on from an earlier
    /// [`checkpoint`](Self::checkpoint) only.
    ///
    /// # Panics
    ///
    /// If the model's outputs are not of the objective's kind.
    pub fn advance(&mut self) -> Result<Option<TrainProgress>, TrainError> {
        let (batches, steps) = (self.batches(), self.steps());
        if self.step == steps {
            return Ok(None);
        }
        let epoch = self.step / batches + 1;
        let from = self.step % batches;
        let mut until = from;
        let mut pending = Vec::new();
        let began = Instant::now();
        while until < batches.min(from + REPORT_EVERY) {
            pending.push(self.step_on(epoch, until));
            until += 1;
            if began.elapsed() >= REPORT_AFTER {
                break;
            }
        }

        let (mut sum, mut rows) = (0.0, 0);
        for (index, (loss, count)) in self.read(pending)?.into_iter().enumerate() {
            if !self.losses.add(loss, count) {
                let step = self.step - (until - from) + index + 1;
                return Err(self.diverged(epoch, step, loss));
            }
            sum += loss * count as f64;
            rows += count;
        }
        if until == batches {
            if self.step == steps {
                self.check_end(epoch)?;
            }
            self.losses.end_pass(self.examples.rows());
        }
        Ok(Some(TrainProgress {
            epoch,
            epochs: self.config.epochs,
            step: self.step,
            steps,
            loss: sum / rows as f64,
            gradient_norm: None,
        }))
    }

    /// Losses on the device with their numbers of examples, in one reading.
    fn read(&self, pending: Vec<(Tensor<1>, usize)>) -> Result<Vec<(f64, usize)>, TrainError> {
        let (losses, rows): (Vec<_>, Vec<_>) = pending.into_iter().unzip();
        let losses = Tensor::cat(losses, 0).try_into_vec_as::<f64>();
        let losses = losses.map_err(|error| TrainError::Device {
            examples: self.part.min(self.config.batch_size),
            reason: error.to_string(),
        })?;
        Ok(losses.into_iter().zip(rows).collect())
    }

    /// Whether training ended higher than it began. What the last step led to is measured: the losses of its batch once
    /// more, and whether all numbers are finite.
    fn check_end(&mut self, epoch: usize) -> Result<(), TrainError> {
        let model = self.model.valid();
        let loss = self.losses.of_pass(self.examples.rows());
        let unanswered = || self.examples.unanswered(&model, self.config.batch_size);
        if self.losses.grew(loss, unanswered) {
            return Err(self.diverged(epoch, self.step, loss));
        }
        let examples = self.batch(epoch, self.batches() - 1);
        let count = examples.len();
        let mut total = zero_if_finite(&model);
        for part in examples.chunks(self.part) {
            let losses = self.examples.losses(&model, part, |weights| weights);
            total = total + losses.sum() / count as f64;
        }
        match self.read(vec![(total, count)])?.as_slice() {
            [(loss, _)] if self.losses.is_beyond_reason(*loss) => {
                Err(self.diverged(epoch, self.step, *loss))
            }
            _ => Ok(()),
        }
    }

    fn diverged(&self, epoch: usize, step: usize, loss: f64) -> TrainError {
        TrainError::Diverged {
            epoch,
            step,
            loss,
            remedy: format!(
                "lower the learning rate, now {}, tenfold",
                self.config.learning_rate
            ),
        }
    }

    /// The model as it stands, without autodiff, its running statistics its own.
    pub fn model(&self) -> M {
        self.model.valid()
    }

    /// Mean loss, without the L2 term, in each complete pass over the data.
    pub fn history(&self) -> &[f64] {
        &self.losses.passes
    }

    /// Everything needed to go on from here.
    pub fn checkpoint(&self) -> Checkpoint {
        let mut tensors = numbers(&self.model.valid());
        tensors.extend(self.optimizer.tensors());
        Checkpoint {
            state: TrainState {
                config: self.config.clone(),
                rows: self.examples.rows(),
                step: self.step,
                first: self.losses.first.map(f64::to_bits),
                total: self.losses.total.to_bits(),
                history: self
                    .losses
                    .passes
                    .iter()
                    .map(|loss| loss.to_bits())
                    .collect(),
            },
            tensors,
        }
    }

    /// What has been trained.
    pub fn finish(self) -> Trained<M> {
        Trained {
            model: self.model.valid(),
            history: self.losses.passes,
            gradient_norm: None,
        }
    }

    fn batches(&self) -> usize {
        self.examples.rows().div_ceil(self.config.batch_size)
    }

    fn steps(&self) -> usize {
        self.batches() * self.config.epochs
    }

    /// One step on a batch of a pass: its mean loss, on the device, and its number of examples.
    fn step_on(&mut self, epoch: usize, batch: usize) -> (Tensor<1>, usize) {
        let examples = self.batch(epoch, batch);
        let (loss, gradients) = self.examples.mean_loss(&self.model, &examples, self.part);
        let factor = self
            .config
            .schedule
            .factor(self.step, self.batches(), self.config.epochs);
        // `valid` and `train` would be two passes more; a clone shares all tensors.
        self.model = self.optimizer.step(
            self.config.learning_rate * factor,
            self.model.clone(),
            gradients,
        );
        self.step += 1;
        (loss, examples.len())
    }

    /// The examples of a batch of a pass.
    fn batch(&mut self, epoch: usize, batch: usize) -> Vec<i64> {
        let start = batch * self.config.batch_size;
        let range = start..(start + self.config.batch_size).min(self.examples.rows());
        self.order.of(epoch)[range].to_vec()
    }
}

fn check(
    state: &TrainState,
    config: &TrainConfig,
    rows: usize,
    steps: usize,
) -> Result<(), CheckpointError> {
    if state.config != *config {
        return Err(CheckpointError::Differs {
            what: "the settings",
            expected: format!("{config:?}"),
            found: format!("{:?}", state.config),
        });
    }
    if state.rows != rows {
        return Err(CheckpointError::Differs {
            what: "a number of examples of",
            expected: rows.to_string(),
            found: state.rows.to_string(),
        });
    }
    let step = state.step;
    match step <= steps && state.history.len() == step / rows.div_ceil(config.batch_size) {
        true => Ok(()),
        false => Err(CheckpointError::Step { step, steps }),
    }
}
