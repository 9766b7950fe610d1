//! Runs of `explain` that are stopped, begun anew, or met by another.
//!
//! A run is stopped at a file of its folder by a folder in its place. That is what a kill leaves, for nothing is tidied
//! on the way to the end; one real kill shows it, in `a_verification_may_be_given_up`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};

use crate::place::{Outcome, Place, Run};
use crate::refusals::assert_refused;

const CANCER: &str = "explain --model lr --data cancer";
/// A network that is trained by batches.
const NETWORK: &str = "explain --data digits --hidden 8 --queries 7,3 --verify-removals 6 --seed 3 --checkpoint-every 0";

/// Files with what they hold, and a record.
pub(crate) type Kept = (BTreeMap<PathBuf, Vec<u8>>, Value);

/// All files below the folder but for those with times in them, with what they hold, and the record without its times.
pub(crate) fn kept(folder: &Path) -> Result<Kept, Box<dyn Error>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let bytes = fs::read(&path)?;
                    found.insert(path.strip_prefix(folder)?.to_path_buf(), bytes);
                }
            }
        }
    }
    let record = found.remove(Path::new("run.json")).ok_or("no record")?;
    let mut record: Value = serde_json::from_slice(&record)?;
    record["timings"] = Value::Null;
    // Digests of files with times.
    found.insert("SHA256SUMS".into(), Vec::new());
    // It shows the times.
    found.insert("report.html".into(), Vec::new());
    Ok((found, record))
}

pub(crate) fn assert_same(found: &Kept, expected: &Kept) {
    assert!(found.0.keys().eq(expected.0.keys()), "{:?}", found.0.keys());
    assert_eq!(found.1, expected.1);
    for (name, bytes) in &expected.0 {
        assert!(found.0.get(name) == Some(bytes), "{name:?} differs");
    }
}

/// Stops a command, whose folder is `out`, at each of some files of it, one after another, and sees that it goes on to
/// what it comes to in one go, and is not done again. Returns where it was done.
pub(crate) fn assert_goes_on(command: &str, files: &[&str]) -> Result<Place, Box<dyn Error>> {
    let whole = Place::new()?;
    whole.backdraft(command).assert().success();
    let expected = kept(&whole.path().join("out"))?;
    let parts = Place::new()?;
    let out = parts.path().join("out");
    for file in files {
        parts.stop_at(command, &format!("out/{file}"))?;
        assert!(!out.join("run.json").exists(), "{file}");
    }
    parts.backdraft(command).assert().success();
    assert_same(&kept(&out)?, &expected);
    assert!(!out.join("parts").exists());
    assert_refused(
        &parts,
        command,
        &["out holds an earlier run", "--overwrite"],
    )?;
    Ok(parts)
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let cases: [(&str, &[&str]); 2] = [
        (
            NETWORK,
            &[
                "run.json",
                "training.safetensors",
                "parts/model.safetensors",
                "parts/solution-0.safetensors",
                "parts/scores-0.safetensors",
                "scores.safetensors",
            ],
        ),
        (
            "explain --model lr --data cancer --solver lissa --corrupt-labels 0.1",
            &[
                "run.json",
                "wrong-labels.csv",
                "parts/solution-1.safetensors",
                "report.html",
            ],
        ),
    ];
    for (command, files) in cases {
        let command = format!("{command} --out out");
        let whole = Place::new()?;
        whole.backdraft(&command).assert().success();
        let expected = kept(&whole.path().join("out"))?;
        let parts = Place::new()?;
        let out = parts.path().join("out");
        for file in files {
            parts.stop_at(&command, &format!("out/{file}"))?;
            assert!(!out.join("run.json").exists(), "{file}");
            // A part of a file, as a kill in the midst of writing leaves it.
            fs::write(out.join(".backdraft-abc"), "half a")?;
        }
        parts.backdraft(&command).assert().success();
        let found = kept(&out)?;
        assert_same(&found, &expected);
        // Whole, it is not done again.
        assert_refused(
            &parts,
            &command,
            &["out holds an earlier run", "--overwrite"],
        )?;
        // What a kill after the last file leaves is cleared all the same.
        parts.write("out/parts/response-1.json", "{}")?;
        parts.backdraft(&command).assert().code(2);
        assert_eq!(kept(&out)?.0.len(), found.0.len());
    }
    Ok(())
}

