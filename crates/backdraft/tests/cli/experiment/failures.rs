//! Removals that come to nothing.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

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
fn a_removal_that_failed_is_left_out_and_told_first() -> Outcome {
    let place = Place::new()?;
    let command = format!("decompose {CANCER} --points 3");
    let whole = place.experiment(&command, "out")?;
    let removed = whole.record["points"][1]["removed"].clone();
    // As a run keeps it in which the second removal failed.
    let failed = json!({
        "removed": removed,
        "stage": "proximal",
        "reason": "the response diverged",
    });
    place.write("out/points/1.json", json!({ "failed": failed }).to_string())?;
    let done = place.experiment(&command, "out")?;
    assert_eq!(done.record["failed"], json!([failed]));
    assert_eq!(done.list("/points").len(), 2);
    assert_eq!(done.record["points"][1], whole.record["points"][2]);
    let first = "1 of 3 removals failed and are left out. The first: example ";
    let table = done.stdout.find("gap  ").ok_or("no table")?;
    let told = done.stdout.find(first).ok_or("not told")?;
    assert!(told < table, "{}", done.stdout);
    let report = done.report()?;
    let told = report.find("1 of 3 removals failed").ok_or("not told")?;
    assert!(told < report.find("<svg").unwrap_or(usize::MAX));
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
