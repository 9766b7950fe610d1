//! A program for many values at once, against the program for each.

use backdraft_program::{DispatchTensor, Program, Spec};
pub use backdraft_test_support::device;
use burn::{
    Tensor,
    backend::Dispatch,
    tensor::{Bool, BoolStore, DType, Int, Shape, TensorData},
};
use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};

/// What an input of a program may hold.
#[derive(Clone, Debug)]
pub struct Input {
    shape: Vec<usize>,
    values: Values,
}

#[derive(Clone, Copy, Debug)]
enum Values {
    /// Distinct numbers in (-1, 1).
    Float,
    /// Distinct numbers in (0.5, 1.5).
    Positive,
    /// Below a number.
    Int(usize),
    Bool,
}

pub fn float(shape: impl Into<Vec<usize>>) -> Input {
    let (shape, values) = (shape.into(), Values::Float);
    Input { shape, values }
}

pub fn positive(shape: impl Into<Vec<usize>>) -> Input {
    let (shape, values) = (shape.into(), Values::Positive);
    Input { shape, values }
}

pub fn int(shape: impl Into<Vec<usize>>, below: usize) -> Input {
    let (shape, values) = (shape.into(), Values::Int(below));
    Input { shape, values }
}

pub fn boolean(shape: impl Into<Vec<usize>>) -> Input {
    let (shape, values) = (shape.into(), Values::Bool);
    Input { shape, values }
}

impl Input {
    fn dtype(&self) -> DType {
        match self.values {
            Values::Float | Values::Positive => DType::F64,
            // As the device makes them when it is not told otherwise.
            Values::Int(_) => DType::I64,
            Values::Bool => DType::Bool(BoolStore::Native),
        }
    }

    pub fn spec(&self) -> Spec {
        Spec::new(self.shape.clone(), self.dtype())
    }

    fn is_float(&self) -> bool {
        matches!(self.values, Values::Float | Values::Positive)
    }

    /// Some values, which differ by input and by `k`.
    fn values(&self, input: usize, k: usize) -> Vec<f64> {
        let count: usize = self.shape.iter().product();
        let seed = 1.7 + 0.61 * input as f64 + 0.23 * k as f64;
        let number = |i: usize| ((i as f64 + 1.0) * seed).sin();
        let discrete = |i: usize, below: usize| (5 * i + 3 * k + i * i * (k + 1) + input) % below;
        let value = |i| match self.values {
            Values::Float => number(i),
            Values::Positive => 1.0 + 0.5 * number(i),
            Values::Int(below) => discrete(i, below) as f64,
            Values::Bool => (discrete(i, 5) % 2) as f64,
        };
        (0..count).map(value).collect()
    }

    /// The tensor for value `k` of input number `input`.
    pub fn tensor(&self, input: usize, k: usize) -> DispatchTensor {
        self.upload(self.values(input, k), self.shape.clone())
    }

    /// The first `size` values in one tensor.
    pub fn stacked(&self, input: usize, size: usize) -> DispatchTensor {
        let values = (0..size).flat_map(|k| self.values(input, k)).collect();
        self.upload(values, [&[size], self.shape.as_slice()].concat())
    }

    fn upload(&self, values: Vec<f64>, shape: Vec<usize>) -> DispatchTensor {
        let dtype = self.dtype();
        let data = TensorData::new(values, Shape::from(shape)).convert_dtype(dtype);
        let device = device();
        let device = device.as_dispatch();
        match self.values {
            Values::Int(_) => Dispatch::int_from_data(data, device),
            Values::Bool => Dispatch::bool_from_data(data, device),
            _ => Dispatch::float_from_data(data, device),
        }
    }
}

pub fn f<const D: usize>(tensor: &DispatchTensor) -> Tensor<D> {
    Tensor::from_dispatch(tensor.clone())
}

pub fn i<const D: usize>(tensor: &DispatchTensor) -> Tensor<D, Int> {
    Tensor::from_dispatch(tensor.clone())
}

pub fn b<const D: usize>(tensor: &DispatchTensor) -> Tensor<D, Bool> {
    Tensor::from_dispatch(tensor.clone())
}

pub fn trace(
    inputs: &[Input],
    function: impl FnOnce(&[DispatchTensor]) -> Vec<DispatchTensor>,
) -> Program {
    let specs: Vec<Spec> = inputs.iter().map(Input::spec).collect();
    let result = Program::trace(&device().settings(), &specs, |inputs| Ok(function(&inputs)));
    result.unwrap()
}

/// Checks the function for all choices of mapped inputs.
pub fn check(
    inputs: &[Input],
    function: impl FnOnce(&[DispatchTensor]) -> Vec<DispatchTensor>,
) -> Program {
    let program = trace(inputs, function);
    check_program(&program, inputs);
    program
}

