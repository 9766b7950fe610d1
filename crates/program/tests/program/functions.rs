//! Derivatives of closures against closed forms and central differences. In f64 on flex.

use std::{cell::Cell, rc::Rc};

use crate::common::*;
use backdraft_program::{
    Constant, Function, Program, ProgramError, Spec, Tensors, grad, hessian, hvp, jacobian, jvp,
    linearize, value_and_grad, vjp,
};
use backdraft_test_support::*;
use burn::{
    Tensor,
    tensor::{Bool, DType, Int, activation},
};

type Pair = (Tensor<2>, Tensor<2>);

/// A smooth function of two matrices `[4, 3]` and `[3, 3]`.
fn smooth((x, w): Pair) -> Tensor<2> {
    let hidden = activation::tanh(x.clone().matmul(w.clone()));
    let gate = activation::sigmoid(x.matmul(w.transpose()) * 2.0) + 0.5;
    activation::log_softmax(hidden * gate.clone(), 1) * gate.exp()
}

fn point() -> Pair {
    (random([4, 3], 1), random([3, 3], 7))
}

fn direction() -> Pair {
    (random([4, 3], 23), random([3, 3], 31))
}

fn at(flat: &[f64]) -> Pair {
    point().unravel(tensor(flat, [flat.len()])).unwrap()
}

#[test]
fn jvp_is_the_central_difference() {
    let (y, dy) = jvp(smooth, point(), direction()).unwrap();
    // Log-softmax is written differently.
    assert_close(&host(y), &host(smooth(point())), 1e-15);
    let (x, v) = (flat(&point()), flat(&direction()));
    let h = 1e-5;
    let along = |sign: f64| {
        let moved: Vec<f64> = x.iter().zip(&v).map(|(x, v)| x + sign * h * v).collect();
        host(smooth(at(&moved)))
    };
    let difference: Vec<f64> = along(1.0)
        .iter()
        .zip(along(-1.0))
        .map(|(plus, minus)| (plus - minus) / (2.0 * h))
        .collect();
    assert_close(&host(dy), &difference, 1e-9);
}

#[test]
fn vjp_and_linearize_are_transposes() {
    let (y, derivative) = linearize(smooth, point()).unwrap();
    let (again, pull_back) = vjp(smooth, point()).unwrap();
    assert_close(&host(y.clone()), &host(smooth(point())), 1e-15);
    assert_eq!(host(again), host(y));
    assert!(derivative.kept_bytes() > 0);
    for seed in [49, 53] {
        let u = random([4, 3], seed);
        let (v, expected) = (direction(), jvp(smooth, point(), direction()).unwrap().1);
        let dy = derivative.apply(v.clone()).unwrap();
        assert_close(&host(dy.clone()), &host(expected), 1e-14);
        let g = pull_back.apply(u.clone()).unwrap();
        let (forward, reverse) = (dot(&host(u.clone()), &host(dy)), dot(&flat(&g), &flat(&v)));
        assert!(
            (forward - reverse).abs() <= 1e-14 * forward.abs().max(1.0),
            "{forward} {reverse}"
        );
        let transposed = derivative.transpose().unwrap().apply(u).unwrap();
        assert_close(&flat(&transposed), &flat(&g), 1e-15);
        let back = pull_back.transpose().unwrap().apply(v).unwrap();
        assert_close(
            &host(back),
            &host(derivative.apply(direction()).unwrap()),
            1e-15,
        );
    }
}

#[test]
fn gradient_and_hessian_product_are_central_differences() {
    let f = |x: Pair| smooth(x).sum();
    let (value, gradient) = value_and_grad(f, point()).unwrap();
    assert_close(&host(value), &host(f(point())), 1e-15);
    assert_close(
        &flat(&gradient),
        &central(|x| host(f(x))[0], &point()),
        1e-9,
    );
    let product = hvp(f, point(), direction()).unwrap();
    let along = |x| dot(&flat(&grad(f, x).unwrap()), &flat(&direction()));
    assert_close(&flat(&product), &central(along, &point()), 1e-9);
}

#[test]
fn jacobian_is_the_central_difference_in_either_mode() {
    // 12 outputs of 21 inputs: row by row.
    let wide = host(jacobian(smooth, point()).unwrap());
    let row = |i: usize| central(|x| host(smooth(x))[i], &point());
    let rows: Vec<f64> = (0..12).flat_map(row).collect();
    assert_close(&wide, &rows, 1e-9);
    // 12 outputs of 9 inputs: column by column.
    let f = |w| smooth((point().0, w));
    let g = |(w, Constant(x)): (Tensor<2>, Constant<Tensor<2>>)| smooth((x, w));
    let tall = host(jacobian(g, (point().1, Constant(point().0))).unwrap());
    let row = |i: usize| central(|w| host(f(w))[i], &point().1);
    let rows: Vec<f64> = (0..12).flat_map(row).collect();
    assert_close(&tall, &rows, 1e-9);
}

