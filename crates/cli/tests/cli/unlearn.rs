//! `backdraft unlearn` end to end.

use std::error::Error;
use std::fs;

use backdraft_report::Report;
use backdraft_report::unlearning::{
    CertificateRecord, UnlearnedRecord, UnlearningMethod, UnlearningRecord,
};
use serde_json::Value;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{Kept, assert_same, kept};

/// Logistic regression by gradient descent on all examples.
const CANCER: &str = "unlearn --model lr --data cancer --points 12 --precision f64";
/// A network by batches.
const NETWORK: &str =
    "unlearn --data digits --hidden 8 --points 15 --epochs 3 --batch-size 64 --seed 2";

fn record(place: &Place, out: &str) -> Result<UnlearningRecord, Box<dyn Error>> {
    let json = fs::read(place.path().join(out).join("run.json"))?;
    Ok(serde_json::from_slice(&json)?)
}

fn distance(it: &UnlearnedRecord) -> f64 {
    it.parameter_distance.unwrap_or(f64::NAN)
}

fn one(record: &UnlearningRecord, method: UnlearningMethod) -> &UnlearnedRecord {
    record.of(method).next().expect("it was asked for")
}

fn bound(it: &UnlearnedRecord) -> Option<f64> {
    it.certificate.as_ref().and_then(CertificateRecord::bound)
}

#[test]
fn a_convex_problem_is_forgotten_and_certified() -> Outcome {
    let place = Place::new()?;
    let done = place
        .backdraft(&format!(
            "{CANCER} --epochs 60 --shares 0.25,1 --references 2 --solver direct --out out"
        ))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(said.contains("calibrated AUC"), "{said}");
    assert!(
        said.contains("from 60 steps of retraining; noise of"),
        "{said}"
    );
    let record = record(&place, "out")?;
    assert_eq!((record.steps, record.references), (60, 2));
    assert_eq!(record.forgotten.len(), 12);
    // The cross-entropy of one logit curves by a quarter at most.
    let known = record.regularity.ok_or("nothing is known")?;
    assert!(known.curvature[0] == 0.0 && known.curvature[1] > 0.25);
    assert!(said.contains("derived from the data"), "{said}");
    let trained = distance(one(&record, UnlearningMethod::Trained));
    let retrained = one(&record, UnlearningMethod::Retrain);
    assert_eq!(
        (distance(retrained), retrained.test_distance),
        (0.0, Some(0.0))
    );
    assert!(trained > 0.0);

    let [d2d, r2d] =
        [UnlearningMethod::D2d, UnlearningMethod::R2d].map(|it| record.of(it).collect::<Vec<_>>());
    let steps = |of: &[&UnlearnedRecord]| of.iter().map(|it| it.steps).collect::<Vec<_>>();
    assert_eq!(steps(&d2d), [Some(15), Some(60)]);
    assert_eq!(steps(&r2d), [Some(15), Some(60)]);
    // Rewinding by all is retraining.
    assert_eq!(distance(r2d[1]), 0.0);
    assert!(distance(r2d[0]) < trained);
    for it in d2d.iter().chain(&r2d) {
        let bound = bound(it).ok_or("not certified")?;
        let rewound = it.method == UnlearningMethod::R2d;
        assert!(!rewound || distance(it) <= bound, "{it:?}");
        let further = it.steps.filter(|_| !rewound).unwrap_or_default();
        match &it.certificate {
            Some(CertificateRecord::Certified {
                certificate,
                retrained_steps,
                noisy_test: Some(_),
            }) => {
                assert_eq!(*retrained_steps, 60 + further);
                let expected = bound * (2.0 * (1.25_f64 / 1e-5).ln()).sqrt();
                assert!((certificate.sigma - expected).abs() <= 1e-12 * expected);
            }
            other => return Err(format!("{other:?}").into()),
        }
    }
    assert_eq!(bound(r2d[1]), Some(0.0));
    for it in &record.networks {
        let quality = it.quality.ok_or("not measured")?;
        assert!(quality.test.accuracy.is_some_and(|it| it > 0.9));
        for found in [it.by_loss, it.calibrated] {
            let found = found.ok_or("not tested")?;
            assert!((0.0..=1.0).contains(&found.auc) && (0.0..=1.0).contains(&found.advantage));
        }
    }
    // The table has them all.
    let table = fs::read_to_string(place.path().join("out/unlearn.csv"))?;
    assert_eq!(table.lines().count(), 1 + record.networks.len());
    let report = fs::read_to_string(place.path().join("out").join(Report::FILE))?;
    assert!(report.contains("<svg") && report.contains("Certificates"));
    // Weights are such as --weights takes.
    place
        .backdraft(
            "explain --model lr --data cancer --weights out/networks/r2d-15.safetensors --queries 3 --verify none --out again",
        )
        .assert()
        .success();
    Ok(())
}