/// Checks the function and its derivatives in both modes, in all float inputs.
pub fn check_derivatives(
    inputs: &[Input],
    function: impl FnOnce(&[DispatchTensor]) -> Vec<DispatchTensor>,
) -> Program {
    let program = check(inputs, function);
    let wrt: Vec<usize> = (0..inputs.len())
        .filter(|&i| inputs[i].is_float())
        .collect();
    let cotangents = program
        .outputs()
        .into_iter()
        .map(|spec| float(spec.shape.to_vec()));
    let with_cotangents: Vec<Input> = inputs.iter().cloned().chain(cotangents).collect();
    check_program(&program.vjp(&wrt).unwrap(), &with_cotangents);
    let tangents = wrt.iter().map(|&i| float(inputs[i].shape.clone()));
    let with_tangents: Vec<Input> = inputs.iter().cloned().chain(tangents).collect();
    if let Ok(jvp) = program.jvp(&wrt) {
        check_program(&jvp, &with_tangents);
    }
    program
}

pub fn check_program(program: &Program, inputs: &[Input]) {
    // Sums of up to some hundred numbers in another order.
    check_program_to(1e-13, program, inputs);
}

pub fn check_program_to(tolerance: f64, program: &Program, inputs: &[Input]) {
    let unrolled = count(program, &["GatherNd", "ScatterNd", "DeformableConv2d"]) > 0;
    for choice in choices(inputs.len()).filter(|_| !unrolled) {
        let mapped = chosen(choice);
        let operations = |size| program.vmap(&mapped, size).unwrap().operations().count();
        // Nothing is done once for each value.
        assert_eq!(operations(2), operations(5), "{program}");
    }
    for size in [1, 3] {
        let rows: Vec<Vec<DispatchTensor>> = (0..size)
            .map(|k| {
                let tensors = inputs.iter().enumerate();
                tensors.map(|(i, input)| input.tensor(i, k)).collect()
            })
            .collect();
        for choice in choices(inputs.len()) {
            let mapped = chosen(choice);
            let vectorized = program.vmap(&mapped, size).unwrap();
            let arguments = inputs
                .iter()
                .enumerate()
                .map(|(i, input)| match mapped.contains(&i) {
                    true => input.stacked(i, size),
                    false => rows[0][i].clone(),
                })
                .collect();
            let found = vectorized.call(arguments).unwrap();
            let expected = rows.iter().map(|row| {
                let arguments = (0..inputs.len()).map(|i| match mapped.contains(&i) {
                    true => row[i].clone(),
                    false => rows[0][i].clone(),
                });
                program.call(arguments.collect()).unwrap()
            });
            let expected: Vec<Vec<DispatchTensor>> = expected.collect();
            for (j, found) in found.into_iter().enumerate() {
                let spec = &program.outputs()[j];
                let shape = [&[size], spec.shape.as_slice()].concat();
                assert_eq!(Spec::of(&found), Spec::new(shape, spec.dtype));
                let expected: Vec<f64> = expected
                    .iter()
                    .flat_map(|outputs| host(outputs[j].clone()))
                    .collect();
                let error = difference(&host(found), &expected);
                assert!(
                    error <= tolerance,
                    "output {j} differs by {error:e} for {size} values of inputs {mapped:?} of\n{program}\n\n{vectorized}"
                );
            }
        }
    }
}

/// All choices of some of `count` inputs; of many inputs, those of one, two and all.
fn choices(count: usize) -> impl Iterator<Item = u32> {
    let all = (1u32 << count) - 1;
    (0..=all).filter(move |choice| count <= 5 || choice.count_ones() <= 2 || *choice == all)
}

fn chosen(choice: u32) -> Vec<usize> {
    (0..32).filter(|&i| choice & (1 << i) != 0).collect()
}

pub fn host(tensor: DispatchTensor) -> Vec<f64> {
    let dtype = Spec::of(&tensor).dtype;
    let data = if dtype.is_float() {
        Tensor::<1>::from_dispatch(tensor).into_data()
    } else if dtype.is_bool() {
        Tensor::<1, Bool>::from_dispatch(tensor).into_data()
    } else {
        Tensor::<1, Int>::from_dispatch(tensor).into_data()
    };
    data.iter::<f64>().collect()
}

/// The largest difference, relative to the largest number.
pub fn difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |a, x| a.max(x.abs()));
    let differences = found.iter().zip(expected).map(|(a, b)| match a == b {
        // Also infinities.
        true => 0.0,
        false => (a - b).abs(),
    });
    let largest = differences.fold(0.0f64, |a, x| if x.is_nan() { x } else { a.max(x) });
    if largest == 0.0 { 0.0 } else { largest / scale }
}

/// How many operations have one of these names.
pub fn count(program: &Program, names: &[&str]) -> usize {
    program
        .operations()
        .filter(|name| names.contains(&name.as_str()))
        .count()
}
