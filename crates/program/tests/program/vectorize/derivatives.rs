//! Derivatives of networks for many directions, examples or rows at once.

use backdraft_program::{DispatchTensor, Linearized, Program};
use burn::{
    Tensor,
    tensor::{
        activation, module,
        ops::{ConvOptions, MaxPoolOptions},
    },
};

use super::common::*;

const BATCH: usize = 5;

/// Parameters, then inputs: `tanh(x a + b) c`.
fn mlp(x: &[DispatchTensor]) -> Vec<DispatchTensor> {
    let [a, b, c, x] = [f::<2>(&x[0]), f::<1>(&x[1]).unsqueeze(), f(&x[2]), f(&x[3])];
    vec![activation::tanh(x.matmul(a) + b).matmul(c).into_dispatch()]
}

fn mlp_inputs() -> [Input; 4] {
    [float([3, 4]), float([4]), float([4, 2]), float([BATCH, 3])]
}

fn convolutional(x: &[DispatchTensor]) -> Vec<DispatchTensor> {
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let y = module::conv2d(f(&x[2]), f(&x[0]), None, options);
    let y = module::max_pool2d(activation::relu(y), MaxPoolOptions::new([2, 2]));
    vec![y.flatten::<2>(1, 3).matmul(f(&x[1])).into_dispatch()]
}

fn convolutional_inputs() -> [Input; 3] {
    [float([3, 2, 3, 3]), float([12, 2]), float([BATCH, 2, 4, 4])]
}

/// Self-attention with one projection for queries, keys and values, and what follows it.
fn attentive(x: &[DispatchTensor]) -> Vec<DispatchTensor> {
    let (projection, head, x) = (f::<2>(&x[0]), f::<2>(&x[1]), f::<3>(&x[2]));
    let [batch, length, width] = x.dims();
    let projected = module::linear(x.clone(), projection, None);
    let parts: Vec<Tensor<3>> = projected.split(width, 2);
    let heads = |part: usize| {
        let part = parts[part].clone().reshape([batch, length, 2, width / 2]);
        part.swap_dims(1, 2)
    };
    let weights = activation::softmax(heads(0).matmul(heads(1).transpose()), 3);
    let y = weights
        .matmul(heads(2))
        .swap_dims(1, 2)
        .reshape([batch, length, width]);
    vec![module::linear(activation::gelu(x + y), head, None).into_dispatch()]
}

fn attentive_inputs() -> [Input; 3] {
    [float([4, 12]), float([4, 2]), float([2, 3, 4])]
}

type Network = (fn(&[DispatchTensor]) -> Vec<DispatchTensor>, Vec<Input>);

fn networks() -> [Network; 3] {
    [
        (mlp, mlp_inputs().into()),
        (convolutional, convolutional_inputs().into()),
        (attentive, attentive_inputs().into()),
    ]
}

#[test]
fn first_derivatives() {
    for (network, inputs) in networks() {
        check_derivatives(&inputs, network);
    }
}

#[test]
fn gradients_and_hessian_products() {
    for (network, inputs) in networks() {
        let squares = trace(&inputs, |x| {
            let y = Tensor::<1>::from_dispatch(network(x).remove(0));
            vec![(y.clone() * y).sum().into_dispatch()]
        });
        let wrt: Vec<usize> = (0..inputs.len() - 1).collect();
        let gradient = squares.gradient(&wrt).unwrap();
        check_program(&gradient, &inputs);
        let mut with_tangents = inputs.clone();
        with_tangents.extend(wrt.iter().map(|&i| inputs[i].clone()));
        check_program(&gradient.jvp(&wrt).unwrap(), &with_tangents);
    }
}

/// The product of the Gauss-Newton matrix of half the squared error with one flat vector, as a linear map.
pub fn gauss_newton(
    network: fn(&[DispatchTensor]) -> Vec<DispatchTensor>,
    inputs: &[Input],
) -> (Linearized, usize) {
    let program = trace(inputs, network);
    let parameters = inputs.len() - 1;
    let wrt: Vec<usize> = (0..parameters).collect();
    let (jvp, vjp) = (program.jvp(&wrt).unwrap(), program.vjp(&wrt).unwrap());
    let shapes: Vec<_> = inputs[..parameters]
        .iter()
        .map(|input| input.spec().shape)
        .collect();
    let dim = shapes.iter().map(|shape| shape.num_elements()).sum();
    let mut specs: Vec<_> = inputs.iter().map(Input::spec).collect();
    specs.push(float([dim]).spec());
    let product = Program::trace(&device().settings(), &specs, |mut inputs| {
        let v = f::<1>(&inputs.pop().unwrap());
        let (mut start, mut with_tangents) = (0, inputs.clone());
        for shape in &shapes {
            let end = start + shape.num_elements();
            let part = v.clone().slice(start..end);
            with_tangents.push(match shape.rank() {
                1 => part.into_dispatch(),
                2 => part.reshape::<2, _>(shape.clone()).into_dispatch(),
                _ => part.reshape::<4, _>(shape.clone()).into_dispatch(),
            });
            start = end;
        }
        let dy = jvp.call(with_tangents)?.remove(1);
        inputs.push(dy);
        let parts = vjp.call(inputs)?.split_off(1);
        let flat = parts.iter().zip(&shapes).map(|(part, shape)| {
            let rank = shape.rank();
            match rank {
                1 => f::<1>(part),
                2 => f::<2>(part).flatten(0, 1),
                _ => f::<4>(part).flatten(0, 3),
            }
        });
        Ok(vec![Tensor::cat(flat.collect(), 0).into_dispatch()])
    });
    (product.unwrap().linearize(&[inputs.len()]).unwrap(), dim)
}

