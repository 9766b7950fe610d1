//! `backdraft train` and `backdraft models`.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::data::{write_pictures, write_text};
use crate::place::{Outcome, Place};

/// The lines of a log without what the clock gives.
fn log(place: &Place, out: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let text = fs::read_to_string(place.path().join(out).join("log.jsonl"))?;
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line)?;
        line.as_object_mut()
            .ok_or("a line is no object")?
            .remove("seconds");
        Ok(line)
    });
    lines.collect()
}

fn names(place: &Place, out: &str) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(place.path().join(out))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.retain(|name| name != ".backdraft-lock");
    names.sort();
    Ok(names)
}

/// How a training is stopped.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// `kill -9`: without a chance to tidy up.
    Kill,
    /// Ctrl-C.
    Interrupt,
}

impl Stop {
    fn stop(self, child: &mut Child) -> std::io::Result<()> {
        match self {
            Self::Kill => child.kill()?,
            Self::Interrupt => {
                let id = child.id().to_string();
                Command::new("kill").args(["-INT", &id]).status()?;
            }
        }
        child.wait()?;
        Ok(())
    }
}

/// Whether processes started here hear of Ctrl-C: what a shell without job control starts in the background ignores it,
/// and so does all that it starts.
fn hear_interrupts() -> bool {
    const INTERRUPT: u64 = 1 << 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    cfg!(unix) && ignored.is_none_or(|mask| mask & INTERRUPT == 0)
}

/// Stops the process once it has stored where it stands, anew. False if it ended first.
fn stop_once_stored(
    place: &Place,
    before: Option<Vec<u8>>,
    mut child: Child,
    out: &str,
    stop: Stop,
) -> std::io::Result<bool> {
    let began = Instant::now();
    while stored(place, out).is_none_or(|state| Some(state) == before) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        assert!(began.elapsed() < Duration::from_secs(120), "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    stop.stop(&mut child)?;
    Ok(stored(place, out).is_some())
}

fn stored(place: &Place, out: &str) -> Option<Vec<u8>> {
    fs::read(place.path().join(out).join("training.safetensors")).ok()
}

/// Stops the training twice once it has stored where it stands: by Ctrl-C, and by a kill.
fn stop_for_good(place: &Place, command: &str, out: &str) -> Outcome {
    let mut stops = [Stop::Interrupt, Stop::Kill];
    if !hear_interrupts() {
        eprintln!("interrupts are ignored here: killed twice instead");
        stops = [Stop::Kill; 2];
    }
    // A machine that is busy elsewhere may let the training end before it can be stopped: then once more from the
    // beginning.
    let mut stopped = 0;
    for _ in 0..40 {
        let before = stored(place, out);
        let child = place.start(command)?;
        if stop_once_stored(place, before, child, out, stops[stopped])? {
            stopped += 1;
        } else {
            fs::remove_dir_all(place.path().join(out))?;
            stopped = 0;
        }
        if stopped == stops.len() {
            return Ok(());
        }
    }
    Err("it could not be stopped".into())
}

#[test]
fn a_stopped_training_goes_on_to_the_same_bits() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    write_text(&place)?;
    // Momentum, running statistics, Adam with a validation part, and weights from a file.
    let cases = [
        ("lenet", "--model lenet --data pictures --epochs 4", 4),
        ("resnet20", "--model resnet20 --data pictures --epochs 2", 2),
        (
            "transformer",
            "--model transformer --data words --epochs 4",
            4,
        ),
        (
            "more",
            "--model lenet --data pictures --epochs 2 --weights lenet-whole/last.safetensors",
            2,
        ),
    ];
    for (name, arguments, epochs) in cases {
        let arguments = format!("train {arguments} --seed 3 --checkpoint-every 0 --out");
        let (whole, parts) = (format!("{name}-whole"), format!("{name}-parts"));
        let command = format!("{arguments} {whole}");
        place.backdraft(&command).assert().success();

        let command = format!("{arguments} {parts}");
        if name == "lenet" {
            stop_for_good(&place, &command, &parts)?;
        } else {
            // A folder is ours by its record, and one that is damaged before anything is trained is written anew.
            place.write(&format!("{parts}/train.json"), "{")?;
            // The start, and the first checkpoint with a pass behind it.
            for file in ["log.jsonl", "best.safetensors"] {
                place.stop_at(&command, &format!("{parts}/{file}"))?;
            }
        }
        // A part of a file and of a line, as a kill in the midst of writing leaves them.
        place.write(&format!("{parts}/.backdraft-abc"), "half a")?;
        let cut = place.path().join(&parts).join("log.jsonl");
        fs::write(&cut, format!("{}{{\"epoch\":", fs::read_to_string(&cut)?))?;
        let done = place.backdraft(&command).assert().success();
        done.stdout(contains("going on after"));

        assert_eq!(names(&place, &parts)?, names(&place, &whole)?, "{name}");
        for file in ["best.safetensors", "last.safetensors"] {
            let read = |out: &str| fs::read(place.path().join(out).join(file));
            assert!(read(&whole)? == read(&parts)?, "{name}: {file} differs");
        }
        let lines = log(&place, &whole)?;
        assert_eq!(lines.len(), epochs, "{name}");
        assert_eq!(lines, log(&place, &parts)?, "{name}");

        // Once more there is nothing to do.
        let before = place.contents()?;
        let again = place.backdraft(&command).assert().success();
        again.stdout(contains("which has ended").and(contains("--overwrite trains anew")));
        assert!(place.contents()? == before, "{name}");
    }
    Ok(())
}

