//! Removals that come to nothing.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use super::{CANCER, Outcome, Place};

#[test]
fn without_one_good_removal_an_experiment_fails() -> Outcome {
    let place = Place::new()?;
    let cases = [
        // LiSSA's recursion grows; its scale must exceed the largest eigenvalue.
        (
            format!("decompose {CANCER} --points 3 --scale 1e-3 --depth 50"),
            "all 3 removals failed, the first at influence: lissa diverged with scale 1.000e-3",
        ),
        (
            format!("correlate {CANCER} --points 2 --tests 2 --scale 1e-3"),
            "lissa diverged with scale 1.000e-3",
        ),
        // The Hessian of a network just trained, hardly damped, is far from positive definite.
        (
            "decompose --examples 60 --hidden 4 --epochs 10 --points 2 --learning-rate 1 --hessian --solver cg".to_owned(),
            "all 2 removals failed, the first at influence: conjugate gradients met curvature -",
        ),
        (
            "decompose --examples 30 --hidden 4 --epochs 3 --points 2 --learning-rate 1e30".to_owned(),
            "training diverged in epoch",
        ),
        (format!("decompose {CANCER} --points 2 --epochs 2"), "L-BFGS stopped"),
    ];
    for (index, (command, reason)) in cases.into_iter().enumerate() {
        let out = format!("out-{index}");
        let command = format!("{command} --out {out}");
        // And once more, from what was kept.
        for _ in 0..2 {
            let done = place.backdraft(&command).assert().code(1);
            let said = String::from_utf8(done.get_output().stderr.clone())?;
            let last = said.lines().last().unwrap_or_default();
            assert!(
                last.starts_with("error: ") && last.contains(reason),
                "{said}"
            );
            assert!(!said.contains("panicked"), "{said}");
            for name in ["decompose.json", "correlate.json", "report.html"] {
                assert!(
                    !fs::exists(place.path().join(&out).join(name))?,
                    "{command}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn a_learning_rate_is_searched_for() -> Outcome {
    let place = Place::new()?;
    // So strong an L2 term that only the small step sizes do not diverge.
    let small = "--examples 40 --hidden 4 --epochs 10 --points 1 --depth 5 --repeats 1 --learning-rate search";
    let done = place.experiment(&format!("decompose {small} --weight-decay 5"), "out")?;
    assert!(
        done.stdout.contains("learning rate 1: diverged"),
        "{}",
        done.stdout
    );
    let rate = done.number("/setup/training/learning_rate");
    assert!(rate <= 0.3, "{rate}");
    place
        .backdraft(&format!("decompose {small} --weight-decay 1e6 --out none"))
        .assert()
        .failure()
        .stderr(contains("--learning-rate search found none").and(contains("diverge")));
    Ok(())
}
