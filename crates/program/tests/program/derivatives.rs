//! Derivative programs against central differences and their own identities. In f64 on flex.

use backdraft_program::{DispatchTensor, Program, ProgramError, Spec};
use backdraft_test_support::{assert_close, device, dot, random};
use burn::{
    Tensor,
    tensor::{DType, Int, activation},
};

const ROWS: usize = 4;
pub(super) const COLUMNS: usize = 3;

pub(super) fn host(tensor: DispatchTensor) -> Vec<f64> {
    backdraft_test_support::host(Tensor::<2>::from_dispatch(tensor))
}

/// A smooth function of two matrices: `tanh(x w) * sigmoid(w_00 x) . log_softmax(..)`.
fn smooth(inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
    let [x, w] = inputs.try_into().expect("two inputs");
    let (x, w) = (Tensor::<2>::from_dispatch(x), Tensor::<2>::from_dispatch(w));
    let hidden = activation::tanh(x.clone().matmul(w.clone()));
    let gate = activation::sigmoid(x.matmul(w.transpose()) * 2.0) + 0.5;
    let y = activation::log_softmax(hidden * gate.clone(), 1);
    Ok(vec![(y * gate.exp()).into_dispatch()])
}

pub(super) fn program() -> Program {
    let specs = [
        Spec::new([ROWS, COLUMNS], DType::F64),
        Spec::new([COLUMNS, COLUMNS], DType::F64),
    ];
    Program::trace(&device().settings(), &specs, smooth).unwrap()
}

pub(super) fn x() -> Tensor<2> {
    random([ROWS, COLUMNS], 1)
}

fn w() -> Tensor<2> {
    random([COLUMNS, COLUMNS], 7)
}

fn direction() -> Tensor<2> {
    random([COLUMNS, COLUMNS], 23)
}

fn run(program: &Program, inputs: &[Tensor<2>]) -> Vec<Vec<f64>> {
    let inputs = inputs.iter().map(|t| t.clone().into_dispatch()).collect();
    program
        .call(inputs)
        .unwrap()
        .into_iter()
        .map(host)
        .collect()
}

/// `(f(w + h v) - f(w - h v)) / 2h` for the last argument.
fn central(program: &Program, arguments: &[Tensor<2>], v: &Tensor<2>, output: usize) -> Vec<f64> {
    let h = 1e-5;
    let at = |sign: f64| {
        let mut arguments = arguments.to_vec();
        let w = arguments.pop().unwrap();
        arguments.push(w + v.clone() * (sign * h));
        run(program, &arguments).remove(output)
    };
    at(1.0)
        .iter()
        .zip(at(-1.0))
        .map(|(plus, minus)| (plus - minus) / (2.0 * h))
        .collect()
}

#[test]
fn a_program_computes_what_was_traced() {
    let direct = smooth(vec![x().into_dispatch(), w().into_dispatch()])
        .unwrap()
        .remove(0);
    // Log-softmax is written differently.
    assert_close(&run(&program(), &[x(), w()])[0], &host(direct), 1e-15);
    let compiled = program().compile(&device());
    let outputs = compiled
        .run(vec![x().into_dispatch(), w().into_dispatch()])
        .unwrap();
    assert_eq!(host(outputs[0].clone()), run(&program(), &[x(), w()])[0]);
}

#[test]
fn jvp_is_the_central_difference() {
    let jvp = program().jvp(&[1]).unwrap();
    let [y, dy] = run(&jvp, &[x(), w(), direction()]).try_into().unwrap();
    assert_eq!(y, run(&program(), &[x(), w()])[0]);
    // Truncation h^2 and rounding 1e-16 / h are about 1e-10.
    assert_close(
        &dy,
        &central(&program(), &[x(), w()], &direction(), 0),
        1e-9,
    );
}

