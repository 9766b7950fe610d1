//! An order of a program's operations in which some run twice.

use burn_ir::{IrVisitorMut, OperationIr, TensorId, TensorIr};

use super::graph::{Demand, OperationGraph};
use crate::{
    ir::{error::ProgramError, operation::index, program::Program},
    run::memory::{Live, Memory},
};

/// An order of operations: a forward part, and after it the rest, which computes some of the forward part's results
/// again. A result that is computed again has a second name.
pub(super) struct Schedule {
    order: Vec<usize>,
    /// How many of `order` are the forward part.
    forward: usize,
    /// Which operations the forward part runs.
    in_forward: Vec<bool>,
    /// Which of its results are not kept for the rest.
    dropped: Vec<bool>,
}

impl Schedule {
    /// Every operation once.
    pub fn once(graph: &OperationGraph, order: Vec<usize>) -> Self {
        Self {
            forward: order.len(),
            order,
            in_forward: vec![true; graph.len()],
            dropped: vec![false; graph.maker.len()],
        }
    }

    /// The operations `order`, of which the first `forward` are cut into `segments`. What one segment hands to those
    /// after it is kept, and so is the last one whole; all else that the rest reads is computed again from that, a
    /// segment at most at a time.
    pub fn cut(graph: &OperationGraph, order: &[usize], forward: usize, segments: usize) -> Self {
        let times = Times::new(graph, &order[..forward]);
        let cuts = times.cuts(graph, &order[..forward], segments);
        let last = cuts.last().copied().unwrap_or(0);
        let mut dropped = vec![false; graph.maker.len()];
        let mut in_forward = vec![false; graph.len()];
        for (position, &op) in order[..forward].iter().enumerate() {
            in_forward[op] = true;
            let next = cuts.iter().find(|&&cut| cut > position);
            for &made in &graph.makes[op] {
                let handed_on = next.is_some_and(|&cut| times.read[made] >= cut);
                dropped[made] = position < last && !handed_on && graph.repeatable[op];
            }
        }
        graph.outputs.iter().for_each(|&out| dropped[out] = false);
        let mut demand = Demand::after(order[..forward].to_vec(), graph.len());
        for &op in &order[forward..] {
            demand.run(graph, op, |it| graph.maker[it].filter(|_| dropped[it]));
        }
        Self {
            order: demand.order,
            forward,
            in_forward,
            dropped,
        }
    }

    /// What `tensor` is called where the operation at `position` reads it.
    fn read(&self, position: usize, tensor: usize) -> usize {
        let again = position >= self.forward && self.dropped[tensor];
        tensor + if again { self.dropped.len() } else { 0 }
    }

    /// Whether the operation at `position` runs for the second time.
    fn again(&self, position: usize) -> bool {
        position >= self.forward && self.in_forward[self.order[position]]
    }

    /// What `tensor` is called where the operation at `position` makes it.
    fn made(&self, position: usize, tensor: usize) -> usize {
        let again = self.again(position);
        tensor + if again { self.dropped.len() } else { 0 }
    }

    /// As [`Program::peak_bytes`].
    pub fn peak(&self, graph: &OperationGraph) -> usize {
        let mut reads = vec![0; 2 * self.dropped.len()];
        graph.outputs.iter().for_each(|&out| reads[out] += 1);
        let steps = || self.order.iter().copied().enumerate();
        for (position, op) in steps() {
            for &tensor in &graph.reads[op] {
                reads[self.read(position, tensor)] += 1;
            }
        }
        let mut live = Live::new(reads);
        for (position, op) in steps() {
            for &tensor in &graph.makes[op] {
                let memory = match graph.memory[tensor] {
                    Memory::Of(source) => Memory::Of(self.read(position, source)),
                    own => own,
                };
                live.make(self.made(position, tensor), memory);
            }
            for &tensor in &graph.reads[op] {
                live.read(self.read(position, tensor));
            }
        }
        live.peak()
    }

    /// The work of what runs for the second time.
    pub fn work_again(&self, graph: &OperationGraph) -> f64 {
        let again = (self.forward..self.order.len()).filter(|&it| self.again(it));
        again.map(|it| graph.work[self.order[it]]).sum()
    }

