//! `run.json` of a run that follows gradient flows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Place, Record, RunRecord, Sizes, Timing, Unit, Versions};

/// Everything about a run that follows gradient flows. Times are step size times number of steps of gradient descent on
/// the mean training loss with its L2 term; losses are in the record's unit, distances those of parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowRecord {
    /// All settings, the seed among them.
    pub settings: Map<String, Value>,
    /// What computed.
    pub versions: Versions,
    /// What losses are measured in.
    pub unit: Unit,
    /// How much there was to do it with.
    pub sizes: Sizes,
    /// How long each stage took, in order.
    pub timings: Vec<Timing>,
    /// The flow with all examples.
    pub training: Vec<TrainingState>,
    /// The minimum with all examples.
    pub minimum: MinimumRecord,
    /// What is removed, one by one.
    pub removals: Vec<RemovalFlows>,
}

impl Record for FlowRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// The flow with all examples at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// The time.
    pub time: f64,
    /// The objective: the mean training loss with the L2 term.
    pub objective: f64,
    /// The norm of its gradient.
    pub gradient_norm: f64,
    /// The mean loss of the test examples.
    pub test_loss: f64,
    /// How far the parameters are from the minimum.
    pub distance: f64,
}

/// A minimum that L-BFGS came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinimumRecord {
    /// Whether the gradient became small enough, or nothing was left to gain.
    pub converged: bool,
    /// The norm of the objective's gradient there.
    pub gradient_norm: f64,
    /// The mean loss of the test examples there.
    pub test_loss: f64,
}

/// What comes of one removal, of an example or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalFlows {
    /// Its name: an example's index, or the group's.
    pub name: String,
    /// The training examples, and what is added to the weight of each: -1 removes it.
    pub changes: Vec<(usize, f64)>,
    /// Where they stand.
    pub sources: Vec<Place>,
    /// The minimum that the flow without them, from the start, leads to.
    pub minimum: MinimumRecord,
    /// How far that is from the minimum with all examples.
    pub minima_apart: f64,
    /// With all examples until a time, and without them from then on: `theta(T, s)`, by `s`.
    pub switched: Vec<SwitchedFlow>,
    /// With some weight of them from the start: `theta(t, eps)`, by `eps`.
    pub weighted: Vec<WeightedFlow>,
}

/// `theta(T, s)` for one `s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchedFlow {
    /// The time of the switch, `s`.
    pub switch: f64,
    /// By `T`.
    pub states: Vec<FlowedState>,
}

/// `theta(t, eps)` for one `eps`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedFlow {
    /// The part of the change of weights that is left out: 1 all examples as they are, 0 the whole change.
    pub weight: f64,
    /// By `t`.
    pub states: Vec<FlowedState>,
}

/// A flow at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowedState {
    /// The time.
    pub time: f64,
    /// How far the parameters are from the minimum without the removed examples.
    pub distance: f64,
    /// How far they are from those of the flow with all examples at the same time.
    pub moved: f64,
    /// How far they are from those of the flow that never had the removed examples, at the same time.
    pub unseen: f64,
    /// How far these two flows are apart then: what the examples have done so far.
    pub effect: f64,
    /// The mean loss of the removed examples.
    pub removed_loss: f64,
    /// The mean loss of the test examples.
    pub test_loss: f64,
    /// How far they are from those of the flow with all examples at the same time, along the way from the minimum with
    /// all to that without the removed ones.
    pub across: f64,
}
