//! `backdraft audit` end to end.

use std::error::Error;
use std::fs;

use backdraft_report::audit::AuditRecord;
use backdraft_report::{Report, TargetValue};

use crate::inputs::place;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{assert_same, kept};

const CANCER: &str = "audit --model lr --data cancer --corrupt-labels 0.1";

fn record(place: &Place, out: &str) -> Result<AuditRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

/// The rows of a table, by its head's names.
fn table(
    place: &Place,
    file: &str,
) -> Result<(Vec<String>, Vec<csv::StringRecord>), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(place.path().join(file))?;
    let head = reader.headers()?.iter().map(String::from).collect();
    Ok((head, reader.records().collect::<Result<_, _>>()?))
}

#[test]
fn planted_errors_are_found_and_corrected() -> Outcome {
    let place = Place::new()?;
    let done = place
        .backdraft(&format!("{CANCER} --top 7 --out out"))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("left-out margin"), "{said}");
    let found = record(&place, "out")?;
    let planted = found.planted.as_ref().ok_or("nothing is said of them")?;
    assert_eq!(planted.examples, found.run.sizes.train);
    assert_eq!(planted.wrong, 46);
    for ranking in &planted.rankings {
        // All of them see that logistic regression disagrees with a label.
        assert!(ranking.auc > 0.85, "{ranking:?}");
        assert!(ranking.precision[0] > 0.7, "{ranking:?}");
    }
    assert!(planted.restored > 40, "{planted:?}");
    assert_eq!(found.suspects.len(), 7);
    for (rank, suspect) in (1..).zip(&found.suspects) {
        assert_eq!(suspect.rank, rank);
        assert_ne!(suspect.suggested, Some(suspect.label));
        assert!(
            suspect
                .left_out_margin
                .is_some_and(|it| it < suspect.margin)
        );
    }
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("planted errors") && report.trim_end().ends_with("</html>"));

    // What the network suggests, and one example taken away, as a user would fill in the table.
    let (head, rows) = table(&place, "out/audit.csv")?;
    assert_eq!(rows.len(), found.run.sizes.train);
    let column = |name: &str| {
        head.iter()
            .position(|it| it == name)
            .ok_or("no such column")
    };
    let (train, suggested, fix) = (column("train")?, column("suggested")?, column("fix")?);
    let mut corrected = csv::Writer::from_writer(Vec::new());
    corrected.write_record(&head)?;
    for (place, row) in rows.iter().enumerate() {
        let cells: Vec<&str> = row.iter().collect();
        let mut cells = cells;
        if place < 30 {
            cells[fix] = if place == 0 {
                "remove"
            } else {
                &row[suggested]
            };
        }
        corrected.write_record(cells)?;
    }
    assert_eq!(rows[0][train], found.suspects[0].train.to_string());
    let corrected = String::from_utf8(corrected.into_inner()?)?;
    place.write("fixed.csv", &corrected)?;
    let done = place
        .backdraft(&format!("{CANCER} --fix fixed.csv --out fixed"))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        said.contains("29 targets corrected and 1 example removed"),
        "{said}"
    );
    let corrections = record(&place, "fixed")?
        .corrections
        .ok_or("nothing is said of them")?;
    assert!(
        corrections.restored.is_some_and(|it| it >= 25),
        "{corrections:?}"
    );
    let change = corrections.after.test.loss - corrections.before.test.loss;
    // Thirty of 455 examples are no small change: influence has its direction, and its size within a factor of two.
    let predicted = corrections.predicted.ok_or("nothing is predicted")?;
    assert!(
        change < 0.0 && (0.5..2.0).contains(&(change / predicted)),
        "{change} for {predicted}"
    );
    assert!(corrections.as_given.is_none());
    // The corrected network is a file of weights like others.
    place
        .backdraft(
            "audit --model lr --data cancer --weights fixed/corrected.safetensors --out theirs",
        )
        .assert()
        .success();
    Ok(())
}

#[test]
fn a_network_of_a_file_is_trained_on_with_corrections_and_without() -> Outcome {
    let place = Place::new()?;
    let network = "--data digits --hidden 8";
    place
        .backdraft(&format!(
            "train {network} --corrupt-labels 0.1 --epochs 3 --out theirs"
        ))
        .assert()
        .success();
    place.write("fix.csv", "train,fix\n5,remove\n7,3\n")?;
    let audit = format!("audit {network} --weights theirs/last.safetensors --out out");
    let command = format!("{audit} --fix fix.csv");
    place.stop_at(&command, "out/run.json")?;
    place.stop_at(&command, "out/parts/corrected.safetensors")?;
    place.backdraft(&command).assert().success();
    let corrections = record(&place, "out")?.corrections;
    let corrections = corrections.ok_or("nothing is said of them")?;
    let as_given = corrections.as_given.ok_or("it was not trained on")?;
    // A few epochs are little: both were trained on.
    for it in [&as_given, &corrections.after] {
        assert!(it.train.loss < corrections.before.train.loss);
    }
    assert_ne!(as_given.test.loss, corrections.after.test.loss);
    Ok(())
}

