//! Recorded runs on a graphics device: the same results, whichever arguments vary, and for as long as they are held.

use std::error::Error;

use backdraft::{
    curvature::{BatchOperator, Cost, CrossEntropy, LinearOperator, Model},
    models::{Mlp, MlpConfig},
    program::{Compiled, DispatchTensor, Program, ProgramError, Spec},
};
use backdraft_test_support::{Outcome, host, numbers, relative_error, wgpu};
use burn::{
    module::Module,
    tensor::{Bool, DType, Device, Int, Tensor, TensorData},
};

/// Sums of at most 64 products of numbers below one, on devices that round to 2^-24.
const TOLERANCE: f64 = 1e-6;

const RUNS: usize = 12;

fn matrix(rows: usize, columns: usize, seed: usize, device: &Device) -> Tensor<2> {
    let values = TensorData::new(numbers(rows * columns, seed as u64), [rows, columns]);
    Tensor::from_data(values, device)
}

/// Of two matrices and whole numbers: a product, a view and an argument as they are, numbers of each kind.
fn outputs(x: &[DispatchTensor]) -> Result<Vec<DispatchTensor>, ProgramError> {
    let [a, b, n] = [0, 1, 2].map(|i| x[i].clone());
    let (a, b) = (Tensor::<2>::from_dispatch(a), Tensor::<2>::from_dispatch(b));
    let n = Tensor::<1, Int>::from_dispatch(n);
    let product = a.clone().matmul(b.clone());
    Ok(vec![
        product.clone().tanh().into_dispatch(),
        a.clone().reshape([12]).into_dispatch(),
        a.into_dispatch(),
        b.transpose().into_dispatch(),
        product.greater_elem(0.0).into_dispatch(),
        (n * 3).into_dispatch(),
    ])
}

/// All outputs as numbers.
fn read(outputs: Vec<DispatchTensor>) -> Vec<f64> {
    let [product, view, whole, turned, sign, threefold] =
        <[DispatchTensor; 6]>::try_from(outputs).expect("six outputs");
    let matrix = |tensor| host(Tensor::<2>::from_dispatch(tensor));
    let sign = Tensor::<2, Bool>::from_dispatch(sign).int().float();
    let threefold = Tensor::<1, Int>::from_dispatch(threefold).float();
    [
        matrix(product),
        host(Tensor::<1>::from_dispatch(view)),
        matrix(whole),
        matrix(turned),
        host(sign),
        host(threefold),
    ]
    .concat()
}

fn compiled(device: &Device) -> Result<Compiled, ProgramError> {
    let specs = [
        Spec::new([3, 4], DType::F32),
        Spec::new([4, 5], DType::F32),
        Spec::new([7], device.settings().int_dtype.into()),
    ];
    let program = Program::trace(&device.settings(), &specs, |inputs| outputs(&inputs))?;
    Ok(program.compile(device).recorded())
}

fn whole_numbers(seed: usize, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = (0..7).map(|i| (i * seed as i64) % 11).collect();
    Tensor::from_data(TensorData::new(values, [7]), device)
}

/// The second argument is always the same tensor; in the last runs it is another one each time.
fn a_program(device: &Device) -> Outcome {
    let (flex, program) = (Device::flex(), compiled(device)?);
    let same = [&flex, device].map(|device| matrix(4, 5, 100, device));
    for varies in [false, true] {
        // Held until all have run: a replay must not write over what was handed out.
        let mut held = Vec::new();
        for run in 0..RUNS {
            let inputs = |at: usize, device: &Device| {
                let b = match varies {
                    true => matrix(4, 5, 200 + run, device),
                    false => same[at].clone(),
                };
                let n = whole_numbers(run, device).into_dispatch();
                vec![
                    matrix(3, 4, run, device).into_dispatch(),
                    b.into_dispatch(),
                    n,
                ]
            };
            let expected = read(outputs(&inputs(0, &flex))?);
            held.push((expected, program.run(inputs(1, device))?));
        }
        assert!(program.is_recorded(), "varies: {varies}");
        for (run, (expected, found)) in held.into_iter().enumerate() {
            let error = relative_error(&read(found), &expected);
            assert!(error < TOLERANCE, "run {run}, varies: {varies}: {error}");
        }
    }
    Ok(())
}

const EXAMPLES: usize = 64;

fn cost(batch: usize, recompute: bool, device: &Device) -> Result<Cost, Box<dyn Error>> {
    let config = MlpConfig::new(32, 10).with_hidden(vec![48]).with_seed(3);
    let network = config.init(&Device::flex()).fork(device);
    let mut model = Model::new(&network, Mlp::forward)?.recorded();
    if recompute {
        model = model.recomputing(0);
    }
    let classes: Vec<i64> = (0..EXAMPLES as i64).map(|i| i * i % 10).collect();
    let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [EXAMPLES]), device);
    let inputs = matrix(EXAMPLES, 32, 9, device);
    Ok(Cost::new(model, CrossEntropy, inputs, classes)?.with_batch_size(batch)?)
}