#[test]
fn hessian_has_its_closed_form() {
    // f = (a . x)^3 has the Hessian 6 (a . x) a a'.
    let a = random([3], 9);
    let x = random([3], 13);
    let f = |(x, Constant(a)): (Tensor<1>, Constant<Tensor<1>>)| (a * x).sum().powi_scalar(3);
    let matrix = hessian(f, (x.clone(), Constant(a.clone()))).unwrap();
    assert_eq!(matrix.dims(), [3, 3]);
    let (a, x) = (host(a), host(x));
    let scale = 6.0 * dot(&a, &x);
    let expected: Vec<f64> = (0..9).map(|i| scale * a[i / 3] * a[i % 3]).collect();
    assert_close(&host(matrix), &expected, 1e-14);
}

#[test]
fn derivatives_nest_to_the_third_order_in_every_mode() {
    // f = sum sin(2 x): derivatives 2 cos, -4 sin, -8 cos, 16 sin.
    let x = random([5], 4);
    let values = host(x.clone());
    let wave = |x: Tensor<1>| (x * 2.0).sin();
    let first = |x| grad(|x| wave(x).sum(), x);
    let second = |x| grad(|x| Ok(first(x)?.sum()), x);
    let third = |x| grad(|x| Ok(second(x)?.sum()), x);
    let expected: Vec<f64> = values.iter().map(|x| -8.0 * (2.0 * x).cos()).collect();
    // Rounding in some fifty operations.
    assert_close(&host(third(x.clone()).unwrap()), &expected, 1e-14);

    let ones = x.ones_like();
    let forward = |f: &dyn Fn(Tensor<1>) -> Result<Tensor<1>, ProgramError>, x: Tensor<1>| {
        let ones = x.ones_like();
        jvp(f, x, ones).map(|(_, dy)| dy)
    };
    let by_forward = forward(
        &|x| forward(&|x| forward(&|x| Ok(wave(x)), x), x),
        x.clone(),
    );
    assert_close(&host(by_forward.unwrap()), &expected, 1e-14);
    let mixed = forward(&second, x.clone()).unwrap();
    assert_close(&host(mixed), &expected, 1e-14);
    let other = grad(|x| Ok(forward(&|x| first(x), x)?.sum()), x.clone()).unwrap();
    assert_close(&host(other), &expected, 1e-14);

    let fourth = hvp(|x| Ok(second(x)?.sum()), x, ones).unwrap();
    let expected: Vec<f64> = values.iter().map(|x| 16.0 * (2.0 * x).sin()).collect();
    assert_close(&host(fourth), &expected, 1e-14);
}

#[test]
fn an_inner_function_reads_the_tensors_of_the_outer_ones() {
    // d/dx of x d/da (a^2 x^3) at a = x, which is 2 x^5: 10 x^4; with all of the inner function's x held fixed.
    let x = random([3], 4);
    let outer = |x: Tensor<1>| {
        let inner = grad(
            |a: Tensor<1>| (a.square() * x.clone().powi_scalar(3)).sum(),
            x.clone(),
        )?;
        Ok((x * inner).sum())
    };
    let expected: Vec<f64> = host(x.clone()).iter().map(|x| 10.0 * x.powi(4)).collect();
    assert_close(&host(grad(outer, x.clone()).unwrap()), &expected, 1e-14);

    // A tensor that leaves the inner function keeps its derivative.
    let leaking = |x: Tensor<1>| {
        let mut cube = None;
        let square = grad(
            |a: Tensor<1>| {
                let value = a.powi_scalar(3);
                cube = Some(value.clone());
                value.sum()
            },
            x,
        )?;
        Ok((square + cube.expect("the inner function ran")).sum())
    };
    // d/dx (3 x^2 + x^3).
    let expected: Vec<f64> = host(x.clone())
        .iter()
        .map(|x| 6.0 * x + 3.0 * x * x)
        .collect();
    assert_close(&host(grad(leaking, x).unwrap()), &expected, 1e-14);
}

