//! Estimators held against removals: record, tables and page.

use backdraft_attribution::{
    Estimator, Matrix, SolverConfig,
    evaluate::{
        ActualChange, EstimatorOutcome, EstimatorPrediction, ValidatedEstimator, Validation,
    },
};
use backdraft_report::experiment::{Findings, ValidatedQuery, ValidationRecord};
use backdraft_report::{At, Place, Record, Unit};
use serde_json::{Value, json};

use super::Outcome;
use super::page::check;
use super::record::{failed, setup};

fn estimated(name: &str, newton: bool, outcome: EstimatorOutcome) -> ValidatedEstimator {
    ValidatedEstimator {
        estimator: Estimator::new(name, SolverConfig::default()).with_matrix(Matrix::Hessian),
        newton,
        outcome,
    }
}

fn prediction(predicted: [Option<f64>; 4]) -> EstimatorPrediction {
    EstimatorPrediction {
        predicted: predicted.into(),
        overlap: Some(0.75),
        seconds: 1.25,
        residual: Some(1e-3),
        described: Some("made <script>".into()),
        scale: Some(12.5),
    }
}

/// Four points, of which the second failed.
fn found(changes: [f64; 3]) -> Validation {
    let change = |(example, change): (usize, f64)| ActualChange {
        example,
        change,
        gradient: Some(1e-11),
        error: Some(2e-9),
        steps: Some(7),
        seconds: 0.5,
    };
    let [a, b, c] = changes;
    let half = [Some(0.5 * a), Some(9.0), Some(0.5 * b), Some(0.5 * c)];
    let newton = EstimatorPrediction {
        overlap: None,
        ..prediction([Some(a), Some(9.0), None, Some(c)])
    };
    Validation {
        before: 2.5,
        points: vec![3, 8, 17, 5],
        changes: [(3, a), (17, b), (5, c)].map(change).into(),
        estimators: vec![
            estimated("half", false, EstimatorOutcome::Done(prediction(half))),
            estimated(
                "dual",
                false,
                EstimatorOutcome::Failed("too <script> large".into()),
            ),
            estimated("newton", true, EstimatorOutcome::Done(newton)),
        ],
        failed: failed(),
        left: 0,
        estimators_left: 0,
        damaged: Vec::new(),
    }
}

fn record(changes: [f64; 3], unit: Unit) -> ValidationRecord {
    let mut setup = setup();
    setup.unit = unit;
    let query = ValidatedQuery {
        index: 6,
        place: Place {
            file: "t10k".into(),
            at: Some(At::Index(6)),
            id: None,
        },
        rule: "the first <script>".into(),
        label: Some("4".into()),
        predicted: Some("<9>".into()),
        loss: 2.5,
    };
    ValidationRecord::new(setup, query, "by L-BFGS".into(), found(changes))
}

const CHANGES: [f64; 3] = [0.4, -0.2, 0.1];

#[test]
fn statistics_are_of_the_removals_that_came_to_their_end() {
    let record = record(CHANGES, Unit::nats());
    let quality = |place: usize| record.estimators[place].quality;
    // Half of every change: on a line, in order, and of twice the slope.
    let half = quality(0).unwrap_or_default();
    for (found, expected) in [(half.pearson, 1.0), (half.spearman, 1.0), (half.slope, 2.0)] {
        assert!(
            found.is_some_and(|it| (it - expected).abs() < 1e-15),
            "{half:?}"
        );
    }
    assert_eq!(quality(1), None);
    // Two are left of it.
    assert!(
        quality(2)
            .and_then(|it| it.slope)
            .is_some_and(|it| (it - 1.0).abs() < 1e-15)
    );
}

#[test]
fn the_table_tells_what_is_left_out_and_how_sure_changes_are() {
    let text = record(CHANGES, Unit::nats()).to_table();
    let line = |name: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with(name));
        let line = lines.next().unwrap_or_default();
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line("half "),
        ["half", "1", "1", "2", "75.0", "%", "0.001", "1.25"],
        "{text}"
    );
    assert_eq!(
        line("dual "),
        ["dual", "–", "–", "–", "–", "–", "–"],
        "{text}"
    );
    assert!(text.starts_with("1 of 4 removals failed"), "{text}");
    for part in [
        "dual is left out: too <script> large\n",
        "the loss of test example 6, loss(without) - loss(with), in nats",
        "at most 1.00e-11, which moves no change by more than 2.00e-9 to first order; the least change is 0.1\n",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn the_csv_has_a_row_a_removal_and_a_column_an_estimator() -> Outcome {
    let table = record(CHANGES, Unit::nats()).to_csv()?;
    let expected = "\
train,where,actual,error,half,newton
3,train-images-idx3-ubyte index 3,0.4,0.000000002,0.2,0.4
17,train-images-idx3-ubyte index 17,-0.2,0.000000002,-0.1,
5,,0.1,0.000000002,0.05,0.1
";
    assert_eq!(String::from_utf8(table)?, expected);
    Ok(())
}

#[test]
fn the_page_has_a_panel_an_estimator() -> Outcome {
    let page = record(CHANGES, Unit::nats()).to_html("</title><script>")?;
    check(&page)?;
    for part in [
        "half: Pearson 1, slope 2, 1.25 s",
        "dual: left out",
        "too &lt;script&gt; large",
        "made &lt;script&gt;",
        "scale 12.5",
        "&lt;9&gt;",
        "All 3 removals",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert_eq!(page.matches("<svg ").count(), 2);
    assert_eq!(page.matches("<circle ").count(), 3 + 2);
    Ok(())
}

#[test]
fn the_record_comes_back_and_is_in_the_targets_unit() -> Outcome {
    let plain = record(CHANGES, Unit::nats());
    let json: Value = serde_json::from_slice(&plain.to_json()?)?;
    assert_eq!(
        json.pointer("/estimators/0/estimator/name"),
        Some(&json!("half"))
    );
    assert_eq!(
        json.pointer("/estimators/1/outcome/failed"),
        Some(&json!("too <script> large"))
    );
    assert_eq!(json.pointer("/estimators/2/newton"), Some(&json!(true)));
    let read: ValidationRecord = serde_json::from_value(json)?;
    assert_eq!(
        (read.points, read.changes),
        (plain.points.clone(), plain.changes.clone())
    );

    let squared = record(CHANGES, Unit::squared("strength", 10.0));
    for (plain, squared) in plain.changes.iter().zip(&squared.changes) {
        assert_eq!(squared.change, 100.0 * plain.change);
        assert_eq!(squared.error, plain.error.map(|it| 100.0 * it));
    }
    assert_eq!(squared.estimators[0].quality, plain.estimators[0].quality);
    Ok(())
}

#[test]
fn odd_numbers_are_survived() -> Outcome {
    let numbers = [f64::NAN, f64::INFINITY, -1e300, f64::MAX, 1e-320, -0.0];
    for (i, number) in numbers.into_iter().enumerate() {
        let record = record([number, numbers[(i + 1) % 6], 0.0], Unit::nats());
        check(&record.to_html("odd")?)?;
        record.to_table();
        record.to_csv()?;
        serde_json::from_slice::<ValidationRecord>(&record.to_json()?)?;
    }
    let mut nothing = record(CHANGES, Unit::nats());
    nothing.changes.clear();
    check(&nothing.to_html("nothing")?)?;
    assert!(nothing.to_table().contains("1 of 1 removals failed"));
    Ok(())
}