/// At the minimum, to which this training comes.
#[test]
fn one_newton_step_leads_nearer_than_influence() -> Outcome {
    let place = Place::new()?;
    place
        .backdraft(&format!(
            "{CANCER} --epochs 4000 --weight-decay 0.05 --methods influence,newton --references 0 --solver direct --out out"
        ))
        .assert()
        .success();
    let record = record(&place, "out")?;
    let [trained, influence, newton] = [
        UnlearningMethod::Trained,
        UnlearningMethod::Influence,
        UnlearningMethod::Newton,
    ]
    .map(|it| distance(one(&record, it)));
    assert!(newton < 0.3 * influence, "{newton} {influence}");
    assert!(influence < 0.5 * trained, "{influence} {trained}");
    assert_eq!(record.of(UnlearningMethod::R2d).count(), 0);
    assert!(record.networks.iter().all(|it| it.certificate.is_none()));
    Ok(())
}

#[test]
fn a_network_has_a_certificate_only_if_somebody_answers_for_its_bounds() -> Outcome {
    let place = Place::new()?;
    let command = format!("{NETWORK} --shares 0.5 --methods d2d,r2d --references 0");
    let done = place
        .backdraft(&format!("{command} --out out"))
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        said.contains("give --smoothness and --gradient-bound"),
        "{said}"
    );
    let without = record(&place, "out")?;
    assert!(without.networks.iter().all(|it| bound(it).is_none()));

    let given = "--smoothness 0.5 --gradient-bound 4 --radius 30 --noise --epsilon 0.5";
    place
        .backdraft(&format!("{command} {given} --out given"))
        .assert()
        .success();
    let with = record(&place, "given")?;
    let [d2d, r2d] = [UnlearningMethod::D2d, UnlearningMethod::R2d].map(|it| one(&with, it));
    assert!(bound(r2d).is_some_and(|it| it > 0.0));
    match &d2d.certificate {
        Some(CertificateRecord::Refused { refused }) => {
            assert!(refused.contains("strongly convex"), "{refused}");
        }
        other => return Err(format!("{other:?}").into()),
    }
    // What is written has the noise, and what is measured has not.
    assert_eq!(
        distance(r2d),
        distance(one(&without, UnlearningMethod::R2d))
    );
    let bytes = |out: &str| fs::read(place.path().join(out).join(r2d.file.as_deref().unwrap()));
    assert!(bytes("out")? != bytes("given")?);
    Ok(())
}

