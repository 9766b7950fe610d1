//! Files that rot between two runs, and output that goes nowhere.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use predicates::prelude::*;
use predicates::str::contains;
use sha2::{Digest, Sha256};

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

const TRAIN: &str = "train --data digits --hidden 4 --epochs 2 --out out";

/// A record as a run of another version would have written it, with a digest that fits.
pub fn forge(text: &str, name: &str, old: &str, new: &str) -> Result<String, String> {
    const MARK: &str = "\n  \"digest\": \"";
    let (head, rest) = text.split_once(MARK).ok_or("no digest")?;
    let rest = rest.get(66..).ok_or("a short digest")?;
    let plain = format!("{head}{rest}").replace(old, new);
    let sum = Sha256::new().chain_update([0; 32]).chain_update(name);
    let sum = sum.chain_update([0]).chain_update(&plain).finalize();
    let digits: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(plain.replacen('{', &format!("{{{MARK}{digits}\","), 1))
}

#[test]
fn a_training_that_has_ended_is_whole_or_made_so() -> Outcome {
    let place = Place::new()?;
    place.backdraft(TRAIN).assert().success();
    let folder = place.path().join("out");
    let whole = fs::read(folder.join("best.safetensors"))?;
    for file in ["best.safetensors", "last.safetensors"] {
        let path = folder.join(file);
        let right = fs::read(&path)?;
        let mut flipped = right.clone();
        *flipped.last_mut().ok_or("an empty file")? ^= 1;
        for (damage, what) in [
            (None, "missing"),
            (Some(flipped), "damaged"),
            (Some(right[..right.len() / 2].to_vec()), "damaged"),
        ] {
            match damage {
                None => fs::remove_file(&path)?,
                Some(bytes) => fs::write(&path, bytes)?,
            }
            let done = place.backdraft(TRAIN).assert().success();
            done.stderr(contains(format!("out/{file} is {what}: the training")))
                .stdout(contains("best after pass"));
            assert!(fs::read(&path)? == right, "{file} {what}");
        }
    }
    assert!(fs::read(folder.join("best.safetensors"))? == whole);
    // Now there is nothing to do.
    let done = place.backdraft(TRAIN).assert().success();
    done.stdout(contains("which has ended")).stderr("");

    let log = fs::read(folder.join("log.jsonl"))?;
    place.write("out/log.jsonl", &log[..log.len() / 2])?;
    let done = place.backdraft(TRAIN).assert().success();
    done.stderr(contains(
        "out/log.jsonl is damaged: what was measured in each pass is lost",
    ));
    place.write("out/log.jsonl", log)?;

    // Whose weights these are is known from the record alone.
    let record = fs::read_to_string(folder.join("train.json"))?;
    place.write(
        "out/train.json",
        record.replace("\"seed\": 0", "\"seed\": 1"),
    )?;
    assert_refused(
        &place,
        TRAIN,
        &[
            "out/train.json is damaged",
            "made best.safetensors and last.safetensors are lost",
            "restore the file",
        ],
    )?;
    let older = forge(&record, "train.json", "\"0.1.0\"", "\"0.0.9\"")?;
    place.write("out/train.json", older)?;
    assert_refused(
        &place,
        TRAIN,
        &[
            "out holds training begun by another version",
            "backdraft was \"0.0.9\"",
        ],
    )?;
    place.write("out/train.json", record)?;
    place.backdraft(TRAIN).assert().success().stderr("");
    Ok(())
}

