//! `backdraft perturb` end to end.

use std::error::Error;
use std::fs;

use backdraft_report::perturbation::{ChangeKind, ChangeOutcome, PerturbationRecord};
use backdraft_report::{Report, TargetValue};
use safetensors::SafeTensors;

use crate::inputs::place;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::assert_goes_on;

/// Logistic regression on the embedded cancer data, trained to its minimum.
const CANCER: &str = "perturb --model lr --data cancer --solver direct --precision f64";

fn record(place: &Place, out: &str) -> Result<PerturbationRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

/// The rows of the table of changes, by their columns.
fn table(place: &Place, out: &str) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let text = fs::read_to_string(place.path().join(out).join("perturbations.csv"))?;
    let rows = text
        .lines()
        .map(|line| line.split(',').map(String::from).collect());
    Ok(rows.collect())
}

/// The numbers of a table of `moves.safetensors`, in rows.
fn moves(place: &Place, out: &str, name: &str) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    let bytes = fs::read(place.path().join(out).join("moves.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let tensor = file.tensor(name)?;
    let (numbers, _) = tensor.data().as_chunks();
    let numbers: Vec<f64> = numbers.iter().map(|it| f64::from_le_bytes(*it)).collect();
    let rows = numbers.chunks(tensor.shape()[1]);
    Ok(rows.map(<[f64]>::to_vec).collect())
}

/// What is predicted of a logistic regression is what training it again to its minimum does.
#[test]
fn predictions_are_what_training_again_comes_to() -> Outcome {
    let place = Place::new()?;
    let done = place
        .backdraft(&format!(
            "{CANCER} --queries 3,17 --changes 4 --verify 3 --retrain 3 --out out"
        ))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("retraining, inputs: Pearson"), "{said}");
    let record = record(&place, "out")?;
    assert_eq!(record.run.settings.model, "lr");
    assert_eq!(record.changes.len(), 2 * 2 * 4);
    for agreements in [&record.response, &record.retraining] {
        let [inputs, labels] = agreements.as_slice() else {
            return Err(format!("{agreements:?}").into());
        };
        for it in [inputs, labels] {
            assert_eq!((it.changes, it.failed), (6, 0));
        }
        assert_eq!(inputs.kind, ChangeKind::Inputs);
        // A small move is answered as predicted, less what the example's own curvature does.
        assert!(inputs.pearson.is_some_and(|it| it > 0.95), "{inputs:?}");
        assert!(
            inputs.slope.is_some_and(|it| (it - 1.0).abs() < 0.3),
            "{inputs:?}"
        );
    }
    let found = |outcome: &Option<ChangeOutcome>| outcome.as_ref().and_then(ChangeOutcome::found);
    for change in &record.changes {
        if let (Some(response), Some(retrained)) =
            (found(&change.response), found(&change.retrained))
        {
            // At a minimum the response is training again, to the gradients of 1e-4 at which both end.
            assert!((response / retrained - 1.0).abs() < 1e-3, "{change:?}");
            let ratio = change.predicted / retrained;
            assert!((0.5..2.0).contains(&ratio), "{change:?}");
        }
    }
    for change in &record.changes {
        assert!(change.predicted < 0.0, "{change:?}");
        assert_eq!(change.response.is_some(), change.rank <= 3);
        let is_label = change.kind == ChangeKind::Label;
        assert_eq!(
            (change.label.to.is_some(), change.first_order.is_none()),
            (is_label, is_label)
        );
        // Of two classes the other.
        if let (TargetValue::Class(own), Some(TargetValue::Class(to))) =
            (change.label.label, change.label.to)
        {
            assert_eq!(own + to, 1);
        }
        // A tenth of a standard deviation of each column is a small move.
        if let Some(first_order) = change.first_order {
            assert!(
                (change.predicted / first_order - 1.0).abs() < 0.5,
                "{change:?}"
            );
        }
    }
    let of = |query, kind| {
        let changes = record
            .changes
            .iter()
            .filter(move |it| (it.query, it.kind) == (query, kind));
        changes.map(|it| it.predicted).collect::<Vec<_>>()
    };
    for query in [3, 17] {
        for kind in [ChangeKind::Inputs, ChangeKind::Label] {
            assert!(of(query, kind).is_sorted());
        }
    }
    let table = table(&place, "out")?;
    assert_eq!(table.len(), 17);
    assert_eq!(
        table[0][..7],
        ["query", "rank", "kind", "train", "label", "to", "predicted"]
    );
    for (row, change) in table[1..].iter().zip(&record.changes) {
        assert_eq!(row[3], change.train.to_string());
        // JSON numbers may lose their last bit on the way back.
        let ratio = row[6].parse::<f64>()? / change.predicted;
        assert!((ratio - 1.0).abs() < 1e-15, "{ratio}");
    }
    // A column's own units: its standard deviation, which the record has, is what the network reads as 1.
    let (own, moved) = (
        moves(&place, "out", "inputs")?,
        moves(&place, "out", "moved")?,
    );
    let scaling = &record.run.settings.details["inputs"]["moments"];
    for (own, moved) in own.iter().zip(&moved) {
        for (column, (own, moved)) in own.iter().zip(moved).enumerate() {
            let std = scaling[column]["std"].as_f64().ok_or("no deviation")?;
            let step = (moved - own).abs() / std;
            // The inputs are kept in 32 bits.
            assert!((step - 0.1).abs() < 1e-4, "{step}");
        }
    }
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("moved to") && report.trim_end().ends_with("</html>"));
    Ok(())
}

