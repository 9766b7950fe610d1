//! `run.json`.

use backdraft_report::{Record, RunRecord, TargetValue, audit::SuspectRecord};
use serde_json::{Value, json};

use super::{Outcome, samples::record};

#[test]
fn run_json_has_its_values_at_their_paths() -> Outcome {
    let record = record();
    let json: Value = serde_json::from_slice(&record.to_json()?)?;
    let at = |path: &str| json.pointer(path).unwrap_or(&Value::Null).clone();
    assert_eq!(at("/verification/pearson"), json!(0.9987));
    assert_eq!(json["verification"].get("spearman"), Some(&Value::Null));
    assert_eq!(
        at("/verification/pairs/1"),
        json!({
            "query": 17,
            "train": 0,
            "source": { "file": "<b>.csv", "line": 2 },
            "predicted": -2.5e-3,
            "actual": -2.4e-3,
            "kind": "harmful"
        })
    );
    assert_eq!(at("/settings/seed"), json!(42));
    assert_eq!(at("/settings/damping"), json!(0.001));
    assert_eq!(at("/settings/solver_settings/tolerance"), json!(1e-6));
    assert_eq!(at("/versions/burn"), json!("0.22.1"));
    assert_eq!(at("/timings/0"), json!({"stage": "train", "seconds": 1.25}));
    assert_eq!(at("/metrics/test/accuracy"), json!(0.95));
    assert_eq!(at("/queries/0/predicted"), json!(1));
    assert_eq!(at("/queries/0/solve/residuals/2"), json!(1e-7));
    assert_eq!(json.get("started"), None);
    assert_eq!(serde_json::from_value::<RunRecord>(json)?, record);
    Ok(())
}

#[test]
fn targets_keep_their_kind_in_json() -> Outcome {
    for target in [
        TargetValue::Class(3),
        TargetValue::Value(3.0),
        TargetValue::Value(0.25),
        TargetValue::Tokens,
    ] {
        let text = serde_json::to_string(&target)?;
        assert_eq!(
            serde_json::from_str::<TargetValue>(&text)?,
            target,
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn suspects_of_audits_before_there_were_words_are_read() -> Outcome {
    let kept = json!({
        "rank": 1,
        "train": 4,
        "source": { "file": "a.csv", "line": 6 },
        "label": 0,
        "suggested": 2,
        "probability": 0.75,
        "left_out_margin": -1.5,
        "margin": 0.5,
        "loss": 0.25,
        "self_influence": 0.125,
        "newton": 0.5,
        "score": null,
        "leverage": 0.75
    });
    let read: SuspectRecord = serde_json::from_value(kept.clone())?;
    assert_eq!(
        (read.self_influence, read.leverage),
        (Some(0.125), Some(0.75))
    );
    assert_eq!(
        (read.suggested, &read.token),
        (Some(TargetValue::Class(2)), &None)
    );
    assert_eq!(serde_json::to_value(&read)?, kept);
    Ok(())
}
