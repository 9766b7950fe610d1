//! The order of operations that suits graphics devices.

use std::collections::HashMap;

use burn_ir::{OperationIr, TensorId};

use super::work::{Work, flattens, multiplies, reduces, work};
use crate::{Program, ProgramError};

/// Operations come forward past no more kernels than these, since what they make takes memory until it is used.
const AHEAD: usize = 8;

impl Program {
    /// The same operations in an order in which Burn runs elementwise ones within the kernel before them. It looks at operations
    /// one after another, and one that is not elementwise ends a kernel. So what needs nothing that is computed comes first; then,
    /// in turn, those matrix products and other kernels that can be started, and what follows from them elementwise.
    pub(super) fn schedule(self) -> Result<Self, ProgramError> {
        let order = Schedule::of(&self.operations).order();
        let operations = order.iter().map(|&i| self.operations[i].clone()).collect();
        let values = self.constant_values();
        let (inputs, outputs) = (self.inputs, self.outputs);
        let program = Self::renumber(self.settings, inputs, operations, outputs, values)?;
        Ok(program.named(self.names))
    }
}

/// Operations by position, and what has been put in order.
struct Schedule {
    work: Vec<Work>,
    multiplies: Vec<bool>,
    reduces: Vec<bool>,
    flattens: Vec<bool>,
    /// The operations that each needs, and those that need it.
    needs: Vec<Vec<usize>>,
    readers: Vec<Vec<usize>>,
    /// Whether it needs a kernel, itself or through others.
    late: Vec<bool>,
    /// Kernels before it in the program.
    kernels: Vec<usize>,
    done: Vec<bool>,
    order: Vec<usize>,
}

impl Schedule {
    fn of(operations: &[OperationIr]) -> Self {
        let count = operations.len();
        let mut makers: HashMap<TensorId, usize> = HashMap::new();
        let mut needs: Vec<Vec<usize>> = Vec::with_capacity(count);
        let mut readers = vec![Vec::new(); count];
        for (i, op) in operations.iter().enumerate() {
            let inputs = op.inputs();
            needs.push(inputs.filter_map(|t| makers.get(&t.id).copied()).collect());
            needs[i].iter().for_each(|&j| readers[j].push(i));
            makers.extend(op.outputs().map(|tensor| (tensor.id, i)));
        }
        let mut work: Vec<Work> = operations.iter().map(work).collect();
        let reduces: Vec<bool> = operations.iter().map(reduces).collect();
        for i in 0..count {
            // A reduction shares a kernel with what follows it elementwise, if anything does.
            if reduces[i] && !readers[i].iter().any(|&j| work[j] == Work::Elementwise) {
                work[i] = Work::Kernel;
            }
        }
        let (mut late, mut kernels, mut before) = (vec![false; count], vec![0; count], 0);
        for i in 0..count {
            late[i] = needs[i].iter().any(|&j| late[j] || work[j] == Work::Kernel);
            kernels[i] = before;
            before += usize::from(work[i] == Work::Kernel);
        }
        Self {
            work,
            multiplies: operations.iter().map(multiplies).collect(),
            reduces,
            flattens: operations.iter().map(flattens).collect(),
            needs,
            readers,
            late,
            kernels,
            done: vec![false; count],
            order: Vec::with_capacity(count),
        }
    }

    fn order(mut self) -> Vec<usize> {
        let count = self.work.len();
        for i in 0..count {
            if self.work[i] == Work::Layout && self.needs[i].iter().all(|&j| self.done[j]) {
                self.run(i);
            }
        }
        while let Some(first) = (0..count).find(|&i| self.waits(i, Work::Kernel)) {
            let near = self.near(first).filter(|&i| self.waits(i, Work::Kernel));
            let wave = near.filter(|&i| i == first || self.is_ready(i)).collect();
            self.wave(wave, first);
        }
        (0..count).for_each(|i| self.run(i));
        self.order
    }

    /// Runs kernels, and what they were waited for by. Burn ends a matrix product's kernel with the operation after it, whatever that
    /// is, and begins the next thereafter: before a product that is to have elementwise operations in its kernel, others go in
    /// pairs, or with something that can be done at any time.
    fn wave(&mut self, wave: Vec<usize>, first: usize) {
        let (leaders, others): (Vec<_>, Vec<_>) = wave.iter().partition(|&&i| self.leads(i, &wave));
        let (products, mut rest): (Vec<usize>, Vec<usize>) =
            others.into_iter().partition(|&i| self.multiplies[i]);
        if products.len() % 2 == 1 && rest.is_empty() {
            let mut flat = self.near(first).filter(|&i| self.flattens[i]);
            rest.extend(flat.find(|&i| !self.done[i] && self.is_ready(i)));
        }
        for i in products.into_iter().chain(rest) {
            self.run(i);
        }
        for i in leaders {
            self.run(i);
            self.follow(first, false);
        }
        self.follow(first, true);
    }