#[test]
fn linear_maps_nest() {
    // g(x) = J(x) J(x)' u for y = sin(w x): differentiate through linearize, transpose and vjp.
    let w = random([4, 3], 2);
    let u = random([4, 1], 11);
    let f = |(x, Constant((w, u))): (Tensor<2>, Constant<(Tensor<2>, Tensor<2>)>)| {
        let (_, derivative) = linearize(|x: Tensor<2>| w.clone().matmul(x).sin(), x.clone())?;
        let (_, pull_back) = vjp(|x: Tensor<2>| w.clone().matmul(x).sin(), x)?;
        let back = pull_back.apply(u.clone())?;
        let same = derivative.transpose()?.apply(u)?;
        Ok(derivative.apply(back)?.sum() + (same * 0.5).sum())
    };
    let constants = Constant((w, u));
    let x = random([3, 1], 6);
    let value = |x: Tensor<2>| {
        let call = Function::new(f);
        host(call.call((x, constants.clone())).unwrap())[0]
    };
    let (gradient, _) = grad(f, (x.clone(), constants.clone())).unwrap();
    assert_close(&host(gradient), &central(value, &x), 1e-9);
}

#[test]
fn a_jacobian_can_be_differentiated() {
    // The Jacobian of x^3 is diag(3 x^2), with the gradient 6 x of its sum.
    let x = random([3], 4);
    let f = |x: Tensor<1>| Ok(jacobian(|x: Tensor<1>| x.powi_scalar(3), x)?.sum());
    let expected: Vec<f64> = host(x.clone()).iter().map(|x| 6.0 * x).collect();
    assert_close(&host(grad(f, x).unwrap()), &expected, 1e-14);
}

#[test]
fn ints_and_constants_are_passed_through() {
    let table = random([5, 2], 3);
    let picks = Tensor::<1, Int>::from_ints([4, 0, 4], &device());
    let mask = Tensor::<2, Bool>::from_bool([[true, false]], &device());
    type Argument = (
        Tensor<2>,
        Tensor<1, Int>,
        Option<Tensor<2, Bool>>,
        Constant<[Tensor<2>; 1]>,
    );
    let f = |(table, picks, mask, Constant([scale])): Argument| {
        let mask = mask.expect("a mask").expand([3, 2]);
        let chosen = (table.select(0, picks) * scale).square();
        chosen.mask_fill(mask, 0.0).sum()
    };
    let scale = random([3, 2], 8);
    let x = (
        table.clone(),
        picks.clone(),
        Some(mask),
        Constant([scale.clone()]),
    );
    let (gradient, same, _, Constant([kept])) = grad(f, x.clone()).unwrap();
    assert_close(&host(gradient), &central(|x| host(f(x))[0], &x), 1e-9);
    assert_eq!(same.into_data(), picks.clone().into_data());
    assert_eq!(host(kept), host(scale));

    // An int result has no derivative, and none is needed.
    let (y, dy) = jvp(
        |x: Tensor<1>| (x.clone().square(), x.argmax(0)),
        random([3], 5),
        random([3], 6),
    )
    .unwrap();
    assert_eq!(y.1.into_data(), dy.1.into_data());
    let expected: Vec<f64> = numbers(3, 5)
        .iter()
        .zip(numbers(3, 6))
        .map(|(x, v)| 2.0 * x * v)
        .collect();
    assert_close(&host(dy.0), &expected, 1e-15);
    let nothing = grad(|picks: Tensor<1, Int>| picks.float().sum(), picks);
    assert_eq!(nothing.unwrap_err(), ProgramError::NothingToDifferentiate);
}

#[test]
fn structures_are_rebuilt() {
    let parts = vec![random([2], 1), random([3], 2)];
    let f = |parts: Vec<Tensor<1>>| parts[0].clone().square().sum() * parts[1].clone().sum();
    let gradient = grad(f, parts.clone()).unwrap();
    assert_eq!(gradient.len(), 2);
    assert_close(&flat(&gradient), &central(|x| host(f(x))[0], &parts), 1e-9);
    let wrong = parts.unravel(random([4], 1));
    assert!(matches!(wrong, Err(ProgramError::Flat(_))));
    let mixed = (random([2], 1), Tensor::<1>::ones([2], &device()));
    assert!(matches!(mixed.ravel(), Err(ProgramError::Flat(_))));
}

#[test]
fn a_value_that_ignores_the_argument_has_gradient_zero() {
    let outside = random([1], 3);
    let gradient = grad(|_: Tensor<2>| outside.clone(), random([2, 2], 1)).unwrap();
    assert_eq!(host(gradient), [0.0; 4]);
}

