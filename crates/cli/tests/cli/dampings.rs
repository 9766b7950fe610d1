//! Several dampings at once, and those that a rule chooses.

use crate::{
    place::{Outcome, Place, scores},
    refusals::assert_refused,
    solves::far_apart,
};

const CANCER: &str = "--model lr --data cancer --precision f64 --queries 0-4";

/// Each is what it would be alone, with bounds and digests of its own.
#[test]
fn several_dampings_are_solved_in_one() -> Outcome {
    let place = Place::new()?;
    let explain = |options: &str, out: &str| {
        place.explain(&format!("{CANCER} --verify-removals 1 {options}"), out)
    };
    let path = explain("--damping 0.1,1,0.01", "path")?;
    let apart = [
        (explain("--damping 0.1", "first")?, path.folder.clone()),
        (
            explain("--damping 1", "second")?,
            path.folder.join("dampings/1"),
        ),
        (
            explain("--damping 0.01", "third")?,
            path.folder.join("dampings/0.01"),
        ),
    ];
    for (alone, folder) in &apart {
        let (queries, found) = scores(folder)?;
        assert_eq!(queries, alone.queries);
        // Each is solved to 1e-10, and the largest eigenvalue is a few hundred times the least damping.
        let off = far_apart(&found, &alone.scores);
        assert!(off < 1e-7, "{}: {off}", folder.display());
        let top = std::fs::read_to_string(folder.join("top.csv"))?;
        assert!(
            top.lines()
                .next()
                .is_some_and(|head| head.ends_with(",bound"))
        );
    }
    assert_eq!(path.number("/settings/damping"), 0.1);
    assert_eq!(path.number("/settings/dampings/0/damping"), 1.0);
    assert_eq!(
        path.record["settings"]["dampings"][1]["folder"],
        "dampings/0.01"
    );
    for damping in 0..2 {
        for query in 0..5 {
            let at = |name: &str| path.number(&format!("/settings/dampings/{damping}/{name}"));
            assert!(at(&format!("solves/{query}/true_residual")) <= 1e-10);
            let correlation = at(&format!("correlations/{query}"));
            assert!(correlation > 0.3 && correlation <= 1.0, "{correlation}");
        }
    }
    assert!(
        path.stdout
            .contains("query 3, damping 0.01: scores are within"),
        "{}",
        path.stdout
    );
    let sums = String::from_utf8(path.file("SHA256SUMS")?)?;
    assert!(sums.contains("dampings/0.01/scores.safetensors"), "{sums}");
    // One alone has no folder of others.
    assert!(!apart[0].0.folder.join("dampings").exists());
    assert!(apart[0].0.record["settings"].get("dampings").is_none());
    Ok(())
}

#[test]
fn a_path_goes_on_to_the_same_bits() -> Outcome {
    let place = Place::new()?;
    let options = format!("{CANCER} --verify none --damping 1,0.1");
    let whole = place.explain(&options, "whole")?;
    let command = format!("explain {options} --out again");
    place.stop_at(&command, "again/run.json")?;
    place.stop_at(&command, "again/scores.safetensors")?;
    // Of the second damping: it is solved for with the others of its block, and the first.
    std::fs::remove_file(place.path().join("again/parts/scores-7.safetensors"))?;
    assert_refused(
        &place,
        &format!("explain {CANCER} --verify none --damping 1,0.2 --out again"),
        &["damping was"],
    )?;
    let again = place.explain(&options, "again")?;
    for file in [
        "scores.safetensors",
        "dampings/0.1/scores.safetensors",
        "dampings/0.1/top.csv",
    ] {
        assert_eq!(whole.file(file)?, again.file(file)?, "{file}");
    }
    Ok(())
}

/// Solvers that share nothing take one after another.
#[test]
fn other_solvers_take_one_damping_after_another() -> Outcome {
    let place = Place::new()?;
    let path = |options: &str, out: &str| {
        let dampings = "--verify none --damping 1,0.1";
        place.explain(&format!("{CANCER} {dampings} {options}"), out)
    };
    let plain = path("", "plain")?;
    for (options, out) in [
        ("--solver direct", "direct"),
        ("--preconditioner jacobi", "jacobi"),
    ] {
        let found = path(options, out)?;
        for folder in ["", "dampings/0.1"] {
            let (_, expected) = scores(&plain.folder.join(folder))?;
            let (_, found) = scores(&found.folder.join(folder))?;
            let off = far_apart(&found, &expected);
            assert!(off < 1e-7, "{out}: {off}");
        }
    }
    Ok(())
}

#[test]
fn a_rule_chooses_a_damping_and_says_why() -> Outcome {
    let place = Place::new()?;
    let ruled = place.explain(
        "--queries 0,1 --verify none --damping auto --seed 3",
        "ruled",
    )?;
    let at = |name: &str| ruled.number(&format!("/settings/damping_rule/{name}"));
    let damping = ruled.number("/settings/damping");
    assert_eq!(at("damping"), damping);
    assert_eq!((at("rule/share"), at("rule/seed")), (0.1, 3.0));
    let share = 0.1 * at("mean_eigenvalue");
    let training = at("training");
    let larger = if training.is_nan() {
        share
    } else {
        share.max(training)
    };
    assert_eq!(damping, larger);
    assert!(at("standard_error") < 0.3 * at("mean_eigenvalue"));
    assert!(
        ruled.stdout.contains("of the mean eigenvalue"),
        "{}",
        ruled.stdout
    );
    // The same as by its number.
    let named = place.explain(
        &format!("--queries 0,1 --verify none --damping {damping} --seed 3"),
        "named",
    )?;
    assert_eq!(named.scores, ruled.scores);
    // Of weights from a file it is not known how they were trained.
    let weights = place.explain(
        "--queries 0,1 --verify none --damping auto --weights ruled/model.safetensors",
        "weights",
    )?;
    assert!(weights.record["settings"]["damping_rule"]["training"].is_null());
    Ok(())
}

#[test]
fn dampings_that_make_no_sense_are_refused() -> Outcome {
    let place = Place::new()?;
    for (dampings, parts) in [
        ("0.1,0.1", &["--damping", "twice"][..]),
        ("0.1,-1", &["--damping", "positive"]),
        ("0.1,,1", &["--damping", "positive"]),
        ("0.1,auto", &["--damping", "by itself"]),
        ("1e-60", &["--damping", "f32"]),
    ] {
        let arguments = format!("explain --damping {dampings} --out never");
        assert_refused(&place, &arguments, parts)?;
    }
    Ok(())
}
