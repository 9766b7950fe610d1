//! A run's folder: its files are complete or absent, and what a killed process left is healed by the next.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;

use backdraft_report::{Contents, OutputError, StagedFile, WorkFolder};
use tempfile::TempDir;

use super::Outcome;

const CONTENTS: Contents = Contents {
    record: "settings.json",
    results: &["run.json"],
    others: &["scores.bin", "parts"],
    parts: &["width"],
};
/// What tells that an earlier run is being removed.
const CLEARING: &str = ".backdraft-clearing-settings.json";
const LOCK: &str = ".backdraft-lock";

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The same without the lock.
fn seen(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = names(folder)?;
    names.retain(|name| name != LOCK);
    Ok(names)
}

/// A run that came to its end, with a note of somebody's.
fn whole(path: &Path) -> Outcome {
    let folder = WorkFolder::open(path, CONTENTS)?;
    folder.begin(b"old")?;
    folder.write("parts/1", b"old")?;
    folder.write("scores.bin", b"old")?;
    folder.write("run.json", b"old")?;
    fs::write(path.join("notes.txt"), "mine")?;
    Ok(())
}

#[test]
fn files_appear_whole_and_under_their_names() -> Outcome {
    let place = TempDir::new()?;
    let path = place.path().join("runs").join("first");
    let folder = WorkFolder::open(&path, CONTENTS)?;
    assert_eq!(names(&path)?, [LOCK]);
    folder.begin(b"{}\n")?;
    folder.write("parts/7", b"seven")?;
    folder.append("parts/log", "a line")?;
    assert_eq!(seen(&path)?, ["parts", "settings.json"]);
    assert_eq!(folder.read("parts/7")?.as_deref(), Some(&b"seven"[..]));
    assert_eq!(folder.read("parts/log")?.as_deref(), Some(&b"a line\n"[..]));
    assert_eq!(folder.read("parts/8")?, None);
    folder.remove("parts/8")?;
    folder.remove_folder("parts")?;
    assert_eq!(seen(&path)?, ["settings.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::write(place.path().join("plain"), "")?;
        let mode = |path: PathBuf| fs::metadata(path).map(|it| it.permissions().mode());
        assert_eq!(
            mode(path.join("settings.json"))?,
            mode(place.path().join("plain"))?
        );
    }
    Ok(())
}

#[test]
fn a_run_that_came_to_nothing_leaves_nothing() -> Outcome {
    let place = TempDir::new()?;
    let path = place.path().join("first");
    let folder = WorkFolder::open(&path, CONTENTS)?;
    folder.begin(b"{}")?;
    folder.abandon()?;
    assert!(names(place.path())?.is_empty());
    whole(&path)?;
    WorkFolder::open(&path, CONTENTS)?.abandon()?;
    assert_eq!(seen(&path)?, [CLEARING, "notes.txt"]);
    Ok(())
}

#[test]
fn one_process_at_a_time_works_in_a_folder() -> Outcome {
    let place = TempDir::new()?;
    let folder = WorkFolder::open(place.path(), CONTENTS)?;
    let refused = WorkFolder::open(place.path(), CONTENTS);
    assert!(
        matches!(refused, Err(OutputError::Busy { .. })),
        "{refused:?}"
    );
    drop(folder);
    WorkFolder::open(place.path(), CONTENTS)?;
    Ok(())
}

#[test]
fn no_two_are_given_the_same_new_folder() -> Outcome {
    let place = TempDir::new()?;
    fs::create_dir_all(place.path().join("runs/mlp-2"))?;
    let runs = place.path().join("runs");
    let open = || WorkFolder::numbered(&runs, "mlp", CONTENTS);
    let found: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join()).collect()
    });
    let mut paths = BTreeSet::new();
    for folder in found {
        let folder = folder.map_err(|_| "a thread panicked")??;
        assert!(paths.insert(folder.path().to_path_buf()));
    }
    let expected = [1, 3, 4, 5, 6, 7, 8, 9].map(|number| runs.join(format!("mlp-{number}")));
    assert_eq!(paths, BTreeSet::from(expected));
    Ok(())
}

/// A kill between any two removals: the next to open the folder has nothing of the earlier run, and may begin.
#[test]
fn a_removal_goes_on_where_it_was_stopped() -> Outcome {
    let order = ["run.json", "settings.json", "scores.bin", "parts"];
    for stopped in 0..=order.len() {
        let place = TempDir::new()?;
        let path = place.path();
        whole(path)?;
        assert!(WorkFolder::is_whole(path, CONTENTS));
        fs::write(path.join(CLEARING), "")?;
        for name in &order[..stopped] {
            match path.join(name).is_dir() {
                true => fs::remove_dir_all(path.join(name))?,
                false => fs::remove_file(path.join(name))?,
            }
        }
        assert!(!WorkFolder::is_whole(path, CONTENTS));
        let folder = WorkFolder::open(path, CONTENTS)?;
        assert_eq!(seen(path)?, [CLEARING, "notes.txt"]);
        // Killed here, it is ours all the same.
        drop(folder);
        let folder = WorkFolder::open(path, CONTENTS)?;
        folder.begin(b"new")?;
        assert_eq!(seen(path)?, ["notes.txt", "settings.json"]);
        drop(folder);
        let folder = WorkFolder::open(path, CONTENTS)?;
        assert_eq!(folder.read("settings.json")?.as_deref(), Some(&b"new"[..]));
    }
    Ok(())
}

