//! The best step within a size and a range, against any other and against the multiplier found by halving.

use backdraft_influence::{InputStep, SolveError, StepGoal, StepNorm};
use backdraft_test_support::{dot, norm, numbers};

const INPUTS: usize = 9;
const SIZE: f64 = 0.7;

fn step(norm: StepNorm, goal: StepGoal, range: Option<Vec<[f64; 2]>>) -> InputStep {
    InputStep {
        norm,
        goal,
        range,
        ..InputStep::new(SIZE)
    }
}

/// Some of them have no room, or little, or are beyond their range.
fn range() -> Vec<[f64; 2]> {
    let mut range: Vec<[f64; 2]> = numbers(2 * INPUTS, 5)
        .chunks(2)
        .map(|it| [-it[0].abs(), it[1].abs()])
        .collect();
    range[2] = [0.0, 0.0];
    range[3] = [f64::NEG_INFINITY, f64::INFINITY];
    range
}

fn inputs() -> Vec<f64> {
    let range = range();
    let mut inputs: Vec<f64> = numbers(INPUTS, 8)
        .iter()
        .zip(&range)
        .map(|(x, it)| {
            if it[0].is_finite() {
                x * it[1].min(-it[0])
            } else {
                *x
            }
        })
        .collect();
    inputs[6] = range[6][1] + 0.5;
    inputs
}

const GOALS: [StepGoal; 2] = [StepGoal::Lower, StepGoal::Raise];

#[test]
fn without_a_range_it_is_the_dual_norm_that_is_gained() {
    let mut gradient = numbers(INPUTS, 3);
    gradient[4] = 0.0;
    let absolute: f64 = gradient.iter().map(|it| it.abs()).sum();
    for (goal, sign) in GOALS.into_iter().zip([-1.0, 1.0]) {
        let along = |norm| {
            let step = step(norm, goal, None);
            step.best(&gradient, &inputs()).unwrap()
        };
        let linf = along(StepNorm::Linf);
        let gained = dot(&linf, &gradient);
        assert!((gained - sign * SIZE * absolute).abs() < 1e-14);
        assert_eq!(linf[4], 0.0);
        let l2 = along(StepNorm::L2);
        assert!((norm(&l2) - SIZE).abs() < 1e-15);
        let gained = dot(&l2, &gradient);
        assert!((gained - sign * SIZE * norm(&gradient)).abs() < 1e-14);
    }
}

/// What halving finds: cut off where it meets the range, of the asked length.
fn by_halving(gradient: &[f64], inputs: &[f64], sign: f64) -> Vec<f64> {
    let at = |rate: f64| -> Vec<f64> {
        let moved = gradient.iter().zip(inputs).zip(range());
        moved
            .map(|((slope, x), [least, most])| {
                let down = (x - least).max(0.0);
                let up = (most - x).max(0.0);
                (sign * rate * slope).clamp(-down, up)
            })
            .collect()
    };
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        match norm(&at(middle)) < SIZE {
            true => low = middle,
            false => high = middle,
        }
    }
    at(low)
}

#[test]
fn within_a_range_none_is_better() {
    let (gradient, inputs) = (numbers(INPUTS, 3), inputs());
    for (goal, sign) in GOALS.into_iter().zip([-1.0, 1.0]) {
        let l2 = step(StepNorm::L2, goal, Some(range()));
        let l2 = l2.best(&gradient, &inputs).unwrap();
        for (found, expected) in l2.iter().zip(by_halving(&gradient, &inputs, sign)) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        let linf = step(StepNorm::Linf, goal, Some(range()));
        let linf = linf.best(&gradient, &inputs).unwrap();
        for step in [&l2, &linf] {
            let moved = inputs.iter().zip(step).zip(range());
            for (at, ((x, step), [least, most])) in moved.enumerate() {
                let beyond = at == 6 && x + step <= *x;
                // But for the rounding of the sum.
                let within = least - 1e-15 <= x + step && x + step <= most + 1e-15;
                assert!(within || beyond);
            }
        }
        // Any other within the size and the range.
        for seed in 0..500 {
            let other = numbers(INPUTS, 100 + seed);
            let other: Vec<f64> = other
                .iter()
                .zip(&inputs)
                .zip(range())
                .map(|((d, x), [least, most])| {
                    (d * SIZE).clamp(-(x - least).max(0.0), (most - x).max(0.0))
                })
                .collect();
            let gained = sign * dot(&other, &gradient);
            assert!(gained <= sign * dot(&linf, &gradient) + 1e-15);
            let shrunk = gained * (SIZE / norm(&other)).min(1.0);
            assert!(shrunk <= sign * dot(&l2, &gradient) + 1e-15);
        }
    }
}

/// Where there is no room for the length, all of the range is taken.
#[test]
fn a_small_range_is_used_up() {
    let gradient = numbers(INPUTS, 3);
    let range = vec![[-0.01, 0.02]; INPUTS];
    let step = step(StepNorm::L2, StepGoal::Lower, Some(range));
    let best = step.best(&gradient, &[0.0; INPUTS]).unwrap();
    for (slope, moved) in gradient.iter().zip(best) {
        assert_eq!(moved, if *slope > 0.0 { -0.01 } else { 0.02 });
    }
    let tiny: Vec<f64> = gradient.iter().map(|it| it * 1e-300).collect();
    let free = InputStep {
        norm: StepNorm::L2,
        ..InputStep::new(SIZE)
    };
    let length = norm(&free.best(&tiny, &[0.0; INPUTS]).unwrap());
    assert!((length - SIZE).abs() < 1e-15);
    let nothing = free.best(&[0.0; 3], &[0.0; 3]).unwrap();
    assert_eq!(nothing, [0.0; 3]);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |step: InputStep, gradient: &[f64]| match step.best(gradient, &[0.0; 2]) {
        Err(SolveError::Setting { name, .. }) => name,
        found => panic!("{found:?}"),
    };
    for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(InputStep::new(size), &[0.0; 2]), "size");
    }
    assert_eq!(refused(InputStep::new(1.0), &[0.0; 3]), "gradient");
    let within = |range: Vec<[f64; 2]>| InputStep {
        range: Some(range),
        ..InputStep::new(1.0)
    };
    assert_eq!(refused(within(vec![[0.0, 1.0]]), &[0.0; 2]), "range");
    let no_range = vec![[0.0, 1.0], [1.0, 0.0]];
    assert_eq!(refused(within(no_range), &[0.0; 2]), "range");
}
