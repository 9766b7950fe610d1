//! What is measured of a network's answer to a query.

mod functions;
mod place;

use std::sync::Arc;

use backdraft_curvature::{AnyLoss, Cost, CurvatureError, Examples, IntoRows, Loss, Rows};
use burn::tensor::{Int, Tensor, TensorData};

pub(crate) use self::functions::Margin;

use self::{
    functions::{ChosenOutput, OfOutputs, OneOutput, Probability},
    place::{AtPlace, PartAt},
};

/// A number `m(f(theta; x))` for each query `x`, of the network's outputs for it: what influence on is asked about.
///
/// Scores of a measurement are in its units. It carries the targets that it compares with, one a query.
#[derive(Clone)]
pub struct Measurement {
    function: Function,
    targets: Vec<Rows>,
    /// Places that a query has, of which one is measured; none for queries as a whole.
    places: Option<usize>,
    mean: bool,
}

/// Of the outputs.
#[derive(Clone)]
enum Function {
    /// What the network was trained with.
    Loss,
    /// Another.
    Of(Arc<dyn AnyLoss>),
    /// Each output by itself.
    Outputs,
}

impl Measurement {
    /// The loss that the network was trained with, for `targets`.
    pub fn loss(targets: impl IntoRows) -> Self {
        Self::with(Function::Loss, targets.rows())
    }

    /// Another loss, or any function of outputs and targets.
    pub fn other_loss<L: Loss>(loss: L, targets: L::Targets) -> Self {
        Self::with(Function::Of(Arc::new(loss)), targets.into_rows())
    }

    /// The output number `index`, counted from 0 in a row of outputs: a logit, or a prediction.
    pub fn output(index: usize) -> Self {
        Self::of_outputs(OneOutput(index))
    }

    /// All outputs, each a number of its own: a query with `O` outputs has `O` rows of scores, in their order, the
    /// query number `q` those from `q O` on ([`Scores::outputs`](crate::Scores::outputs)). A solve a row.
    pub fn outputs() -> Self {
        Self::with(Function::Outputs, Vec::new())
    }

    /// How sure a network of logits is of a class: `y_c - log sum over k != c of exp y_k = log(p / (1 - p))`, for a
    /// class `c` a query (Park et al. 2023, "TRAK", Section 3.1). A single output is the logit of class 1 of two.
    pub fn margin(classes: Tensor<1, Int>) -> Self {
        Self::other_loss(Margin, classes)
    }

    /// The softmax probability of a class, for a class a query. A single output is the logit of class 1 of two.
    pub fn probability(classes: Tensor<1, Int>) -> Self {
        Self::other_loss(Probability, classes)
    }

    /// Any function of the outputs `[queries, outputs]`, to `[queries]`, of each row by itself. It is traced and
    /// differentiated like the network.
    pub fn of(function: impl Fn(Tensor<2>) -> Tensor<1> + Send + Sync + 'static) -> Self {
        Self::of_outputs(OfOutputs(function))
    }

    fn of_outputs(function: impl AnyLoss + 'static) -> Self {
        Self::with(Function::Of(Arc::new(function)), Vec::new())
    }

    fn with(function: Function, targets: Vec<Rows>) -> Self {
        Self {
            function,
            targets,
            places: None,
            mean: false,
        }
    }

    /// The same of one place alone of each query, such as the token of a sequence, the query number `q` at `at[q]` of
    /// `places`: of a row of outputs the part that belongs to it, which is as wide as that of every other place. With
    /// [`CrossEntropy`](backdraft_curvature::CrossEntropy) as [`other_loss`](Self::other_loss) it asks why a language
    /// model said this word here: the loss is that of one token, in nats, and the classes are the tokens there. The
    /// [`loss`](Self::loss) itself, whose targets are those of whole queries, becomes what the place adds to it
    /// ([`Loss::per_place`]): all places together are the loss.
    #[must_use]
    pub fn at_place(mut self, at: Tensor<1, Int>, places: usize) -> Self {
        // Another place in place of one that was named before.
        if self.places.is_some() {
            self.targets.pop();
        }
        self.targets.extend(at.rows());
        Self {
            places: Some(places),
            ..self
        }
    }