#[test]
fn vjp_is_the_adjoint_of_jvp() {
    let (jvp, vjp) = (
        program().jvp(&[0, 1]).unwrap(),
        program().vjp(&[0, 1]).unwrap(),
    );
    let v = random([ROWS, COLUMNS], 31);
    let u = random([ROWS, COLUMNS], 49);
    let dy = run(&jvp, &[x(), w(), v.clone(), direction()]).remove(1);
    let [_, gx, gw] = run(&vjp, &[x(), w(), u.clone()]).try_into().unwrap();
    let forward = dot(&host(u.into_dispatch()), &dy);
    let reverse = dot(&gx, &host(v.into_dispatch())) + dot(&gw, &host(direction().into_dispatch()));
    assert!(
        (forward - reverse).abs() <= 1e-14 * forward.abs().max(1.0),
        "{forward} {reverse}"
    );
}

#[test]
fn second_derivatives_agree_in_every_order() {
    let gradient = program().gradient(&[1]).unwrap();
    let hvp = gradient.jvp(&[1]).unwrap();
    let product = run(&hvp, &[x(), w(), direction()]).remove(3);
    assert_close(
        &product,
        &central(&gradient, &[x(), w()], &direction(), 1),
        1e-8,
    );
    // Forward over forward: the second directional derivative is v'Hv.
    let twice = program().jvp(&[1]).unwrap().jvp(&[1]).unwrap();
    let second = run(&twice, &[x(), w(), direction(), direction()]).remove(3);
    let curvature = dot(&host(direction().into_dispatch()), &product);
    assert!((second.iter().sum::<f64>() - curvature).abs() < 1e-12 * curvature.abs());
    // Reverse over reverse.
    let [_, _, _, again] = {
        let specs = [gradient.inputs(), vec![gradient.inputs()[1].clone()]].concat();
        let along = Program::trace(gradient.settings(), &specs, |mut inputs| {
            let v = Tensor::<2>::from_dispatch(inputs.pop().unwrap());
            let g = Tensor::<2>::from_dispatch(gradient.call(inputs)?.remove(1));
            Ok(vec![
                (g.clone() * v.clone()).into_dispatch(),
                g.into_dispatch(),
                v.into_dispatch(),
            ])
        })
        .unwrap();
        let only = Program::trace(gradient.settings(), &specs, |inputs| {
            Ok(along.call(inputs)?[..1].to_vec())
        });
        let reverse = only.unwrap().gradient(&[1]).unwrap();
        let product = run(&reverse, &[x(), w(), direction()]).remove(1);
        [vec![], vec![], vec![], product]
    };
    assert_close(&again, &product, 1e-13);
}

#[test]
fn a_linearized_program_is_the_same_program() {
    let hvp = program().gradient(&[1]).unwrap().jvp(&[1]).unwrap();
    let whole = run(&hvp, &[x(), w(), direction()]);
    let split = hvp.linearize(&[2]).unwrap();
    let fixed = vec![x().into_dispatch(), w().into_dispatch()];
    let kept = split.fixed.call(fixed).unwrap();
    for scale in [1.0, -2.0] {
        let mut inputs = vec![(direction() * scale).into_dispatch()];
        inputs.extend(kept.clone());
        let outputs: Vec<_> = split
            .varying
            .call(inputs)
            .unwrap()
            .into_iter()
            .map(host)
            .collect();
        assert_eq!(outputs[..2], whole[..2]);
        let expected: Vec<f64> = whole[3].iter().map(|x| scale * x).collect();
        assert_close(&outputs[3], &expected, 1e-15);
    }
    let matmuls = |program: &Program| program.operations().filter(|name| name == "Matmul").count();
    assert_eq!(
        matmuls(&split.fixed) + matmuls(&split.varying),
        matmuls(&hvp)
    );
}