#[test]
fn what_rots_in_a_stopped_run_is_computed_anew() -> Outcome {
    let command = format!("{NETWORK} --out out");
    let whole = Place::new()?;
    whole.backdraft(&command).assert().success();
    let expected = kept(&whole.path().join("out"))?;
    let place = Place::new()?;
    let out = place.path().join("out");
    place.stop_at(&command, "out/run.json")?;
    place.stop_at(&command, "out/scores.safetensors")?;
    let mut damaged = Vec::new();
    for entry in fs::read_dir(out.join("parts"))? {
        let path = entry?.path();
        let mut bytes = fs::read(&path)?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes)?;
        let name = path.file_name().ok_or("no name")?;
        damaged.push(name.to_string_lossy().into_owned());
    }
    assert!(damaged.len() >= 3, "{damaged:?}");
    let done = place.backdraft(&command).assert().success();
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    for name in damaged {
        assert!(said.contains(&format!("parts/{name} is damaged")), "{said}");
    }
    assert_same(&kept(&out)?, &expected);
    Ok(())
}

/// Never an old record beside new scores, nor an old list of wrong labels beside a new record.
#[test]
fn a_killed_overwriting_leaves_nothing_of_the_earlier_run() -> Outcome {
    let old = format!("{CANCER} --seed 5 --corrupt-labels 0.1 --out out");
    let new = format!("{CANCER} --seed 6 --out out");
    let fresh = Place::new()?;
    fresh.backdraft(&new).assert().success();
    let expected = kept(&fresh.path().join("out"))?;

    let place = Place::new()?;
    let out = place.path().join("out");
    // The same command goes on with what was asked for last, without the option too.
    for (removed, option) in [
        (&["run.json"][..], ""),
        (
            &["run.json", "explain.json", "wrong-labels.csv"],
            " --overwrite",
        ),
    ] {
        place
            .backdraft(&format!("{old} --overwrite"))
            .assert()
            .success();
        // What a kill leaves while the earlier run is removed.
        place.write("out/.backdraft-clearing-explain.json", "")?;
        for name in removed {
            fs::remove_file(out.join(name))?;
        }
        place
            .backdraft(&format!("{new}{option}"))
            .assert()
            .success();
        assert_eq!(kept(&out)?, expected);
    }
    Ok(())
}

#[test]
fn a_folder_belongs_to_one_run_at_a_time() -> Outcome {
    let place = Place::new()?;
    // Far from its end when it is met.
    let command = "explain --data digits --verify full --hidden 128,128 --out out";
    let mut child = place.start(command)?;
    let record = place.path().join("out/explain.json");
    while !record.is_file() {
        assert!(child.try_wait()?.is_none(), "it ended at once");
        std::thread::sleep(Duration::from_millis(2));
    }
    let met = place.backdraft(command).assert();
    let other = place.backdraft(&format!("{command} --overwrite")).assert();
    child.kill()?;
    child.wait()?;
    for met in [met, other] {
        met.code(2).stdout("").stderr(contains("out is in use"));
    }
    // Clears what the kill left half written.
    place
        .backdraft(&format!("{command} --damping 0.4"))
        .assert()
        .code(2);
    for (options, part) in [
        ("--damping 0.5", "damping was 0.03, not 0.5"),
        ("--seed 8", "seed was 0, not 8"),
        ("--queries 4", "queries was null, not [4]"),
        ("--solver lissa", "solver was \"cg\", not \"lissa\""),
    ] {
        let parts = ["out holds a run with other settings", part, "--overwrite"];
        assert_refused(&place, &format!("{command} {options}"), &parts)?;
    }
    assert_refused(
        &place,
        "decompose --data digits --out out",
        &["holds no experiment.json"],
    )
}

#[test]
fn runs_at_once_get_folders_of_their_own() -> Outcome {
    let place = Place::new()?;
    let command = "explain --model lr --data cancer --verify none";
    let children: Vec<_> = (0..4)
        .map(|_| place.start(command))
        .collect::<Result<_, _>>()?;
    for child in children {
        assert!(child.wait_with_output()?.status.success());
    }
    for number in 1..=4 {
        let record = place
            .path()
            .join(format!("runs/lr-cancer-{number}/run.json"));
        assert!(record.is_file(), "{record:?}");
    }
    Ok(())
}

