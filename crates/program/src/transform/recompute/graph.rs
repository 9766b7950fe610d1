//! A program's operations and tensors by number.

use burn_ir::{FloatOperationIr, NumericOperationIr, OperationIr};

use crate::{
    ir::{
        operation::{index, name},
        program::Program,
    },
    run::memory::{Memory, memory},
};

/// What an order of a program's operations is judged by.
pub(super) struct OperationGraph {
    /// The tensors that each operation reads, and those that it makes.
    pub reads: Vec<Vec<usize>>,
    pub makes: Vec<Vec<usize>>,
    /// The operation that makes a tensor; none of inputs and constants.
    pub maker: Vec<Option<usize>>,
    /// Where each tensor's elements stand. Inputs and constants do not count.
    pub memory: Vec<Memory>,
    /// How often each tensor is read, outputs included.
    pub uses: Vec<u32>,
    pub outputs: Vec<usize>,
    /// Roughly how many multiplications each operation takes.
    pub work: Vec<f64>,
    /// Whether an operation gives the same when it runs again.
    pub repeatable: Vec<bool>,
}

impl OperationGraph {
    pub fn new(program: &Program) -> Self {
        let tensors = program.uses.len();
        let (mut maker, mut stands) = (vec![None; tensors], vec![Memory::Own(0); tensors]);
        for (position, op) in program.operations.iter().enumerate() {
            for out in op.outputs() {
                maker[index(out)] = Some(position);
                stands[index(out)] = memory(op, out);
            }
        }
        let operations = || program.operations.iter();
        Self {
            reads: operations()
                .map(|op| op.inputs().map(index).collect())
                .collect(),
            makes: operations()
                .map(|op| op.outputs().map(index).collect())
                .collect(),
            maker,
            memory: stands,
            uses: program.uses.clone(),
            outputs: program.outputs.iter().map(index).collect(),
            work: operations().map(work).collect(),
            repeatable: operations().map(repeatable).collect(),
        }
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.reads.len()
    }

    /// Bytes that a tensor takes of its own.
    pub fn bytes(&self, tensor: usize) -> usize {
        match self.memory[tensor] {
            Memory::Own(bytes) => bytes,
            Memory::Of(_) => 0,
        }
    }

    /// The tensor in whose memory the elements of `tensor` stand.
    pub fn owner(&self, mut tensor: usize) -> usize {
        while let Memory::Of(source) = self.memory[tensor] {
            tensor = source;
        }
        tensor
    }

    /// The operations that may wait until their results are asked for: those that do not depend on the inputs
    /// `varying`, if there are any, and what is made of inputs alone for a single reader, such as a slice of a vector.
    pub fn patient(&self, program: &Program, varying: &[usize]) -> Vec<bool> {
        let mut depends = vec![varying.is_empty(); self.maker.len()];
        for &i in varying {
            depends[index(&program.inputs[i])] = true;
        }
        let mut patient = vec![false; self.len()];
        for op in 0..self.len() {
            let of_inputs = |&tensor: &usize| {
                let maker = self.maker[tensor];
                maker.is_none_or(|maker| patient[maker] && self.uses[tensor] == 1)
            };
            let varies = varying.is_empty() || self.reads[op].iter().any(|&it| depends[it]);
            patient[op] = !varies || self.reads[op].iter().all(of_inputs);
            self.makes[op].iter().for_each(|&out| depends[out] = varies);
        }
        patient
    }

    /// All operations in their order, the `patient` ones as late as others let them be.
    pub fn postponed(&self, patient: &[bool]) -> Vec<usize> {
        let mut demand = Demand::after(Vec::new(), self.len());
        let waiting = |tensor: usize| self.maker[tensor].filter(|&maker| patient[maker]);
        for op in (0..self.len()).filter(|&op| !patient[op]) {
            demand.run(self, op, waiting);
        }
        for maker in self.outputs.iter().filter_map(|&out| self.maker[out]) {
            if !demand.ran[maker] {
                demand.run(self, maker, waiting);
            }
        }
        demand.order
    }
}

/// An order of operations in which some run when another needs them.
pub(super) struct Demand {
    pub order: Vec<usize>,
    /// Which have run since it began.
    ran: Vec<bool>,
}

impl Demand {
    /// Goes on after `order`, of a program of so many `operations`.
    pub fn after(order: Vec<usize>, operations: usize) -> Self {
        Self {
            order,
            ran: vec![false; operations],
        }
    }

    /// Runs `op`, and before it what has not run of the operations that `wanted` names for what is read.
    pub fn run(
        &mut self,
        graph: &OperationGraph,
        op: usize,
        wanted: impl Fn(usize) -> Option<usize>,
    ) {
        let mut stack = vec![op];
        while let Some(&top) = stack.last() {
            let mut makers = graph.reads[top].iter().filter_map(|&it| wanted(it));
            match makers.find(|&maker| !self.ran[maker]) {
                Some(maker) => stack.push(maker),
                None => {
                    stack.pop();
                    self.ran[top] = true;
                    self.order.push(top);
                }
            }
        }
    }
}

/// The size of the result, times that of a product's sums.
fn work(op: &OperationIr) -> f64 {
    let made = op.outputs().map(|out| out.shape.num_elements());
    let made = made.sum::<usize>() as f64;
    let terms = match op {
        OperationIr::Float(_, FloatOperationIr::Matmul(d)) => {
            d.lhs.shape.iter().next_back().copied()
        }
        OperationIr::Module(_) if name(op).starts_with("Conv") => {
            let weight = op.inputs().nth(1).map(|it| &it.shape);
            weight.map(|it| it.num_elements() / it[0].max(1))
        }
        _ => None,
    };
    made * terms.unwrap_or(1).max(1) as f64
}

/// Programs are pure functions: what is drawn or handed to others never comes to stand in one, and would not be run
/// twice if it did.
fn repeatable(op: &OperationIr) -> bool {
    !matches!(
        op,
        OperationIr::Float(_, FloatOperationIr::Random(_))
            | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
            | OperationIr::Custom(_)
            | OperationIr::Distributed(_)
            | OperationIr::Init(_)
            | OperationIr::Drop(_)
    )
}