#[test]
fn a_program_that_ignores_an_input_has_derivative_zero() {
    let spec = [Spec::new([2, 2], DType::F64), Spec::new([2, 2], DType::F64)];
    let first = Program::trace(&device().settings(), &spec, |inputs| {
        Ok(inputs[..1].to_vec())
    })
    .unwrap();
    let two = random([2, 2], 3);
    let arguments = [two.clone(), two.clone(), two.clone()];
    assert_eq!(run(&first.jvp(&[1]).unwrap(), &arguments)[1], [0.0; 4]);
    assert_eq!(run(&first.vjp(&[1]).unwrap(), &arguments)[1], [0.0; 4]);
    assert_eq!(
        run(&first.vjp(&[0]).unwrap(), &arguments)[1],
        host(two.into_dispatch())
    );
}

#[test]
fn simplification_removes_the_waste_of_reverse_mode() {
    let gradient = program().gradient(&[1]).unwrap();
    let names: Vec<String> = gradient.operations().collect();
    assert!(!names.iter().any(|name| name == "Ones"), "{gradient}");
    // Two products forward, and for w one each backward; the one for x is dead.
    assert_eq!(
        names.iter().filter(|name| *name == "Matmul").count(),
        4,
        "{gradient}"
    );
    let once = gradient.clone().simplify().unwrap();
    assert_eq!(
        once.operations().count(),
        names.len(),
        "simplifying twice changes nothing"
    );
}

#[test]
fn division_by_a_number_is_exact_in_reverse() {
    let spec = [Spec::new([2, 2], DType::F64)];
    let third = Program::trace(&device().settings(), &spec, |inputs| {
        Ok(vec![
            (Tensor::<2>::from_dispatch(inputs[0].clone()) / 3.0).into_dispatch(),
        ])
    });
    let two = random([2, 2], 3);
    let gradient = run(&third.unwrap().gradient(&[0]).unwrap(), &[two]).remove(1);
    // One rounding of 1/3 in f64; Burn's own reverse mode is off by 1e-8.
    assert_eq!(gradient, [1.0 / 3.0; 4]);
}

#[test]
fn misuse_is_a_typed_error() {
    let program = program();
    let arity = program.call(vec![x().into_dispatch()]);
    assert!(matches!(
        arity,
        Err(ProgramError::Arity {
            expected: 2,
            found: 1
        })
    ));
    let shape = program.call(vec![w().into_dispatch(), w().into_dispatch()]);
    assert!(matches!(shape, Err(ProgramError::Input { index: 0, .. })));
    assert!(matches!(
        program.jvp(&[2]),
        Err(ProgramError::NotDifferentiable { index: 2, .. })
    ));
    assert!(matches!(
        program.vjp(&[1, 1]),
        Err(ProgramError::NotDifferentiable { index: 1, .. })
    ));
    let ints = Program::trace(
        &device().settings(),
        &[Spec::new([2], DType::I64)],
        |inputs| {
            let t = Tensor::<1, Int>::from_dispatch(inputs[0].clone());
            Ok(vec![t.float().into_dispatch()])
        },
    );
    assert!(matches!(
        ints.unwrap().jvp(&[0]),
        Err(ProgramError::NotDifferentiable { index: 0, .. })
    ));
    let outside = Program::trace(
        &device().settings(),
        &[Spec::new([2, 2], DType::F64)],
        |_| Ok(vec![w().into_dispatch()]),
    );
    assert!(matches!(outside, Err(ProgramError::Trace(_))));
}

#[test]
fn drawing_random_numbers_inside_is_refused() {
    let random = Program::trace(
        &device().settings(),
        &[Spec::new([2, 2], DType::F32)],
        |inputs| {
            let x = Tensor::<2>::from_dispatch(inputs[0].clone());
            let noise = x.random_like(burn::tensor::Distribution::Default);
            Ok(vec![(x + noise).into_dispatch()])
        },
    );
    match random {
        Err(ProgramError::Unsupported { operation, .. }) => assert_eq!(operation, "Random"),
        other => panic!("{other:?}"),
    }
}
