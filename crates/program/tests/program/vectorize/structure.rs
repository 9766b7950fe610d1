//! What a vectorized program does not repeat, and what is refused.

use backdraft_program::{Program, ProgramError};
use burn::tensor::{Device, activation, module, ops::ConvOptions};

use super::{common::*, derivatives::gauss_newton};

const PRODUCTS: &[&str] = &[
    "Matmul",
    "Linear",
    "LinearXBackward",
    "LinearWeightBackward",
];

#[test]
fn what_is_not_mapped_is_computed_once() {
    let program = trace(&[float([4, 3]), float([3, 2])], |x| {
        let hidden = activation::tanh(f::<2>(&x[0])).exp();
        vec![
            hidden.clone().matmul(f(&x[1])).into_dispatch(),
            hidden.into_dispatch(),
        ]
    });
    let many = program.vmap(&[1], 7).unwrap();
    let lines = many.to_string();
    assert_eq!(count(&many, &["Tanh", "Exp", "Matmul"]), 3, "{lines}");
    assert!(lines.contains("F64[4, 3] = Tanh"), "{lines}");
    assert_eq!(many.outputs()[1].shape.as_slice(), [7, 4, 3]);
}

#[test]
fn products_stay_products() {
    let mlp = |x: &[_]| {
        let y = activation::tanh(f::<2>(&x[3]).matmul(f(&x[0])) + f::<1>(&x[1]).unsqueeze());
        vec![y.matmul(f(&x[2])).into_dispatch()]
    };
    let inputs = [float([3, 4]), float([4]), float([4, 2]), float([5, 3])];
    let (map, _) = gauss_newton(mlp, &inputs);
    let many = map.varying.vmap(&[0], 6).unwrap();
    // Forward with each tangent and with what the hidden layer passes on, and as many back.
    assert_eq!(count(&map.varying, &["Matmul"]), 6, "{}", map.varying);
    assert_eq!(count(&many, &["Matmul"]), 6, "{many}");
    // No operation once for each of the values.
    assert!(
        many.operations().count() < 2 * map.varying.operations().count(),
        "{many}"
    );

    let layers = |x: &[_]| {
        let y = module::linear(f::<2>(&x[3]), f(&x[0]), Some(f(&x[1])));
        vec![module::linear(activation::relu(y), f(&x[2]), None).into_dispatch()]
    };
    let (map, _) = gauss_newton(layers, &inputs);
    let many = map.varying.vmap(&[0], 6).unwrap();
    assert_eq!(
        count(&many, PRODUCTS),
        count(&map.varying, PRODUCTS),
        "{many}"
    );
}

#[test]
fn products_grow() {
    // One left matrix for all rows, and one right matrix for all columns.
    let product = |inputs: &[Input], mapped: &[usize]| {
        let program = trace(inputs, |x| {
            vec![f::<2>(&x[0]).matmul(f(&x[1])).into_dispatch()]
        });
        program.vmap(mapped, 7).unwrap().to_string()
    };
    let rows = product(&[float([4, 3]), float([3, 2])], &[0]);
    assert!(rows.contains("F64[28, 2] = Matmul"), "{rows}");
    let columns = product(&[float([4, 3]), float([3, 2])], &[1]);
    assert!(columns.contains("F64[4, 14] = Matmul"), "{columns}");
    // Wide ones are left where they are.
    let batch = product(&[float([4, 3]), float([3, 40])], &[1]);
    assert!(batch.contains("F64[7, 4, 40] = Matmul"), "{batch}");
}

#[test]
fn convolutions_grow() {
    let inputs = [float([2, 3, 5, 5]), float([4, 3, 3, 3])];
    let program = trace(&inputs, |x| {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        vec![module::conv2d(f(&x[0]), f(&x[1]), None, options).into_dispatch()]
    });
    let shapes = [
        (vec![0], "F64[14, 4, 3, 3] = Conv2d"),
        (vec![1], "F64[2, 28, 3, 3] = Conv2d"),
        (vec![0, 1], "F64[2, 28, 3, 3] = Conv2d"),
    ];
    for (mapped, line) in shapes {
        let many = program.vmap(&mapped, 7).unwrap();
        assert_eq!(count(&many, &["Conv2d"]), 1);
        assert!(many.to_string().contains(line), "{many}");
    }
}

#[test]
fn nothing_mapped_is_repeated() {
    let program = trace(&[float([3])], |x| vec![f::<1>(&x[0]).exp().into_dispatch()]);
    let many = program.vmap(&[], 4).unwrap();
    assert_eq!(many.inputs(), program.inputs());
    let found = many.call(vec![float([3]).tensor(0, 0)]).unwrap().remove(0);
    let one = program
        .call(vec![float([3]).tensor(0, 0)])
        .unwrap()
        .remove(0);
    assert_eq!(host(found), host(one).repeat(4));
}

#[test]
fn misuse_is_a_typed_error() {
    let program = trace(&[float([3]), float([3])], |x| {
        vec![(f::<1>(&x[0]) + f::<1>(&x[1])).into_dispatch()]
    });
    let refused = |mapped: &[usize], size| match program.vmap(mapped, size) {
        Err(ProgramError::Vectorize(message)) => message,
        other => panic!("{other:?}"),
    };
    assert!(refused(&[2], 3).contains("input 2 cannot be mapped: the program has 2"));
    assert!(refused(&[1, 1], 3).contains("input 1 cannot be mapped: it is named twice"));
    assert!(refused(&[0], 0).contains("the new axis would be empty"));
}

/// As many vectors as a cache of 16 MiB holds the products of; through convolutions one after another.
#[test]
fn processors_take_what_their_cache_holds() {
    let at_once = |program: &Program| {
        let map = program.linearize(&[1]).unwrap();
        map.compile(&Device::flex()).at_once()
    };
    let product = trace(&[float([4, 3]), float([3, 2])], |x| {
        vec![f::<2>(&x[0]).matmul(f(&x[1])).into_dispatch()]
    });
    assert_eq!(at_once(&product), (16 << 20) / (4 * 2 * 8));
    let convolution = trace(&[float([2, 3, 5, 5]), float([4, 3, 3, 3])], |x| {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        vec![module::conv2d(f(&x[0]), f(&x[1]), None, options).into_dispatch()]
    });
    assert_eq!(at_once(&convolution), 1);
}

#[test]
fn results_that_are_there_at_once_are_counted() {
    let program = trace(&[float([4, 3])], |x| {
        vec![f::<2>(&x[0]).exp().transpose().tanh().sum().into_dispatch()]
    });
    // `exp` and `tanh`, of 12 numbers each; the transpose is another look at the first.
    assert_eq!(program.peak_bytes(), 2 * 12 * 8);
}
