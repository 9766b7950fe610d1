//! Operations that Burn would put into one kernel on a graphics device and compute wrongly: the same results as on the
//! processor.

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_test_support::{Outcome, host, numbers, wgpu};
use burn::tensor::{
    DType, Device, Int, Tensor, TensorData, module,
    ops::{ConvOptions, MaxPoolOptions},
};

const ROWS: usize = 6;
const COLUMNS: usize = 8;
const CLASSES: usize = 3;

/// Looks up numbers of a table `[ROWS, COLUMNS]`, or whole numbers `[ROWS, CLASSES]`: one in each row, or in each
/// column.
type Gather =
    fn(Tensor<2>, Tensor<2, Int>, rows: Tensor<2, Int>, columns: Tensor<2, Int>) -> Tensor<2>;

const GATHERS: [(&str, Gather); 5] = [
    ("one a row", |table, _, rows, _| table.gather(1, rows)),
    ("one a column", |table, _, _, columns| {
        table.gather(0, columns)
    }),
    ("one", |table, _, rows, _| {
        table.narrow(0, 0, 1).gather(1, rows.narrow(0, 1, 1))
    }),
    ("a column", |table, _, rows, _| {
        table.slice([0..ROWS, 1..2]).gather(0, rows)
    }),
    ("whole numbers", |_, whole, rows, _| {
        whole.gather(1, rows).float()
    }),
];

/// Turns 48 numbers, or has a layer do so.
type Turn = fn(Tensor<1>) -> Tensor<4>;

const TURNS: [(&str, Turn); 10] = [
    ("a column", |x| {
        x.reshape([48, 1]).transpose().reshape([1, 1, 1, 48])
    }),
    ("the last dimension first", |x| {
        x.reshape([2, 4, 6, 1]).permute([3, 0, 1, 2])
    }),
    ("the last dimension second", |x| {
        x.reshape([2, 4, 6, 1]).permute([0, 3, 1, 2])
    }),
    ("the last dimension first, others turned", |x| {
        x.reshape([2, 4, 6, 1]).permute([3, 2, 0, 1])
    }),
    ("the last dimension stays, others are turned", |x| {
        x.reshape([2, 4, 6, 1]).permute([2, 1, 0, 3])
    }),
    ("two last dimensions", |x| {
        x.reshape([6, 8, 1, 1]).permute([2, 1, 3, 0])
    }),
    ("dimensions between", |x| {
        x.reshape([8, 1, 1, 6]).permute([3, 1, 0, 2])
    }),
    ("a convolution to one channel", |x| {
        let kernel = x.clone().slice(0..6).reshape([1, 3, 1, 2]);
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        module::conv2d(x.reshape([2, 3, 2, 4]), kernel, None, options)
    }),
    ("the gradient of such a convolution's kernel", |x| {
        let pictures = x.reshape([2, 3, 2, 4]);
        let kernel = pictures.clone().slice([0..1, 0..3, 0..2, 0..3]);
        let gradient = kernel
            .clone()
            .reshape([2, 1, 3, 3])
            .slice([0..2, 0..1, 0..1, 0..2]);
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        module::conv2d_weight_backward(pictures, kernel, gradient, options)
    }),
    ("a pool of one channel", |x| {
        module::max_pool2d(x.reshape([2, 1, 4, 6]), MaxPoolOptions::new([2, 2]))
    }),
];

fn matrix(rows: usize, columns: usize, device: &Device) -> DispatchTensor {
    let data = TensorData::new(numbers(rows * columns, 1), [rows, columns]);
    Tensor::<2>::from_data(data, device).into_dispatch()
}

fn indices(rows: usize, columns: usize, below: usize, device: &Device) -> DispatchTensor {
    let indices = (0..rows * columns).map(|i| ((i + 1) * (i + 1) % below) as i32);
    let indices = TensorData::new(indices.collect::<Vec<_>>(), [rows, columns]);
    Tensor::<2, Int>::from_data(indices, (device, DType::I32)).into_dispatch()
}

/// The elements of all that the program of `f` makes of `arguments`.
fn run<const D: usize>(
    arguments: Vec<DispatchTensor>,
    device: &Device,
    f: impl Fn(Vec<DispatchTensor>) -> Vec<Tensor<D>>,
) -> Result<Vec<f64>, ProgramError> {
    let specs: Vec<Spec> = arguments.iter().map(Spec::of).collect();
    let program = Program::trace(&device.settings(), &specs, |x| {
        Ok(f(x).into_iter().map(Tensor::into_dispatch).collect())
    })?;
    let outputs = program.compile(device).run(arguments)?;
    let read = |output| host(Tensor::<D>::from_dispatch(output));
    Ok(outputs.into_iter().flat_map(read).collect())
}