#[test]
fn a_training_tells_all_about_itself() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    write_text(&place)?;
    place.write("concrete.csv", crate::data::regression())?;
    // Arguments, a measure of the test part, and a bound that a model which learned nothing misses.
    let cases = [
        ("--model mlp --data pictures --epochs 5", "accuracy", 0.8),
        ("--model lr --data cancer", "accuracy", 0.9),
        (
            "--model mlp --data concrete.csv --target strength --hidden 8 --epochs 20",
            "r2",
            0.5,
        ),
    ];
    for (index, (arguments, measure, bound)) in cases.into_iter().enumerate() {
        let out = format!("out-{index}");
        let done = place
            .backdraft(&format!("train {arguments} --out {out}"))
            .assert()
            .success();
        done.stdout(contains("; test ").and(contains(format!("written to {out}"))));
        let files = [
            "best.safetensors",
            "last.safetensors",
            "log.jsonl",
            "train.json",
        ];
        assert_eq!(names(&place, &out)?, files);
        let folder = place.path().join(&out);
        let record: Value = serde_json::from_slice(&fs::read(folder.join("train.json"))?)?;
        let found = record["results"]["test"][measure].as_f64();
        assert!(found > Some(bound), "{arguments}: {record}");
        assert_eq!(record["settings"]["seed"], 0);
        assert_eq!(record["settings"]["device"], "flex");
        for file in &files[..2] {
            let bytes = fs::read(folder.join(file))?;
            let file = SafeTensors::deserialize(&bytes)?;
            assert!(file.iter().count() >= 2);
        }
        let lines = log(&place, &out)?;
        assert!(!lines.is_empty());
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["epoch"], index + 1);
            assert!(line["train_loss"].is_f64(), "{line}");
        }
    }

    // A text is held against the frequencies of its words, and choices go by its validation part.
    let out = "--epochs 30 --batch-size 4 --learning-rate 0.01 --out text";
    let done = place
        .backdraft(&format!("train --model transformer --data words {out}"))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let baseline = said
        .split_once("to beat: perplexity ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .ok_or("no baseline")?;
    let baseline: f64 = baseline.0.parse()?;
    let record = fs::read(place.path().join("text/train.json"))?;
    let record: Value = serde_json::from_slice(&record)?;
    let perplexity = record["results"]["test"]["perplexity"].as_f64();
    assert!(perplexity < Some(baseline / 2.0), "{said}");
    assert!(
        log(&place, "text")?
            .iter()
            .all(|line| line["part"] == "valid")
    );
    Ok(())
}

