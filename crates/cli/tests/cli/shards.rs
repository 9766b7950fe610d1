//! Runs that several processes share out, and put together again.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{assert_same, kept};

/// Five queries in three blocks, for several dampings.
const EXPLAIN: &str = "explain --model lr --data cancer --queries 0-4 --block 2 --damping 0.1,0.01 --self-influence \
                       --verify-removals 3";

/// Runs `command` in one go and in so many parts, and sees that both come to the same bits.
fn assert_merges(command: &str, count: usize) -> Result<Place, Box<dyn std::error::Error>> {
    let place = Place::new()?;
    assert_merges_in(&place, command, count)?;
    Ok(place)
}

/// The same in a folder with what the command takes.
pub fn assert_merges_in(place: &Place, command: &str, count: usize) -> Outcome {
    let run = |arguments: String| place.backdraft(&arguments).assert().success();
    run(format!("{command} --out whole"));
    let mut parts = Vec::new();
    for index in 1..=count {
        // The first trains the network for all.
        let base = if index > 1 { " --merge part-1" } else { "" };
        let shard = format!("--shard {index}/{count} --out part-{index}{base}");
        let done = run(format!("{command} {shard}"));
        if index < count {
            done.stdout(contains("left to other parts; `--merge DIR,..`"));
        }
        parts.push(format!("part-{index}"));
    }
    run(format!(
        "{command} --merge {} --out merged",
        parts.join(",")
    ));
    let [mut whole, mut merged] = ["whole", "merged"].map(|it| kept(&place.path().join(it)));
    for it in [&mut whole, &mut merged] {
        let record = &mut it.as_mut().map_err(|error| error.to_string())?.1;
        record["settings"]["out"] = Value::Null;
    }
    assert_same(&merged?, &whole?);
    Ok(())
}

#[test]
fn parts_of_the_queries_come_to_the_same_bits() -> Outcome {
    assert_merges(EXPLAIN, 3)?;
    // Solvers that share nothing but batches.
    let lissa = "explain --model lr --data cancer --queries 0-2 --solver lissa --depth 40 --repeats 2 --newton none \
                 --verify-removals 2";
    assert_merges(lissa, 3)?;
    Ok(())
}

/// What each of an audit's examples does, a block of them a part.
const AUDIT: &str = "audit --model lr --data cancer --block 200";

#[test]
fn parts_of_the_examples_come_to_the_same_bits() -> Outcome {
    let place = assert_merges(AUDIT, 3)?;
    place
        .backdraft(&format!("{AUDIT} --out new --merge part-1,part-3"))
        .assert()
        .code(2)
        .stderr(contains(
            "--merge lacks part 2/3, which is in none of the folders (examples 0 to 199)",
        ));
    assert_refused(
        &place,
        &format!("{AUDIT} --out more --shard 1/5"),
        &[
            "--shard 1/5 is one part of 5, and there are 4 at most",
            "a smaller --block",
        ],
    )?;
    // Another block is another run: last digits differ.
    let other = AUDIT.replace("200", "100");
    assert_refused(
        &place,
        &format!("{other} --out more --merge part-1"),
        &["--merge part-1 holds another audit: block was 200, not 100"],
    )
}

#[test]
fn parts_that_are_missing_or_of_another_run_are_named() -> Outcome {
    let place = Place::new()?;
    for (shard, out) in [("1/3", "first"), ("1/3", "again"), ("3/3", "third")] {
        let part = format!("{EXPLAIN} --shard {shard} --out {out}");
        place.backdraft(&part).assert().success();
    }
    let whole = format!("{EXPLAIN} --out whole");
    let refused: [(String, &[&str]); 7] = [
        (
            format!("{EXPLAIN} --out new --merge first,again"),
            &["--merge first and again are both part 1/3"],
        ),
        (
            format!("{EXPLAIN} --out new --merge first,first"),
            &["--merge first is named twice"],
        ),
        (
            format!("{EXPLAIN} --out first --merge first"),
            &["--merge first is the run's own folder"],
        ),
        (
            format!("{EXPLAIN} --out new --merge nowhere"),
            &["--merge nowhere holds no run: there is no explain.json"],
        ),
        (
            format!("{EXPLAIN} --seed 1 --out new --merge first"),
            &["--merge first holds another run", "seed was 0, not 1"],
        ),
        (
            format!("{EXPLAIN} --shard 1/4 --out new"),
            &[
                "--shard 1/4 is one part of 4, and there are 3 at most",
                "--block 1 leaves more",
            ],
        ),
        (
            "explain --model lr --data cancer --solver direct --block 2".to_owned(),
            &["--block is of solvers that share products"],
        ),
    ];
    for (arguments, parts) in refused {
        assert_refused(&place, &arguments, parts)?;
    }
    // What is nowhere is named, and what is there is kept.
    let merge = |parts: &str| {
        place
            .backdraft(&format!("{whole} --merge {parts}"))
            .assert()
    };
    merge("first,third").code(2).stderr(contains(
        "--merge lacks part 2/3, which is in none of the folders (query 2, query 3): run that by --shard",
    ));
    let second = format!("{EXPLAIN} --shard 2/3 --out second");
    place.backdraft(&second).assert().success();
    fs::remove_file(place.path().join("second/parts/scores-3.safetensors"))?;
    merge("second").code(2).stderr(contains(
        "--merge lacks part 2/3, which second has not done (query 3)",
    ));
    place.backdraft(&second).assert().success();
    merge("second")
        .success()
        .stdout(contains("taken from second: 1 result"));
    assert_refused(
        &place,
        &format!("{EXPLAIN} --out new --merge whole"),
        &["--merge whole holds the whole run"],
    )?;
    Ok(())
}

#[test]
fn what_is_damaged_is_not_taken() -> Outcome {
    let place = Place::new()?;
    for index in 1..=3 {
        let part = format!("{EXPLAIN} --shard {index}/3 --out part-{index}");
        place.backdraft(&part).assert().success();
    }
    let scores = place.path().join("part-2/parts/scores-2.safetensors");
    let mut bytes = fs::read(&scores)?;
    *bytes.last_mut().ok_or("an empty file")? ^= 1;
    fs::write(&scores, bytes)?;
    let merge = format!("{EXPLAIN} --out new --merge part-1,part-2,part-3");
    place
        .backdraft(&merge)
        .assert()
        .code(2)
        .stderr(
            contains("part-2/parts/scores-2.safetensors is damaged")
                .and(contains("it is not taken")),
        )
        .stderr(contains(
            "lacks part 2/3, which part-2 has not done (query 2)",
        ));
    // What is missing may be computed by whoever merges.
    place
        .backdraft(&format!("{merge} --shard 1/1"))
        .assert()
        .success();
    Ok(())
}