/// The gather right after `relu`'s derivative of a larger matrix: operations whose kernel it might join.
fn gathered(gather: Gather, device: &Device) -> Result<Vec<f64>, ProgramError> {
    let arguments = vec![
        matrix(ROWS, COLUMNS, device),
        matrix(ROWS, COLUMNS, device),
        indices(ROWS, CLASSES, 50, device),
        indices(ROWS, 1, CLASSES, device),
        indices(1, COLUMNS, ROWS, device),
    ];
    run(arguments, device, |x| {
        let [x, table, whole, rows, columns] = <[_; 5]>::try_from(x).expect("five inputs");
        let x = Tensor::<2>::from_dispatch(x);
        let mask = x.clone().greater_elem(0.1);
        let filled = (x * 2.0).mask_fill(mask, 0.0);
        let [whole, rows, columns] = [whole, rows, columns].map(Tensor::<2, Int>::from_dispatch);
        let found = gather(Tensor::from_dispatch(table), whole, rows, columns);
        vec![filled, found]
    })
}

/// Several things of what is turned, which a kernel can compute together.
fn turned(turn: Turn, device: &Device) -> Result<Vec<f64>, ProgramError> {
    let x = Tensor::<1>::from_data(numbers(48, 2).as_slice(), device).into_dispatch();
    run(vec![x], device, |x| {
        let x = turn(Tensor::from_dispatch(x[0].clone()));
        vec![x.clone() * 2.0, x.clone() - 0.5, x.clone().abs(), -x]
    })
}

/// What is looked up, or where, is reduced right after: a kernel that reads it by indices cannot reduce it.
type Reduced = fn(Tensor<2>, Tensor<2, Int>, rows: Tensor<1, Int>) -> [Tensor<2>; 2];

const REDUCED: [(&str, Reduced); 4] = [
    ("all rows", |table, _, rows| {
        [table.clone().select(0, rows), table.sum_dim(1)]
    }),
    ("all elements", |table, places, _| {
        [table.clone().gather(0, places), table.mean_dim(0)]
    }),
    ("places", |table, places, _| {
        let found = table.narrow(0, 0, 3).gather(0, places.clone() / 2);
        [found, (places / 2).max_dim(1).float()]
    }),
    ("rows", |table, _, rows| {
        let found = table.slice([0..ROWS, 0..1]).flatten::<1>(0, 1);
        let found = found.select(0, rows.clone());
        [found.unsqueeze(), rows.sum_dim(0).float().unsqueeze()]
    }),
];

fn reduced(reduced: Reduced, device: &Device) -> Result<Vec<f64>, ProgramError> {
    let arguments = vec![
        matrix(ROWS, COLUMNS, device),
        indices(ROWS, COLUMNS, ROWS, device),
        indices(1, ROWS, ROWS, device),
    ];
    run(arguments, device, |x| {
        let [table, places, rows] = <[_; 3]>::try_from(x).expect("three inputs");
        let [places, rows] = [places, rows].map(Tensor::<2, Int>::from_dispatch);
        reduced(Tensor::from_dispatch(table), places, rows.flatten(0, 1)).into()
    })
}

#[test]
fn lookups_beside_reductions_agree_with_the_processor() -> Outcome {
    let Some(gpu) = wgpu() else { return Ok(()) };
    for (name, f) in REDUCED {
        let (found, expected) = (reduced(f, &gpu)?, reduced(f, &Device::flex())?);
        let mut pairs = found.iter().zip(&expected);
        // Sums of eight numbers in (-1, 1).
        let near = pairs.all(|(a, b)| (a - b).abs() < 2e-6);
        assert!(near, "{name}: {found:?}, not {expected:?}");
    }
    Ok(())
}

#[test]
fn gathers_agree_with_the_processor() -> Outcome {
    let Some(gpu) = wgpu() else { return Ok(()) };
    for (name, gather) in GATHERS {
        let (found, expected) = (gathered(gather, &gpu)?, gathered(gather, &Device::flex())?);
        // Numbers are copied, or doubled, which is exact.
        assert_eq!(found, expected, "{name}");
    }
    Ok(())
}

#[test]
fn turned_tensors_agree_with_the_processor() -> Outcome {
    let Some(gpu) = wgpu() else { return Ok(()) };
    for (name, turn) in TURNS {
        let (found, expected) = (turned(turn, &gpu)?, turned(turn, &Device::flex())?);
        let mut pairs = found.iter().zip(&expected);
        // The convolution sums six products; the rest is exact, or rounded once.
        let near = pairs.all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "{name}: {found:?}, not {expected:?}");
    }
    Ok(())
}