    /// Whether `i` is the last of `wave` that an elementwise operation waits for.
    fn leads(&self, i: usize, wave: &[usize]) -> bool {
        let elementwise = |j: usize| self.work[j] == Work::Elementwise && !self.reduces[j];
        let there = |k: usize| self.done[k] || self.is_early(k);
        let waits_for_last = |j: usize| {
            let mut needs = self.needs[j].iter();
            needs.all(|&k| k == i || there(k) || k < i && wave.contains(&k))
        };
        let mut readers = self.readers[i].iter();
        readers.any(|&j| elementwise(j) && waits_for_last(j))
    }

    /// Runs the elementwise operations that can be, and with `all` also reductions, what follows from them, and views.
    fn follow(&mut self, first: usize, all: bool) {
        let near: Vec<usize> = self.near(first).filter(|&i| self.late[i]).collect();
        for &i in &near {
            let now = all || !self.reduces[i];
            if now && self.waits(i, Work::Elementwise) && self.is_ready(i) {
                self.run(i);
            }
        }
        for &i in near.iter().filter(|_| all) {
            // Those that make a result flat are kept to go between products.
            if !self.flattens[i] && self.waits(i, Work::Layout) && self.is_ready(i) {
                self.run(i);
            }
        }
    }

    /// Runs operation `i`, and before it what it needs.
    fn run(&mut self, i: usize) {
        if self.done[i] {
            return;
        }
        for j in self.needs[i].clone() {
            self.run(j);
        }
        self.done[i] = true;
        self.order.push(i);
    }

    /// The operations up to a few kernels after `first`.
    fn near(&self, first: usize) -> impl Iterator<Item = usize> + use<'_> {
        let horizon = self.kernels[first] + AHEAD;
        (0..self.work.len()).take_while(move |&i| self.kernels[i] <= horizon)
    }

    fn waits(&self, i: usize, work: Work) -> bool {
        self.work[i] == work && !self.done[i]
    }

    /// Whether all that operation `i` needs is there, or needs no kernel itself.
    fn is_ready(&self, i: usize) -> bool {
        let mut needs = self.needs[i].iter();
        needs.all(|&j| self.done[j] || self.is_early(j))
    }

    fn is_early(&self, i: usize) -> bool {
        !self.late[i] && self.work[i] != Work::Kernel
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor, TensorData, activation::relu};

    use crate::{Program, Spec, compile::testing::on_flex};

    /// `relu(x w + b)` as a function of x, w and b.
    fn layer() -> Program {
        let specs = [vec![4, 3], vec![3, 5], vec![5]].map(|shape| Spec::new(shape, DType::F64));
        let settings = Device::flex().settings();
        let layer = Program::trace(&settings, &specs, |inputs| {
            let [x, w, b] = inputs.try_into().expect("three inputs");
            let product = Tensor::<2>::from_dispatch(x).matmul(Tensor::from_dispatch(w));
            let b = Tensor::<1>::from_dispatch(b).unsqueeze();
            Ok(vec![relu(product + b).into_dispatch()])
        });
        layer.unwrap()
    }

    fn names(program: &Program) -> Vec<String> {
        program.operations().collect()
    }

    #[test]
    fn what_follows_elementwise_comes_after_its_product() {
        let jvp = layer().jvp(&[0, 1, 2]).unwrap();
        let scheduled = jvp.clone().schedule().unwrap();
        let expected = [
            // The biases.
            "Reshape",
            "Reshape",
            // The tangent of x has no elementwise operation to itself; nothing is there to be paired with it.
            "Matmul",
            "Matmul",
            "Add",
            "Relu",
            "Matmul",
            "Add",
            "Add",
            "ReluBackward",
        ];
        assert_eq!(names(&scheduled), expected);
    }

    /// The same operations on the same numbers: the same bits.
    #[test]
    fn the_order_changes_nothing() {
        let layers = layer().vjp(&[0, 1, 2]).unwrap();
        let inputs = layers.inputs().into_iter().map(|spec| {
            let count = spec.shape.num_elements();
            let numbers: Vec<f64> = (0..count).map(|i| (1.7 * i as f64).sin()).collect();
            TensorData::new(numbers, spec.shape)
        });
        let inputs: Vec<_> = inputs.collect();
        let scheduled = layers.clone().schedule().unwrap();
        let mut sorted = [names(&layers), names(&scheduled)];
        sorted.iter_mut().for_each(|names| names.sort());
        assert_eq!(sorted[0], sorted[1]);
        assert_eq!(on_flex(&layers, &inputs), on_flex(&scheduled, &inputs));
    }
}
