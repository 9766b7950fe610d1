//! What stands in for the inverse in conjugate gradients.

use serde_json::Value;

use crate::{
    place::{Outcome, Place},
    refusals::assert_refused,
    solves::far_apart,
};

#[test]
fn preconditioners_change_no_score() -> Outcome {
    let place = Place::new()?;
    let explain = |options: &str, out: &str| {
        place.explain(
            &format!("--model lr --data cancer --precision f64 --queries 0-4 {options}"),
            out,
        )
    };
    let plain = explain("", "plain")?;
    for (options, out) in [
        ("--preconditioner nystroem --rank 20", "nystroem"),
        ("--preconditioner jacobi", "jacobi"),
        ("--preconditioner lanczos --rank 10", "lanczos"),
        ("--preconditioner recycled", "recycled"),
        ("--preconditioner auto", "auto"),
        ("--preconditioner nystroem --rank auto", "grown"),
    ] {
        // Each is solved to 1e-10, and the largest eigenvalue is a few hundred times the damping.
        let found = explain(options, out)?;
        let off = far_apart(&found.scores, &plain.scores);
        assert!(off < 1e-7, "{out}: {off}");
        let told = match out {
            "nystroem" | "grown" | "lanczos" => "effective dimension",
            "auto" => "preconditioner none: all queries are one block",
            _ => continue,
        };
        assert!(found.stdout.contains(told), "{}", found.stdout);
    }
    for (options, parts) in [
        ("--rank 5", &["--rank", "--preconditioner nystroem"][..]),
        (
            "--preconditioner lanczos --rank auto",
            &["--rank", "number"],
        ),
        ("--preconditioner nystroem --rank none", &["--rank"]),
        (
            "--solver lissa --preconditioner jacobi",
            &["--preconditioner", "lissa"],
        ),
        ("--settle 3 --verify none", &["--settle", "--verify none"]),
        (
            "--settle 3 --solver direct",
            &["--settle", "conjugate gradients"],
        ),
    ] {
        let arguments = format!("explain --model lr --data cancer {options} --out never");
        assert_refused(&place, &arguments, parts)?;
    }
    assert_refused(
        &place,
        "correlate --model lr --data cancer --solver cg --preconditioner recycled --out never",
        &["--preconditioner", "one by one"],
    )
}

/// More queries than a block has: what is predicted is told, and what later blocks learn from the first is learnt again
/// by a run that goes on.
#[test]
fn later_blocks_have_a_preconditioner_of_their_own() -> Outcome {
    const DIGITS: &str =
        "--model lr --data digits --queries 0-199 --damping 0.001 --precision f64 --verify none";
    let place = Place::new()?;
    let plain = place.explain(DIGITS, "plain")?;
    let chosen = place.explain(&format!("{DIGITS} --preconditioner auto"), "chosen")?;
    assert!(
        chosen.stdout.contains("for 2 blocks of 100 queries"),
        "{}",
        chosen.stdout
    );
    let predicted = &chosen.record["settings"]["preconditioner_choice"]["predicted"];
    let predicted = predicted.as_array().ok_or("nothing predicted")?;
    assert_eq!(
        predicted.first().map(|it| &it["preconditioner"]),
        Some(&Value::from("none"))
    );
    assert!(predicted.len() >= 3);
    let options = format!("{DIGITS} --preconditioner recycled");
    let recycled = place.explain(&options, "recycled")?;
    // Each is solved to 1e-10, and the largest eigenvalue is a few thousand times the damping.
    for found in [&chosen, &recycled] {
        let off = far_apart(&found.scores, &plain.scores);
        assert!(off < 1e-6, "{off}");
    }
    let command = format!("explain {options} --out again");
    place.stop_at(&command, "again/run.json")?;
    place.stop_at(&command, "again/scores.safetensors")?;
    std::fs::remove_file(place.path().join("again/parts/scores-150.safetensors"))?;
    let again = place.explain(&options, "again")?;
    assert_eq!(again.scores, recycled.scores);
    Ok(())
}

/// As solvers they are what they know, and tell how much that is.
#[test]
fn approximations_of_low_rank_tell_what_they_know() -> Outcome {
    let place = Place::new()?;
    let run = |options: &str, out: &str| {
        let data = "--model lr --data cancer --precision f64 --queries 0-2 --verify none";
        place.explain(&format!("{data} {options}"), out)
    };
    let exact = run("", "exact")?;
    for (options, out) in [
        ("--solver lanczos --rank 31", "krylov"),
        ("--solver nystroem --rank auto", "sketch"),
    ] {
        let found = run(options, out)?;
        assert!(
            found.stdout.contains("effective dimension"),
            "{}",
            found.stdout
        );
        // The network has 31 parameters, of which 31 eigenvalues say all.
        let off = far_apart(&found.scores, &exact.scores);
        assert!(off < 1e-3, "{out}: {off}");
        assert!(found.number("/queries/0/solve/true_residual") < 1e-3);
    }
    let rough = run("--solver lanczos --rank 3", "rough")?;
    assert!(rough.number("/queries/0/solve/true_residual") > 1e-3);
    Ok(())
}
