//! Matrix products in 16 bits: how far off they are, and what they leave alone.

use backdraft_program::{Half, Program, ProgramError, Spec};
use backdraft_test_support::{host, random, relative_error};
use burn::tensor::{DType, Device, FloatDType, Tensor};

const ROWS: usize = 8;
const INNER: usize = 40;

/// `tanh(x w) w'`, which has two products.
fn program(dtype: DType) -> Result<Program, ProgramError> {
    let specs = [[ROWS, INNER], [INNER, INNER]].map(|shape| Spec::new(shape, dtype));
    Program::trace(&Device::flex().settings(), &specs, |inputs| {
        let [x, w] = [0, 1].map(|i| Tensor::<2>::from_dispatch(inputs[i].clone()));
        let hidden = x.matmul(w.clone()).tanh();
        Ok(vec![hidden.matmul(w.transpose()).into_dispatch()])
    })
}

fn run(program: &Program, dtype: DType, size: f64) -> Result<Vec<f64>, ProgramError> {
    let tensor = |rows: usize, seed, size| {
        let x: Tensor<2> = random([rows, INNER], seed) * size;
        x.cast(FloatDType::from(dtype)).into_dispatch()
    };
    let inputs = vec![tensor(ROWS, 1, size), tensor(INNER, 2, 1.0)];
    let output = Tensor::<2>::from_dispatch(program.call(inputs)?.remove(0));
    Ok(host(output))
}

/// Two products one after the other, each with both factors and itself rounded: less than six roundings, of half a unit
/// in the last place each, in the Euclidean norm; and more than a tenth of one.
#[test]
fn products_are_as_good_as_their_type() -> Result<(), ProgramError> {
    let exact = program(DType::F32)?;
    for (half, precision) in [(Half::F16, 2_f64.powi(-11)), (Half::BF16, 2_f64.powi(-8))] {
        let rough = exact.with_products(half)?;
        // Among the small sizes are cotangents of means over many examples, which F16 cannot hold unscaled.
        for size in [1.0, 1e-9, 1e6] {
            let error = relative_error(
                &run(&rough, DType::F32, size)?,
                &run(&exact, DType::F32, size)?,
            );
            assert!(error < 6.0 * precision, "{half:?} at {size}: {error:.1e}");
            assert!(error > 0.1 * precision, "{half:?} at {size}: {error:.1e}");
        }
    }
    Ok(())
}

#[test]
fn zeros_stay_zeros() -> Result<(), ProgramError> {
    for half in [Half::F16, Half::BF16] {
        let rough = program(DType::F32)?.with_products(half)?;
        assert!(run(&rough, DType::F32, 0.0)?.iter().all(|&x| x == 0.0));
    }
    Ok(())
}

#[test]
fn as_many_products_as_before() -> Result<(), ProgramError> {
    let matmuls = |program: &Program| program.operations().filter(|it| it == "Matmul").count();
    let gradient = program(DType::F32)?.vjp(&[0, 1])?;
    for half in [Half::F16, Half::BF16] {
        let rough = gradient.with_products(half)?;
        assert_eq!(matmuls(&rough), matmuls(&gradient));
        assert_eq!(rough.inputs(), gradient.inputs());
        assert_eq!(rough.outputs(), gradient.outputs());
    }
    Ok(())
}

#[test]
fn products_of_64_bits_stay_as_they_are() -> Result<(), ProgramError> {
    let exact = program(DType::F64)?;
    let same = exact.with_products(Half::BF16)?;
    assert_eq!(same.to_string(), exact.to_string());
    Ok(())
}
