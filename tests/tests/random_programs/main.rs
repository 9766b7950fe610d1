//! Random programs and their derivatives on a graphics device, where Burn puts operations together into kernels: the same results as
//! on the processor. `PROGRAMS=500` takes so many of each kind, `SEED=7` others.

mod choices;
mod pictures;
mod sequences;
mod steps;

use std::{
    cell::Cell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_tests::{host, numbers, wgpu};
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::{
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

use crate::{
    choices::Choices,
    steps::{Step, steps},
};

/// Programs of each kind where none were asked for.
const PROGRAMS: u32 = 6;
const STEPS: usize = 16;
const OUTPUTS: usize = 8;
/// Of each program: the last are recorded ones where the device records.
const RUNS: usize = 7;
/// Elements of a tensor, at most: larger ones are cut.
const LARGEST: usize = 2000;

/// Both devices round to 2^-24; what is compared are a few dozen operations one after another on numbers below ten, and sums of
/// a few dozen products.
const TOLERANCE: f64 = 5e-6;

/// The numbers that one step of a program is chosen by.
type Numbers = [u16; 8];

/// Programs of tensors with `D` dimensions.
struct Kind<const D: usize> {
    /// Shapes of the arguments.
    shapes: Vec<[usize; D]>,
    steps: Vec<Step<D>>,
}

/// A program, and its outputs' elements: those of each run, one run after the other.
struct Computed {
    program: Program,
    outputs: Vec<Vec<f64>>,
}

impl<const D: usize> Kind<D> {
    /// The last tensors that the steps make.
    fn made(&self, program: &[Numbers], arguments: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
        let mut there: Vec<Tensor<D>> = arguments.into_iter().map(Tensor::from_dispatch).collect();
        for numbers in program {
            let mut choices = Choices::of(numbers);
            let step = choices.of_slice(&self.steps);
            let next = step(&mut choices, &there);
            there.push(cut(next));
        }
        let made = there.split_off(self.shapes.len().max(there.len().saturating_sub(OUTPUTS)));
        made.into_iter().map(Tensor::into_dispatch).collect()
    }

    fn program(&self, steps: &[Numbers], device: &Device) -> Result<Program, ProgramError> {
        let specs = self
            .shapes
            .iter()
            .map(|&shape| Spec::new(shape, DType::F32));
        let specs: Vec<_> = specs.collect();
        Program::trace(&device.settings(), &specs, |x| Ok(self.made(steps, x)))
    }

    /// The derivatives along vectors and back and the function itself.
    fn compute(&self, steps: &[Numbers], device: &Device) -> Result<[Computed; 3], ProgramError> {
        let program = self.program(steps, device)?;
        let wrt: Vec<usize> = (0..self.shapes.len()).collect();
        let run = |program: Program| {
            let inputs = program.inputs().into_iter().enumerate();
            let inputs: Vec<_> = inputs
                .map(|(i, spec)| argument::<D>(&spec, i, device))
                .collect();
            let compiled = program.clone().compile(device).recorded();
            let mut outputs = Vec::new();
            for _ in 0..RUNS {
                let found = compiled.run(inputs.clone())?.into_iter();
                outputs.extend(found.map(|output| host(Tensor::<D>::from_dispatch(output))));
            }
            Ok(Computed { program, outputs })
        };
        Ok([
            run(program.jvp(&wrt)?)?,
            run(program.vjp(&wrt)?)?,
            run(program)?,
        ])
    }

    /// What differs on the device, and where.
    fn differences(&self, steps: &[Numbers], device: &Device) -> Result<String, ProgramError> {
        let (expected, found) = (
            self.compute(steps, &Device::flex())?,
            self.compute(steps, device)?,
        );
        let mut differences = String::new();
        for (expected, Computed { program, outputs }) in expected.iter().zip(&found) {
            let count = program.outputs().len();
            let pairs = outputs.iter().zip(&expected.outputs).enumerate();
            let wrong: Vec<_> = pairs
                .filter(|(_, (found, expected))| !agree(found, expected))
                .collect();
            for (i, (found, expected)) in &wrong {
                let (run, output) = (i / count, i % count);
                differences +=
                    &format!("run {run}, output {output}: found {found:.3?}, not {expected:.3?}\n");
            }
            if !wrong.is_empty() {
                differences += &format!("of\n{program}\n");
            }
        }
        Ok(differences)
    }

    /// Computes random programs, the same ones each time.
    fn check(&self) {
        let Some(gpu) = wgpu() else { return };
        let config = Config {
            cases: asked("PROGRAMS", PROGRAMS),
            failure_persistence: None,
            max_shrink_iters: 256,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&asked("SEED", 0).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let programs = proptest::collection::vec(any::<Numbers>(), 1..=STEPS);
        // A device where something stopped gives nothing but errors from then on, which says nothing of smaller programs.
        let stopped = Cell::new(false);
        let outcome = TestRunner::new_with_rng(config, rng).run(&programs, |program| {
            if stopped.get() {
                return Ok(());
            }
            let differences = catch_unwind(AssertUnwindSafe(|| self.differences(&program, &gpu)));
            match differences {
                Ok(Ok(differences)) if differences.is_empty() => Ok(()),
                Ok(Ok(differences)) => Err(TestCaseError::fail(differences)),
                Ok(Err(error)) => Err(TestCaseError::fail(error.to_string())),
                Err(_) => {
                    stopped.set(true);
                    let program = self.program(&program, &gpu)?;
                    Err(TestCaseError::fail(format!("stopped in\n{program}")))
                }
            }
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
}

/// The beginning of what has too many elements.
fn cut<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let mut dims = x.dims();
    for i in 0..D {
        if dims.iter().product::<usize>() > LARGEST {
            dims[i] = dims[i].min(2);
        }
    }
    if dims == x.dims() {
        x
    } else {
        x.slice(dims.map(|len| 0..len))
    }
}

fn argument<const D: usize>(spec: &Spec, seed: usize, device: &Device) -> DispatchTensor {
    let count = spec.shape.num_elements();
    let data = TensorData::new(numbers(count, seed as u64), spec.shape.clone());
    Tensor::<D>::from_data(data, device).into_dispatch()
}

fn asked(name: &str, default: u32) -> u32 {
    let value = env::var(name).ok().and_then(|it| it.parse().ok());
    value.unwrap_or(default)
}

fn agree(found: &[f64], expected: &[f64]) -> bool {
    let mut pairs = found.iter().zip(expected);
    found.len() == expected.len()
        && pairs
            .all(|(found, expected)| (found - expected).abs() < TOLERANCE * (1.0 + expected.abs()))
}

fn all<const D: usize>(further: &[Step<D>]) -> Vec<Step<D>> {
    let mut steps = steps();
    steps.extend(further);
    steps
}

#[test]
fn of_matrices() {
    let shapes = vec![[6, 8], [6, 1], [1, 8], [6, 3], [8, 3], [6, 8]];
    Kind {
        shapes,
        steps: all(&[]),
    }
    .check();
}

#[test]
fn of_sequences() {
    let shapes = vec![
        [2, 6, 4],
        [2, 1, 4],
        [4, 6, 3],
        [2, 6, 1],
        [1, 4, 6],
        [2, 6, 4],
    ];
    Kind {
        shapes,
        steps: all(&sequences::STEPS),
    }
    .check();
}

#[test]
fn of_pictures() {
    let shapes = vec![
        [2, 3, 6, 4],
        [2, 1, 6, 4],
        [4, 3, 3, 3],
        [1, 3, 1, 1],
        [3, 1, 2, 2],
        [1, 1, 6, 4],
    ];
    Kind {
        shapes,
        steps: all(&pictures::STEPS),
    }
    .check();
}
