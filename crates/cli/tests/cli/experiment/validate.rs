//! Estimators held against what removals really do.

use std::fs;

use backdraft::influence::statistics::{pearson, slope};
use serde_json::{Value, json};

use super::resume::{files, kill_at_new_file};
use super::{Done, Outcome, Place, indices, numbers};
use crate::refusals::assert_refused;

/// Logistic regression on some of the embedded digits, of which examples times outputs are few.
const DIGITS: &str = "validate --examples 200 --points 12 --depth 300 --repeats 2";

fn estimator<'a>(done: &'a Done, name: &str) -> &'a Value {
    let all = done.record["estimators"].as_array().into_iter().flatten();
    let mut named = all.filter(|it| it["estimator"]["name"] == json!(name));
    named.next().unwrap_or(&Value::Null)
}

/// What an estimator predicts.
fn predicted(done: &Done, name: &str) -> Vec<f64> {
    numbers(&estimator(done, name)["outcome"]["done"]["predicted"])
}

fn changes(done: &Done) -> Vec<f64> {
    let changes = done.list("/changes");
    changes
        .iter()
        .filter_map(|it| it["change"].as_f64())
        .collect()
}

#[test]
fn estimators_of_a_regression_are_held_against_refits() -> Outcome {
    let place = Place::new()?;
    let done = place.experiment(&format!("{DIGITS} --newton"), "out")?;
    let actual = changes(&done);
    assert_eq!(actual.len(), 12);
    assert_eq!(
        done.record["setup"]["training"]["weight_decay"],
        json!(0.01)
    );
    assert_eq!(done.record["setup"]["damping"], json!(0.0));
    // The first that is wrong, as the record tells.
    let query = &done.record["query"];
    assert_ne!(query["label"], query["predicted"]);
    assert!(
        query["rule"]
            .as_str()
            .is_some_and(|it| it.contains("first"))
    );
    assert!(query["loss"].as_f64().is_some_and(|it| it > 0.5));
    // Sorted by influence in size, which conjugate gradients predict.
    let exact = predicted(&done, "cg");
    assert!(exact.windows(2).all(|it| it[0].abs() >= it[1].abs()));
    // Solutions to 1e-10 of scores below one.
    for name in ["direct", "dual"] {
        for (one, other) in predicted(&done, name).iter().zip(&exact) {
            assert!((one - other).abs() < 1e-8, "{name}: {one} {other}");
        }
    }
    for name in ["direct", "cg", "dual", "newton"] {
        let quality = &estimator(&done, name)["quality"];
        let found = predicted(&done, name);
        assert!(
            quality["pearson"].as_f64() > Some(0.99),
            "{name}: {quality}"
        );
        for (told, computed) in [
            ("pearson", pearson(&found, &actual)),
            ("slope", slope(&found, &actual)),
        ] {
            let apart = quality[told]
                .as_f64()
                .zip(computed)
                .map(|(a, b)| (a - b).abs());
            assert!(apart.is_some_and(|it| it < 1e-12), "{name} {told}");
        }
    }
    let near = |name: &str| {
        let quality = &estimator(&done, name)["quality"];
        (quality["slope"].as_f64().unwrap_or_default() - 1.0).abs()
    };
    assert!(near("newton") < near("cg") && near("diagonal") > 0.1);
    let scale = &estimator(&done, "lissa")["outcome"]["done"]["scale"];
    assert!(scale.as_f64() > Some(0.0), "{scale}");
    // What is left of gradients is far below any change.
    for it in done.list("/changes") {
        let [error, change] = ["error", "change"].map(|key| it[key].as_f64().unwrap_or(f64::NAN));
        assert!(error < 1e-3 * change.abs(), "{it}");
    }
    assert_told(&done)
}

/// What is left out is listed, in the record, the table and the report, and nothing else is lost.
fn assert_told(done: &Done) -> Outcome {
    let reason = &estimator(done, "last-layer")["outcome"]["failed"];
    assert!(
        reason
            .as_str()
            .is_some_and(|it| it.contains("all that the network has"))
    );
    assert!(
        done.stdout.contains("last-layer is left out"),
        "{}",
        done.stdout
    );
    let report = done.report()?;
    assert!(report.contains("last-layer: left out") && report.contains("cg: Pearson"));
    assert_eq!(report.matches("<figure class=\"panel\">").count(), 12);
    assert_eq!(report.matches("<svg ").count(), 11);
    let table = fs::read_to_string(done.folder.join("validation.csv"))?;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("train,where,actual,error,direct,cg,lissa,outer-product"));
    assert!(lines[0].ends_with(",dual,newton") && !lines[0].contains("last-layer"));
    assert_eq!(lines.len(), 13);
    for (line, (point, change)) in lines[1..].iter().zip(
        indices(&done.record["points"])
            .into_iter()
            .zip(changes(done)),
    ) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0].parse::<u64>()?, point);
        assert_eq!(cells[2].parse::<f64>()?, change);
    }
    let names = [
        "base.json",
        "base.safetensors",
        "baseline.json",
        "estimators",
        "experiment.json",
        "points",
    ];
    let more = [
        "report.html",
        "strongest.json",
        "validate.json",
        "validation.csv",
    ];
    assert_eq!(done.names()?, [&names[..], &more[..]].concat());
    Ok(())
}