#[test]
fn numbers_are_audited_in_their_own_units() -> Outcome {
    let place = place()?;
    let command = "audit --model lr --data table.csv --target ill --task regression --out out";
    place.backdraft(command).assert().success();
    let found = record(&place, "out")?;
    assert!(found.other_class.is_none() && found.planted.is_none());
    for suspect in &found.suspects {
        let (TargetValue::Value(label), Some(TargetValue::Value(says))) =
            (suspect.label, suspect.suggested)
        else {
            return Err("a target is no number".into());
        };
        let margin = suspect.left_out_margin.ok_or("no margin")?;
        assert!(((label - says).abs() + margin).abs() < 1e-5, "{suspect:?}");
        // Least squares: the residual without the example is the larger one, by its leverage.
        let factor = 1.0 / (1.0 - suspect.leverage.ok_or("no leverage")?);
        assert!(
            (factor * suspect.margin / margin - 1.0).abs() < 1e-3,
            "{suspect:?}"
        );
    }
    place.write("fix.csv", "train,fix\n0,0.25\n3,remove\n1,\n")?;
    place
        .backdraft(&format!("{command}2 --fix fix.csv"))
        .assert()
        .success();
    let corrections = record(&place, "out2")?
        .corrections
        .ok_or("nothing is said of them")?;
    assert_eq!((corrections.relabelled, corrections.removed), (1, 1));
    Ok(())
}

#[test]
fn a_stopped_audit_goes_on_to_the_same_bits() -> Outcome {
    let command = "audit --data digits --hidden 8 --checkpoint-every 0 --fix fix.csv --out out";
    let fix = "train,fix\n5,remove\n7,3\n";
    let whole = Place::new()?;
    whole.write("fix.csv", fix)?;
    whole.backdraft(command).assert().success();
    let expected = kept(&whole.path().join("out"))?;
    let parts = Place::new()?;
    parts.write("fix.csv", fix)?;
    for file in [
        "run.json",
        "training.safetensors",
        "parts/model.safetensors",
        "parts/audit-0.json",
        "audit.csv",
        "parts/corrected.safetensors",
        "corrected.safetensors",
    ] {
        parts.stop_at(command, &format!("out/{file}"))?;
        assert!(!parts.path().join("out/run.json").exists(), "{file}");
    }
    parts.backdraft(command).assert().success();
    assert_same(&kept(&parts.path().join("out"))?, &expected);
    // Other corrections are another audit.
    parts.write("fix.csv", "train,fix\n5,remove\n")?;
    assert_refused(&parts, command, &["out holds", "--overwrite"])
}

#[test]
fn what_makes_no_sense_is_refused() -> Outcome {
    let place = place()?;
    for (name, text) in [
        ("empty.csv", "train,fix\n3,\n"),
        ("nocolumn.csv", "train,label\n3,1\n"),
        ("far.csv", "train,fix\n100000,remove\n"),
        ("twice.csv", "train,fix\n3,remove\n3,1\n"),
        ("unknown.csv", "train,fix\n3,seventeen\n"),
        ("word.csv", "train,fix\nthree,1\n"),
    ] {
        place.write(name, text)?;
    }
    for (command, words) in [
        ("audit --top 0", &["--top"] as &[&str]),
        ("audit --damping 0.1,0.2", &["--damping has 2 numbers"]),
        (
            "audit --model autoencoder",
            &["audit takes a model that predicts one"],
        ),
        (
            "audit --fix none.csv",
            &["--fix", "none.csv cannot be read"],
        ),
        ("audit --fix empty.csv", &["empty.csv corrects nothing"]),
        ("audit --fix nocolumn.csv", &["no column `fix`"]),
        (
            "audit --fix far.csv",
            &["line 2 names training example 100000"],
        ),
        (
            "audit --fix twice.csv",
            &["line 3 corrects training example 3 again"],
        ),
        (
            "audit --fix unknown.csv",
            &["line 2 has `seventeen`", "one of the labels 0, 1"],
        ),
        ("audit --fix word.csv", &["line 2 has `three` for train"]),
    ] {
        assert_refused(&place, command, words)?;
    }
    Ok(())
}
