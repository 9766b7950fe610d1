//! Options' values: what cannot be is refused under the option's own name, before anything is read.

use predicates::str::contains;
use serde_json::json;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

/// Every option that takes a number or a list of them, with a word of what it allows.
const NUMBERS: [(&str, &str, &str); 46] = [
    ("explain", "--hidden", "at least one unit"),
    ("explain", "--corrupt-labels", "from 0 to 1"),
    ("explain", "--queries", "0-9,12"),
    ("explain", "--tolerance", "between 0 and 1"),
    ("explain", "--depth", "at least 1"),
    ("explain", "--repeats", "at least 1"),
    ("explain", "--scale", "positive"),
    ("explain", "--damping", "positive"),
    ("explain", "--pass", "at least 1"),
    ("explain", "--seed", "whole number"),
    ("explain", "--verify-removals", "at least 1"),
    ("explain", "--checkpoint-every", "seconds"),
    ("train", "--hidden", "at least one unit"),
    ("train", "--corrupt-labels", "from 0 to 1"),
    ("train", "--epochs", "at least 1"),
    ("train", "--batch-size", "at least 1"),
    ("train", "--pass", "at least 1"),
    ("train", "--learning-rate", "positive"),
    ("train", "--weight-decay", "zero or positive"),
    ("train", "--seed", "whole number"),
    ("train", "--checkpoint-every", "seconds"),
    ("decompose", "--examples", "at least 1"),
    ("decompose", "--hidden", "at least one unit"),
    ("decompose", "--epochs", "at least 1"),
    ("decompose", "--learning-rate", "positive"),
    ("decompose", "--weight-decay", "zero or positive"),
    ("decompose", "--damping", "zero or positive"),
    ("decompose", "--tolerance", "between 0 and 1"),
    ("decompose", "--depth", "at least 1"),
    ("decompose", "--repeats", "at least 1"),
    ("decompose", "--scale", "positive"),
    ("decompose", "--pass", "at least 1"),
    ("decompose", "--seed", "whole number"),
    ("decompose", "--shard", "I from 1 to N"),
    ("decompose", "--points", "at least 1"),
    ("decompose", "--group", "from 1"),
    ("decompose", "--tests", "at least 0"),
    ("correlate", "--tests", "at least 0"),
    ("correlate", "--damping", "zero or positive"),
    ("sweep --over width", "--depth", "at least 1"),
    ("mislabel", "--corrupt", "from 0 to 1"),
    ("mislabel", "--scale", "positive"),
    ("compare", "--seed", "whole number"),
    ("bench products", "--threads", "at least 1"),
    ("bench products", "--min-runs", "at least 1"),
    ("bench products", "--max-seconds", "seconds"),
];

#[test]
fn every_number_is_checked_under_its_own_name() -> Outcome {
    let place = Place::new()?;
    for (command, option, allowed) in NUMBERS {
        for value in ["-1e-3", "-1", "nan", "much", "-inf"] {
            let arguments = format!("{command} {option} {value}");
            let said = format!("{option} is {value}: ");
            assert_refused(&place, &arguments, &[&said, allowed])?;
        }
    }
    // Without a command, too.
    assert_refused(
        &place,
        "--damping -1e-3",
        &["--damping is -1e-3: it must be positive"],
    )?;
    assert_refused(
        &place,
        "sweep --over damping --values 0.1,-1e-3",
        &["--values has -0.001", "not be negative"],
    )?;
    assert_refused(
        &place,
        "explain --hidden 8,",
        &["--hidden has an empty value"],
    )
}

/// Counts whose products would not fit 64 bits.
#[test]
fn counts_have_an_end() -> Outcome {
    let place = Place::new()?;
    for option in ["--epochs", "--batch-size", "--pass", "--hidden"] {
        let arguments = format!("train {option} 18446744073709551615");
        assert_refused(&place, &arguments, &[option, "at most 1000000000"])?;
    }
    Ok(())
}

#[test]
fn numbers_that_32_bits_do_not_hold_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("age.csv", table())?;
    let data = "--model lr --data age.csv --target strength";
    for (damping, shown) in [("1e39", "is 1e39"), ("1e-300", "is 1e-300")] {
        let arguments = format!("explain {data} --damping {damping}");
        assert_refused(&place, &arguments, &["--damping", shown, "f32 holds"])?;
    }
    let cases = [
        "explain --solver lissa --scale 1e39",
        "train --learning-rate 1e39",
        "train --weight-decay 1e-300",
        "decompose --precision f32 --damping 1e39",
        "decompose --precision f32 --weight-decay 1e39",
        "decompose --precision f32 --learning-rate 1e-300",
    ];
    for arguments in cases {
        let value = arguments.rsplit(' ').next().unwrap_or_default();
        let option = arguments.rsplit(' ').nth(1).unwrap_or_default();
        assert_refused(&place, arguments, &[option, value, "f32 holds"])?;
    }

    // 64 bits do: the more damping, the smaller the scores, in proportion.
    let at = |damping: &str| {
        let arguments = format!("{data} --precision f64 --damping {damping}");
        place.explain(&arguments, damping)
    };
    let (large, larger) = (at("1e39")?, at("1e40")?);
    for (a, b) in large.scores[0].iter().zip(&larger.scores[0]) {
        assert!(*a != 0.0 && (a / b - 10.0).abs() < 1e-9, "{a} {b}");
    }
    Ok(())
}