/// What a cost gives in a loop: on one batch, on several, and on batches that are drawn; with values kept between
/// products, and computed again within them.
fn derivatives(device: &Device) -> Outcome {
    for (batch, recompute) in [(EXAMPLES, false), (24, false), (EXAMPLES, true)] {
        let [expected, found] = [&Device::flex(), device].map(|it| cost(batch, recompute, it));
        let costs = [expected?, found?];
        let devices = [&Device::flex(), device];
        let kept = costs.each_ref().map(|cost| cost.gauss_newton());
        let none_kept = costs.each_ref().map(|cost| cost.hessian().with_memory(0));
        let dim = costs[0].model().dim();
        let mut held = Vec::new();
        for run in 0..RUNS {
            let drawn: Vec<usize> = (0..16).map(|i| (7 * i + 3 * run) % EXAMPLES).collect();
            let of = |at: usize| -> Result<[Tensor<1>; 5], Box<dyn Error>> {
                let v = Tensor::<1>::from_data(numbers(dim, run as u64).as_slice(), devices[at]);
                Ok([
                    costs[at].gradient()?,
                    costs[at].directional_derivatives(v.clone())?,
                    kept[at].apply(v.clone())?,
                    none_kept[at].apply(v.clone())?,
                    kept[at].apply_batch(&drawn, v)?,
                ])
            };
            held.push((of(0)?, of(1)?));
        }
        for (run, (expected, found)) in held.into_iter().enumerate() {
            for (i, (expected, found)) in expected.into_iter().zip(found).enumerate() {
                let error = relative_error(&host(found), &host(expected));
                assert!(
                    error < 10.0 * TOLERANCE,
                    "batch {batch}, recompute {recompute}, run {run}, {i}: {error}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn recorded_runs_give_the_same() -> Outcome {
    let Some(device) = wgpu() else {
        return Ok(());
    };
    a_program(&device)?;
    derivatives(&device)
}

#[test]
fn processors_record_nothing() -> Outcome {
    let device = Device::flex();
    let program = compiled(&device)?;
    for run in 0..RUNS {
        let inputs = vec![
            matrix(3, 4, run, &device).into_dispatch(),
            matrix(4, 5, 100, &device).into_dispatch(),
            whole_numbers(run, &device).into_dispatch(),
        ];
        assert_eq!(read(program.run(inputs.clone())?), read(outputs(&inputs)?));
    }
    assert!(!program.is_recorded());
    Ok(())
}

/// Booleans have other types on other devices.
#[test]
fn a_program_for_another_device_is_an_error() -> Outcome {
    let Some(gpu) = wgpu() else { return Ok(()) };
    let flex = Device::flex();
    let specs = [Spec::new([2, 3], DType::F32)];
    let clipped = |x: Vec<DispatchTensor>| {
        let x = Tensor::<2>::from_dispatch(x[0].clone());
        let mask = x.clone().greater_elem(0.1);
        Ok(vec![x.mask_fill(mask, 0.0).into_dispatch()])
    };
    for (from, to) in [(&flex, &*gpu), (&*gpu, &flex)] {
        let program = Program::trace(&from.settings(), &specs, clipped)?;
        let x = matrix(2, 3, 1, to).into_dispatch();
        let dtype = DType::from(from.settings().bool_dtype);
        let expected = ProgramError::Type { dtype };
        assert_eq!(program.call(vec![x.clone()]).unwrap_err(), expected);
        assert_eq!(program.compile(to).run(vec![x]).unwrap_err(), expected);
    }
    Ok(())
}

/// Burn sorts on the host, which no recording holds.
#[test]
fn a_program_that_sorts_runs_as_it_is() -> Outcome {
    let Some(gpu) = wgpu() else {
        return Ok(());
    };
    let specs = [Spec::new([6, 8], DType::F32)];
    let program = Program::trace(&gpu.settings(), &specs, |x| {
        let x = Tensor::<2>::from_dispatch(x[0].clone());
        Ok(vec![(x.sort(0) * 2.0).into_dispatch()])
    })?;
    let compiled = program.compile(&gpu).recorded();
    for run in 0..RUNS {
        let x = matrix(6, 8, run, &gpu);
        let found = compiled.run(vec![x.clone().into_dispatch()])?;
        let expected = host(x.sort(0) * 2.0);
        assert_eq!(host(Tensor::<2>::from_dispatch(found[0].clone())), expected);
    }
    assert!(!compiled.is_recorded());
    Ok(())
}
