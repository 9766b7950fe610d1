//! `--devices`: queries, or training examples to look at, that several devices of one process share out. A processor named twice is two of them.

use predicates::str::contains;
use serde_json::{Value, json};

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;
use crate::stops::{Kept, assert_same, kept};

/// Five queries in three blocks, for several dampings.
const BLOCKS: &str = "explain --model lr --data cancer --queries 0-4 --block 2 --damping 0.1,0.01 --self-influence \
                      --verify-removals 3 --out out";

/// What a run leaves, and which devices it tells of.
fn left(place: &Place) -> Result<(Kept, Value), Box<dyn std::error::Error>> {
    let mut found = kept(&place.path().join("out"))?;
    let devices = found.1["settings"]["devices"].take();
    if let Some(settings) = found.1["settings"].as_object_mut() {
        settings.remove("devices");
    }
    Ok((found, devices))
}

#[test]
fn what_is_dealt_out_has_the_bits_of_one_device() -> Outcome {
    // Solvers that share products within a block, one that shares nothing, and blocks of training examples.
    let lissa = "explain --model lr --data cancer --queries 0-2 --solver lissa --depth 40 --repeats 2 --newton none \
                 --verify-removals 2 --out out";
    let audit = "audit --model lr --data cancer --block 200 --out out";
    for command in [BLOCKS, lissa, audit] {
        let [one, two] = [Place::new()?, Place::new()?];
        one.backdraft(command).assert().success();
        two.backdraft(&format!("{command} --devices 0,0"))
            .assert()
            .success()
            .stdout(contains("devices 0, 0 of flex, seed 0"));
        let [(one, none), (two, devices)] = [left(&one)?, left(&two)?];
        assert_same(&two, &one);
        assert_eq!((none, devices), (Value::Null, json!([0, 0])));
    }
    Ok(())
}

#[test]
fn a_run_goes_on_with_other_devices() -> Outcome {
    let [whole, parts] = [Place::new()?, Place::new()?];
    whole.backdraft(BLOCKS).assert().success();
    let several = format!("{BLOCKS} --devices 0,0,0");
    parts.stop_at(&several, "out/run.json")?;
    // One of the second device's.
    parts.stop_at(&several, "out/parts/solution-2.safetensors")?;
    parts
        .backdraft(&format!("{BLOCKS} --devices all"))
        .assert()
        .success();
    let [(whole, _), (parts, devices)] = [left(&whole)?, left(&parts)?];
    assert_same(&parts, &whole);
    assert_eq!(devices, Value::Null);
    Ok(())
}

#[test]
fn products_are_split_where_there_are_fewer_blocks_than_devices() -> Outcome {
    let place = Place::new()?;
    let of = "--model lr --data cancer --queries 0-4 --precision f64 --newton none --verify none";
    let one = place.explain(of, "one")?;
    let three = place.explain(&format!("{of} --devices 0,0,0"), "three")?;
    assert!(three.stdout.contains("in 3 parts, one a device"));
    // Conjugate gradients end at a residual of 1e-10.
    let off = three.difference(&one);
    assert!(off > 0.0 && off < 1e-7, "{off}");
    // By LiSSA each query is a block, of which products are split all the same where that is asked for.
    let of = "--model lr --data cancer --queries 0-4 --precision f64 --newton none --verify none --solver lissa --depth 40 \
              --repeats 2";
    let one = place.explain(of, "lissa")?;
    let split = place.explain(&format!("{of} --devices 0,0 --divide examples"), "split")?;
    let off = split.difference(&one);
    assert!(off > 0.0 && off < 1e-9, "{off}");
    Ok(())
}

#[test]
fn what_is_split_is_a_choice() -> Outcome {
    let place = Place::new()?;
    let of = "explain --model lr --data cancer --queries 0-1 --newton none --verify none";
    let run = |arguments: &str| place.backdraft(&format!("{of} {arguments}")).assert();
    run("--out one").success();
    run("--devices 0,0 --divide queries --out queries").success();
    let [one, queries] = ["one", "queries"]
        .map(|it| std::fs::read(place.path().join(it).join("scores.safetensors")));
    assert_eq!(queries?, one?);
    // Sums have another order with other parts, which is another run.
    let stopped = format!("{of} --devices 0,0 --out stopped");
    place.stop_at(&stopped, "stopped/run.json")?;
    run("--out stopped")
        .code(2)
        .stderr(contains("product_parts was 2, not null"));
    run("--devices 0,0 --out stopped").success();
    // What is made of layers takes no products.
    let ekfac = "--damping 0.1 --solver ekfac --devices 0,0 --out ekfac";
    run(&format!("{ekfac} --divide examples"))
        .code(2)
        .stderr(contains("--divide examples splits products"));
    run(ekfac).success();
    Ok(())
}

#[test]
fn devices_that_are_not_there_are_told_of() -> Outcome {
    let place = Place::new()?;
    let refused: [(&str, &[&str]); 5] = [
        (
            "--devices 0,1",
            &["--devices names 1, and of flex there are here 0 ("],
        ),
        ("--device auto --devices 7", &["--devices names 7, and of "]),
        (
            "--devices 0-3",
            &["--devices is 0-3: it must be all, or places", "0,1,3"],
        ),
        ("--devices -1", &["--devices is -1: it must be all"]),
        (
            "--devices 0,0 --queries 0-9 --store-scores --newton none",
            &["--devices deals out queries whose scores are held"],
        ),
    ];
    for (arguments, parts) in refused {
        let command = format!("explain --model lr --data cancer {arguments}");
        assert_refused(&place, &command, parts)?;
    }
    Ok(())
}