#[test]
fn linear_maps_of_many_vectors() {
    for (network, inputs) in networks() {
        let (map, dim) = gauss_newton(network, &inputs);
        let fixed = inputs
            .iter()
            .enumerate()
            .map(|(i, input)| input.tensor(i, 0));
        let kept = map.fixed.call(fixed.collect()).unwrap();
        let vector = float([dim]);
        for size in [1, 3] {
            let many = map.varying.vmap(&[0], size).unwrap();
            assert_eq!(many.outputs()[0].shape.as_slice(), [size, dim]);
            let with = |v: DispatchTensor| [vec![v], kept.clone()].concat();
            let found = many.call(with(vector.stacked(0, size))).unwrap().remove(0);
            let one = |k| {
                map.varying
                    .call(with(vector.tensor(0, k)))
                    .unwrap()
                    .remove(0)
            };
            let expected: Vec<f64> = (0..size).flat_map(|k| host(one(k))).collect();
            assert!(difference(&host(found), &expected) <= 1e-13);
        }
    }
}

#[test]
fn gradients_of_each_example() {
    // One program for one example, for all at once: parameters shared, inputs mapped.
    let mut one = mlp_inputs();
    one[3] = float([1, 3]);
    let losses = trace(&one, |x| {
        let y = f::<2>(&mlp(x)[0]);
        vec![(y.clone() * y).sum().into_dispatch()]
    });
    let gradients = losses.gradient(&[0, 1, 2]).unwrap();
    let each = gradients.vmap(&[3], BATCH).unwrap();
    let stacked = |i: usize| one[i].stacked(i, BATCH);
    let parameters: Vec<_> = (0..3).map(|i| one[i].tensor(i, 0)).collect();
    let outputs = each
        .call([parameters.clone(), vec![stacked(3)]].concat())
        .unwrap();
    // They add up to the gradient of the batch.
    let batch = trace(&mlp_inputs(), |x| {
        let y = f::<2>(&mlp(x)[0]);
        vec![(y.clone() * y).sum().into_dispatch()]
    });
    let rows = f::<3>(&stacked(3)).reshape([BATCH, 3]).into_dispatch();
    let total = batch.gradient(&[0, 1, 2]).unwrap();
    let total = total.call([parameters, vec![rows]].concat()).unwrap();
    for (each, total) in outputs.into_iter().zip(total) {
        let (each, total) = (host(each), host(total));
        let mut sum = vec![0.0; total.len()];
        for (i, x) in each.iter().enumerate() {
            sum[i % total.len()] += x;
        }
        assert!(difference(&sum, &total) <= 1e-13);
    }
}

#[test]
fn vectorized_programs_can_be_differentiated() {
    let program = trace(&mlp_inputs(), mlp);
    let inputs = mlp_inputs();
    let many = program.vmap(&[0, 3], 3).unwrap();
    let wrt = [0, 2];
    let of_many = many.vjp(&wrt).unwrap();
    let many_of = program.vjp(&wrt).unwrap().vmap(&[0, 3, 4], 3).unwrap();
    let cotangent = float(program.outputs()[0].shape.to_vec());
    let arguments: Vec<_> = (0..4)
        .map(|i| match i {
            0 | 3 => inputs[i].stacked(i, 3),
            _ => inputs[i].tensor(i, 0),
        })
        .chain([cotangent.stacked(4, 3)])
        .collect();
    let [_, first, shared] = of_many.call(arguments.clone()).unwrap().try_into().unwrap();
    let [_, row, rows] = many_of.call(arguments).unwrap().try_into().unwrap();
    assert!(difference(&host(first), &host(row)) <= 1e-13);
    // What is shared gets the sum.
    let rows = f::<3>(&rows).sum_dim(0).into_dispatch();
    assert!(difference(&host(shared), &host(rows)) <= 1e-13);
}