#[test]
fn a_seed_decides_everything() -> Outcome {
    let place = Place::new()?;
    let weights = |seed: u64, out: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let command =
            format!("train --data digits --hidden 5 --epochs 2 --seed {seed} --out {out}");
        place.backdraft(&command).assert().success();
        Ok(fs::read(place.path().join(out).join("last.safetensors"))?)
    };
    let first = weights(1, "a")?;
    assert!(first == weights(1, "b")?);
    assert!(first != weights(2, "c")?);
    Ok(())
}

/// Refused in one line that holds all `parts`, without a trace.
fn assert_refused(place: &Place, arguments: &str, parts: &[&str]) -> Outcome {
    let before = place.contents()?;
    let done = place.backdraft(arguments).assert().code(2);
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    for part in parts {
        assert!(said.contains(part), "{arguments}: no `{part}` in {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert!(place.contents()? == before, "{arguments} left something");
    Ok(())
}

#[test]
fn what_cannot_be_is_refused() -> Outcome {
    let place = Place::new()?;
    write_text(&place)?;
    place.write("else/notes.txt", "mine")?;
    place.write("file", "")?;
    let cases: [(&str, &[&str]); 14] = [
        (
            "--model cnn",
            &["no model `cnn`", "resnet20 or transformer"],
        ),
        (
            "--model lenet --data cancer",
            &["`lenet` reads pictures", "cancer holds a table", "lr, mlp"],
        ),
        ("--model mlp --data words", &["text", "transformer"]),
        (
            "--model transformer",
            &["reads text", "digits holds pictures"],
        ),
        ("--data nowhere", &["nowhere"]),
        ("--hidden 3,0", &["--hidden is 0", "at least one unit"]),
        ("--model lenet --hidden 3", &["--hidden", "is for the mlp"]),
        ("--epochs 0", &["--epochs is 0", "at least 1"]),
        ("--learning-rate -1", &["--learning-rate is -1", "positive"]),
        ("--weight-decay nan", &["--weight-decay is nan", "finite"]),
        (
            "--model lr --data cancer --batch-size 3",
            &["--batch-size", "L-BFGS"],
        ),
        (
            "--checkpoint-every never",
            &["--checkpoint-every", "seconds"],
        ),
        (
            "--out else",
            &["else", "holds no train.json", "empty folder"],
        ),
        ("--out file/run", &["file is in the way"]),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("train {arguments}"), parts)?;
    }

    // An earlier training with other settings, or other data.
    let small = "train --hidden 4 --epochs 1 --out out";
    place.backdraft(small).assert().success();
    assert_refused(
        &place,
        "train --hidden 4 --epochs 2 --out out",
        &["training.epochs was 1, not 2", "--overwrite"],
    )?;
    assert_refused(
        &place,
        "train --hidden 4 --epochs 1 --seed 1 --out out",
        &["seed was 0, not 1"],
    )?;
    assert_refused(
        &place,
        "explain --model lr --data cancer --out out",
        &["out is not empty and holds no explain.json"],
    )?;
    place
        .backdraft("train --hidden 4 --epochs 2 --out out --overwrite")
        .assert()
        .success();
    assert_eq!(log(&place, "out")?.len(), 2);

    // What a killed training left, damaged since.
    fs::remove_file(place.path().join("out/train.json"))?;
    assert_refused(&place, small, &["holds no train.json"])?;
    place.write("out/train.json", "{")?;
    assert_refused(&place, small, &["train.json is damaged", "are lost"])?;
    // Before anything is trained nothing is lost with it.
    place.write("fresh/train.json", "{")?;
    place
        .backdraft("train --hidden 4 --epochs 1 --out fresh")
        .assert()
        .success()
        .stderr(contains("fresh/train.json is damaged").and(contains("written anew")));
    Ok(())
}

#[test]
fn a_damaged_checkpoint_is_told_and_a_busy_folder_left_alone() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    let command = "train --model lenet --data pictures --epochs 50 --checkpoint-every 0 --out out";
    let child = place.start(command)?;
    let state = place.path().join("out/training.safetensors");
    while !state.is_file() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Fifty passes are far from their end.
    place
        .backdraft(command)
        .assert()
        .code(2)
        .stderr(contains("out is in use: another process works in it"));
    assert!(stop_once_stored(&place, None, child, "out", Stop::Kill)?);

    // A record that is damaged is known from the checkpoint, which is of this training.
    let record = place.path().join("out/train.json");
    fs::write(&record, "{")?;
    let best = place.path().join("out/best.safetensors");
    fs::write(&best, "")?;
    let mut child = place.start(command)?;
    while fs::read(&best)?.is_empty() {
        assert!(child.try_wait()?.is_none(), "it ended unstopped");
        std::thread::sleep(Duration::from_millis(2));
    }
    Stop::Kill.stop(&mut child)?;
    assert!(fs::read(&record)?.len() > 100);

    let mut bytes = fs::read(&state)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&state, &bytes)?;
    let other = command.replace("50", "51");
    let refused = place.backdraft(&other).assert().code(2);
    refused.stderr(contains("training.epochs was 50, not 51"));
    assert!(fs::read(&state)? == bytes);
    let child = place.start_heard(command)?;
    assert!(stop_once_stored(
        &place,
        Some(bytes),
        child,
        "out",
        Stop::Kill
    )?);
    let said = fs::read_to_string(place.path().join("heard"))?;
    assert!(said.contains("training.safetensors is damaged"), "{said}");
    assert!(said.contains("begins anew, at its first step"), "{said}");
    Ok(())
}