#[test]
fn a_run_that_has_ended_is_whole_or_made_so() -> Outcome {
    const RUN: &str =
        "explain --model lr --data cancer --queries 0 --verify none --corrupt-labels 0.1 --out out";
    const SUMS: &str = "SHA256SUMS";
    let place = Place::new()?;
    place.backdraft(RUN).assert().success();
    let folder = place.path().join("out");
    // As `sha256sum` writes them.
    let sums = fs::read_to_string(folder.join(SUMS))?;
    let mut names = Vec::new();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").ok_or("no digest")?;
        let digits = Sha256::digest(fs::read(folder.join(name))?);
        let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digits, sum, "{name}");
        names.push(name);
    }
    assert_eq!(
        names,
        [
            "explain.json",
            "model.safetensors",
            "wrong-labels.csv",
            "scores.safetensors",
            "top.csv",
            "report.html",
            "closed-form.csv",
            "run.json"
        ]
    );
    let kept = contains("out holds an earlier run");
    place.backdraft(RUN).assert().code(2).stderr(kept.clone());

    // What is damaged is named, and the run made anew.
    for name in names.iter().chain(&[SUMS]) {
        let path = folder.join(name);
        let right = fs::read(&path)?;
        let mut flipped = right.clone();
        flipped[right.len() / 2] ^= 1;
        fs::write(&path, flipped)?;
        let told = match *name {
            // The digit of another file, perhaps.
            SUMS => "is damaged".to_owned(),
            name => format!("out/{name} is damaged"),
        };
        place
            .backdraft(RUN)
            .assert()
            .success()
            .stderr(contains(told));
        // These have times in them.
        if !["report.html", "run.json", SUMS].contains(name) {
            assert!(fs::read(&path)? == right, "{name}");
        }
        place.backdraft(RUN).assert().code(2).stderr(kept.clone());
    }
    fs::remove_file(folder.join("top.csv"))?;
    let missing = contains("out/top.csv is damaged (it is missing): the run is made anew");
    place.backdraft(RUN).assert().success().stderr(missing);

    // By another command it is not.
    place.write("out/top.csv", "query")?;
    assert_refused(
        &place,
        &format!("{RUN} --damping 0.5"),
        &["out holds a run with other settings", "damping"],
    )?;
    assert_eq!(fs::read_to_string(folder.join("top.csv"))?, "query");
    Ok(())
}

#[test]
fn training_that_diverges_in_its_last_step_fails() -> Outcome {
    let place = Place::new()?;
    place
        .backdraft(
            "train --data digits --hidden 4 --epochs 1 --batch-size 4096 --learning-rate 1e38 --out out",
        )
        .assert()
        .code(1)
        .stderr(contains("training diverged in epoch 1, step 1"));
    assert!(!place.path().join("out/best.safetensors").exists());
    place
        .backdraft(
            "decompose --data digits --hidden 4 --epochs 1 --points 1 --learning-rate 1e38 --out base",
        )
        .assert()
        .code(1)
        .stderr(contains("training diverged"));
    assert!(!place.path().join("base/base.safetensors").exists());
    Ok(())
}

/// What is written to a full disk is lost, and that is said; who stops reading knows, and nothing is lost for it.
#[cfg(target_os = "linux")]
#[test]
fn output_that_does_not_get_through_is_no_success() -> Outcome {
    let place = Place::new()?;
    for (arguments, full) in [
        ("devices", true),
        ("--help", true),
        ("--version", true),
        ("models", false),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backdraft"))
            .args(arguments.split_whitespace())
            .env("XDG_RUNTIME_DIR", place.path())
            .stdout(match full {
                true => File::create("/dev/full")?.into(),
                false => Stdio::piped(),
            })
            .stderr(Stdio::piped())
            .spawn()?;
        drop(child.stdout.take());
        let done = child.wait_with_output()?;
        assert_eq!(done.status.code(), Some(1), "{arguments}");
        let said = String::from_utf8(done.stderr)?;
        match arguments {
            "devices" => assert!(said.starts_with("error: standard output"), "{said}"),
            _ => assert_eq!(said, ""),
        }
    }
    Ok(())
}

#[test]
fn messages_hold_nothing_that_a_terminal_obeys() -> Outcome {
    let place = Place::new()?;
    let rows: String = (0..20).map(|row| format!("{row},{}\n", row % 2)).collect();
    place.write(
        "red.csv",
        format!("a,y\n\u{1b}[31m{},0\n{rows}", "x".repeat(70_000)),
    )?;
    let explain = "explain --model lr --target y --data";
    assert_refused(
        &place,
        &format!("{explain} red.csv"),
        &[
            r"line 2, column `a`: `\u{1b}[31mxxx",
            ".. (70005 characters)",
        ],
    )?;
    for (arguments, part) in [
        (
            format!("{explain} \u{1b}]0;title\u{7}.csv"),
            r"\u{1b}]0;title\u{7}.csv",
        ),
        // Here clap leaves away what a terminal obeys.
        ("explain --mo\u{1b}[2Jdel".to_owned(), "unexpected argument"),
        (
            format!("explain --model {}", "m".repeat(70_000)),
            "(70000 characters)",
        ),
    ] {
        place
            .backdraft(&arguments)
            .assert()
            .code(2)
            .stderr(contains(part).and(contains('\u{1b}').not()))
            .stderr(predicate::function(|said: &str| said.len() < 2000));
    }
    Ok(())
}