#[test]
fn single_precision_stays_single() {
    let x = Tensor::<1>::from_floats([1.0, 2.0], &device());
    let f = |x: Tensor<1>| {
        (x.clone() * Tensor::ones([2], &x.device()) * 3.0)
            .square()
            .sum()
    };
    let gradient = grad(f, x.clone()).unwrap();
    assert_eq!(gradient.dtype(), DType::F32);
    assert_eq!(gradient.into_data(), (x * 18.0).into_data());
}

#[test]
fn a_function_is_traced_once_a_shape() {
    let traces = Rc::new(Cell::new(0));
    let count = traces.clone();
    let gradient = Function::new(move |x: Tensor<1>| {
        count.set(count.get() + 1);
        grad(|x: Tensor<1>| x.powi_scalar(3).sum(), x)
    });
    let expected = |x: &[f64]| x.iter().map(|x| 3.0 * x * x).collect::<Vec<_>>();
    for seed in [1, 2, 3] {
        let x = random([4], seed);
        assert_close(
            &host(gradient.call(x.clone()).unwrap()),
            &expected(&host(x)),
            1e-15,
        );
    }
    assert_eq!(traces.get(), 1);
    gradient.call(random([5], 1)).unwrap();
    assert_eq!(traces.get(), 2);
    // Within another function it is part of that trace.
    let second = grad(|x| Ok(gradient.call(x)?.sum()), random([4], 4)).unwrap();
    let expected: Vec<f64> = numbers(4, 4).iter().map(|x| 6.0 * x).collect();
    assert_close(&host(second), &expected, 1e-15);

    // Vectors of different lengths are different structures, whatever they hold.
    let regroup = Function::new(|x: Vec<Vec<Tensor<1>>>| x);
    let (a, b) = (random([2], 1), random([2], 2));
    let apart = regroup
        .call(vec![vec![a.clone()], vec![b.clone()]])
        .unwrap();
    let together = regroup.call(vec![vec![a, b]]).unwrap();
    assert_eq!((apart.len(), together.len()), (2, 1));
}

#[test]
fn computed_and_recorded_linear_maps_know_their_place() {
    let x = random([3], 4);
    let (_, derivative) = linearize(|x: Tensor<1>| x.powi_scalar(3), x.clone()).unwrap();
    // A map that was computed before is a constant of a later trace.
    let along = grad(
        |v: Tensor<1>| Ok(derivative.apply(v.clone())?.mul(v).sum()),
        x.clone(),
    )
    .unwrap();
    let expected: Vec<f64> = host(x.clone()).iter().map(|x| 6.0 * x.powi(3)).collect();
    assert_close(&host(along), &expected, 1e-14);
    // One that was recorded ends with its trace.
    let mut escaped = None;
    grad(
        |x: Tensor<1>| {
            let (y, derivative) = linearize(|x: Tensor<1>| x.square(), x)?;
            escaped = Some(derivative);
            Ok(y.sum())
        },
        x.clone(),
    )
    .unwrap();
    let escaped = escaped.expect("the function ran");
    assert!(matches!(
        escaped.apply(x.clone()),
        Err(ProgramError::Trace(_))
    ));
    let elsewhere = grad(|x: Tensor<1>| Ok(escaped.apply(x)?.sum()), x);
    assert!(matches!(elsewhere, Err(ProgramError::Trace(_))));
}

#[test]
fn shared_work_is_done_once() {
    // The value, its gradient and the outer function share one product.
    let trace = |inputs: Vec<backdraft_program::DispatchTensor>| {
        let x = Tensor::<2>::from_dispatch(inputs[0].clone());
        let w = Tensor::<2>::from_dispatch(inputs[1].clone());
        let f = |w: Tensor<2>| x.clone().matmul(w).tanh().sum();
        let (value, gradient) = value_and_grad(f, w)?;
        Ok(vec![value.into_dispatch(), gradient.into_dispatch()])
    };
    let specs = [Spec::new([4, 3], DType::F64), Spec::new([3, 3], DType::F64)];
    let program = Program::trace(&device().settings(), &specs, trace).unwrap();
    let count = |what: &str| program.operations().filter(|name| name == what).count();
    assert_eq!((count("Matmul"), count("Tanh")), (2, 1), "{program}");
}

#[test]
fn burns_own_autodiff_goes_through_a_gradient() {
    // d/dx of the sum of the gradient of x^3.
    let x = random([3], 4).autodiff().require_grad();
    let gradient = grad(|x: Tensor<1>| x.powi_scalar(3).sum(), x.clone()).unwrap();
    let second = x.grad(&gradient.sum().backward()).unwrap();
    let expected: Vec<f64> = numbers(3, 4).iter().map(|x| 6.0 * x).collect();
    assert_close(&host(second), &expected, 1e-14);
}
