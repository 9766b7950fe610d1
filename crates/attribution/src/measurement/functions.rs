//! The functions of outputs that are measured.

use backdraft_curvature::{AnyLoss, CrossEntropy, CurvatureError, Loss, Rows, Slot};
use burn::tensor::{Bool, Int, Shape, Tensor, activation};

/// One output, the same of all queries.
pub(super) struct OneOutput(pub usize);

impl AnyLoss for OneOutput {
    fn slots(&self) -> Vec<Slot> {
        Vec::new()
    }

    fn fits(&self, outputs: &Shape, _: &[Shape]) -> Result<(), String> {
        let width = width(outputs);
        match self.0 < width {
            true => Ok(()),
            false => Err(format!(
                "output {} is asked for, and there are {width}, counted from 0",
                self.0
            )),
        }
    }

    fn losses(&self, outputs: Tensor<2>, _: &[Rows]) -> Tensor<1> {
        let [batch, _] = outputs.dims();
        outputs
            .slice([0..batch, self.0..self.0 + 1])
            .reshape([batch])
    }
}

/// An output of each query, by its index.
#[derive(Clone)]
pub(super) struct ChosenOutput;

impl Loss for ChosenOutput {
    type Targets = Tensor<1, Int>;

    fn per_example(&self, outputs: Tensor<2>, chosen: Tensor<1, Int>) -> Tensor<1> {
        of_each(outputs, &chosen)
    }
}

/// A function of the outputs.
pub(super) struct OfOutputs<F>(pub F);

impl<F: Fn(Tensor<2>) -> Tensor<1> + Send + Sync> AnyLoss for OfOutputs<F> {
    fn slots(&self) -> Vec<Slot> {
        Vec::new()
    }

    fn fits(&self, _: &Shape, _: &[Shape]) -> Result<(), String> {
        Ok(())
    }

    fn losses(&self, outputs: Tensor<2>, _: &[Rows]) -> Tensor<1> {
        (self.0)(outputs)
    }
}

/// See [`Measurement::margin`](super::Measurement::margin).
#[derive(Clone)]
pub(crate) struct Margin;

impl Loss for Margin {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        check_classes(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<1> {
        let logits = logits(outputs);
        let [batch, count] = logits.dims();
        let asked = of_each(logits.clone(), &classes);
        let all = Tensor::<1, Int>::arange(0..count as i64, &classes.device());
        let all = all.cast(classes.dtype()).unsqueeze_dim::<2>(0);
        let is_asked: Tensor<2, Bool> = all
            .expand([batch, count])
            .equal(classes.reshape([batch, 1]).expand([batch, count]));
        let others = logits.mask_fill(is_asked, f64::NEG_INFINITY);
        let largest = others.clone().max_dim(1);
        let sum = (others - largest.clone()).exp().sum_dim(1);
        asked - (sum.log() + largest).reshape([batch])
    }

    fn check(&self, classes: &Tensor<1, Int>, outputs: usize) -> Result<(), CurvatureError> {
        CrossEntropy.check(classes, outputs.max(2))
    }
}

/// See [`Measurement::probability`](super::Measurement::probability).
#[derive(Clone)]
pub(super) struct Probability;

impl Loss for Probability {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        check_classes(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<1> {
        of_each(activation::log_softmax(logits(outputs), 1), &classes).exp()
    }

    fn check(&self, classes: &Tensor<1, Int>, outputs: usize) -> Result<(), CurvatureError> {
        CrossEntropy.check(classes, outputs.max(2))
    }
}

/// Outputs an example.
fn width(outputs: &Shape) -> usize {
    outputs.num_elements() / outputs[0].max(1)
}

/// One class an example, of logits or of a single one.
fn check_classes(outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
    match width(outputs) {
        1 => Ok(()),
        _ => CrossEntropy.check_shapes(outputs, targets),
    }
}

/// A logit for each class: a single output is that of class 1, against one of 0.
fn logits(outputs: Tensor<2>) -> Tensor<2> {
    match outputs.dims() {
        [_, 1] => Tensor::cat(vec![outputs.zeros_like(), outputs], 1),
        _ => outputs,
    }
}

/// The element of each row at its index.
fn of_each(rows: Tensor<2>, indices: &Tensor<1, Int>) -> Tensor<1> {
    let [batch, _] = rows.dims();
    rows.gather(1, indices.clone().reshape([batch, 1]))
        .reshape([batch])
}
