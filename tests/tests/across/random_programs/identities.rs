//! What holds for the derivatives of every program, in 64 bits on a processor.

use backdraft::program::{Compiled, DispatchTensor, Program, ProgramError};
use backdraft_test_support::{ndarray, numbers};
use burn::tensor::{DType, Device};

use super::kind::{Kind, elements, matrices, pictures, sequences, tensor};

const PROGRAMS: u32 = 60;

/// Sums of some thousand terms, one after another, in another order: rounding to 2^-53.
const ROUNDING: f64 = 1e-11;
/// Half the way between the points of a difference, along directions of numbers below one.
const STEP: f64 = 1e-6;
/// The third derivatives times the step squared, and rounding divided by the step.
const DIFFERENCES: f64 = 1e-6;
/// Rows of mapped arguments.
const ROWS: usize = 3;

/// Tensors by their elements.
type Values = Vec<Vec<f64>>;

/// A program on a device.
struct Map(Compiled);

impl Map {
    fn new(program: &Program, device: &Device) -> Self {
        Self(program.clone().compile(device))
    }

    fn at(&self, parts: &[&Values]) -> Result<Values, ProgramError> {
        let outputs = self.run(parts, Vec::new())?;
        Ok(outputs.into_iter().map(elements).collect())
    }

    /// Its outputs, where `more` are the last inputs.
    fn run(
        &self,
        parts: &[&Values],
        more: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let specs = self.0.program().inputs();
        let values = parts.iter().copied().flatten().zip(specs);
        let inputs = values.map(|(values, spec)| tensor(values, &spec, self.0.device()));
        self.0.run(inputs.chain(more).collect())
    }
}

/// What is wrong.
#[derive(Default)]
struct Differences(String);

impl Differences {
    fn compare(&mut self, what: &str, found: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let scale = expected.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
            let mut pairs = found.iter().zip(expected);
            let near = pairs.all(|(a, b)| (a - b).abs() <= tolerance * scale);
            if found.len() != expected.len() || !near {
                self.0 += &format!("{what}, {i}: {found:.6?}, not {expected:.6?}\n");
            }
        }
    }

    /// Two ways to the same inner product.
    fn same_product(&mut self, what: &str, [a, b]: [&[Vec<f64>]; 2], [c, d]: [&[Vec<f64>]; 2]) {
        let product = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            let terms = a.iter().flatten().zip(b.iter().flatten());
            terms.fold((0.0, 1.0), |(sum, size): (f64, f64), (a, b)| {
                (sum + a * b, size + (a * b).abs())
            })
        };
        let ((first, size), (second, _)) = (product(a, b), product(c, d));
        if (first - second).abs() > ROUNDING * size || first.is_nan() {
            self.0 += &format!("{what}: {first:e} and {second:e}\n");
        }
    }
}

fn values(program: &Program, which: std::ops::Range<usize>, seed: u64) -> Values {
    let inputs = program.inputs().into_iter().enumerate();
    let chosen = inputs.filter(|(i, _)| which.contains(i));
    let numbers = chosen.map(|(i, spec)| numbers(spec.shape.num_elements(), seed + i as u64));
    numbers.collect()
}

/// `x + step v`.
fn moved(x: &Values, step: f64, v: &Values) -> Values {
    let tensors = x.iter().zip(v);
    let moved = tensors.map(|(x, v)| x.iter().zip(v).map(|(x, v)| x + step * v).collect());
    moved.collect()
}

/// `(a - b) / 2 STEP`.
fn slope(a: &[Vec<f64>], b: &[Vec<f64>]) -> Values {
    let tensors = a.iter().zip(b);
    let slopes = tensors.map(|(a, b)| {
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b) / (2.0 * STEP))
            .collect()
    });
    slopes.collect()
}