/// What the files hold but for times.
fn timeless(place: &Place) -> Result<Kept, Box<dyn Error>> {
    let (mut files, mut record) = kept(&place.path().join("out"))?;
    files.insert("unlearn.csv".into(), Vec::new());
    for network in record["networks"].as_array_mut().ok_or("no networks")? {
        network["seconds"] = Value::Null;
    }
    Ok((files, record))
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits() -> Outcome {
    let cases: [(String, &[&str]); 2] = [
        (
            format!(
                "{NETWORK} --shares 0.3,0.6 --momentum 0.5 --references 1 --checkpoint-every 0"
            ),
            &[
                "run.json",
                "parts/train-48.safetensors",
                "parts/retrain-stopped.safetensors",
                "parts/d2d-41.safetensors",
                "parts/r2d-41.safetensors",
                "parts/influence.safetensors",
                "parts/reference-0.safetensors",
                "networks/newton.safetensors",
            ],
        ),
        (
            format!("{CANCER} --epochs 60 --shares 0.5 --references 0"),
            &[
                "run.json",
                "parts/retrain.safetensors",
                "unlearn.csv",
                "report.html",
            ],
        ),
    ];
    for (command, files) in cases {
        let command = format!("{command} --out out");
        let whole = Place::new()?;
        whole.backdraft(&command).assert().success();
        let expected = timeless(&whole)?;
        let parts = Place::new()?;
        for file in files {
            parts.stop_at(&command, &format!("out/{file}"))?;
            assert!(!parts.path().join("out/run.json").exists(), "{file}");
        }
        parts.backdraft(&command).assert().success();
        assert_same(&timeless(&parts)?, &expected);
        assert_refused(
            &parts,
            &command,
            &["out holds an earlier run", "--overwrite"],
        )?;
    }
    Ok(())
}

#[test]
fn a_file_names_what_is_forgotten() -> Outcome {
    let place = Place::new()?;
    place.write("mine.csv", "train,note\n7,a\n3,b\n")?;
    place
        .backdraft(
            "unlearn --model lr --data cancer --forget mine.csv --epochs 5 --methods r2d --shares 1 --references 0 --out out",
        )
        .assert()
        .success();
    let found = record(&place, "out")?;
    let forgotten: Vec<usize> = found.forgotten.iter().map(|it| it.train).collect();
    assert_eq!(forgotten, [3, 7]);
    // Other settings are another run.
    assert_refused(
        &place,
        "unlearn --model lr --data cancer --points 2 --out out",
        &["--overwrite"],
    )
}

#[test]
fn what_cannot_be_forgotten_is_refused() -> Outcome {
    let place = Place::new()?;
    let all: String = (0..1_000).map(|it| format!("{it}\n")).collect();
    for (name, text) in [
        ("empty.csv", "train\n".to_owned()),
        ("twice.csv", "train\n4\n4\n".to_owned()),
        ("far.csv", format!("train\n{all}")),
        ("half.csv", "train,weight_change\n4,-0.5\n".to_owned()),
        ("two.csv", "train,group\n4,a\n5,b\n".to_owned()),
        ("nan.csv", "train\nNaN\n".to_owned()),
        ("other.csv", "index\n3\n".to_owned()),
    ] {
        place.write(name, text)?;
    }
    let cases = [
        ("--forget empty.csv", "names no training example"),
        ("--forget twice.csv", "names training example 4 twice"),
        ("--forget far.csv", "counted from 0"),
        ("--forget half.csv", "other than -1"),
        ("--forget two.csv", "several groups"),
        ("--forget nan.csv", "has `NaN` for train"),
        ("--forget other.csv", "has no column `train`"),
        ("--forget none.csv", "none.csv"),
        ("--points 1000", "at least one must stay"),
        ("--points 0", "--points"),
        ("--shares 0", "above 0"),
        ("--shares 0.5,0.5", "each once"),
        ("--shares 1.5", "from 0 to 1"),
        ("--epsilon 2", "at most 1"),
        ("--delta 1", "below 1"),
        ("--momentum 1", "below 1"),
        ("--batch-size some", "or `all`"),
        ("--radius -1", "positive"),
        ("--learning-rate 1e-60", "f32"),
        ("--smoothness 3", "--gradient-bound"),
        ("--damping 1,2", "takes one"),
        ("--weights out.safetensors", "--weights"),
    ];
    for (options, part) in cases {
        let command = format!("unlearn --model lr --data cancer {options} --out out");
        assert_refused(&place, &command, &[part])?;
    }
    for options in ["--methods sisa", "--forget twice.csv --points 3"] {
        let command = format!("unlearn --model lr --data cancer {options} --out out");
        place.backdraft(&command).assert().code(2);
        assert!(!place.path().join("out").exists());
    }
    assert_refused(
        &place,
        "unlearn --model resnet20 --data digits --out out",
        &["normalises batches"],
    )
}

/// Steps that are far too large: what diverges is told, and the training's own is an error.
#[test]
fn a_training_that_diverges_says_so() -> Outcome {
    let place = Place::new()?;
    let command =
        "unlearn --data digits --hidden 8 --learning-rate 1e30 --epochs 2 --points 3 --out out";
    let done = place.backdraft(command).assert().code(1);
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(said.contains("lower the learning rate"), "{said}");
    Ok(())
}
