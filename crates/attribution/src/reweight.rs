//! What changes of the weights of training examples do to what is measured of queries.

use backdraft_curvature::{Cost, IntoRows};
use backdraft_influence::{
    SolveInfo,
    response::{Removal, estimate_all},
};
use burn::tensor::Tensor;

use crate::{
    AttributionError, Influence, Measurement,
    verify::{Extent, RemovalResponse, Verifier},
};

/// What changes of the weights of groups of training examples are predicted to do, `eps` in `R^n`: to first order the
/// sum over the group of the examples' scores, each times what is taken off its weight, found by one solve a group,
/// whatever is measured and however large the group is.
pub struct GroupChanges {
    /// `[groups, rows]`.
    values: Tensor<2>,
    /// `[groups, dim]`.
    parameters: Tensor<2>,
    solves: Vec<SolveInfo>,
    groups: Vec<Removal>,
    queries: Cost,
    mean: bool,
}

impl Influence {
    /// What each of `groups` is predicted to do by itself, to the parameters and to what is measured of the queries
    /// `inputs` ([`Removal::of`] takes a group away, [`Removal::reweight`] changes the weight of each of its examples):
    /// one solve a group, all of them as one block.
    ///
    /// # Errors
    /// [`AttributionError::Setting`] for no groups; [`AttributionError::Curvature`] for queries that are not what the
    /// network reads, and examples that do not exist; [`AttributionError::Solve`] for a group whose system is not
    /// solved to the tolerance, or weights that are not finite.
    pub fn reweight(
        &self,
        measurement: &Measurement,
        inputs: impl IntoRows,
        groups: &[Removal],
    ) -> Result<GroupChanges, AttributionError> {
        if groups.is_empty() {
            return Err(AttributionError::Setting {
                name: "groups",
                problem: "are none: name at least one".into(),
            });
        }
        let queries = measurement.cost(&self.train, inputs)?;
        let inverse = self.solver().prepare(self.matrix())?;
        let (mut parameters, mut solves) = (Vec::new(), Vec::new());
        for found in estimate_all(&self.train, &*inverse, groups)? {
            let found = found?;
            parameters.push(found.vector);
            solves.push(found.info);
        }
        let parameters = Tensor::stack(parameters, 0);
        let values = queries.directional_derivatives_many(parameters.clone())?;
        let mean = measurement.is_mean();
        Ok(GroupChanges {
            values: if mean { values.mean_dim(1) } else { values },
            parameters,
            solves,
            groups: groups.to_vec(),
            queries,
            mean,
        })
    }

    /// What the network really answers to the groups of `of`, each by itself: the changes of the same that is measured
    /// under the response that predictions are of, as a [`Verifier`] finds it, in at most `max_steps` each, to be held
    /// beside [`GroupChanges::of`]. One that cannot be found says so itself.
    ///
    /// # Errors
    /// [`AttributionError::Response`] for a damping that makes no sense.
    pub fn respond_to_groups(
        &self,
        of: &GroupChanges,
        max_steps: usize,
    ) -> Result<Vec<RemovalResponse>, AttributionError> {
        let kind = self.config.matrix.response();
        let verifier = Verifier::new(&self.train, &of.queries, self.config.damping, kind)?;
        let verifier = verifier.with_mean(of.mean).with_max_steps(max_steps);
        verifier.run_groups(&of.groups, Extent::Full)
    }
}

impl GroupChanges {
    /// The predicted changes `m(changed) - m(as it was)`, `[groups, rows]`, in the units of what is measured: a row a
    /// query, one a query and output ([`Measurement::outputs`]), or one for their mean.
    pub fn values(&self) -> Tensor<2> {
        self.values.clone()
    }

    /// Those of one group, on the host.
    ///
    /// # Errors
    /// [`AttributionError::NoSuchGroup`]; [`AttributionError::Read`].
    pub fn of(&self, group: usize) -> Result<Vec<f64>, AttributionError> {
        let [len, rows] = self.values.dims();
        if group >= len {
            return Err(AttributionError::NoSuchGroup { group, len });
        }
        let values = self.values.clone().slice([group..group + 1, 0..rows]);
        Ok(values.try_into_vec_as::<f64>()?)
    }

    /// The predicted changes of the parameters, `theta(changed) - theta`, `[groups, dim]`.
    pub fn parameters(&self) -> Tensor<2> {
        self.parameters.clone()
    }

    /// How the system of each group was solved, and how well.
    pub fn solves(&self) -> &[SolveInfo] {
        &self.solves
    }
}
