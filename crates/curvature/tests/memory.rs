//! What a product needs in memory: one batch's activations and a few vectors, however many batches there are.
//!
//! By the process's peak resident set, which only Linux tells and only a process that does nothing else means something
//! of: one test in a file of its own.

use std::{convert::Infallible, fs};

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
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
    fs::write("/proc/self/clear_refs", "5").ok()?;
    operator.apply(v).unwrap();
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kib)
}

#[test]
fn a_product_needs_one_batch_and_a_few_vectors() {
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
