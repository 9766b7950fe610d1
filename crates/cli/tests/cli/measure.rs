//! `--measure`: what scores are changes of.

use serde_json::{Value, json};

use crate::data::{classification, regression, write_pictures};
use crate::place::{Outcome, Place, Run};
use crate::refusals::assert_refused;

/// Exact but for the network's own numbers.
const EXACT: &str = "--precision f64 --solver direct --damping 0.1";

fn query<'a>(run: &'a Run, name: &str) -> Result<&'a Value, String> {
    let value = &run.record["queries"][0][name];
    (!value.is_null())
        .then_some(value)
        .ok_or(format!("no {name}"))
}

/// A sum of rows of scores, each times a number.
fn combined(rows: &[(f64, &[f64])]) -> Vec<f64> {
    let sum = |i: usize| rows.iter().map(|(factor, row)| factor * row[i]).sum();
    (0..rows[0].1.len()).map(sum).collect()
}

fn assert_near(found: &[f64], expected: &[f64], what: &str) {
    let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        // Measured values are of the network in 64 bits; solves to 1e-8.
        let error = (found - expected).abs();
        assert!(error < 1e-6 * largest, "{what} {i}: {found} {expected}");
    }
}

/// All is a combination of logits: of the loss `sum of (p_k - [k = c]) y_k`, of the margin `y_c - sum of p_k / (1 -
/// p_c) y_k`, of the probability `p_c (1 - p_c)` times that.
#[test]
fn measures_of_classes_are_combinations_of_logits() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", false)?;
    let of = |measure: &str, more: &str| {
        let out = measure.replace(':', "-");
        let arguments =
            format!("--model lr --data pictures --queries 4 {EXACT} --measure {measure} {more}");
        place.explain(&arguments, &out)
    };
    let none = "--verify none";
    let loss = of("loss", none)?;
    let label = query(&loss, "label")?.as_u64().ok_or("no label")? as usize;
    assert_eq!(loss.record["queries"][0].get("measured"), None);
    let (mut logits, mut p) = (Vec::new(), Vec::new());
    for class in 0..3 {
        logits.push(of(&format!("logit:{class}"), none)?);
        let run = of(&format!("probability:{class}"), none)?;
        p.push(query(&run, "measured")?.as_f64().ok_or("no probability")?);
    }
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let logits: Vec<&[f64]> = logits.iter().map(|run| run.scores[0].as_slice()).collect();
    let own = |k: usize| if k == label { 1.0 } else { 0.0 };
    let of_logits = |factor: &dyn Fn(usize) -> f64| {
        let rows: Vec<_> = (0..3).map(|k| (factor(k), logits[k])).collect();
        combined(&rows)
    };
    assert_near(&loss.scores[0], &of_logits(&|k| p[k] - own(k)), "loss");
    let margin_of = |k: usize| match k == label {
        true => 1.0,
        false => -p[k] / (1.0 - p[label]),
    };
    let margin = of("margin", "--verify-removals 6 --self-influence")?;
    assert_near(&margin.scores[0], &of_logits(&margin_of), "margin");
    let value = query(&margin, "measured")?.as_f64().ok_or("no margin")?;
    assert!((value - (p[label] / (1.0 - p[label])).ln()).abs() < 1e-9);
    let probability = of("probability", none)?;
    let slope = p[label] * (1.0 - p[label]);
    let expected = combined(&[(slope, &margin.scores[0])]);
    assert_near(&probability.scores[0], &expected, "probability");

    // Without a helpful example the margin falls, as the response says.
    for (_, _, kind, _, _, score) in &margin.top {
        assert_eq!(kind == "helpful", *score < 0.0);
    }
    assert!(margin.number("/verification/pearson") > 0.99);
    assert_eq!(margin.record["measure"]["name"], json!("margin"));
    let told = "measured: the margin of its own class of each query, in logits";
    assert!(margin.stdout.contains(told), "{}", margin.stdout);
    assert!(
        margin
            .stdout
            .contains("most harmful, and 10 of the 10 most helpful")
    );
    let report = String::from_utf8(margin.file("report.html")?)?;
    assert!(report.contains("removing it lowers the margin of its own class"));
    // Of an example's own margin, which falls without it.
    assert!(
        margin
            .stdout
            .contains("self-influence on the margin of its own class")
    );
    let table = String::from_utf8(margin.file("self-influence.csv")?)?;
    let values: Result<Vec<f64>, _> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(3).unwrap_or_default().parse())
        .collect();
    let values = values?;
    assert_eq!(values.len(), 300);
    assert!(values.is_sorted_by(|a, b| a.abs() >= b.abs()) && values.iter().all(|it| *it < 0.0));
    Ok(())
}

