//! Predictions for changed training examples, from the queries' solutions alone.

use backdraft_curvature::{Cost, Examples, IntoRows, Rows};
use backdraft_influence::{
    SolveInfo, input_scores, replacement_changes, replacement_scores, target_scores,
};
use burn::tensor::{Int, Tensor};

use crate::{AttributionError, Influence, Measurement};

/// What it does to what is measured of queries that a training example is replaced by another (Koh & Liang 2017,
/// Sections 2.2 and 5.2): other inputs, another label, both; moved a little or far, a word by another.
///
/// All predictions are of `m(changed) - m(as it was)`, each change by itself, in the units of `m`, the factor `1/N`
/// included: negative where what is measured falls, so that of a loss a negative one mends the query. They take no
/// solve: [`Influence::perturb`] makes one for each query. To remove an example is no replacement: that is
/// [`Influence::scores`].
pub struct Perturbations {
    pub(super) train: Cost,
    pub(super) queries: Cost,
    pub(super) mean: bool,
    /// `[rows, dim]`.
    solutions: Tensor<2>,
    solves: Vec<SolveInfo>,
}

impl Influence {
    /// What changes of training examples do to what is measured of the queries `inputs`: one solve a query, or one in
    /// all for a mean.
    ///
    /// # Errors
    /// As [`scores`](Self::scores).
    pub fn perturb(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
    ) -> Result<Perturbations, AttributionError> {
        let queries = measurement.cost(&self.train, inputs)?;
        let mean = measurement.is_mean();
        let (solutions, solves) = self.solutions(&queries, mean)?;
        Ok(Perturbations {
            solves,
            mean,
            ..Perturbations::new(&self.train, &queries, Tensor::stack(solutions, 0))?
        })
    }

    /// The predicted changes of the parameters, `theta(changed) - theta`, `[dim]` each, when the training example
    /// `indices[j]` is replaced by the one of row `j` of `inputs` and `targets`, each by itself: `-1/N A^-1 (grad L(z')
    /// - grad L(z))`. One system each.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] for examples that are not what the network and the loss read;
    /// [`AttributionError::Solve`].
    pub fn parameter_changes(
        &self,
        indices: &[usize],
        inputs: impl IntoRows,
        targets: impl IntoRows,
    ) -> Result<Vec<Tensor<1>>, AttributionError> {
        let replacements = self.train.with_examples(inputs, targets)?;
        let inverse = self.solver().prepare(self.matrix())?;
        let found = replacement_changes(&self.train, &*inverse, indices, &replacements)?;
        Ok(found
            .into_iter()
            .map(|it| it.map(|it| it.vector))
            .collect::<Result<_, _>>()?)
    }
}

impl Perturbations {
    /// From solutions `A^-1 grad m` that there are already, a row a query, `[queries, dim]`. What is measured are the
    /// losses of `queries`; `train` is the cost of the training set.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] for rows of another length than the parameters.
    pub fn new(
        train: &Cost,
        queries: &Cost,
        solutions: Tensor<2>,
    ) -> Result<Self, AttributionError> {
        Ok(Self {
            solutions: train.model().vectors(solutions)?,
            train: train.clone(),
            queries: queries.clone(),
            mean: false,
            solves: Vec::new(),
        })
    }

    /// What the predictions are of: a row a query, or one for their mean.
    pub fn rows(&self) -> usize {
        self.solutions.dims()[0]
    }

    /// How the system of each row was solved, if it was solved here.
    pub fn solves(&self) -> &[SolveInfo] {
        &self.solves
    }

    /// The predicted changes when the training example `indices[j]` is replaced by the one of row `j` of `inputs` and
    /// `targets`, `[rows, replacements]`: for any difference of the two.
    ///
    /// # Errors
    /// [`AttributionError::Curvature`] for examples that are not what the network and the loss read, or that do not
    /// exist; [`AttributionError::Solve`] if there are not as many indices as replacements.
    pub fn replaced(
        &self,
        indices: &[usize],
        inputs: impl IntoRows,
        targets: impl IntoRows,
    ) -> Result<Tensor<2>, AttributionError> {
        let replacements = self.train.with_examples(inputs, targets)?;
        let solutions = self.solutions.clone();
        Ok(replacement_scores(
            &self.train,
            solutions,
            indices,
            &replacements,
        )?)
    }

    /// The same with each example's own targets.
    ///
    /// # Errors
    /// As [`replaced`](Self::replaced).
    pub fn moved(
        &self,
        indices: &[usize],
        inputs: impl IntoRows,
    ) -> Result<Tensor<2>, AttributionError> {
        let targets = self.train.select(indices)?.targets()?;
        self.replaced(indices, inputs, targets)
    }

    /// The predicted changes of one row when the targets of a training example are others, `[alternatives, N]`: each of
    /// `alternatives` has the targets of all training examples. The network is run twice, however many there are.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`] for a row that there is not; [`AttributionError::Curvature`] for targets that
    /// are not what the loss reads.
    pub fn relabelled(
        &self,
        row: usize,
        alternatives: &[Vec<Rows>],
    ) -> Result<Tensor<2>, AttributionError> {
        Ok(target_scores(
            &self.train,
            self.solution(row)?,
            alternatives,
        )?)
    }

    /// The same for a loss whose targets are classes, one an example: `[classes, N]`, in row `c` with every label
    /// replaced by the class `c`. 0 where it is the label already.
    ///
    /// # Errors
    /// As [`relabelled`](Self::relabelled).
    pub fn flipped(&self, row: usize, classes: usize) -> Result<Tensor<2>, AttributionError> {
        let device = self.train.model().device();
        let all = |class: usize| {
            let label = Tensor::<1, Int>::from_data([class as i64], device);
            label.expand([self.train.len()]).into_rows()
        };
        let alternatives: Vec<_> = (0..classes).map(all).collect();
        self.relabelled(row, &alternatives)
    }

    /// How one row answers to small changes of the training inputs, in their shape: the predicted change for each unit
    /// added to an input. Large where an input of a training example matters to the query: its saliency.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchQuery`] for a row that there is not; [`AttributionError::Curvature`] for inputs that
    /// are no floats, or not `X`.
    pub fn saliency<X: Examples>(&self, row: usize) -> Result<X, AttributionError> {
        Ok(input_scores(&self.train, self.solution(row)?)?)
    }

    /// `A^-1 grad m` of a row.
    pub(super) fn solution(&self, row: usize) -> Result<Tensor<1>, AttributionError> {
        let [len, dim] = self.solutions.dims();
        if row >= len {
            return Err(AttributionError::NoSuchQuery { query: row, len });
        }
        Ok(self.solutions.clone().narrow(0, row, 1).reshape([dim]))
    }
}
