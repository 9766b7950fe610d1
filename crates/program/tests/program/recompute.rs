//! Programs that compute some of their values twice: the same bits in less memory. In f64 on flex.

use backdraft_program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_test_support::{device, random};
use burn::{
    Tensor,
    tensor::{DType, activation},
};

use super::derivatives::host;

const DEPTH: usize = 64;
const ROWS: usize = 16;
const COLUMNS: usize = 8;
/// Bytes of a layer's values.
const LAYER: usize = ROWS * COLUMNS * 8;

/// `tanh(x w)`, again and again.
fn layers(inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
    let [x, w] = inputs.try_into().expect("two inputs");
    let (mut x, w) = (Tensor::<2>::from_dispatch(x), Tensor::<2>::from_dispatch(w));
    for _ in 0..DEPTH {
        x = activation::tanh(x.matmul(w.clone()));
    }
    Ok(vec![x.into_dispatch()])
}

fn program() -> Program {
    let specs = [[ROWS, COLUMNS], [COLUMNS, COLUMNS]].map(|shape| Spec::new(shape, DType::F64));
    Program::trace(&device().settings(), &specs, layers).unwrap()
}

fn count(program: &Program, name: &str) -> usize {
    program.operations().filter(|found| found == name).count()
}

/// The outputs for arguments that are the same everywhere.
fn outputs(program: &Program) -> Vec<Vec<f64>> {
    let inputs = program.inputs().into_iter().enumerate().map(|(i, spec)| {
        let shape: [usize; 2] = spec.shape.as_slice().try_into().unwrap();
        (random(shape, i as u64) * 0.5).into_dispatch()
    });
    let outputs = program.call(inputs.collect()).unwrap();
    outputs.into_iter().map(host).collect()
}

/// With `n` segments, `n` checkpoints and the values of one segment are there, and what the reverse pass is at: for 64
/// layers 16 of them, not 64.
#[test]
fn a_deep_network_takes_the_root_of_its_layers() {
    let gradient = program().gradient(&[1]).unwrap();
    let least = gradient.recompute(&[], 0).unwrap();
    assert!(gradient.peak_bytes() >= DEPTH * LAYER);
    assert!(least.peak_bytes() <= 24 * LAYER, "{}", least.peak_bytes());
    assert_eq!(outputs(&least), outputs(&gradient));
    // One more forward pass at most.
    assert_eq!(count(&gradient, "Tanh"), DEPTH);
    let tanh = count(&least, "Tanh");
    assert!(DEPTH < tanh && tanh <= 2 * DEPTH, "{tanh}");
    assert_eq!(least.inputs(), gradient.inputs());
    assert_eq!(least.outputs(), gradient.outputs());
}

#[test]
fn no_more_is_computed_again_than_the_budget_asks_for() {
    let gradient = program().gradient(&[0, 1]).unwrap();
    let fits = gradient.recompute(&[], gradient.peak_bytes()).unwrap();
    assert_eq!(fits.to_string(), gradient.to_string());

    let mut before = DEPTH;
    for layers in [60, 48, 32, 26] {
        let found = gradient.recompute(&[], layers * LAYER).unwrap();
        assert!(found.peak_bytes() <= layers * LAYER, "{layers}");
        let tanh = count(&found, "Tanh");
        assert!(
            before <= tanh && tanh <= 2 * DEPTH,
            "{layers}: {before}, then {tanh}"
        );
        assert_eq!(outputs(&found), outputs(&gradient));
        before = tanh;
    }
    assert!(before > DEPTH);
}

/// What does not depend on the tangent goes forward with it, layer by layer, and nothing is computed twice for that.
#[test]
fn a_network_and_its_tangents_go_forward_together() {
    let map = program().jvp(&[1]).unwrap().linearize(&[2]).unwrap();
    let (plain, together) = (
        map.clone().compile(&device()),
        map.compile(&device()).recomputing(0),
    );
    let [first, then] = [&plain, &together].map(|map| map.program_at().unwrap());
    assert!(first.peak_bytes() >= DEPTH * LAYER);
    // A layer, the one before, their tangents, and what is under way.
    assert!(then.peak_bytes() <= 8 * LAYER, "{}", then.peak_bytes());
    assert_eq!(count(then, "Matmul"), count(first, "Matmul"));
    assert_eq!(outputs(then), outputs(first));
    assert!(together.recomputes() && !plain.recomputes());
}

/// Of a Hessian product, the reverse pass of the network waits for that of the tangents.
#[test]
fn second_derivatives_take_less_too() {
    let gradient = program().gradient(&[1]).unwrap().only_last();
    let product = gradient.jvp(&[1]).unwrap();
    let map = product.linearize(&[2]).unwrap();
    let (plain, less) = (
        map.clone().compile(&device()),
        map.compile(&device()).recomputing(0),
    );
    let [first, then] = [&plain, &less].map(|map| map.program_at().unwrap());
    assert!(
        3 * then.peak_bytes() < first.peak_bytes(),
        "{} of {}",
        then.peak_bytes(),
        first.peak_bytes()
    );
    assert_eq!(outputs(then), outputs(first));
}

/// A result that is read again later is no reason to compute it twice.
#[test]
fn outputs_are_kept() {
    let all = |inputs: Vec<DispatchTensor>| {
        let mut x = Tensor::<2>::from_dispatch(inputs[0].clone());
        let mut values = Vec::new();
        for _ in 0..8 {
            x = activation::tanh(x);
            values.push(x.clone().into_dispatch());
        }
        Ok(values)
    };
    let specs = [Spec::new([ROWS, COLUMNS], DType::F64)];
    let all = Program::trace(&device().settings(), &specs, all).unwrap();
    let gradient = all.gradient(&[0]).unwrap();
    let least = gradient.recompute(&[], 0).unwrap();
    assert_eq!(count(&least, "Tanh"), 8);
    assert_eq!(outputs(&least), outputs(&gradient));
}

/// Simplified, it is the program that it was.
#[test]
fn simplification_takes_equal_operations_for_one() {
    let gradient = program().gradient(&[1]).unwrap();
    let least = gradient.recompute(&[], 0).unwrap();
    let again = least.simplify().unwrap();
    assert_eq!(again.operations().count(), gradient.operations().count());
}

#[test]
fn what_varies_must_be_an_input() {
    let refused = program().recompute(&[2], 0).unwrap_err();
    assert!(matches!(
        refused,
        ProgramError::NotDifferentiable { index: 2, .. }
    ));
}

trait OnlyLast {
    /// The program with its last output alone.
    fn only_last(self) -> Self;
}

impl OnlyLast for Program {
    fn only_last(self) -> Self {
        let last = self.outputs().len() - 1;
        self.only_outputs(&[last]).unwrap()
    }
}
