//! Vectorized programs on a GPU, against one call after the other there: same operations, f32.

use backdraft::program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_test_support::wgpu;
use burn::tensor::{
    DType, Device, Tensor, TensorData, activation, module,
    ops::{ConvOptions, MaxPoolOptions},
};

const SIZE: usize = 3;

/// The parameters and the images.
const SHAPES: [&[usize]; 3] = [&[3, 2, 3, 3], &[12, 4], &[5, 2, 4, 4]];

/// A convolutional network with a maximum pool, and a softmax of its outputs.
fn network(x: &[DispatchTensor]) -> Result<Vec<DispatchTensor>, ProgramError> {
    let [kernel, head, images] = [0, 1, 2].map(|i| x[i].clone());
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let (kernel, images) = (Tensor::from_dispatch(kernel), Tensor::from_dispatch(images));
    let y = activation::tanh(module::conv2d(images, kernel, None, options));
    let y = module::max_pool2d(y, MaxPoolOptions::new([2, 2])).flatten::<2>(1, 3);
    let y = activation::relu(y).matmul(Tensor::from_dispatch(head));
    Ok(vec![activation::softmax(y, 1).into_dispatch()])
}

fn tensor(shape: &[usize], seed: usize, device: &Device) -> DispatchTensor {
    let count: usize = shape.iter().product();
    let values = (0..count).map(|i| ((i as f32 + 1.0) * (1.7 + 0.31 * seed as f32)).sin());
    let data = TensorData::new(values.collect::<Vec<_>>(), [count]);
    let flat = Tensor::<1>::from_data(data, device);
    match *shape {
        [a, b] => flat.reshape([a, b]).into_dispatch(),
        [a, b, c] => flat.reshape([a, b, c]).into_dispatch(),
        [a, b, c, d] => flat.reshape([a, b, c, d]).into_dispatch(),
        _ => unreachable!("of rank two to four"),
    }
}

fn host(tensor: DispatchTensor) -> Vec<f32> {
    let data = Tensor::<1>::from_dispatch(tensor).into_data();
    data.iter::<f32>().collect()
}

/// Each value of the mapped inputs by itself, and all at once.
fn check(program: &Program, mapped: &[usize], device: &Device) {
    let shapes: Vec<Vec<usize>> = program
        .inputs()
        .iter()
        .map(|spec| spec.shape.to_vec())
        .collect();
    let row = |k: usize| -> Vec<DispatchTensor> {
        let seed = |i| {
            if mapped.contains(&i) {
                7 * i + k
            } else {
                7 * i
            }
        };
        (0..shapes.len())
            .map(|i| tensor(&shapes[i], seed(i), device))
            .collect()
    };
    let rows: Vec<_> = (0..SIZE).map(row).collect();
    let stack = |i: usize| {
        let parts = rows.iter().map(|row| {
            Tensor::<1>::from_data(TensorData::from(host(row[i].clone()).as_slice()), device)
        });
        let flat = Tensor::cat(parts.collect(), 0);
        match *shapes[i] {
            [a, b] => flat.reshape([SIZE, a, b]).into_dispatch(),
            [a, b, c, d] => flat.reshape([SIZE, a, b, c, d]).into_dispatch(),
            _ => unreachable!("matrices, images and kernels"),
        }
    };
    let arguments = (0..shapes.len()).map(|i| match mapped.contains(&i) {
        true => stack(i),
        false => rows[0][i].clone(),
    });
    let found = program
        .vmap(mapped, SIZE)
        .unwrap()
        .call(arguments.collect())
        .unwrap();
    let expected: Vec<_> = rows
        .into_iter()
        .map(|row| program.call(row).unwrap())
        .collect();
    for (j, found) in found.into_iter().enumerate() {
        let expected = expected.iter().flat_map(|outputs| host(outputs[j].clone()));
        let expected: Vec<f32> = expected.collect();
        let found = host(found);
        let scale = expected.iter().fold(0.0f32, |a, x| a.max(x.abs()));
        let error = found
            .iter()
            .zip(&expected)
            .fold(0.0f32, |a, (x, y)| a.max((x - y).abs()));
        assert_eq!(found.len(), expected.len());
        // Other kernels sum a few hundred products in another order.
        assert!(
            error <= 1e-5 * scale,
            "output {j}, inputs {mapped:?}: {error:e} of {scale:e}"
        );
    }
}

#[test]
fn many_at_once_on_a_gpu() {
    let Some(device) = wgpu() else { return };
    let specs = SHAPES.map(|shape| Spec::new(shape.to_vec(), DType::F32));
    let program = Program::trace(&device.settings(), &specs, |x| network(&x)).unwrap();
    // Few choices, because each compiles its own kernels: the new axis in groups, in output channels, and in the batch.
    check(&program, &[0, 2], &device);
    check(&program.jvp(&[0, 1]).unwrap(), &[3, 4], &device);
    check(&program.vjp(&[0, 1]).unwrap(), &[3], &device);
}