/// One logit for two classes.
#[test]
fn a_single_logit_is_that_of_class_1() -> Outcome {
    let place = Place::new()?;
    let of = |measure: &str| {
        let arguments = format!(
            "--model lr --data cancer --queries 5 {EXACT} --verify none --measure {measure}"
        );
        place.explain(&arguments, &measure.replace(':', "-"))
    };
    let (logit, margin, loss) = (of("logit:1")?, of("margin")?, of("loss")?);
    let y = query(&logit, "measured")?.as_f64().ok_or("no logit")?;
    let label = query(&logit, "label")?.as_f64().ok_or("no label")?;
    let expected = combined(&[(2.0 * label - 1.0, &logit.scores[0])]);
    assert_near(&margin.scores[0], &expected, "margin");
    let p = 1.0 / (1.0 + (-y).exp());
    let expected = combined(&[(p - label, &logit.scores[0])]);
    assert_near(&loss.scores[0], &expected, "loss");
    assert!(
        logit.stdout.contains("class 1 (`benign`)"),
        "{}",
        logit.stdout
    );
    let kinds = |run: &Run| {
        run.top
            .iter()
            .all(|it| ["raising", "lowering"].contains(&it.2.as_str()))
    };
    assert!(kinds(&logit) && !kinds(&margin));
    Ok(())
}

/// The loss is half the square of a difference: its scores are those of the prediction times the difference, all in the
/// target's own units.
#[test]
fn predictions_are_in_the_targets_units() -> Outcome {
    let place = Place::new()?;
    place.write("table.csv", regression())?;
    let of = |measure: &str| {
        let data = "--data table.csv --target strength --queries 3 --verify-removals 8";
        let arguments = format!("--model lr {data} {EXACT} --measure {measure}");
        place.explain(&arguments, &measure.replace(':', "-"))
    };
    let (output, loss) = (of("output:0")?, of("loss")?);
    let predicted = query(&output, "measured")?
        .as_f64()
        .ok_or("no prediction")?;
    let label = query(&output, "label")?.as_f64().ok_or("no label")?;
    let shown = query(&output, "predicted")?
        .as_f64()
        .ok_or("no prediction")?;
    assert!(
        (predicted - shown).abs() < 1e-4 * shown.abs(),
        "{predicted} {shown}"
    );
    let expected = combined(&[(shown - label, &output.scores[0])]);
    let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (found, expected) in loss.scores[0].iter().zip(&expected) {
        // The prediction is written as the network in 32 bits has it.
        assert!(
            (found - expected).abs() < 1e-4 * largest,
            "{found} {expected}"
        );
    }
    assert_eq!(output.record["measure"]["unit"], json!("`strength`"));
    // A linear network's outputs answer as they are predicted, but for the removed example's own part.
    assert!(output.number("/verification/pearson") > 0.99);
    assert!((output.number("/verification/slope") - 1.0).abs() < 0.2);
    Ok(())
}

/// What there is not to measure is refused before anything is trained; a stopped run goes on with the same alone.
#[test]
fn measures_that_are_not_there_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("numbers.csv", regression())?;
    place.write("kinds.csv", classification())?;
    let numbers = "explain --model lr --data numbers.csv --target strength --out never";
    let kinds = "explain --model lr --data kinds.csv --target species --out never";
    for (arguments, parts) in [
        (
            format!("{kinds} --measure logit:3"),
            ["--measure logit:3 is of no class", "has 3, counted from 0"],
        ),
        (
            format!("{kinds} --measure probability:9"),
            ["--measure probability:9", "has 3"],
        ),
        (
            format!("{kinds} --measure output:1"),
            ["--measure output:1", "measure logit:1"],
        ),
        (
            format!("{numbers} --measure margin"),
            ["--measure margin is of classes", "loss or output:0"],
        ),
        (
            format!("{numbers} --measure logit:0"),
            ["--measure logit:0 is of classes", "output:0"],
        ),
        (
            format!("{numbers} --measure output:1"),
            ["--measure output:1 is not there", "output:0"],
        ),
        (
            "explain --data cancer --measure logit:0 --out never".into(),
            [
                "--measure logit:0 is not there",
                "logit:1; with --two-logits",
            ],
        ),
        (
            format!("{kinds} --measure logits"),
            ["--measure is logits", "logit:K, probability:K or output:K"],
        ),
        (
            format!("{kinds} --measure -1"),
            ["--measure is -1", "loss, margin, probability"],
        ),
    ] {
        assert_refused(&place, &arguments, &parts)?;
    }
    let begun = "explain --model lr --data kinds.csv --target species --queries 2 --measure margin --out begun";
    place.stop_at(begun, "begun/run.json")?;
    assert_refused(
        &place,
        &begun.replace("margin", "logit:1"),
        &["begun", "measure"],
    )?;
    place.backdraft(begun).assert().success();
    Ok(())
}