#[test]
fn networks_that_no_memory_holds_are_refused() -> Outcome {
    let place = Place::new()?;
    // 64 pixels, ten classes: weights and biases of three layers.
    let wide = "1,000,000,076,000,000,010 parameters";
    let cases: [(&str, &[&str]); 6] = [
        (
            "explain --hidden 1000000000,1000000000",
            &[
                "--hidden asks for",
                wide,
                "12,000,000,912 GB in f32",
                "of memory",
            ],
        ),
        (
            "train --hidden 1000000000,1000000000",
            &["--hidden asks for", wide, "GB in f32"],
        ),
        (
            "decompose --hidden 1000000000,1000000000",
            &["--hidden asks for", wide, "24,000,001,824 GB in f64"],
        ),
        (
            "sweep --over width --values 8,1000000000",
            &["--values asks for", wide, "GB in f64"],
        ),
        // Not even the list of the widths would fit.
        (
            "sweep --over depth --values 1000000000 --hidden 1000000",
            &["--values asks for", "parameters", "GB in f32"],
        ),
        (
            "explain --hidden 1000000000,1000000000 --solver direct",
            &["--hidden asks for", wide],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, arguments, parts)?;
    }
    assert_refused(
        &place,
        "explain --hidden 512 --solver direct",
        &["--solver direct", "38410 x 38410", "cg or lissa"],
    )
}

/// A table of 40 rows and two columns.
fn table() -> String {
    let mut table = String::from("water,age,strength\n");
    for row in 0..40 {
        let (water, age) = (row * 7 % 11, row * 5 % 13);
        let strength = f64::from(3 * water - 2 * age + row * row % 17) + 0.5;
        table.push_str(&format!("{water},{age},{strength}\n"));
    }
    table
}

#[test]
fn tolerance_and_precision_are_what_is_asked_for() -> Outcome {
    let place = Place::new()?;
    place.write("age.csv", table())?;
    let data = "--model lr --data age.csv --target strength";
    let single = place.explain(data, "f32")?;
    let double = place.explain(&format!("{data} --precision f64 --tolerance 1e-12"), "f64")?;
    assert_eq!(double.record["settings"]["precision"], json!("f64"));
    assert_eq!(double.number("/settings/tolerance"), 1e-12);
    for query in double.record["queries"].as_array().ok_or("no queries")? {
        let residual = query["solve"]["true_residual"].as_f64();
        assert!(residual.is_some_and(|it| it <= 1e-12), "{residual:?}");
    }
    // Near each other, and not the same.
    let apart = single.difference(&double);
    assert!(apart > 0.0 && apart < 1e-4, "{apart}");

    for (solver, tolerance) in [("cg", "0.5"), ("direct", "0.001"), ("lissa", "0.3")] {
        let arguments = format!("{data} --solver {solver} --tolerance {tolerance}");
        let run = place.explain(&arguments, solver)?;
        assert_eq!(run.number("/settings/tolerance").to_string(), tolerance);
    }

    assert_refused(
        &place,
        &format!("explain {data} --tolerance 1e-9 --out never"),
        &["--tolerance is 1e-9", "f32", "--precision f64"],
    )?;
    assert_refused(
        &place,
        &format!("decompose {data} --solver cg --tolerance 1e-17 --out never"),
        &["--tolerance is 1e-17", "f64"],
    )?;
    assert_refused(
        &place,
        &format!("explain {data} --products bf16 --precision f64 --out never"),
        &["--products bf16", "is for f32"],
    )
}

#[test]
fn options_without_a_use_are_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 6] = [
        (
            "explain --depth 5",
            &["--depth is LiSSA's", "--solver lissa", "cg has"],
        ),
        (
            "explain --solver direct --repeats 2",
            &["--repeats is LiSSA's", "direct has"],
        ),
        ("decompose --solver cg --scale 2", &["--scale is LiSSA's"]),
        ("mislabel --depth 20", &["--depth is LiSSA's"]),
        (
            "sweep --over damping --damping 0.1",
            &["--over damping varies what --damping sets"],
        ),
        (
            "sweep --over epochs --values 2,3 --epochs 4",
            &["--over epochs varies what --epochs sets"],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, arguments, parts)?;
    }
    // What trains as it will has no such options.
    place.write("age.csv", table())?;
    place
        .backdraft(
            "explain --model lr --data age.csv --target strength --target-std 1e-30 --out out",
        )
        .assert()
        .code(1)
        .stderr(contains("`backdraft train`, whose weights --weights takes"));
    Ok(())
}

#[test]
fn queries_are_named_by_ranges() -> Outcome {
    let place = Place::new()?;
    place.write("age.csv", table())?;
    // Eight of 40 rows are held out.
    let data = "--model lr --data age.csv --target strength";
    let run = place.explain(&format!("{data} --queries 0-2,5"), "some")?;
    assert_eq!(run.queries, [0, 1, 2, 5]);
    let each = place.explain(&format!("{data} --queries 0-7"), "each")?;
    assert_eq!(each.queries, [0, 1, 2, 3, 4, 5, 6, 7]);
    // Queries are solved together, each to a residual of 1e-5.
    let largest = run.scores[3]
        .iter()
        .fold(0.0_f64, |most, x| most.max(x.abs()));
    for (one, other) in each.scores[5].iter().zip(&run.scores[3]) {
        assert!((one - other).abs() <= 1e-5 * largest, "{one} {other}");
    }
    let cases: [(&str, &[&str]); 4] = [
        ("0-8", &["--queries 8", "age holds 8"]),
        (
            "0-18446744073709551615",
            &["--queries 8", "no such test example"],
        ),
        ("3,1-4", &["--queries names test example 3 twice"]),
        (
            "all,0",
            &["--queries has all", "name it alone, or 0-7 for each"],
        ),
    ];
    for (queries, parts) in cases {
        let arguments = format!("explain {data} --queries {queries} --out never");
        assert_refused(&place, &arguments, parts)?;
    }
    Ok(())
}
