//! Completions and manual pages.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    place::{Outcome, Place},
    refusals::assert_refused,
};

/// Commands that are listed by `help`, and so have to be known to shells.
fn commands(place: &Place) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let help = place.backdraft("--help").output()?;
    let help = String::from_utf8(help.stdout)?;
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What a command does may take several lines, further in.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    let found: Vec<String> = listed
        .filter(|it| *it != "help")
        .map(String::from)
        .collect();
    assert!(found.len() > 15, "{found:?}");
    Ok(found)
}

#[test]
fn shells_complete_every_command() -> Outcome {
    let place = Place::new()?;
    let commands = commands(&place)?;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = place
            .backdraft(&format!("completions {shell}"))
            .assert()
            .success();
        let script = String::from_utf8(done.get_output().stdout.clone())?;
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        for option in ["corrupt-labels", "self-influence"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
        place.write(&format!("script.{shell}"), &script)?;
    }
    let other = place.backdraft("completions tcsh").assert().code(2);
    let said = String::from_utf8_lossy(&other.get_output().stderr).into_owned();
    assert!(said.contains("invalid value 'tcsh'"), "{said}");
    // What bash makes of it, where there is one: the words after a beginning.
    let asked = "set -e; source script.bash; COMP_WORDS=(backdraft au); COMP_CWORD=1; _backdraft backdraft au backdraft; \
                 echo \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["--norc", "-c", asked])
        .current_dir(place.path())
        .output();
    match bash {
        Err(error) => println!("skipped: bash could not be run: {error}"),
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
            assert_eq!(said.trim(), "audit", "{wrong}");
        }
    }
    Ok(())
}

#[test]
fn who_stops_reading_a_script_sees_no_panic() -> Outcome {
    let place = Place::new()?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_backdraft"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .current_dir(place.path())
        .spawn()?;
    drop(child.stdout.take());
    let done = child.wait_with_output()?;
    assert_eq!(String::from_utf8(done.stderr)?, "");
    assert_eq!(done.status.code(), Some(1));
    Ok(())
}

#[test]
fn every_command_has_a_manual_page() -> Outcome {
    let place = Place::new()?;
    let done = place.backdraft("man --out man").assert().success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    let mut names = commands(&place)?;
    names.extend(["bench-products", "illustrate-homotopy"].map(String::from));
    let mut pages = vec!["backdraft.1".to_owned()];
    pages.extend(names.iter().map(|it| format!("backdraft-{it}.1")));
    for page in &pages {
        let text = fs::read_to_string(place.path().join("man").join(page))?;
        for part in [".TH backdraft", ".SH NAME", ".SH SYNOPSIS"] {
            assert!(text.contains(part), "{page}: {part}");
        }
    }
    let written = fs::read_dir(place.path().join("man"))?.count();
    assert!(
        said.starts_with(&format!("{written} manual pages written to man")),
        "{said}"
    );
    // Again, over what is there.
    place.backdraft("man --out man").assert().success();
    let groff = Command::new("groff")
        .args(["-man", "-Tutf8", "-ww", "man/backdraft-audit.1"])
        .current_dir(place.path())
        .output();
    match groff {
        Err(error) => println!("skipped: groff could not be run: {error}"),
        Ok(done) => {
            let shown = String::from_utf8(done.stdout)?;
            assert!(
                done.status.success() && shown.contains("corrupt"),
                "{shown}"
            );
        }
    }
    place.write("file", "")?;
    assert_refused(&place, "man --out file", &["file"])
}
