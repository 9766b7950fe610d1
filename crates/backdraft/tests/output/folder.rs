//! A run's folder: its files are complete or absent.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use backdraft::output::{Existing, OutputError, RunFolder, RunRecord, Scores, StagedFile};
use tempfile::TempDir;

use crate::Outcome;

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[test]
fn a_run_appears_whole_and_only_when_finished() -> Outcome {
    let place = TempDir::new()?;
    let path = place.path().join("runs").join("first");
    let mut folder = RunFolder::create(&path, Existing::Keep)?;
    folder.write(Scores::TOP_FILE, b"query\n")?;
    folder.write(RunRecord::FILE, b"{}\n")?;
    assert!(
        names(&path)?
            .iter()
            .all(|name| name.starts_with(".backdraft-"))
    );
    folder.finish()?;
    assert_eq!(names(&path)?, ["run.json", "top.csv"]);
    assert_eq!(fs::read(path.join("top.csv"))?, b"query\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::write(place.path().join("plain"), "")?;
        let mode = |path: PathBuf| fs::metadata(path).map(|it| it.permissions().mode());
        assert_eq!(
            mode(path.join("top.csv"))?,
            mode(place.path().join("plain"))?
        );
    }
    Ok(())
}

#[test]
fn an_abandoned_run_leaves_nothing() -> Outcome {
    let place = TempDir::new()?;
    let mut folder = RunFolder::create(place.path().join("runs/first"), Existing::Keep)?;
    folder.write(RunRecord::FILE, b"{}")?;
    drop(folder);
    assert_eq!(names(place.path())?, Vec::<String>::new());
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
        let refused = RunFolder::create(&path, Existing::Overwrite);
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
        let refused = RunFolder::create(path, Existing::Overwrite);
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
fn only_an_earlier_run_is_overwritten() -> Outcome {
    let place = TempDir::new()?;
    let foreign = place.path().join("notes.txt");
    fs::write(&foreign, "mine")?;
    for existing in [Existing::Keep, Existing::Overwrite] {
        let refused = RunFolder::create(place.path(), existing);
        assert!(
            matches!(refused, Err(OutputError::Foreign { .. })),
            "{refused:?}"
        );
    }
    fs::write(place.path().join(RunRecord::FILE), "{}")?;
    let refused = RunFolder::create(place.path(), Existing::Keep);
    assert!(
        matches!(refused, Err(OutputError::Exists { .. })),
        "{refused:?}"
    );
    assert_eq!(names(place.path())?, ["notes.txt", "run.json"]);

    let mut folder = RunFolder::create(place.path(), Existing::Overwrite)?;
    folder.write(RunRecord::FILE, b"new")?;
    folder.finish()?;
    assert_eq!(fs::read(place.path().join(RunRecord::FILE))?, b"new");
    assert_eq!(fs::read(foreign)?, b"mine");
    Ok(())
}

#[test]
fn what_a_killed_run_left_does_not_block_the_next() -> Outcome {
    let place = TempDir::new()?;
    fs::write(place.path().join(".backdraft-x1y2"), "half")?;
    RunFolder::create(place.path(), Existing::Keep)?.finish()?;
    Ok(())
}