/// Every other argument as `ROWS` values at once, and so row by row.
fn mapped(
    wrong: &mut Differences,
    what: &str,
    program: &Program,
    device: &Device,
) -> Result<(), ProgramError> {
    let inputs = program.inputs().len();
    let rows: Vec<Values> = (0..ROWS as u64)
        .map(|row| {
            let rows = values(program, 0..inputs, 100 * (row + 1));
            let shared = values(program, 0..inputs, 1);
            let both = rows.into_iter().zip(shared).enumerate();
            both.map(|(i, (row, shared))| if i % 2 == 0 { row } else { shared })
                .collect()
        })
        .collect();
    let together = (0..inputs).map(|i| match i % 2 {
        0 => rows.iter().flat_map(|row| row[i].clone()).collect(),
        _ => rows[0][i].clone(),
    });
    let wrt: Vec<usize> = (0..inputs).step_by(2).collect();
    let vmap = Map::new(&program.vmap(&wrt, ROWS)?, device);
    let found = vmap.at(&[&together.collect()])?;
    let single = Map::new(program, device);
    let mut expected = vec![Vec::new(); found.len()];
    for row in &rows {
        let outputs = single.at(&[row])?;
        expected
            .iter_mut()
            .zip(outputs)
            .for_each(|(all, output)| all.extend(output));
    }
    wrong.compare(what, &found, &expected, ROUNDING);
    Ok(())
}

fn differences(program: &Program) -> Result<String, ProgramError> {
    let device = Device::flex();
    let mut wrong = Differences::default();
    let inputs = program.inputs().len();
    let outputs = program.outputs().len();
    let wrt: Vec<usize> = (0..inputs).collect();
    let (jvp, vjp) = (program.jvp(&wrt)?, program.vjp(&wrt)?);
    let second = vjp.jvp(&wrt)?;
    let map = |program: &Program| Map::new(program, &device);
    let (f, forward, reverse, twice) = (map(program), map(&jvp), map(&vjp), map(&second));

    let x = values(program, 0..inputs, 1);
    let u = values(&vjp, inputs..inputs + outputs, 20);
    let [v, w] = [40, 60].map(|seed| values(program, 0..inputs, seed));
    let (up, down) = (moved(&x, STEP, &v), moved(&x, -STEP, &v));

    let y = f.at(&[&x])?;
    let found = forward.at(&[&x, &v])?;
    let (again, tangents) = found.split_at(outputs);
    wrong.compare("value with jvp", again, &y, ROUNDING);
    let expected = slope(&f.at(&[&up])?, &f.at(&[&down])?);
    wrong.compare("jvp", tangents, &expected, DIFFERENCES);

    let found = reverse.at(&[&x, &u])?;
    let (again, gradients) = found.split_at(outputs);
    wrong.compare("value with vjp", again, &y, ROUNDING);
    wrong.same_product("vjp and jvp", [gradients, &v], [&u, tangents]);

    let along = |v: &Values| -> Result<Values, ProgramError> {
        let mut found = twice.at(&[&x, &u, v])?;
        Ok(found.split_off(2 * outputs + inputs))
    };
    let (hv, hw) = (along(&v)?, along(&w)?);
    let gradients = |x: &Values| -> Result<Values, ProgramError> {
        Ok(reverse.at(&[x, &u])?.split_off(outputs))
    };
    let expected = slope(&gradients(&up)?, &gradients(&down)?);
    wrong.compare("hvp", &hv, &expected, DIFFERENCES);
    wrong.same_product("hvp and its transpose", [&w, &hv], [&v, &hw]);

    let varying: Vec<usize> = (inputs + outputs..2 * inputs + outputs).collect();
    let parts = second.linearize(&varying)?;
    let kept = map(&parts.fixed).run(&[&x, &u], Vec::new())?;
    let found = map(&parts.varying).run(&[&v], kept)?;
    let found: Values = found.into_iter().map(elements).collect();
    let expected = twice.at(&[&x, &u, &v])?;
    wrong.compare("linearized", &found, &expected, ROUNDING);

    let less = Map(twice.0.recomputing(&varying, 0)?);
    if less.at(&[&x, &u, &v])? != expected {
        wrong.0 += "other bits when recomputed\n";
    }
    let peaks = [&twice, &less].map(|map| map.0.program().peak_bytes());
    if peaks[1] > peaks[0] {
        wrong.0 += &format!("{} bytes, and recomputed {}\n", peaks[0], peaks[1]);
    }

    mapped(&mut wrong, "vmap", program, &device)?;
    mapped(&mut wrong, "vmap of vjp", &vjp, &device)?;

    let other = Map::new(&second, &ndarray()).at(&[&x, &u, &v])?;
    wrong.compare("on ndarray", &other, &expected, ROUNDING);

    if !wrong.0.is_empty() {
        wrong.0 += &format!("of\n{program}\n");
    }
    Ok(wrong.0)
}

fn check<const D: usize>(kind: &Kind<D>) {
    kind.check(PROGRAMS, DType::F64, |steps| {
        differences(&steps.program(&Device::flex())?)
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