#[test]
fn the_zoo_is_listed() -> Outcome {
    let place = Place::new()?;
    let done = place.backdraft("models").assert().success().stderr("");
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    for (model, count) in [
        ("mlp", "1,863,690"),
        ("autoencoder", "2,837,314"),
        ("lenet", "61,706"),
        ("alexnet", "2,472,266"),
        ("vgg13", "9,416,010"),
        ("resnet20", "269,722"),
        ("transformer", "6,718,992"),
    ] {
        let line = said.lines().find(|line| line.starts_with(model));
        let line = line.ok_or(format!("no {model} in {said}"))?;
        assert!(line.contains(count), "{line}");
    }
    Ok(())
}

#[test]
fn labels_made_wrong_are_listed() -> Outcome {
    let place = Place::new()?;
    let train = "train --model lr --data cancer --corrupt-labels";
    // 456 examples to train on.
    place
        .backdraft(&format!("{train} 0.1 --out wrong"))
        .assert()
        .success()
        .stdout(contains("46 of 456 training labels made wrong"));
    let listed = fs::read_to_string(place.path().join("wrong/wrong-labels.csv"))?;
    assert_eq!(listed.lines().count(), 1 + 46);
    assert!(listed.starts_with("train,origin,truth,label,file,row\n"));
    let record: Value = serde_json::from_slice(&fs::read(place.path().join("wrong/train.json"))?)?;
    assert_eq!(record["settings"]["corrupt_labels"], 0.1);

    // Another share is another training.
    place
        .backdraft(&format!("{train} 0.2 --out wrong"))
        .assert()
        .code(2)
        .stderr(contains("corrupt_labels"));
    let explained = "explain --model lr --data cancer --corrupt-labels 0.1 --out explained";
    place.backdraft(explained).assert().success();
    let again = fs::read_to_string(place.path().join("explained/wrong-labels.csv"))?;
    assert_eq!(again, listed);

    place
        .backdraft(&format!("{train} 1.5 --out never"))
        .assert()
        .code(2)
        .stderr(contains("--corrupt-labels"));
    assert!(!place.path().join("never").exists());
    Ok(())
}
