//! What is measured of a network's answer to a query.

use std::sync::Arc;

use backdraft_curvature::{
    AnyLoss, Cost, CrossEntropy, CurvatureError, Examples, IntoRows, Loss, Rows, Slot,
};
use burn::tensor::{Bool, Int, Shape, Tensor, activation};

/// A number `m(f(theta; x))` for each query `x`, of the network's outputs for it: what influence on is asked about.
///
/// Scores of a measurement are in its units. It carries the targets that it compares with, one a query.
#[derive(Clone)]
pub struct Measurement {
    function: Option<Arc<dyn AnyLoss>>,
    targets: Vec<Rows>,
    mean: bool,
}

impl Measurement {
    /// The loss that the network was trained with, for `targets`.
    pub fn loss(targets: impl IntoRows) -> Self {
        Self {
            function: None,
            targets: targets.rows(),
            mean: false,
        }
    }

    /// Another loss, or any function of outputs and targets.
    pub fn other_loss<L: Loss>(loss: L, targets: L::Targets) -> Self {
        Self {
            function: Some(Arc::new(loss)),
            targets: targets.into_rows(),
            mean: false,
        }
    }

    /// The output number `index`, counted from 0 in a row of outputs: a logit, or a prediction.
    pub fn output(index: usize) -> Self {
        Self::of_outputs(OutputLoss(index))
    }

    /// How sure a network of logits is of a class: `y_c - log sum over k != c of exp y_k = log(p / (1 - p))`, for a
    /// class `c` a query (Park et al. 2023, "TRAK", Section 3.1).
    pub fn margin(classes: Tensor<1, Int>) -> Self {
        Self::other_loss(Margin, classes)
    }

    /// The softmax probability of a class, for a class a query.
    pub fn probability(classes: Tensor<1, Int>) -> Self {
        Self::other_loss(Probability, classes)
    }

    /// Any function of the outputs `[queries, outputs]`, to `[queries]`, of each row by itself. It is traced and
    /// differentiated like the network.
    pub fn of(function: impl Fn(Tensor<2>) -> Tensor<1> + Send + Sync + 'static) -> Self {
        Self::of_outputs(OfOutputs(function))
    }

    fn of_outputs(function: impl AnyLoss + 'static) -> Self {
        Self {
            function: Some(Arc::new(function)),
            targets: Vec::new(),
            mean: false,
        }
    }

    /// The mean over all queries: one row of scores, from one solve.
    #[must_use]
    pub fn mean(self) -> Self {
        Self { mean: true, ..self }
    }

    pub(crate) fn is_mean(&self) -> bool {
        self.mean
    }

    /// The cost whose examples' losses are what is measured of the queries `inputs`, at the parameters of `train`: for
    /// [`Evaluation::correlations`](crate::Evaluation::correlations). It has one number a query, a mean too.
    ///
    /// # Errors
    /// [`CurvatureError`] for queries that are not what the network reads, or another number of them than of targets.
    pub fn cost(&self, train: &Cost, inputs: impl IntoRows) -> Result<Cost, CurvatureError> {
        let targets = self.targets.clone();
        match &self.function {
            None => train.with_examples(inputs, targets),
            Some(function) => {
                let model = train.model().clone();
                Cost::of_any(model, function.clone(), inputs, targets)
            }
        }
    }
}

/// One output.
struct OutputLoss(usize);

impl AnyLoss for OutputLoss {
    fn slots(&self) -> Vec<Slot> {
        Vec::new()
    }

    fn fits(&self, outputs: &Shape, _: &[Shape]) -> Result<(), String> {
        let width = outputs.num_elements() / outputs[0].max(1);
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

/// A function of the outputs.
struct OfOutputs<F>(F);

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

/// See [`Measurement::margin`].
#[derive(Clone)]
struct Margin;

impl Loss for Margin {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        CrossEntropy.check_shapes(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<1> {
        let [batch, count] = outputs.dims();
        let asked = of_classes(outputs.clone(), &classes);
        let all = Tensor::<1, Int>::arange(0..count as i64, &classes.device());
        let all = all.cast(classes.dtype()).unsqueeze_dim::<2>(0);
        let is_asked: Tensor<2, Bool> = all
            .expand([batch, count])
            .equal(classes.reshape([batch, 1]).expand([batch, count]));
        let others = outputs.mask_fill(is_asked, f64::NEG_INFINITY);
        let largest = others.clone().max_dim(1);
        let sum = (others - largest.clone()).exp().sum_dim(1);
        asked - (sum.log() + largest).reshape([batch])
    }

    fn check(&self, classes: &Tensor<1, Int>, outputs: usize) -> Result<(), CurvatureError> {
        CrossEntropy.check(classes, outputs)
    }
}

/// See [`Measurement::probability`].
#[derive(Clone)]
struct Probability;

impl Loss for Probability {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        CrossEntropy.check_shapes(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<1> {
        of_classes(activation::log_softmax(outputs, 1), &classes).exp()
    }

    fn check(&self, classes: &Tensor<1, Int>, outputs: usize) -> Result<(), CurvatureError> {
        CrossEntropy.check(classes, outputs)
    }
}

/// The element at each row's class.
fn of_classes(rows: Tensor<2>, classes: &Tensor<1, Int>) -> Tensor<1> {
    let [batch, _] = rows.dims();
    rows.gather(1, classes.clone().reshape([batch, 1]))
        .reshape([batch])
}
