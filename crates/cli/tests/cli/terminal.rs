//! What the command line says on the terminal.

use std::process::{Command, Stdio};

use predicates::prelude::*;
use predicates::str::contains;

use crate::place::{Outcome, Place};

#[test]
fn help_holds_the_examples() -> Outcome {
    let place = Place::new()?;
    for arguments in ["--help", "-h", "help"] {
        place
            .backdraft(arguments)
            .assert()
            .success()
            .stdout(contains("explain").and(contains("devices")))
            .stdout(contains(
                "Which training examples made a network behave like this",
            ))
            .stderr("");
    }
    place
        .backdraft("explain --help")
        .assert()
        .success()
        .stdout(contains(
            "backdraft explain --model lr --data cancer --solver direct",
        ))
        .stdout(contains("--queries 0-9,17 --damping 0.01"))
        .stdout(contains("--target strength"))
        .stdout(contains("What a score means"))
        .stderr("");
    place
        .backdraft("--version")
        .assert()
        .success()
        .stdout(format!("backdraft {}\n", env!("CARGO_PKG_VERSION")));
    Ok(())
}

#[test]
fn devices_are_listed() -> Outcome {
    let place = Place::new()?;
    let flex = if cfg!(feature = "flex") {
        "flex     Device"
    } else {
        "flex     not in this build"
    };
    let cuda = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "cuda     not in this build"
    };
    place
        .backdraft("devices")
        .assert()
        .success()
        .stdout(contains(flex).and(contains(cuda)))
        .stdout(contains("ndarray").and(contains("wgpu")))
        .stdout(contains("\nauto     "))
        .stderr("");
    Ok(())
}

/// Without a graphics driver there is no device, which is no reason to panic.
#[test]
fn a_machine_without_graphics_driver_says_so() -> Outcome {
    if !cfg!(all(feature = "wgpu", target_os = "linux")) {
        println!("skipped: drivers can be hidden from a build with wgpu on Linux only");
        return Ok(());
    }
    let place = Place::new()?;
    let bare = |arguments: &str| {
        let mut command = place.backdraft(arguments);
        // Of Vulkan's loader, by its new and its old name, and of OpenGL's.
        for variable in [
            "VK_DRIVER_FILES",
            "VK_ICD_FILENAMES",
            "__EGL_VENDOR_LIBRARY_FILENAMES",
        ] {
            command.env(variable, "/nonexistent");
        }
        command
    };
    bare("devices")
        .assert()
        .success()
        .stdout(contains("wgpu     none here: ").and(contains("Vulkan loader")))
        .stdout(contains("auto     flex").or(contains("auto     cuda")));
    bare("explain --device wgpu --model lr --data cancer --out out")
        .assert()
        .code(2)
        .stderr(predicates::str::starts_with("error: --device wgpu: ").and(contains("install")))
        .stderr(contains("panicked").not());
    assert!(!place.path().join("out").exists());
    Ok(())
}

#[test]
fn without_a_command_it_explains() -> Outcome {
    let place = Place::new()?;
    // The default folder cannot be made, which is found before the training.
    place.write("runs", "")?;
    let said = |arguments: &str| {
        let done = place.backdraft(arguments).assert().code(2);
        done.get_output().stderr.clone()
    };
    assert_eq!(said(""), said("explain"));
    assert!(said("").starts_with(b"error: runs is in the way"));
    // Options do not need the command's name either.
    assert_eq!(said("--data nowhere"), said("explain --data nowhere"));
    assert_ne!(said("--data nowhere"), said(""));
    Ok(())
}

/// Whoever stops reading must not cost the run, nor see a panic; but what was to be said was not.
#[test]
fn a_closed_pipe_does_not_stop_a_run() -> Outcome {
    let place = Place::new()?;
    for arguments in [
        "devices",
        "explain --model lr --data cancer --queries 3 --out out",
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backdraft"))
            .current_dir(place.path())
            .args(arguments.split_whitespace())
            .env("XDG_RUNTIME_DIR", place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        drop(child.stdout.take());
        let done = child.wait_with_output()?;
        assert_eq!(String::from_utf8(done.stderr)?, "", "{arguments}");
        assert_eq!(done.status.code(), Some(1), "{arguments}");
    }
    assert!(place.path().join("out/run.json").is_file());
    Ok(())
}
