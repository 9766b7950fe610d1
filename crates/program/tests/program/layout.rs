//! Programs in another form: parts of them, transposed products, convolutions as one. In f64 on flex.

use super::derivatives::{COLUMNS, host, program, x};
use backdraft_program::{DispatchTensor, Program, Spec};
use backdraft_test_support::{device, dot, numbers, random};
use burn::{
    Tensor,
    backend::{Dispatch, ops::FloatTensorOps},
    tensor::{
        DType, TensorData, activation,
        module::{conv1d, conv2d},
        ops::ConvOptions,
    },
};

#[test]
fn a_part_runs_its_operations_alone() {
    let products = program().subprogram(|name| name == "Matmul").unwrap();
    assert!(products.operations().all(|name| name == "Matmul"));
    assert_eq!(products.operations().count(), 2);
    // Both read x; the second's transposed matrix is an input like another.
    assert_eq!((products.inputs().len(), products.outputs().len()), (3, 2));
    let w = random([COLUMNS, COLUMNS], 2);
    let inputs = [x(), w.clone(), w.clone()].map(Tensor::into_dispatch);
    let results = products.call(inputs.to_vec()).unwrap();
    for result in results {
        assert_eq!(host(result), host(x().matmul(w.clone()).into_dispatch()));
    }
}

/// `a w'` runs as `(w a')'` where `a` has few rows, with the same result; programs that are printed stay as they were.
#[test]
fn flat_products_are_arranged() {
    let specs = |rows| [[rows, 16], [24, 16]].map(|shape| Spec::new(shape, DType::F64));
    let trace = |rows| {
        Program::trace(&device().settings(), &specs(rows), |inputs| {
            let [a, w] = inputs.try_into().expect("two inputs");
            let w = Tensor::<2>::from_dispatch(w).transpose();
            Ok(vec![
                Tensor::<2>::from_dispatch(a).matmul(w).into_dispatch(),
            ])
        })
        .unwrap()
    };
    for (rows, swaps) in [(4, 2), (5, 1)] {
        let product = trace(rows);
        assert_eq!(
            product.operations().collect::<Vec<_>>(),
            ["SwapDims", "Matmul"]
        );
        let arranged = product.clone().compile(&device());
        let swapped = arranged.program().operations();
        assert_eq!(swapped.filter(|name| name == "SwapDims").count(), swaps);
        let a = random([rows, 16], 3);
        let w = random([24, 16], 4);
        let expected = host(a.clone().matmul(w.clone().transpose()).into_dispatch());
        let [found] = arranged
            .run(vec![a.into_dispatch(), w.into_dispatch()])
            .unwrap()
            .try_into()
            .unwrap();
        assert!(
            host(found)
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 1e-14)
        );
    }
}

#[test]
fn grouped_convolutions_have_the_right_gradient() {
    // With this stride the last input number takes part in no output.
    let specs = [[2, 4, 6], [6, 2, 3], [2, 6, 3]].map(|shape| Spec::new(shape, DType::F64));
    let convolution = Program::trace(&device().settings(), &specs[..2], |inputs| {
        let [x, weight] = inputs.try_into().expect("two inputs");
        let options = ConvOptions::new([2], [1], [1], 2);
        let (x, weight) = (Tensor::from_dispatch(x), Tensor::from_dispatch(weight));
        Ok(vec![conv1d(x, weight, None, options).into_dispatch()])
    });
    let convolution = convolution.unwrap();
    let [x, weight, u] = [0, 1, 2].map(|i| {
        let shape = specs[i].shape.clone();
        let data = TensorData::new(numbers(shape.num_elements(), 4 + i as u64), shape);
        Tensor::<3>::from_data(data, (&device(), DType::F64)).into_dispatch()
    });
    let y = convolution.call(vec![x.clone(), weight.clone()]).unwrap();
    let vjp = convolution.vjp(&[1]).unwrap();
    let g = vjp.call(vec![x, weight.clone(), u.clone()]).unwrap();
    // It is linear in the weight.
    let forward = dot(&host(y[0].clone()), &host(u));
    let reverse = dot(&host(g[1].clone()), &host(weight));
    assert!(
        (forward - reverse).abs() <= 1e-14 * forward.abs().max(1.0),
        "{forward} {reverse}"
    );
}

/// A convolution and its tangent along the weight run as one, with the same result.
#[test]
fn convolutions_of_one_input_are_combined() {
    let specs = [vec![2, 3, 5, 5], vec![4, 3, 3, 3], vec![4]].map(|s| Spec::new(s, DType::F64));
    let convolution = Program::trace(&device().settings(), &specs, |inputs| {
        let [x, weight, bias] = inputs.try_into().expect("three inputs");
        let (x, weight) = (Tensor::<4>::from_dispatch(x), Tensor::from_dispatch(weight));
        let options = ConvOptions::new([1, 2], [1, 0], [1, 1], 1);
        let y = conv2d(x, weight, Some(Tensor::from_dispatch(bias)), options);
        Ok(vec![activation::tanh(y).into_dispatch()])
    });
    let jvp = convolution.unwrap().jvp(&[0, 1, 2]).unwrap();
    let count = |program: &Program| program.operations().filter(|name| name == "Conv2d").count();
    let compiled = jvp.clone().compile(&device());
    // With the tangents of weight and bias; that of the input has another input.
    assert_eq!((count(&jvp), count(compiled.program())), (3, 2));
    let inputs: Vec<DispatchTensor> = jvp
        .inputs()
        .iter()
        .enumerate()
        .map(|(i, spec)| {
            let values = numbers(spec.shape.num_elements(), 2 + i as u64);
            let data = TensorData::new(values, [spec.shape.num_elements()]);
            let flat = Tensor::<1>::from_data(data, (&device(), DType::F64));
            Dispatch::float_reshape(flat.into_dispatch(), spec.shape.clone())
        })
        .collect();
    let expected = jvp.call(inputs.clone()).unwrap();
    for (found, expected) in compiled.run(inputs).unwrap().into_iter().zip(expected) {
        let close = host(found).into_iter().zip(host(expected));
        assert!(close.into_iter().all(|(a, b)| (a - b).abs() < 1e-14));
    }
}
