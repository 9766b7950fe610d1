//! A run's folder: its files' contents, and that they are complete or absent.

mod page;

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use backdraft::output::{
    Example, Existing, Explained, Features, Frame, Kind, Labels, Layout, Metrics, OutputError,
    Pair, Quality, QueryRecord, Report, RunFolder, RunRecord, SIGN_CONVENTION, ScoredExample,
    Scores, Settings, Sizes, SolveRecord, StagedFile, Target, Timing, Verification, Versions,
    verification_table,
};
use page::{check, tags};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use tempfile::TempDir;

type Outcome = Result<(), Box<dyn Error>>;

/// Two queries against five training examples: a tie (1 and 3) and a zero (2) in the first row.
fn scores() -> Result<Scores, OutputError> {
    let first = [-2.5e-3, 1e-4, 0.0, 1e-4, 7e-3];
    let second = [1e-6, -1e-5, -2e-5, -3e-5, -4e-5];
    Scores::new(vec![17, 3], 5, [first, second].concat())
}

fn labels() -> Labels {
    Labels::Classes {
        of: vec![0, 1, 2, 1, 0],
        names: vec!["nought".into(), "<script>alert('one')</script>".into()],
    }
}

fn record() -> RunRecord {
    let query = |index, predicted| QueryRecord {
        index,
        label: Target::Class(0),
        predicted: Target::Class(predicted),
        loss: 2.5,
        solve: SolveRecord {
            converged: true,
            iterations: 3,
            true_residual: 1.5e-7,
            residuals: vec![1e-1, 3e-4, 1e-7],
        },
    };
    let pair = |query, train, predicted, actual, kind| Pair {
        query,
        train,
        predicted,
        actual,
        kind,
    };
    let details = json!({"solver_settings": {"tolerance": 1e-6}, "note": "<script>"});
    RunRecord {
        settings: Settings {
            model: "mlp <script>".into(),
            data: "digits".into(),
            task: "classification, 3 classes".into(),
            solver: "cg".into(),
            weights: None,
            damping: 0.001,
            device: "flex".into(),
            seed: 42,
            out: "runs/first".into(),
            details: details.as_object().cloned().unwrap_or_default(),
        },
        versions: Versions {
            backdraft: "0.1.0".into(),
            burn: "0.22.1".into(),
        },
        started: None,
        sizes: Sizes {
            train: 5,
            test: 20,
            parameters: 1234,
        },
        timings: vec![Timing {
            stage: "train".into(),
            seconds: 1.25,
        }],
        metrics: Metrics {
            train: Quality {
                loss: 0.01,
                accuracy: Some(1.0),
            },
            test: Quality {
                loss: 0.2,
                accuracy: Some(0.95),
            },
            gradient_norm: 0.25,
        },
        queries: vec![query(17, 1), query(3, 0)],
        verification: Some(Verification {
            pearson: Some(0.9987),
            spearman: None,
            slope: Some(1.02),
            max_objective_gradient: Some(1e-8),
            failed: Vec::new(),
            pairs: vec![
                pair(17, 4, 7e-3, 7.1e-3, Kind::Helpful),
                pair(17, 0, -2.5e-3, -2.4e-3, Kind::Harmful),
                pair(3, 2, -2e-5, -1e-5, Kind::Random),
            ],
        }),
    }
}

/// A report of four pixels or features an example: one query's training examples on each side, the
/// other's on one.
fn report(layout: Layout) -> Report {
    let example = |index, class| Example {
        index,
        label: Target::Class(class),
        features: vec![0.0, 1.0, 2.0, index as f32],
    };
    let scored = |index, class, score| ScoredExample {
        example: example(index, class),
        score,
    };
    Report {
        title: "</title><script>alert(1)</script>".into(),
        record: record(),
        labels: labels(),
        layout,
        explained: vec![
            Explained {
                query: example(17, 0),
                helpful: vec![scored(4, 0, 7e-3), scored(1, 1, 1e-4)],
                harmful: vec![scored(0, 0, -2.5e-3)],
            },
            Explained {
                query: example(3, 0),
                helpful: vec![scored(0, 0, 1e-6)],
                harmful: vec![],
            },
        ],
    }
}

