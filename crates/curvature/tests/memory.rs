//! What a product needs in memory: one batch's activations and a few vectors, however many batches there are, and only
//! some of the activations where others are computed again.
//!
//! By the process's peak resident set, which only Linux tells and only a process that does nothing else means something
//! of: tests in a file of their own, one after another.

use std::{
    convert::Infallible,
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
};

use backdraft_curvature::{BatchFunction, Cost, CrossEntropy, Curvature, LinearOperator, Model};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Tensor, activation},
};

const BATCH: usize = 128;
const INPUTS: usize = 256;
const HIDDEN: usize = 1024;
const OUTPUTS: usize = 10;
/// Batches of the smaller data set; the larger one has eight times as many.
const BATCHES: usize = 8;

/// Layers of the deep network, and its examples.
const DEPTH: usize = 32;
const DEEP_BATCH: usize = 1024;

/// Held while a test measures.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

/// Examples that are made when they are read: none are there before or after.
fn cost(batches: usize) -> Cost {
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let net = double(Net {
        first: layer(INPUTS, HIDDEN),
        second: layer(HIDDEN, OUTPUTS),
    });
    let forward =
        |net: &Net, x: Tensor<2>| net.second.forward(activation::relu(net.first.forward(x)));
    let pass = move || {
        (0..batches as u64).map(|i| {
            let inputs = random([BATCH, INPUTS], i);
            let labels: Vec<i64> = (0..BATCH as i64).map(|i| i % OUTPUTS as i64).collect();
            Ok::<_, Infallible>((inputs, classes(&labels)))
        })
    };
    let model = Model::new(&net, forward).unwrap();
    Cost::streamed(model, CrossEntropy, batches * BATCH, pass).unwrap()
}

/// The peak of the resident set, in bytes, during a product that keeps up to `memory` bytes.
fn peak(batches: usize, memory: usize) -> Option<usize> {
    let cost = cost(batches);
    let operator = cost.gauss_newton().with_memory(memory);
    let v = vector(&numbers(operator.dim(), 3));
    peak_of(|| operator.apply(v).unwrap())
}

/// The peak of the resident set, in bytes, while `f` runs.
fn peak_of<T>(f: impl FnOnce() -> T) -> Option<usize> {
    fs::write("/proc/self/clear_refs", "5").ok()?;
    f();
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kib)
}

#[test]
fn a_product_needs_one_batch_and_a_few_vectors() {
    let _alone = alone();
    // Programs and threads are there before what is compared.
    peak(1, 0);
    let (Some(few), Some(many), Some(all)) = (
        peak(BATCHES, 0),
        peak(8 * BATCHES, 0),
        peak(8 * BATCHES, usize::MAX),
    ) else {
        eprintln!("skipped: this system does not tell the peak of a process's memory");
        return;
    };
    let batch = 8 * BATCH * (INPUTS + HIDDEN);
    // What the allocator has in reserve is worth a few batches. Were they kept, and so they are with memory for it,
    // there would be 56 more.
    assert!(many < few + 4 * batch, "{few} bytes, then {many}");
    assert!(all > many + 40 * batch, "{all} bytes kept, {many} not");
}

#[derive(Module, Debug)]
struct DeepNet {
    layers: Vec<Linear>,
}

/// The gradient of a deep network, and its products with the Gauss-Newton matrix and with the Hessian.
struct DeepProducts {
    cost: Cost,
    matrices: [Curvature; 2],
    v: Tensor<1>,
}

impl DeepProducts {
    fn new(model: impl Fn(Model) -> Model) -> Self {
        const WIDTH: usize = 64;
        let layer = |_| LinearConfig::new(WIDTH, WIDTH).init(&device());
        let net = double(DeepNet {
            layers: (0..DEPTH).map(layer).collect(),
        });
        let forward = |net: &DeepNet, x: Tensor<2>| {
            let layers = net.layers.iter();
            layers.fold(x, |x, layer| activation::tanh(layer.forward(x)))
        };
        let model = model(Model::new(&net, forward).unwrap());
        let labels: Vec<i64> = (0..DEEP_BATCH as i64).map(|i| i % WIDTH as i64).collect();
        let inputs = random([DEEP_BATCH, WIDTH], 1);
        let cost = Cost::new(model, CrossEntropy, inputs, classes(&labels)).unwrap();
        let cost = cost.with_batch_size(DEEP_BATCH).unwrap();
        Self {
            matrices: [cost.gauss_newton(), cost.hessian()].map(|it| it.with_memory(0)),
            v: vector(&numbers(cost.model().dim(), 3)),
            cost,
        }
    }

    /// The bytes that are counted.
    fn counted(&self) -> [usize; 3] {
        let gradient = self.cost.program(BatchFunction::GRADIENT).unwrap();
        let [matrix, hessian] = self.matrices.each_ref().map(|it| it.program().unwrap());
        [gradient, matrix, hessian].map(|program| program.peak_bytes())
    }

    /// Peaks of the resident set, in bytes.
    fn measured(&self) -> Option<[usize; 3]> {
        let product = |matrix: &Curvature| peak_of(|| matrix.apply(self.v.clone()).unwrap());
        let gradient = peak_of(|| self.cost.gradient().unwrap());
        let [matrix, hessian] = &self.matrices;
        Some([gradient?, product(matrix)?, product(hessian)?])
    }
}

#[test]
fn values_that_are_computed_again_need_not_be_held() {
    let _alone = alone();
    let (plain, less) = (
        DeepProducts::new(|model| model),
        DeepProducts::new(|model| model.recomputing(0)),
    );
    let counted = [&plain, &less].map(DeepProducts::counted);
    // What takes less comes first: the allocator may keep what it was given.
    let (Some(before), Some(less), Some(plain)) =
        (peak_of(|| ()), less.measured(), plain.measured())
    else {
        eprintln!("skipped: this system does not tell the peak of a process's memory");
        return;
    };
    let layer = 8 * DEEP_BATCH * 64;
    for (at, what) in ["grad", "gnvp", "hvp"].iter().enumerate() {
        let [plain_counted, less_counted] = counted.map(|it| it[at]);
        let [plain, less] = [plain[at], less[at]].map(|it| it.saturating_sub(before));
        let text = format!(
            "{what}: {plain_counted} bytes counted and {plain} measured, then {less_counted} and {less}"
        );
        eprintln!("{text}");
        assert!(plain > DEPTH * layer, "{text}");
        assert!(2 * less_counted < plain_counted, "{text}");
        assert!(2 * less < plain, "{text}");
        // To within what products take and the allocator keeps, what is measured is what is counted.
        assert!(2 * less < 3 * less_counted + 8 * layer, "{text}");
    }
}
