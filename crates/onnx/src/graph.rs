//! A network as a list of steps, run one after the other.

use std::fmt;

use burn::backend::DispatchTensor;

use crate::{
    error::OnnxProblem,
    operator::{Arguments, Operation},
    value::{Place, Value},
};

/// A network, ready to run. Its tensors stand in slots, by number.
pub(crate) struct Graph {
    pub(crate) steps: Vec<Step>,
    /// Number of slots.
    pub(crate) slots: usize,
    /// Constants, and where they stand.
    pub(crate) constants: Vec<(usize, Value)>,
    /// Where the module's tensors stand, in their order.
    pub(crate) weights: Vec<usize>,
    /// Where the inputs stand, in their order.
    pub(crate) inputs: Vec<usize>,
    /// Where the output stands.
    pub(crate) output: usize,
}

/// One operation.
pub(crate) struct Step {
    pub(crate) node: String,
    pub(crate) operator: String,
    pub(crate) operation: Operation,
    /// What it reads; nothing where an input is left out.
    pub(crate) inputs: Vec<Option<usize>>,
    /// What it writes; nothing where no one reads.
    pub(crate) outputs: Vec<Option<usize>>,
    /// Slots that no one reads after it.
    pub(crate) last: Vec<usize>,
}

impl Step {
    /// What it makes of the tensors in `slots`.
    pub(crate) fn run(
        &self,
        slots: &[Option<Value>],
        place: &Place,
    ) -> Result<Vec<Value>, OnnxProblem> {
        let values = self.inputs.iter().map(|input| slots[(*input)?].clone());
        let arguments = Arguments {
            place,
            values: values.collect(),
        };
        let found = self.operation.run(&arguments);
        found.map_err(|reason| OnnxProblem::Node {
            node: self.node.clone(),
            operator: self.operator.clone(),
            reason,
        })
    }
}

impl Graph {
    /// The output, of the module's tensors and the inputs.
    pub(crate) fn run(
        &self,
        weights: Vec<DispatchTensor>,
        inputs: Vec<Value>,
        place: &Place,
    ) -> Result<Value, OnnxProblem> {
        let mut slots = vec![None; self.slots];
        for (slot, value) in &self.constants {
            slots[*slot] = Some(value.clone());
        }
        for (slot, tensor) in self.weights.iter().zip(weights) {
            slots[*slot] = Some(Value::Device(tensor));
        }
        for (slot, value) in self.inputs.iter().zip(inputs) {
            slots[*slot] = Some(value);
        }
        for step in &self.steps {
            let outputs = step.run(&slots, place)?;
            for (slot, value) in step.outputs.iter().zip(outputs) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(value);
                }
            }
            step.last.iter().for_each(|&slot| slots[slot] = None);
        }
        let output = slots[self.output].take();
        output.ok_or_else(|| OnnxProblem::Graph("nothing makes the output".into()))
    }

    /// Notes after which step each slot is read no more.
    pub(crate) fn note_last_reads(&mut self) {
        let mut last = vec![None; self.slots];
        for (at, step) in self.steps.iter().enumerate() {
            let all = step.inputs.iter().chain(&step.outputs).flatten();
            all.for_each(|&slot| last[slot] = Some(at));
        }
        last[self.output] = None;
        for (slot, at) in last.into_iter().enumerate() {
            if let Some(at) = at {
                self.steps[at].last.push(slot);
            }
        }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("steps", &self.steps.len())
            .finish()
    }
}