    /// `program` in this order.
    pub fn program(&self, program: &Program) -> Result<Program, ProgramError> {
        let operations = self.order.iter().enumerate().map(|(position, &op)| {
            let mut op = program.operations[op].clone();
            let made = op.outputs().map(index).collect();
            op.visit_mut(&mut Rename {
                schedule: self,
                position,
                made,
            });
            op
        });
        let operations: Vec<OperationIr> = operations.collect();
        let (inputs, outputs) = (program.inputs.clone(), program.outputs.clone());
        let values = program.constant_values();
        let ordered = Program::renumber(program.settings, inputs, operations, outputs, values)?;
        Ok(ordered.named(program.names.clone()))
    }
}

/// Gives the tensors of an operation the names that they have in its place.
struct Rename<'a> {
    schedule: &'a Schedule,
    position: usize,
    /// What it makes.
    made: Vec<usize>,
}

impl IrVisitorMut for Rename<'_> {
    fn visit_tensor_mut(&mut self, tensor: &mut TensorIr) {
        let name = index(tensor);
        let name = match self.made.contains(&name) {
            true => self.schedule.made(self.position, name),
            false => self.schedule.read(self.position, name),
        };
        tensor.id = TensorId::new(name as u64);
    }
}

/// When each tensor is made and last read within the forward part, by positions.
struct Times {
    made: Vec<usize>,
    read: Vec<usize>,
}

impl Times {
    fn new(graph: &OperationGraph, forward: &[usize]) -> Self {
        let tensors = graph.maker.len();
        let (mut made, mut read) = (vec![0; tensors], vec![0; tensors]);
        for (position, &op) in forward.iter().enumerate() {
            graph.makes[op].iter().for_each(|&it| made[it] = position);
            graph.reads[op].iter().for_each(|&it| read[it] = position);
        }
        Self { made, read }
    }

    /// Where to cut the forward part: into segments that make about the same number of bytes, each where the least has
    /// to be handed on.
    fn cuts(&self, graph: &OperationGraph, forward: &[usize], segments: usize) -> Vec<usize> {
        let handed_on = self.handed_on(graph, forward);
        let mut total = 0;
        let made: Vec<usize> = forward
            .iter()
            .map(|&op| {
                total += graph.makes[op]
                    .iter()
                    .map(|&it| graph.bytes(it))
                    .sum::<usize>();
                total
            })
            .collect();
        let mut cuts: Vec<usize> = Vec::new();
        for half in (1..2 * segments - 1).step_by(2) {
            // A cut before `position` has all that the operations until there made behind it.
            let at = |half: usize| {
                made.partition_point(|&bytes| {
                    bytes as u128 * 2 * segments as u128 <= total as u128 * half as u128
                })
            };
            let (from, to) = (at(half), at(half + 2));
            let first = cuts.last().map_or(1, |cut| cut + 1).max(from);
            let best = (first..to.min(forward.len())).min_by_key(|&it| handed_on[it]);
            cuts.extend(best);
        }
        cuts
    }

    /// Bytes that a cut before each position hands on.
    fn handed_on(&self, graph: &OperationGraph, forward: &[usize]) -> Vec<usize> {
        // Until when the memory of each tensor is read, through whichever name.
        let mut read = vec![0; graph.maker.len()];
        for &tensor in forward.iter().flat_map(|&op| &graph.makes[op]) {
            let owner = graph.owner(tensor);
            read[owner] = read[owner].max(self.read[tensor]);
        }
        let mut change = vec![0_isize; forward.len() + 1];
        for &tensor in forward.iter().flat_map(|&op| &graph.makes[op]) {
            if read[tensor] > self.made[tensor] {
                let bytes = graph.bytes(tensor) as isize;
                change[self.made[tensor] + 1] += bytes;
                change[read[tensor] + 1] -= bytes;
            }
        }
        let mut held = 0;
        let handed_on = change.into_iter().map(|change| {
            held += change;
            held.unsigned_abs()
        });
        handed_on.collect()
    }
}