#[test]
fn an_estimator_that_does_not_fit_does_not_stop_the_others() -> Outcome {
    let place = Place::new()?;
    let command = format!("{DIGITS} --estimators direct,lissa,cg --direct-limit 10 --scale 1e-6");
    let done = place.experiment(&command, "out")?;
    for (name, reason) in [("direct", "its limit is 10"), ("lissa", "diverged")] {
        let told = &estimator(&done, name)["outcome"]["failed"];
        assert!(
            told.as_str().is_some_and(|it| it.contains(reason)),
            "{told}"
        );
        assert!(done.stdout.contains(&format!("{name} is left out")));
    }
    assert!(estimator(&done, "cg")["quality"]["pearson"].as_f64() > Some(0.99));
    assert_eq!(changes(&done).len(), 12);
    // Another query, by its index.
    let command = format!("{DIGITS} --estimators cg --query 3");
    let other = place.experiment(&command, "other")?;
    assert_eq!(other.number("/query/index"), 3.0);
    assert_eq!(other.list("/estimators").len(), 1);
    Ok(())
}

#[test]
fn a_network_is_trained_again() -> Outcome {
    let place = Place::new()?;
    let command = "validate --model mlp --examples 60 --hidden 4 --epochs 8 --points 3 --estimators cg,last-layer,gradients --newton";
    let done = place.experiment(command, "out")?;
    assert_eq!(changes(&done).len(), 3);
    assert!(done.list("/changes").iter().all(|it| it["error"].is_null()));
    for name in ["cg", "last-layer", "gradients", "newton"] {
        assert_eq!(
            predicted(&done, name).len(),
            3,
            "{}",
            estimator(&done, name)
        );
    }
    assert!(done.number("/setup/damping") > 0.0);
    Ok(())
}

#[test]
fn killed_or_in_parts_it_comes_to_the_same_numbers() -> Outcome {
    let place = Place::new()?;
    let arguments = format!("{DIGITS} --estimators cg,ekfac,diagonal");
    let whole = place.experiment(&arguments, "whole")?;
    let folder = place.path().join("parts");
    let parts = format!("{arguments} --out parts");
    // A machine that is busy elsewhere may let it end before it can be stopped: then once more from the beginning.
    let mut stopped = false;
    for _ in 0..40 {
        stopped = true;
        for kept in ["estimators", "points", "points"] {
            stopped = stopped && kill_at_new_file(&place, &parts, &folder.join(kept))?;
        }
        if stopped {
            break;
        }
        fs::remove_dir_all(&folder)?;
    }
    assert!(stopped, "it could not be stopped");
    let done = files(&folder.join("points"))?.len();
    assert!((1..12).contains(&done), "{done} removals were done");
    let resumed = place.experiment(&arguments, "parts")?;
    assert_eq!(resumed.timeless(), whole.timeless());
    assert_eq!(resumed.names()?, whole.names()?);

    for part in 1..=2 {
        let merge = if part == 2 { " --merge part1" } else { "" };
        place
            .backdraft(&format!(
                "{arguments} --shard {part}/2 --out part{part}{merge}"
            ))
            .assert()
            .success();
        assert!(!fs::exists(place.path().join(format!("part{part}/validate.json")))? || part == 2);
    }
    let merged = place.experiment(&format!("{arguments} --merge part1,part2"), "merged")?;
    assert_eq!(merged.timeless(), whole.timeless());
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 11] = [
        ("--points 0", &["--points is 0", "at least 1"]),
        ("--query 359", &["--query is 359", "359 test examples"]),
        ("--query -1", &["--query is -1"]),
        ("--estimators cg,ekfac,cg", &["--estimators has cg twice"]),
        ("--l2 0", &["--damping is 0", "L2 term"]),
        ("--l2 -1", &["--weight-decay", "zero or positive"]),
        ("--scale 0", &["--scale is 0", "positive"]),
        ("--depth 0", &["--depth is 0", "at least 1"]),
        ("--rank 0", &["--rank is 0", "at least 1"]),
        ("--shard 3/2", &["--shard is 3/2", "I/N"]),
        ("--data nowhere", &["nowhere"]),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("validate {arguments}"), parts)?;
    }
    place
        .backdraft("validate --estimators magic")
        .assert()
        .code(2);
    Ok(())
}
