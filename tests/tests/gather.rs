//! Gathers on a graphics device, beside operations on a larger matrix: the same results as on the processor.

use std::error::Error;

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use burn::tensor::{DType, Device, DeviceType, Int, Tensor, TensorData};

type Outcome = Result<(), Box<dyn Error>>;

const ROWS: usize = 6;
const COLUMNS: usize = 8;
const CLASSES: usize = 3;

/// Looks up numbers of a table `[ROWS, COLUMNS]`, or whole numbers `[ROWS, CLASSES]`: one in each row, or in each column.
type Gather =
    fn(Tensor<2>, Tensor<2, Int>, rows: Tensor<2, Int>, columns: Tensor<2, Int>) -> Tensor<2>;

const GATHERS: [(&str, Gather); 5] = [
    ("one a row", |table, _, rows, _| table.gather(1, rows)),
    ("one a column", |table, _, _, columns| {
        table.gather(0, columns)
    }),
    ("one", |table, _, rows, _| {
        table.slice([0..1]).gather(1, rows.slice([1..2]))
    }),
    ("a column", |table, _, rows, _| {
        table.slice([0..ROWS, 1..2]).gather(0, rows)
    }),
    ("whole numbers", |_, whole, rows, _| {
        whole.gather(1, rows).float()
    }),
];

/// The gather right after `relu`'s derivative of a larger matrix: operations whose kernel it might join.
fn beside(gather: Gather, x: Vec<DispatchTensor>) -> Vec<DispatchTensor> {
    let [x, table, whole, rows, columns] = <[_; 5]>::try_from(x).expect("five inputs");
    let x = Tensor::<2>::from_dispatch(x);
    let mask = x.clone().greater_elem(0.1);
    let filled = (x * 2.0).mask_fill(mask, 0.0);
    let [whole, rows, columns] = [whole, rows, columns].map(Tensor::<2, Int>::from_dispatch);
    let found = gather(Tensor::from_dispatch(table), whole, rows, columns);
    vec![filled.into_dispatch(), found.into_dispatch()]
}

fn compute(gather: Gather, device: &Device) -> Result<Vec<f64>, ProgramError> {
    let numbers = |rows, columns| {
        let numbers = (0..rows * columns).map(|i| ((i as f32 + 1.0) * 1.7).sin());
        let numbers = TensorData::new(numbers.collect::<Vec<_>>(), [rows, columns]);
        Tensor::<2>::from_data(numbers, device).into_dispatch()
    };
    let indices = |rows, columns, below: i32| {
        let indices = (0..(rows * columns) as i32).map(|i| (i + 1) * (i + 1) % below);
        let indices = TensorData::new(indices.collect::<Vec<_>>(), [rows, columns]);
        Tensor::<2, Int>::from_data(indices, (device, DType::I32)).into_dispatch()
    };
    let arguments = vec![
        numbers(ROWS, COLUMNS),
        numbers(ROWS, COLUMNS),
        indices(ROWS, CLASSES, 50),
        indices(ROWS, 1, CLASSES as i32),
        indices(1, COLUMNS, ROWS as i32),
    ];
    let specs: Vec<Spec> = arguments.iter().map(Spec::of).collect();
    let program = Program::trace(&device.settings(), &specs, |x| Ok(beside(gather, x)))?;
    let outputs = program.compile(device).run(arguments)?;
    let read = |output| Tensor::<2>::from_dispatch(output).into_data();
    let outputs: Vec<TensorData> = outputs.into_iter().map(read).collect();
    Ok(outputs.iter().flat_map(|it| it.iter::<f64>()).collect())
}

#[test]
fn gathers_agree_with_the_processor() -> Outcome {
    let Some(gpu) = Device::enumerate(DeviceType::Wgpu).into_iter().next() else {
        println!("skipped: no wgpu adapter on this machine");
        return Ok(());
    };
    for (name, gather) in GATHERS {
        let (found, expected) = (compute(gather, &gpu)?, compute(gather, &Device::flex())?);
        // Numbers are copied, or doubled, which is exact.
        assert_eq!(found, expected, "{name}");
    }
    Ok(())
}