#[test]
fn as_much_is_verified_as_is_asked_for() -> Outcome {
    let place = Place::new()?;
    let coverage = |run: &Run| run.record["verification"]["coverage"].clone();
    let none = place.explain("--model lr --data cancer --verify none", "none")?;
    assert_eq!(none.record["verification"], Value::Null);
    assert!(!none.stdout.contains("over 60 pairs") && !none.stdout.contains("Held against"));
    let html = String::from_utf8(none.file("report.html")?)?;
    assert!(html.contains("were not held against actual changes"));

    let full = place.explain("--model lr --data cancer --verify full", "full")?;
    let all = coverage(&full)["removals"]
        .as_array()
        .ok_or("none")?
        .clone();
    assert_eq!(coverage(&full)["planned"], json!(all.len()));
    assert!(
        full.stdout.contains("95 % intervals: Pearson "),
        "{}",
        full.stdout
    );
    let [low, high] =
        [0, 1].map(|end| full.number(&format!("/verification/intervals/pearson/{end}")));
    assert!(
        low <= full.number("/verification/pearson") && full.number("/verification/pearson") <= high
    );
    // Small as it is, a quick one takes all as well.
    let quick = place.explain("--model lr --data cancer", "quick")?;
    assert_eq!(coverage(&quick)["removals"], coverage(&full)["removals"]);
    assert_eq!(
        quick.record["verification"]["pairs"],
        full.record["verification"]["pairs"]
    );

    // The first of the same choice, and more than a whole one has.
    let few = place.explain("--model lr --data cancer --verify-removals 3", "few")?;
    assert_eq!(
        coverage(&few),
        json!({ "asked": "3 removals", "planned": 3, "removals": all[..3] })
    );
    assert_eq!(few.record["verification"]["intervals"], Value::Null);
    assert!(few.stdout.contains("too few removals"), "{}", few.stdout);
    let html = String::from_utf8(few.file("report.html")?)?;
    assert!(html.contains("too few, or too little variation, for a verdict"));
    // Two always lie on a line.
    let two = place.explain("--model lr --data cancer --verify-removals 2", "two")?;
    assert_eq!(two.record["verification"]["pearson"], Value::Null);
    let more = place.explain("--model lr --data cancer --verify-removals 50", "more")?;
    let found = coverage(&more)["removals"]
        .as_array()
        .ok_or("none")?
        .clone();
    assert!(found.len() == 50 && found.starts_with(&all));
    for run in [&full, &few, &more] {
        assert_eq!(run.scores, none.scores);
    }

    place
        .backdraft("explain --verify full --verify-removals 3")
        .assert()
        .code(2)
        .stderr(contains("cannot be used with"));
    Ok(())
}

/// Scores do not wait for the verification, and what is known of it is not lost when it turns out to be too long.
#[test]
fn a_verification_may_be_given_up() -> Outcome {
    let place = Place::new()?;
    let command = "explain --data digits --hidden 64,64 --verify full --out out";
    let out = place.path().join("out");
    let responses = || {
        let names = fs::read_dir(out.join("parts"))
            .into_iter()
            .flatten()
            .flatten();
        names
            .filter(|it| it.file_name().to_string_lossy().starts_with("response-"))
            .count()
    };
    assert!(place.kill_when(command, || responses() > 0)?);
    for name in [
        "scores.safetensors",
        "top.csv",
        "report.html",
        "model.safetensors",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let scores = fs::read(out.join("scores.safetensors"))?;
    let done = responses();
    place
        .backdraft("explain --data digits --hidden 64,64 --verify-removals 1 --out out")
        .assert()
        .success()
        .stdout(contains("over ").and(contains("too few removals")));
    assert!(done > 0 && fs::read(out.join("scores.safetensors"))? == scores);
    assert!(!out.join("parts").exists());
    Ok(())
}

/// A response that there is not is no reason to end, and none to be silent.
#[test]
fn responses_that_diverge_are_counted() -> Outcome {
    let place = Place::new()?;
    // So little damping that the objective without an example has no minimum nearby.
    let run = place.explain(
        "--data cancer --hidden 8 --damping 1e-4 --verify-removals 4",
        "out",
    )?;
    let failed = run.record["verification"]["failed"]
        .as_array()
        .ok_or("no list")?
        .len();
    assert!((1..=4).contains(&failed), "{}", run.stdout);
    let told = format!("{failed} of 4 responses diverged or were not minimised: not counted");
    assert!(run.stdout.contains(&told), "{}", run.stdout);
    let removals = &run.record["verification"]["coverage"]["removals"];
    assert_eq!(removals.as_array().map(Vec::len), Some(4));
    let html = String::from_utf8(run.file("report.html")?)?;
    assert!(html.contains(&format!("Left out of that: {failed} removal")));
    Ok(())
}