/// The parts of a sweep are removed with it, and folders of anything else stay.
#[test]
fn parts_are_removed_with_the_whole() -> Outcome {
    let place = TempDir::new()?;
    let path = place.path();
    whole(path)?;
    for part in ["width-1", "width-2", "other", "width-3"] {
        let folder = WorkFolder::open(path.join(part), CONTENTS)?;
        folder.begin(b"old")?;
        folder.write("run.json", b"old")?;
    }
    fs::write(path.join("width-3/notes.txt"), "mine")?;
    // What a kill in the midst of removing a part leaves.
    fs::create_dir(path.join("width-4"))?;
    fs::write(path.join("width-4").join(LOCK), "")?;
    // Nothing is removed while another process works on a part.
    let busy = WorkFolder::open(path.join("width-2"), CONTENTS)?;
    let folder = WorkFolder::open(path, CONTENTS)?;
    let refused = folder.clear();
    assert!(
        matches!(refused, Err(OutputError::Busy { .. })),
        "{refused:?}"
    );
    assert!(WorkFolder::is_whole(path, CONTENTS));
    drop(busy);
    folder.clear()?;
    folder.begin(b"new")?;
    let expected = ["notes.txt", "other", "settings.json", "width-3"];
    assert_eq!(seen(path)?, expected);
    assert_eq!(seen(&path.join("width-3"))?, [CLEARING, "notes.txt"]);
    assert!(WorkFolder::is_whole(path.join("other"), CONTENTS));
    Ok(())
}

#[test]
fn what_a_killed_run_left_unfinished_is_cleared() -> Outcome {
    let place = TempDir::new()?;
    let path = place.path();
    fs::create_dir_all(path.join("parts/deeper"))?;
    fs::create_dir_all(path.join("mine"))?;
    for folder in ["", "parts", "parts/deeper", "mine"] {
        fs::write(path.join(folder).join(".backdraft-x1y2"), "half")?;
    }
    fs::write(path.join("settings.json"), "{}")?;
    let folder = WorkFolder::open(path, CONTENTS)?;
    assert_eq!(seen(path)?, ["mine", "parts", "settings.json"]);
    assert_eq!(names(&path.join("parts"))?, ["deeper"]);
    assert!(names(&path.join("parts/deeper"))?.is_empty());
    assert_eq!(names(&path.join("mine"))?.len(), 1);
    assert_eq!(folder.read("settings.json")?.as_deref(), Some(&b"{}"[..]));
    Ok(())
}

#[test]
fn a_failing_writer_leaves_the_old_file() -> Outcome {
    let place = TempDir::new()?;
    let target = place.path().join("scores.safetensors");
    let fail = |kind: ErrorKind| {
        StagedFile::write(&target, |file| {
            file.write_all(&[1; 100_000])?;
            Err(kind.into())
        })
    };
    let full = fail(ErrorKind::StorageFull);
    assert!(
        matches!(&full, Err(OutputError::NoSpace { path, .. }) if *path == target),
        "{full:?}"
    );
    assert_eq!(names(place.path())?, Vec::<String>::new());

    fs::write(&target, "old")?;
    let broken = fail(ErrorKind::BrokenPipe);
    assert!(matches!(broken, Err(OutputError::Io { .. })), "{broken:?}");
    drop(StagedFile::write(&target, |file| file.write_all(b"new"))?);
    assert_eq!(fs::read(&target)?, b"old");
    StagedFile::write(&target, |file| file.write_all(b"new"))?.publish()?;
    assert_eq!(fs::read(&target)?, b"new");
    assert_eq!(names(place.path())?, ["scores.safetensors"]);
    Ok(())
}

#[test]
fn a_file_in_the_way_is_named() -> Outcome {
    let place = TempDir::new()?;
    let file = place.path().join("runs");
    fs::write(&file, "mine")?;
    for path in [file.clone(), file.join("first"), file.join("first/deeper")] {
        let refused = WorkFolder::open(&path, CONTENTS);
        assert!(
            matches!(&refused, Err(OutputError::InTheWay { path, .. }) if *path == file),
            "{refused:?}"
        );
    }
    let folder = place.path().join("a folder");
    fs::create_dir(&folder)?;
    let refused = StagedFile::write(&folder, |_| Ok(()));
    assert!(
        matches!(refused, Err(OutputError::InTheWay { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&file)?, b"mine");
    Ok(())
}

/// `/proc` takes no files, not even the superuser's, whom permissions do not bind.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_place_is_found_before_the_work() {
    for path in ["/proc", "/proc/backdraft/first"] {
        let refused = WorkFolder::open(path, CONTENTS);
        let Err(error) = refused else {
            panic!("{path} was accepted");
        };
        match error {
            // /proc itself is a folder full of files that are not ours.
            OutputError::Foreign { .. } => assert_eq!(path, "/proc"),
            OutputError::NotWritable { .. } => assert!(error.to_string().contains(path), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() -> Outcome {
    let place = TempDir::new()?;
    let foreign = |contents| {
        let refused = WorkFolder::open(place.path(), contents);
        matches!(refused, Err(OutputError::Foreign { .. }))
    };
    fs::write(place.path().join("notes.txt"), "mine")?;
    assert!(foreign(CONTENTS));
    assert_eq!(names(place.path())?, ["notes.txt"]);
    // An earlier version's run has no settings of its own.
    fs::write(place.path().join("run.json"), "{}")?;
    drop(WorkFolder::open(place.path(), CONTENTS)?);
    // Nor does the mark of another kind of run make it ours.
    let other = Contents {
        record: "other.json",
        results: &[],
        ..CONTENTS
    };
    fs::write(place.path().join(CLEARING), "")?;
    assert!(foreign(other));
    Ok(())
}