fn pictures() -> Layout {
    Layout::Pictures(Frame {
        height: 2,
        width: 2,
        black: 0.0,
        white: 2.0,
    })
}

fn table() -> Layout {
    Layout::Table(Features {
        names: ["radius", "width", "<b>depth</b>", "index"]
            .map(String::from)
            .into(),
        mean: vec![0.0, 1.0, 1.0, 0.0],
        std: vec![1.0, 1.0, 0.5, 0.0],
    })
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

#[test]
fn scores_come_back_from_safetensors_bit_for_bit() -> Outcome {
    let scores = scores()?;
    let bytes = scores.to_safetensors(&labels(), 42)?;
    let file = SafeTensors::deserialize(&bytes)?;

    let stored = file.tensor("scores")?;
    assert_eq!((stored.dtype(), stored.shape()), (Dtype::F32, &[2, 5][..]));
    let (values, _) = stored.data().as_chunks();
    let values: Vec<f32> = values.iter().map(|x| f32::from_le_bytes(*x)).collect();
    assert_eq!(values, [scores.row(0), scores.row(1)].concat());

    let whole = |name| -> Result<Vec<i64>, Box<dyn Error>> {
        let tensor = file.tensor(name)?;
        assert_eq!(tensor.dtype(), Dtype::I64);
        let (values, _) = tensor.data().as_chunks();
        Ok(values.iter().map(|x| i64::from_le_bytes(*x)).collect())
    };
    assert_eq!(whole("queries")?, [17, 3]);
    assert_eq!(whole("labels")?, [0, 1, 2, 1, 0]);

    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    assert_eq!(
        metadata.get("sign").map(String::as_str),
        Some(SIGN_CONVENTION)
    );
    assert_eq!(metadata.get("seed").map(String::as_str), Some("42"));
    Ok(())
}

#[test]
fn regression_has_scores_without_labels() -> Outcome {
    let bytes = scores()?.to_safetensors(&Labels::Values(vec![0.5; 5]), 0)?;
    let mut names = SafeTensors::deserialize(&bytes)?
        .names()
        .into_iter()
        .map(String::from)
        .collect::<Vec<_>>();
    names.sort();
    assert_eq!(names, ["queries", "scores"]);
    Ok(())
}

#[test]
fn scores_that_cannot_be_meant_are_refused() {
    let short = Scores::new(vec![17, 3], 5, vec![0.0; 9]);
    assert!(
        matches!(
            short,
            Err(OutputError::Length {
                expected: 10,
                found: 9,
                ..
            })
        ),
        "{short:?}"
    );
    let mut values = vec![0.0; 10];
    values[7] = f32::NAN;
    let diverged = Scores::new(vec![17, 3], 5, values);
    assert!(
        matches!(diverged, Err(OutputError::NotFinite { query: 3, train: 2 })),
        "{diverged:?}"
    );
    let labels = Labels::Values(vec![0.5; 4]);
    let unlabelled = scores().and_then(|scores| scores.to_safetensors(&labels, 0));
    assert!(
        matches!(unlabelled, Err(OutputError::Length { .. })),
        "{unlabelled:?}"
    );
    let unlabelled = scores().and_then(|scores| scores.to_csv(&labels, 3));
    assert!(
        matches!(unlabelled, Err(OutputError::Length { .. })),
        "{unlabelled:?}"
    );
}

#[test]
fn top_ranks_helpful_then_harmful_by_strength() -> Outcome {
    let csv = String::from_utf8(scores()?.to_csv(&labels(), 3)?)?;
    let one = "<script>alert('one')</script>";
    // The zero appears on neither side; equal scores keep the order of the examples.
    let expected = format!(
        "query,rank,kind,train,label,score\n\
         17,1,helpful,4,nought,0.007\n\
         17,2,helpful,1,{one},0.0001\n\
         17,3,helpful,3,{one},0.0001\n\
         17,1,harmful,0,nought,-0.0025\n\
         3,1,helpful,0,nought,1e-6\n\
         3,1,harmful,4,nought,-4e-5\n\
         3,2,harmful,3,{one},-3e-5\n\
         3,3,harmful,2,2,-2e-5\n"
    );
    let numbers = |table: &str| -> Result<Vec<(String, f32)>, Box<dyn Error>> {
        table
            .lines()
            .skip(1)
            .map(|line| {
                let (rest, score) = line.rsplit_once(',').ok_or("no comma")?;
                Ok((rest.to_string(), score.parse()?))
            })
            .collect()
    };
    assert_eq!(csv.lines().next(), expected.lines().next());
    assert_eq!(numbers(&csv)?, numbers(&expected)?);
    Ok(())
}

#[test]
fn no_side_is_longer_than_there_are_scores_of_its_sign() -> Outcome {
    let strongest = scores()?.strongest(1, 100);
    let indices = |side: &[backdraft::output::Scored]| side.iter().map(|it| it.train).collect();
    let (helpful, harmful): (Vec<_>, Vec<_>) =
        (indices(&strongest.helpful), indices(&strongest.harmful));
    assert_eq!((helpful, harmful), (vec![0], vec![4, 3, 2, 1]));
    Ok(())
}

#[test]
fn run_json_has_its_values_at_their_paths() -> Outcome {
    let record = record();
    let json: Value = serde_json::from_slice(&record.to_json()?)?;
    let at = |path: &str| json.pointer(path).unwrap_or(&Value::Null).clone();
    assert_eq!(at("/verification/pearson"), json!(0.9987));
    assert_eq!(json["verification"].get("spearman"), Some(&Value::Null));
    assert_eq!(
        at("/verification/pairs/1"),
        json!({"query": 17, "train": 0, "predicted": -2.5e-3, "actual": -2.4e-3, "kind": "harmful"})
    );
    assert_eq!(at("/settings/seed"), json!(42));
    assert_eq!(at("/settings/damping"), json!(0.001));
    assert_eq!(at("/settings/solver_settings/tolerance"), json!(1e-6));
    assert_eq!(at("/versions/burn"), json!("0.22.1"));
    assert_eq!(at("/timings/0"), json!({"stage": "train", "seconds": 1.25}));
    assert_eq!(at("/metrics/test/accuracy"), json!(0.95));
    assert_eq!(at("/queries/0/predicted"), json!(1));
    assert_eq!(at("/queries/0/solve/residuals/2"), json!(1e-7));
    assert_eq!(json.get("started"), None);
    assert_eq!(serde_json::from_value::<RunRecord>(json)?, record);
    Ok(())
}

#[test]
fn targets_keep_their_kind_in_json() -> Outcome {
    for target in [Target::Class(3), Target::Value(3.0), Target::Value(0.25)] {
        let text = serde_json::to_string(&target)?;
        assert_eq!(serde_json::from_str::<Target>(&text)?, target, "{text}");
    }
    Ok(())
}

#[test]
fn report_is_balanced_and_loads_nothing() -> Outcome {
    for layout in [pictures(), table()] {
        let page = report(layout).to_html()?;
        check(&page)?;
        assert!(tags(&page)?.iter().all(|(name, _)| *name != "b>depth"));
    }
    Ok(())
}

#[test]
fn report_shows_one_picture_an_example_with_its_pixels() -> Outcome {
    let page = report(pictures()).to_html()?;
    let pictures: Vec<&str> = page
        .split("src=\"data:image/png;base64,")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(page.matches("<img ").count(), 2 + 3 + 1);
    assert_eq!(pictures.len(), 2 + 3 + 1);

    use base64::Engine;
    let file = base64::engine::general_purpose::STANDARD.decode(pictures[0])?;
    let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info()?;
    let mut pixels = vec![0; 4];
    let info = reader.next_frame(&mut pixels)?;
    assert_eq!((info.width, info.height), (2, 2));
    // Black is 0 and white 2; the last pixel, 17, is beyond white.
    assert_eq!(pixels, [0, 128, 255, 255]);
    Ok(())
}

#[test]
fn report_escapes_what_users_name() -> Outcome {
    let page = report(table()).to_html()?;
    assert!(!page.contains("<script"), "markup got through");
    assert!(
        page.contains("&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        "title"
    );
    assert!(page.contains("mlp &lt;script&gt;"), "model");
    assert!(
        page.contains("&lt;script&gt;alert(&#39;one&#39;)&lt;/script&gt;"),
        "class"
    );
    assert!(page.contains("&lt;b&gt;depth&lt;/b&gt;"), "feature");
    Ok(())
}

#[test]
fn report_tells_numbers_and_trust() -> Outcome {
    let shown = |report: &Report| report.to_html();
    let mut report = report(pictures());
    let page = shown(&report)?;
    for part in [
        "+7.00e-3",
        "-2.50e-3",
        "Pearson 0.9987, Spearman –, slope 1.02 over 3 pairs",
        "95.0 %",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("can be trusted in order and in size"));

    report.record.queries[1].solve.converged = false;
    if let Some(verification) = &mut report.record.verification {
        verification.slope = Some(3.0);
    }
    let page = shown(&report)?;
    assert!(page.contains("can be trusted in order, but not in size"));
    assert!(page.contains("The solver did not converge for 1 query"));

    report.record.verification = None;
    report.record.queries[0].solve.residuals.clear();
    let page = shown(&report)?;
    assert!(page.contains("were not held against actual changes"));
    assert_eq!(
        page.matches("<svg ").count(),
        1,
        "one residual curve is left"
    );
    Ok(())
}

#[test]
fn report_survives_the_oddest_numbers() -> Outcome {
    let mut report = report(pictures());
    let odd = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        1e-320,
        1e-300,
        0.1,
        -1e300,
        f64::MAX,
    ];
    for query in &mut report.record.queries {
        query.solve.residuals = odd.to_vec();
    }
    for values in [
        vec![0.0],
        vec![1e-320],
        vec![f64::NAN],
        vec![],
        odd.to_vec(),
    ] {
        if let Some(verification) = &mut report.record.verification {
            let pair = |&value: &f64| Pair {
                query: 17,
                train: 4,
                predicted: value,
                actual: value,
                kind: Kind::Random,
            };
            verification.pairs = values.iter().map(pair).collect();
        }
        tags(&report.to_html()?)?;
    }
    Ok(())
}

#[test]
fn report_refuses_what_does_not_fit_together() {
    let mut missing = report(pictures());
    missing.explained.pop();
    let mut cropped = report(pictures());
    cropped.explained[0].harmful[0].example.features.pop();
    let mut ragged = report(table());
    ragged.explained[0].query.features.push(0.0);
    for report in [missing, cropped, ragged] {
        let refused = report.to_html();
        assert!(
            matches!(refused, Err(OutputError::Length { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn verification_table_is_aligned() {
    let Some(verification) = record().verification else {
        panic!("the record has one");
    };
    let expected = "\
query  train  kind     predicted    actual
   17      4  helpful   +7.00e-3  +7.10e-3
   17      0  harmful   -2.50e-3  -2.40e-3
    3      2  random    -2.00e-5  -1.00e-5

Pearson 0.9987   Spearman –   slope 1.02   over 3 pairs
largest gradient left in a response objective 1.00e-8
";
    assert_eq!(verification_table(&verification), expected);
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
