//! On a graphics device, where Burn puts operations together into kernels, programs and their derivatives have the same
//! results as on the processor.

use backdraft::program::{Program, ProgramError};
use backdraft_test_support::{numbers, wgpu};
use burn::tensor::{DType, Device};

use super::kind::{Kind, elements, matrices, pictures, sequences, tensor};

const PROGRAMS: u32 = 6;
/// Of each program: the last are recorded ones where the device records.
const RUNS: usize = 7;

/// Both devices round to 2^-24; what is compared are a few dozen operations one after another on numbers below ten, and
/// sums of a few dozen products.
const TOLERANCE: f64 = 5e-6;

/// The elements of the outputs of each run, one run after the other.
fn compute(program: &Program, device: &Device) -> Result<Vec<Vec<f64>>, ProgramError> {
    let inputs = program.inputs().into_iter().enumerate();
    let inputs = inputs.map(|(i, spec)| {
        let numbers = numbers(spec.shape.num_elements(), i as u64);
        tensor(&numbers, &spec, device)
    });
    let inputs: Vec<_> = inputs.collect();
    let compiled = program.clone().compile(device).recorded();
    let mut outputs = Vec::new();
    for _ in 0..RUNS {
        outputs.extend(compiled.run(inputs.clone())?.into_iter().map(elements));
    }
    Ok(outputs)
}

fn agree(found: &[f64], expected: &[f64]) -> bool {
    let mut pairs = found.iter().zip(expected);
    found.len() == expected.len()
        && pairs
            .all(|(found, expected)| (found - expected).abs() < TOLERANCE * (1.0 + expected.abs()))
}

/// What differs of the programs for a device and for flex, and where.
fn differences([found, expected]: [&Program; 2], device: &Device) -> Result<String, ProgramError> {
    let outputs = compute(found, device)?;
    let pairs = outputs.iter().zip(compute(expected, &Device::flex())?);
    let count = found.outputs().len();
    let mut differences = String::new();
    for (i, (found, expected)) in pairs.enumerate() {
        if !agree(found, &expected) {
            let (run, output) = (i / count, i % count);
            differences +=
                &format!("run {run}, output {output}: found {found:.3?}, not {expected:.3?}\n");
        }
    }
    if !differences.is_empty() {
        differences += &format!("of\n{found}\n");
    }
    Ok(differences)
}

fn check<const D: usize>(kind: &Kind<D>) {
    let Some(gpu) = wgpu() else { return };
    kind.check(PROGRAMS, DType::F32, |steps| {
        let both = [steps.program(&gpu)?, steps.program(&Device::flex())?];
        let wrt: Vec<usize> = (0..both[0].inputs().len()).collect();
        let mut all = String::new();
        let mut compare = |derive: &dyn Fn(&Program) -> Result<Program, ProgramError>| {
            let [found, expected] = [derive(&both[0])?, derive(&both[1])?];
            all += &differences([&found, &expected], &gpu)?;
            Ok::<_, ProgramError>(())
        };
        compare(&|it| it.jvp(&wrt))?;
        compare(&|it| it.vjp(&wrt))?;
        compare(&|it| it.vjp(&wrt)?.jvp(&wrt))?;
        compare(&|it| Ok(it.clone()))?;
        Ok(all)
    });
}

#[test]
fn of_matrices() {
    check(&matrices());
}

#[test]
fn of_sequences() {
    check(&sequences());
}

#[test]
fn of_pictures() {
    check(&pictures());
}
