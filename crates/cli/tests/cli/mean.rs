//! `--queries all`: the mean over the whole test set.

use serde_json::{Value, json};

use crate::data::{regression, write_pictures};
use crate::place::{Outcome, Place, Run};
use crate::refusals::assert_refused;

const EXACT: &str = "--precision f64 --solver direct --damping 0.1";

fn mean_of(rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>();
    (0..rows[0].len())
        .map(|i| sum(i) / rows.len() as f64)
        .collect()
}

fn assert_mean(found: &Run, each: &Run) {
    let expected = mean_of(&each.scores);
    assert_eq!(
        (found.scores.len(), found.queries.len()),
        (1, each.queries.len())
    );
    let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (found, expected) in found.scores[0].iter().zip(&expected) {
        // Two dense solves.
        assert!(
            (found - expected).abs() < 1e-9 * largest,
            "{found} {expected}"
        );
    }
}

/// One row is the mean of a row for each, verified as such.
#[test]
fn all_is_the_mean_over_the_test_set() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", false)?;
    let data = format!("--model lr --data pictures {EXACT}");
    let mean = place.explain(
        &format!("{data} --queries all --verify-removals 12"),
        "mean",
    )?;
    let each = place.explain(
        &format!("{data} --queries 0-59 --verify none --newton none"),
        "each",
    )?;
    assert_mean(&mean, &each);
    assert!(mean.top.iter().all(|it| it.0 == "mean") && mean.top.len() == 40);
    assert_eq!(mean.record["queries"], json!([]));
    assert_eq!(mean.record["mean"]["examples"], json!(60));
    assert_eq!(mean.record["measure"]["mean_over"], json!(60));
    let losses = each.record["queries"].as_array().ok_or("no queries")?;
    let losses = losses.iter().filter_map(|it| it["loss"].as_f64());
    assert!((losses.sum::<f64>() / 60.0 - mean.number("/mean/loss")).abs() < 1e-9);
    // Every pair is of no query, and the response does what is predicted.
    let pairs = mean.record["verification"]["pairs"]
        .as_array()
        .ok_or("no pairs")?;
    assert!(pairs.len() == 12 && pairs.iter().all(|it| it["query"] == Value::Null));
    assert!(mean.number("/verification/pearson") > 0.99);
    assert!((mean.number("/verification/slope") - 1.0).abs() < 0.1);
    assert!(mean.number("/verification/newton/pearson") > 0.99);
    for part in [
        "measured: the mean loss over 60 test examples, in nats",
        "the mean over 60 test examples: direct with relative residual",
        "mean  ",
    ] {
        assert!(mean.stdout.contains(part), "{part}: {}", mean.stdout);
    }
    let report = String::from_utf8(mean.file("report.html")?)?;
    assert!(report.contains("The mean over 60 test examples"));
    Ok(())
}

/// With a measure of its own, several dampings and leverages.
#[test]
fn the_mean_goes_by_what_is_measured() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let data = "--model lr --data table.csv --target strength --precision f64 --measure output:0 --damping 0.1,0.01";
    let mean = place.explain(
        &format!("{data} --queries all --newton all --verify none"),
        "mean",
    )?;
    let each = place.explain(
        &format!("{data} --queries 0-19 --newton none --verify none"),
        "each",
    )?;
    let expected = mean_of(&each.scores);
    let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (found, expected) in mean.scores[0].iter().zip(&expected) {
        // Solved to 1e-8.
        assert!(
            (found - expected).abs() < 1e-6 * largest,
            "{found} {expected}"
        );
    }
    let predicted = each.record["queries"].as_array().ok_or("no queries")?;
    let predicted = predicted.iter().filter_map(|it| it["measured"].as_f64());
    assert!((predicted.sum::<f64>() / 20.0 - mean.number("/mean/measured")).abs() < 1e-6);
    let table = String::from_utf8(mean.file("leverage.csv")?)?;
    let head = "rank,train,label,leverage,total_leverage,newton_mean,file,line";
    assert_eq!(table.lines().next(), Some(head));
    assert!(mean.file("dampings/0.01/scores.safetensors").is_ok());
    assert!(
        mean.stdout
            .contains("the mean over 20 test examples, damping 0.01")
    );
    Ok(())
}

/// It is no list of all, and a run that goes on knows.
#[test]
fn a_mean_and_each_are_not_the_same_run() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let command = "explain --model lr --data table.csv --target strength --out begun --queries";
    place.stop_at(&format!("{command} all"), "begun/run.json")?;
    assert_refused(&place, &format!("{command} 0-19"), &["begun", "queries"])?;
    place
        .backdraft(&format!("{command} all"))
        .assert()
        .success();
    Ok(())
}
