//! Areas and advantages of made-up scores.

use backdraft_influence::unlearn::{Membership, UnlearnError, calibrated, confidence};
use backdraft_test_support::numbers;

fn of(members: &[f64], others: &[f64]) -> (f64, f64) {
    let found = Membership::of(members, others).unwrap();
    (found.auc, found.advantage)
}

#[test]
fn areas_of_small_lists_are_those_counted_by_hand() {
    assert_eq!(of(&[2.0, 3.0], &[0.0, 1.0]), (1.0, 1.0));
    assert_eq!(of(&[0.0, 1.0], &[2.0, 3.0]), (0.0, 0.0));
    assert_eq!(of(&[1.0], &[1.0]), (0.5, 0.0));
    assert_eq!(of(&[1.0, 1.0], &[1.0, 1.0, 1.0]), (0.5, 0.0));
    assert_eq!(of(&[0.0], &[-0.0]), (0.5, 0.0));
    // Of six pairs two are higher and one is equal.
    assert_eq!(
        of(&[1.0, 2.0], &[1.0, 3.0, 1.5]),
        (2.5 / 6.0, 0.5 - 1.0 / 3.0)
    );
    assert_eq!(
        of(&[f64::INFINITY, 0.0], &[f64::NEG_INFINITY, 0.0]),
        (0.875, 0.5)
    );
    let found = Membership::of(&[1.0; 3], &[2.0; 5]).unwrap();
    assert!((found.chance - (9.0_f64 / 180.0).sqrt()).abs() < 1e-15);
}

/// Against all pairs and all thresholds, with many ties.
#[test]
fn areas_and_advantages_are_those_of_all_pairs_and_thresholds() {
    for seed in 0..20 {
        let coarse = |seed| -> Vec<f64> {
            let drawn = numbers(15, seed).into_iter();
            drawn.map(|x| (4.0 * x).round()).collect()
        };
        let (members, others) = (coarse(2 * seed), coarse(2 * seed + 1)[..11].to_vec());
        let mut area = 0.0;
        for a in &members {
            for b in &others {
                area += f64::from(a > b) + 0.5 * f64::from(a == b);
            }
        }
        let share = |list: &[f64], least: f64| {
            list.iter().filter(|it| **it >= least).count() as f64 / list.len() as f64
        };
        let thresholds = members.iter().chain(&others);
        let best = thresholds.map(|&it| share(&members, it) - share(&others, it));
        let best = best.fold(0.0, f64::max);
        let (auc, advantage) = of(&members, &others);
        assert!((auc - area / 165.0).abs() < 1e-15);
        assert!((advantage - best).abs() < 1e-15);
    }
}

#[test]
fn what_every_network_finds_easy_is_no_sign() {
    let losses = [0.1, 3.0, 0.5];
    let references = vec![vec![0.2, 2.0, 0.5], vec![0.4, 3.0, 1.5]];
    let found = calibrated(&losses, &references).unwrap();
    let expected = [0.1 - 0.3, 3.0 - 2.5, 0.5 - 1.0];
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-15);
    }
}

#[test]
fn confidence_is_the_logit_of_the_probability() {
    for p in [1e-9_f64, 0.1, 0.5, 0.9, 1.0 - 1e-9] {
        let expected = p.ln() - (-p).ln_1p();
        // The loss itself is rounded, to 1e-16 of it or of 1.
        assert!((confidence(-p.ln()) - expected).abs() < 1e-6 * (1.0 + expected.abs()));
    }
    assert!(confidence(0.0).is_finite() && confidence(1e-30) == confidence(0.0));
    assert_eq!(confidence(800.0), -800.0);
    assert!(confidence(f64::NAN).is_nan());
}

#[test]
fn lists_that_say_nothing_are_refused() {
    let refused = |found: Result<(), UnlearnError>| match found {
        Err(UnlearnError::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    let of = |members: &[f64], others: &[f64]| Membership::of(members, others).map(|_| ());
    assert_eq!(refused(of(&[], &[1.0])), "members");
    assert_eq!(refused(of(&[1.0], &[])), "others");
    assert_eq!(refused(of(&[f64::NAN], &[1.0])), "members");
    assert_eq!(refused(of(&[1.0], &[0.0, f64::NAN])), "others");
    let calibrated = |references: &[Vec<f64>]| calibrated(&[1.0, 2.0], references).map(|_| ());
    assert_eq!(refused(calibrated(&[])), "references");
    assert_eq!(refused(calibrated(&[vec![1.0]])), "references");
}
