//! Random programs and their derivatives on a graphics device, where Burn puts operations together into kernels: the same results as
//! on the processor. `PROGRAMS=500` takes so many of them, `FIRST=17` begins with that one.

use std::env;

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_tests::{Outcome, host, numbers, wgpu};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};

/// Programs where none were asked for.
const PROGRAMS: u64 = 12;
const STEPS: usize = 16;
const OUTPUTS: usize = 8;
/// Of each program: the last are recorded ones where the device records.
const RUNS: usize = 7;
/// Shapes of the arguments.
const SHAPES: [[usize; 2]; 6] = [[6, 8], [6, 1], [1, 8], [6, 3], [8, 3], [6, 8]];

/// Both devices round to 2^-24; what is compared are a few dozen operations one after another on numbers below ten, and sums of
/// a few dozen products.
const TOLERANCE: f64 = 5e-6;

/// Random whole numbers that are the same everywhere.
struct Draw(u64);

impl Draw {
    fn of(seed: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| {
            draw.below(2);
        });
        draw
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % n as u64) as usize
    }

    fn of_slice<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Indices `[rows, columns]` into a dimension of `below`.
fn indices(
    draw: &mut Draw,
    rows: usize,
    columns: usize,
    below: usize,
    x: &Tensor<2>,
) -> Tensor<2, Int> {
    let start = draw.below(below) as i32;
    let count = (rows * columns) as i32;
    let indices = (0..count).map(|i| (start + i * i) % below as i32);
    let data = TensorData::new(indices.collect::<Vec<_>>(), [rows, columns]);
    Tensor::from_data(data, (&x.device(), DType::I32))
}

/// Something made of tensors that are there. Numbers stay below ten or so where those are.
fn step(draw: &mut Draw, there: &[Tensor<2>]) -> Tensor<2> {
    let x = draw.of_slice(there).clone();
    let [rows, columns] = x.dims();
    let fits = |y: &&Tensor<2>| {
        let mut dims = y.dims().into_iter().zip([rows, columns]);
        dims.all(|(a, b)| a == b || a == 1 || b == 1)
    };
    let fitting: Vec<_> = there.iter().filter(fits).cloned().collect();
    let y = draw.of_slice(&fitting).clone();
    match draw.below(24) {
        0 => x.tanh(),
        1 => activation::sigmoid(x),
        2 => activation::relu(x),
        3 => -x,
        4 => (x.clone() * 0.5).exp().log() + x * 0.25,
        5 | 6 => (x + y) * 0.7,
        7 => x - y,
        8 => (x * y).tanh(),
        9 => x.max_pair(y),
        10 => {
            let mask = x.clone().greater_elem(0.137);
            x.mask_fill(mask, 0.5)
        }
        11 => x.sum_dim(draw.below(2)) * 0.3,
        12 => x.mean_dim(draw.below(2)),
        13 => x.max_dim(draw.below(2)),
        14 => activation::log_softmax(x, 1),
        15 => activation::softmax(x, draw.below(2)),
        16 => x.transpose(),
        17 => {
            let inner: Vec<_> = there.iter().filter(|y| y.dims()[0] == columns).collect();
            match inner.is_empty() {
                true => x.sin(),
                false => x.matmul((*draw.of_slice(&inner)).clone()) * 0.4,
            }
        }
        18 => {
            let indices = indices(draw, rows, 1, columns, &x);
            x.gather(1, indices)
        }
        19 => {
            let indices = indices(draw, 1, columns, rows, &x);
            x.gather(0, indices)
        }
        20 => {
            let count = 1 + draw.below(6);
            let indices = indices(draw, count, 1, rows, &x);
            x.select(0, indices.flatten::<1>(0, 1))
        }
        21 => x.slice([0..rows, draw.below(columns)..columns]),
        22 => {
            let beside: Vec<_> = there.iter().filter(|y| y.dims()[0] == rows).collect();
            let y = (*draw.of_slice(&beside)).clone();
            Tensor::cat(vec![x, y], 1).slice([0..rows, 0..columns.max(2)])
        }
        _ => x.reshape([columns, rows]),
    }
}

/// The program of a seed: the last tensors that `STEPS` steps make.
fn made(seed: u64, arguments: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
    let mut draw = Draw::of(seed);
    let mut there: Vec<Tensor<2>> = arguments.into_iter().map(Tensor::from_dispatch).collect();
    for _ in 0..STEPS {
        let next = step(&mut draw, &there);
        there.push(next);
    }
    let outputs = there.split_off(there.len() - OUTPUTS);
    outputs.into_iter().map(Tensor::into_dispatch).collect()
}

fn argument(spec: &Spec, seed: usize, device: &Device) -> DispatchTensor {
    let shape = [spec.shape[0], spec.shape[1]];
    let data = TensorData::new(numbers(shape[0] * shape[1], seed as u64), shape);
    Tensor::<2>::from_data(data, device).into_dispatch()
}

/// A program, and its outputs' elements: those of each run, one run after the other.
struct Computed {
    program: Program,
    outputs: Vec<Vec<f64>>,
}

/// The derivatives along vectors and back and the function itself.
fn compute(seed: u64, device: &Device) -> Result<[Computed; 3], ProgramError> {
    let specs = SHAPES.map(|shape| Spec::new(shape, DType::F32));
    let program = Program::trace(&device.settings(), &specs, |x| Ok(made(seed, x)))?;
    let wrt: Vec<usize> = (0..SHAPES.len()).collect();
    let run = |program: Program| {
        let inputs = program.inputs().into_iter().enumerate();
        let inputs: Vec<_> = inputs.map(|(i, spec)| argument(&spec, i, device)).collect();
        let compiled = program.clone().compile(device).recorded();
        let mut outputs = Vec::new();
        for _ in 0..RUNS {
            let found = compiled.run(inputs.clone())?.into_iter();
            outputs.extend(found.map(|output| host(Tensor::<2>::from_dispatch(output))));
        }
        Ok(Computed { program, outputs })
    };
    Ok([
        run(program.jvp(&wrt)?)?,
        run(program.vjp(&wrt)?)?,
        run(program)?,
    ])
}

fn asked(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok().and_then(|it| it.parse().ok());
    value.unwrap_or(default)
}

fn agree(found: &[f64], expected: &[f64]) -> bool {
    let mut pairs = found.iter().zip(expected);
    found.len() == expected.len()
        && pairs
            .all(|(found, expected)| (found - expected).abs() < TOLERANCE * (1.0 + expected.abs()))
}

#[test]
fn random_programs_agree_with_the_processor() -> Outcome {
    let Some(gpu) = wgpu() else { return Ok(()) };
    let (first, count) = (asked("FIRST", 0), asked("PROGRAMS", PROGRAMS));
    let mut wrong = Vec::new();
    for seed in first..first + count {
        let (expected, found) = (compute(seed, &Device::flex())?, compute(seed, &gpu)?);
        for (expected, Computed { program, outputs }) in expected.iter().zip(&found) {
            let count = program.outputs().len();
            for (i, (found, expected)) in outputs.iter().zip(&expected.outputs).enumerate() {
                if !agree(found, expected) {
                    let (run, i) = (i / count, i % count);
                    println!("program {seed}, run {run}, output {i}:\n{program}");
                    println!("found {found:.3?}, not {expected:.3?}");
                    wrong.push((seed, run, i));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "programs, runs and outputs: {wrong:?}");
    Ok(())
}