#[test]
fn moves_of_pictures_stay_within_black_and_white() -> Outcome {
    let place = Place::new()?;
    let command = "perturb --data digits --hidden 8 --queries 7 --size 1 --norm l2 --clip --goal harm --verify 1 --retrain 1 --out out";
    place.backdraft(command).assert().success();
    let record = record(&place, "out")?;
    assert!(record.changes.iter().all(|it| it.predicted > 0.0));
    let kinds = record.changes.iter().filter(|it| it.retrained.is_some());
    assert_eq!(kinds.count(), 2);
    let (own, moved) = (
        moves(&place, "out", "inputs")?,
        moves(&place, "out", "moved")?,
    );
    for (own, moved) in own.iter().zip(&moved) {
        let squares: f64 = own.iter().zip(moved).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(squares.sqrt() < 1.0 + 1e-5 && squares.sqrt() > 0.5);
        assert!(moved.iter().all(|x| (-1e-6..=1.0 + 1e-6).contains(x)));
    }
    // The training picture, where it matters, and the moved one, for each of five.
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert_eq!(report.matches("data:image/png").count(), 1 + 3 * 5);
    assert!(report.contains("where it matters"));
    Ok(())
}

#[test]
fn targets_of_numbers_are_moved_by_their_own_units() -> Outcome {
    let place = place()?;
    let command = "perturb --model lr --data table.csv --target ill --task regression --target-step 0.25 --verify 0 --out out";
    place.backdraft(command).assert().success();
    let record = record(&place, "out")?;
    assert!(record.response.is_empty() && record.retraining.is_empty());
    let labels = record
        .changes
        .iter()
        .filter(|it| it.kind == ChangeKind::Label);
    let mut count = 0;
    for change in labels {
        let (TargetValue::Value(own), Some(TargetValue::Value(to))) =
            (change.label.label, change.label.to)
        else {
            return Err("a target is no number".into());
        };
        assert!(((to - own).abs() - 0.25).abs() < 1e-5, "{own} {to}");
        count += 1;
    }
    assert_eq!(count, 3 * 5);
    Ok(())
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let command = "perturb --data digits --hidden 8 --queries 7,3 --changes 2 --verify 1 --retrain 1 --seed 3 --checkpoint-every 0 --out out";
    let files = [
        "run.json",
        "training.safetensors",
        "parts/model.safetensors",
        "parts/solution-1.safetensors",
        "perturbations.csv",
    ];
    let parts = assert_goes_on(command, &files)?;
    assert_refused(
        &parts,
        "perturb --data digits --hidden 8 --queries 7 --out out --overwrite --damping 0.1,0.2",
        &["--damping has several"],
    )
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = place()?;
    for (command, words) in [
        ("perturb --size 0", &["--size is 0", "positive"] as &[&str]),
        ("perturb --size nan", &["--size"]),
        ("perturb --changes 0", &["--changes"]),
        ("perturb --queries 100000", &["test example"]),
        (
            "perturb --target-step 1",
            &["--target-step", "numbers to predict"],
        ),
        (
            "perturb --model autoencoder",
            &["perturb takes a model that predicts one"],
        ),
        (
            "perturb --queries all",
            &["--queries all is the mean", "0-"],
        ),
        ("perturb --overwrite", &["--overwrite", "--out"]),
        (
            "perturb --weights model.safetensors --retrain 1",
            &["model.safetensors"],
        ),
    ] {
        assert_refused(&place, command, words)?;
    }
    Ok(())
}
