//! What README and the guides tell readers to run, run as they would.

use std::{env, fs, os::unix::fs::symlink, path::Path, process::Command};

use super::{blocks, root};
use crate::place::{Outcome, Place};

/// A folder in which the clone's files are, and nothing that earlier runs left.
fn clone() -> std::io::Result<Place> {
    let place = Place::new()?;
    for name in ["README.md", "crates", "docs", "models", "python"] {
        let there = root().join(name);
        if there.exists() {
            symlink(there.canonicalize()?, place.path().join(name))?;
        }
    }
    Ok(place)
}

/// Runs a script in a folder, with `backdraft` on the path; it ends with the first line that fails.
fn run(folder: &Path, script: &str) -> Result<String, Box<dyn std::error::Error>> {
    let built = Path::new(env!("CARGO_BIN_EXE_backdraft"));
    let built = built.parent().map(Path::to_path_buf).into_iter();
    let others = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(built.chain(env::split_paths(&others)))?;
    let done = Command::new("bash")
        .args(["-e", "-u", "-x", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("XDG_RUNTIME_DIR", folder)
        .output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    match done.status.success() {
        true => Ok(said),
        false => Err(format!("{said}\n{wrong}").into()),
    }
}

/// Commands of blocks of a language, in their order.
fn commands(page: &str, language: &str) -> String {
    let (found, _) = blocks(page);
    let ours = found.into_iter().filter(|it| it.0 == language);
    ours.map(|it| it.1).collect()
}

#[test]
fn commands_of_the_readme_work_in_their_order() -> Outcome {
    let readme = fs::read_to_string(root().join("README.md"))?;
    // What builds is done by now.
    let commands = commands(&readme, "console");
    let lines: Vec<&str> = commands
        .lines()
        .filter(|line| !line.starts_with("cargo "))
        .collect();
    assert!(lines.len() > 5, "{lines:?}");
    let place = clone()?;
    run(place.path(), &lines.join("\n"))?;
    for file in [
        "runs/mlp-digits-1/report.html",
        "runs/suspects/audit.csv",
        "runs/man/backdraft-explain.1",
    ] {
        assert!(place.path().join(file).exists(), "{file}");
    }
    Ok(())
}

/// Whether Python has these modules here; else why a test goes without, which is said.
fn python_has(modules: &str) -> bool {
    let asked = format!("import {modules}");
    let found = Command::new("python3").args(["-c", &asked]).output();
    match found {
        Ok(done) if done.status.success() => true,
        Ok(_) => {
            println!("python3 has not all of: {modules}");
            false
        }
        Err(error) => {
            println!("python3 could not be run: {error}");
            false
        }
    }
}

/// Writes the Python programs of a page, each under the name in its first line.
fn write_programs(page: &str, place: &Place) -> Outcome {
    for (language, text) in blocks(page).0 {
        if let ("python", Some(rest)) = (language.as_str(), text.strip_prefix("# ")) {
            let (name, _) = rest.split_once('\n').ok_or("an empty program")?;
            place.write(name, &text)?;
        }
    }
    Ok(())
}

#[test]
fn the_guide_from_pytorch_leads_to_the_wrong_labels() -> Outcome {
    let guide = fs::read_to_string(root().join("docs/guide.md"))?;
    let place = clone()?;
    write_programs(&guide, &place)?;
    // What `train.py` writes is kept, for where there is no PyTorch.
    let kept = root().join("crates/cli/tests/data/guide").canonicalize()?;
    let python = match python_has("torch, numpy") {
        true => "python() { python3 \"$@\"; }".to_owned(),
        false => format!("python() {{ cp {}/* .; }}", kept.display()),
    };
    let said = run(
        place.path(),
        &format!("{python}\n{}", commands(&guide, "sh")),
    )?;
    // The line that counts how many of the first 20 are wrong.
    let mut hits = said.lines().filter_map(|line| line.parse::<usize>().ok());
    let hits = hits.next().ok_or("nothing is counted")?;
    assert!((17..=20).contains(&hits), "{said}");
    for file in [
        "runs/audit/report.html",
        "runs/why/report.html",
        "fixed.csv",
    ] {
        assert!(place.path().join(file).exists(), "{file}");
    }
    Ok(())
}

#[test]
fn the_python_module_does_as_the_command() -> Outcome {
    if !python_has("numpy, safetensors") {
        println!("skipped: the Python module needs both");
        return Ok(());
    }
    let place = clone()?;
    let tests = "python3 -m unittest discover -s python/tests -t python";
    run(
        place.path(),
        &format!("BACKDRAFT={} {tests}", env!("CARGO_BIN_EXE_backdraft")),
    )?;
    Ok(())
}