    /// The mean over all queries, and over all outputs where these are measured: one row of scores, from one solve.
    #[must_use]
    pub fn mean(self) -> Self {
        Self { mean: true, ..self }
    }

    pub(crate) fn is_mean(&self) -> bool {
        self.mean
    }

    /// Whether a rise of what is measured is a rise of a loss.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self.function, Function::Loss)
    }

    /// The cost whose examples' losses are what is measured of the queries `inputs`, at the parameters of `train`: for
    /// [`Evaluation::correlations`](crate::Evaluation::correlations). It has one number a query, a mean too, and one an
    /// output where these are measured.
    ///
    /// # Errors
    /// [`CurvatureError`] for queries that are not what the network reads, or another number of them than of targets.
    pub fn cost(&self, train: &Cost, inputs: impl IntoRows) -> Result<Cost, CurvatureError> {
        let (inputs, targets) = (inputs.rows(), self.targets.clone());
        self.of_each(match self.measured(train)? {
            None => train.with_examples(inputs, targets)?,
            Some(function) => Cost::of_any(train.model().clone(), function, inputs, targets)?,
        })
    }

    /// The same of the training examples `indices` themselves, to which the targets belong in this order; without
    /// indices, of all.
    ///
    /// # Errors
    /// As [`cost`](Self::cost); [`CurvatureError::Index`].
    pub(crate) fn cost_of_training(
        &self,
        train: &Cost,
        indices: Option<&[usize]>,
    ) -> Result<Cost, CurvatureError> {
        let examples = match indices {
            Some(indices) => train.select(indices)?,
            None => train.clone(),
        };
        let targets = self.targets.clone();
        self.of_each(match self.measured(train)? {
            None => examples.with_targets(targets)?,
            Some(function) => examples.with_any_loss(function, targets)?,
        })
    }

    /// What is measured of a network that was trained as `train`; none for its own loss.
    fn measured(&self, train: &Cost) -> Result<Option<Arc<dyn AnyLoss>>, CurvatureError> {
        Ok(Some(match (&self.function, self.places) {
            (Function::Loss, None) => return Ok(None),
            (Function::Loss, Some(places)) => Arc::new(PartAt::new(train, places)?),
            (Function::Of(of), None) => of.clone(),
            (Function::Of(of), Some(places)) => Arc::new(AtPlace {
                of: of.clone(),
                places,
            }),
            (Function::Outputs, None) => Arc::new(OneOutput(0)),
            (Function::Outputs, Some(_)) => {
                return Err(CurvatureError::Setting {
                    name: "at_place",
                    problem: "is of one number at a place, and all outputs are measured: measure one of them".into(),
                });
            }
        }))
    }

    /// The cost of each number that is measured of an example.
    fn of_each(&self, cost: Cost) -> Result<Cost, CurvatureError> {
        match self.function {
            Function::Outputs => every_output(cost),
            _ => Ok(cost),
        }
    }
}

/// The cost whose examples are the outputs of each of the examples of `cost`.
fn every_output(cost: Cost) -> Result<Cost, CurvatureError> {
    let [examples, outputs] = cost.outputs()?.dims();
    let repeated: Vec<usize> = (0..examples * outputs).map(|row| row / outputs).collect();
    let chosen: Vec<i64> = (0..repeated.len())
        .map(|row| (row % outputs) as i64)
        .collect();
    let chosen = TensorData::new(chosen, [repeated.len()]);
    let chosen = Tensor::<1, Int>::from_data(chosen, cost.model().device());
    cost.select(&repeated)?.with_loss(ChosenOutput, chosen)
}
