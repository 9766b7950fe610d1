//! Experiments in pieces: stopped and taken up again, or shared out.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

use super::{CANCER, Outcome, Place};
use crate::files::forge;
use crate::refusals::assert_refused;

/// A network whose removals take long enough to be stopped at.
const NETWORK: &str =
    "--data digits --examples 150 --hidden 16 --epochs 10 --points 6 --depth 40 --seed 2";

/// All files below a folder but for the hidden ones; none if there is no such folder.
pub(super) fn files(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            // It may have gone in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .file_name()
                .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
            {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

/// Runs the command until a file appears in `folder` that was not there, and kills it without a chance to tidy up.
/// False if it ended first.
pub(super) fn kill_at_new_file(place: &Place, command: &str, folder: &Path) -> io::Result<bool> {
    let before = files(folder)?;
    let mut child = place.start(command)?;
    let began = Instant::now();
    while files(folder)?.is_subset(&before) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "nothing was stored"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill()?;
    child.wait()?;
    Ok(true)
}

#[test]
fn a_killed_experiment_goes_on_to_the_same_numbers() -> Outcome {
    let place = Place::new()?;
    for command in ["decompose", "correlate"] {
        let arguments = format!("{command} {NETWORK}");
        let whole = place.experiment(&arguments, &format!("{command}-whole"))?;
        let out = format!("{command}-parts");
        let folder = place.path().join(&out);
        let parts = format!("{arguments} --out {out}");
        // A machine that is busy elsewhere may let it end before it can be stopped: then once more from the beginning.
        let mut stopped = false;
        for _ in 0..40 {
            // In the midst of the first removal, after it, and in the midst of another.
            stopped = true;
            for kept in ["stages", "points", "stages"] {
                stopped = stopped && kill_at_new_file(&place, &parts, &folder.join(kept))?;
                if stopped && command == "correlate" && kept == "stages" {
                    // The first that is computed is kept as well as what takes longer.
                    let found = files(&folder.join(kept))?;
                    assert!(found.iter().any(|it| it.ends_with("influence.safetensors")));
                }
                // A part of a file, as a kill in the midst of writing leaves it.
                place.write(&format!("{out}/.backdraft-abc"), "half a")?;
            }
            if stopped {
                break;
            }
            fs::remove_dir_all(&folder)?;
        }
        assert!(stopped, "{command} could not be stopped");
        let open = files(&folder.join("points"))?.len();
        assert!((1..6).contains(&open), "{open} removals were done");
        let resumed = place.experiment(&arguments, &out)?;
        assert_eq!(resumed.timeless(), whole.timeless());
        assert_eq!(resumed.names()?, whole.names()?);

        // Once more there is nothing to do.
        let again = place.experiment(&arguments, &out)?;
        assert_eq!(again.record, resumed.record);
    }
    Ok(())
}

#[test]
fn one_that_diverges_does_not_stop_the_others() -> Outcome {
    let place = Place::new()?;
    // One target far out, which the removals' draw has first; steps so long that without it the proximal descent grows.
    let mut rows = vec!["a,b,c,y".to_owned()];
    rows.extend((0..60).map(|i| {
        let [a, b, c] = [1.7, 2.9, 4.3].map(|step| (f64::from(i) * step).sin());
        let y = if i == 17 { 400.0 } else { a - b * c };
        format!("{a:.4},{b:.4},{c:.4},{y:.4}")
    }));
    place.write("outlier.csv", rows.join("\n"))?;
    let command = "decompose --data outlier.csv --target y --hidden 6,6 --epochs 10 --points 47 --solver direct \
                   --learning-rate 1.2 --damping 1";
    let done = place.experiment(command, "out")?;
    let failed = done.list("/failed");
    assert!((1..24).contains(&failed.len()), "{}", done.stdout);
    assert_eq!(done.list("/points").len(), 47 - failed.len());
    for point in &failed {
        assert_eq!(point["stage"], json!("proximal"));
        assert!(
            point["reason"]
                .as_str()
                .unwrap_or_default()
                .contains("grew"),
            "{point}"
        );
    }
    // Which is told before anything else.
    let first = format!("{} of 47 removals failed and ", failed.len());
    let table = done.stdout.find("gap  ").ok_or("no table")?;
    let told = done.stdout.find(&first).ok_or("not told")?;
    assert!(told < table, "{}", done.stdout);
    let report = done.report()?;
    let told = report.find("of 47 removals failed").ok_or("not told")?;
    assert!(told < report.find("<svg").unwrap_or(usize::MAX));
    Ok(())
}

#[test]
fn a_killed_search_goes_on_to_the_same_step_size() -> Outcome {
    let place = Place::new()?;
    let arguments = "decompose --data digits --examples 150 --hidden 8 --epochs 60 --points 1 --solver cg --learning-rate search \
                     --weight-decay 3";
    let whole = place.experiment(arguments, "whole")?;
    let tried = whole.list("/setup/search");
    let rates: Vec<_> = tried
        .iter()
        .map(|it| it["learning_rate"].as_f64())
        .collect();
    assert_eq!(rates, [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001].map(Some));
    // At 1 an L2 term of 3 doubles the parameters in each step.
    assert_eq!(tried[0]["loss"], json!(null));
    let least = tried
        .iter()
        .filter_map(|it| it["loss"].as_f64())
        .fold(f64::INFINITY, f64::min);
    let chosen = whole.number("/setup/training/learning_rate");
    let best = tried
        .iter()
        .find(|it| it["loss"].as_f64() == Some(least))
        .ok_or("no best")?;
    assert_eq!(best["learning_rate"].as_f64(), Some(chosen));

    let parts = format!("{arguments} --out parts");
    let folder = place.path().join("parts");
    for _ in 0..3 {
        assert!(kill_at_new_file(&place, &parts, &folder.join("search"))?);
    }
    assert!(!files(&folder.join("search"))?.is_empty());
    let resumed = place.experiment(arguments, "parts")?;
    assert_eq!(resumed.timeless(), whole.timeless());
    assert_eq!(resumed.names()?, whole.names()?);
    Ok(())
}

#[test]
fn parts_of_other_machines_must_fit() -> Outcome {
    let place = Place::new()?;
    let command = format!("decompose {CANCER} --points 4");
    for part in ["1", "2"] {
        let command = format!("{command} --shard {part}/2 --out part-{part}");
        place.backdraft(&command).assert().success();
    }
    let merge = format!("{command} --out whole --merge part-1,part-2");
    let record = place.path().join("part-2/experiment.json");
    let good = fs::read_to_string(&record)?;
    let version = env!("CARGO_PKG_VERSION");
    let older = forge(
        &good,
        "experiment.json",
        &format!("\"{version}\""),
        "\"0.0.9\"",
    )?;
    fs::write(&record, &older)?;
    assert_refused(
        &place,
        &merge,
        &[
            "--merge part-2 was made by another version",
            "backdraft was \"0.0.9\"",
        ],
    )?;
    // Nor is a folder of another version gone on with.
    fs::create_dir(place.path().join("older"))?;
    place.write("older/experiment.json", older)?;
    place
        .backdraft(&format!("{command} --out older"))
        .assert()
        .code(2)
        .stderr(contains(
            "older holds an experiment begun by another version",
        ))
        .stderr(contains("backdraft was \"0.0.9\""));
    fs::write(&record, good)?;

    // What is damaged is not taken, and what is missing is told.
    for (name, part) in [("points/1.json", "part-2"), ("base.safetensors", "part-1")] {
        let path = place.path().join(part).join(name);
        let mut bytes = fs::read(&path)?;
        *bytes.last_mut().ok_or("an empty file")? ^= 1;
        fs::write(&path, bytes)?;
    }
    fs::remove_file(place.path().join("part-1/points/2.json"))?;
    place
        .backdraft(&merge)
        .assert()
        .success()
        .stderr(contains("part-2/points/1.json is damaged").and(contains("it is not taken")))
        .stderr(contains("part-1/base.safetensors is damaged"))
        .stdout(contains("of 4 removals are taken from part-1"))
        .stdout(contains("1 of 4 removals are taken from part-2"))
        .stdout(contains(
            "are in none of the folders, and still to be computed: ",
        ));
    Ok(())
}

#[test]
fn parts_make_a_whole() -> Outcome {
    let place = Place::new()?;
    let cases = [
        ("decompose", format!("decompose {NETWORK}")),
        (
            "correlate",
            format!("correlate {CANCER} --points 5 --tests 3"),
        ),
        ("mislabel", format!("mislabel {CANCER} --examples 20")),
    ];
    for (command, arguments) in cases {
        let name = |part: &str| format!("{command}-{part}");
        let whole = place.experiment(&arguments, &name("whole"))?;
        for part in ["1", "2"] {
            let part_of = format!("{arguments} --shard {part}/2 --out {}", name(part));
            let done = place.backdraft(&part_of).assert().success();
            done.stdout(contains("left to other parts").and(contains("--merge")));
            assert!(!fs::exists(
                place
                    .path()
                    .join(name(part))
                    .join(format!("{command}.json"))
            )?);
        }
        let (one, two) = (name("1"), name("2"));
        let merged =
            place.experiment(&format!("{arguments} --merge {one},{two}"), &name("merged"))?;
        assert_eq!(merged.timeless(), whole.timeless());
        // One part takes in the other.
        let taken = place.experiment(&format!("{arguments} --merge {two}"), &one)?;
        // The clock was read once for each removal.
        assert_eq!(taken.record, merged.record);
    }
    Ok(())
}

#[test]
fn a_folder_belongs_to_one_experiment() -> Outcome {
    let place = Place::new()?;
    place.write("else/notes.txt", "mine")?;
    place.write("file", "")?;
    place.write("damaged/experiment.json", "{")?;
    let command = format!("decompose {CANCER} --points 2");
    let done = place.experiment(&command, "out")?;
    let cases: [(&str, &[&str]); 8] = [
        (
            "--out else",
            &["else is not empty", "holds no experiment.json"],
        ),
        ("--out file", &["file is in the way"]),
        (
            "--seed 1 --out out",
            &[
                "out holds an experiment with other settings",
                "seed was 0, not 1",
                "--overwrite",
            ],
        ),
        ("--damping 0.1 --out out", &["damping was 0.001, not 0.1"]),
        (
            "--out new --merge nowhere",
            &["--merge nowhere holds no experiment"],
        ),
        (
            "--out new --merge else",
            &["--merge else holds no experiment: there is no experiment.json"],
        ),
        (
            "--out new --merge damaged",
            &["--merge damaged holds a damaged experiment.json"],
        ),
        (
            "--out new --merge out --seed 1",
            &["--merge out holds another experiment", "seed was 0, not 1"],
        ),
    ];
    for (options, parts) in cases {
        assert_refused(&place, &format!("{command} {options}"), parts)?;
    }
    assert_refused(
        &place,
        &format!("correlate {CANCER} --points 2 --out out"),
        &["command was \"decompose\", not \"correlate\""],
    )?;
    assert_refused(
        &place,
        "train --data digits --out out",
        &["out", "holds no train.json"],
    )?;

    // Other settings replace everything when they are to.
    let other = place.experiment(&format!("{command} --seed 1 --overwrite"), "out")?;
    assert_ne!(other.timeless(), done.timeless());
    assert_eq!(other.names()?, done.names()?);
    place
        .backdraft(&format!(
            "{command} --overwrite --scale 1e-3 --depth 5 --out out"
        ))
        .assert()
        .code(1);
    assert!(!fs::exists(place.path().join("out/decompose.json"))?);
    assert!(!fs::exists(place.path().join("out/report.html"))?);
    Ok(())
}

#[test]
fn what_is_damaged_is_made_anew() -> Outcome {
    let place = Place::new()?;
    let command = format!("decompose {CANCER} --points 2");
    let whole = place.experiment(&command, "out")?;
    let names = [
        "points/0.json",
        "base.safetensors",
        "base.json",
        "lissa.json",
        "experiment.json",
    ];
    for name in names {
        let right = fs::read(whole.folder.join(name))?;
        let mut flipped = right.clone();
        flipped[right.len() / 2] ^= 1;
        for damage in [&flipped, &right[..right.len() / 2], b""] {
            place.write(&format!("out/{name}"), damage)?;
            place
                .backdraft(&format!("{command} --out out"))
                .assert()
                .success()
                .stderr(contains(format!("out/{name} is damaged")).and(contains("anew")));
            let again = place.experiment(&command, "out")?;
            assert_eq!(again.timeless(), whole.timeless(), "{name}");
            if !name.starts_with("points") {
                assert!(fs::read(whole.folder.join(name))? == right, "{name}");
            }
        }
    }
    // One removal in the place of another, whole as it is.
    fs::copy(
        whole.folder.join("points/0.json"),
        whole.folder.join("points/1.json"),
    )?;
    let again = place.experiment(&command, "out")?;
    assert_eq!(again.timeless(), whole.timeless());

    // Without the record nobody knows that the removals are of another seed.
    place.write("out/experiment.json", "{}")?;
    assert_refused(
        &place,
        &format!("{command} --seed 1 --out out"),
        &[
            "out/experiment.json is damaged",
            "nothing in it is of these",
            "restore the file",
        ],
    )?;
    Ok(())
}

#[test]
fn a_busy_folder_is_left_alone() -> Outcome {
    let place = Place::new()?;
    // Far from its end when it is met.
    let command = "decompose --data digits --hidden 16 --epochs 2000 --out out";
    let mut child = place.start(command)?;
    let record = place.path().join("out/experiment.json");
    while !record.is_file() {
        assert!(child.try_wait()?.is_none(), "it ended at once");
        std::thread::sleep(Duration::from_millis(5));
    }
    let met = place.backdraft(command).assert();
    child.kill()?;
    child.wait()?;
    met.code(2).stderr(contains("out is in use"));
    Ok(())
}
