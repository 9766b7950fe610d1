//! Broken input: one line on standard error that says what to do, exit code 2, and nothing written.

use std::io;

use backdraft_test_support::gzip;

use crate::data::{self, TEST, TRAIN, idx, pictures, write_pictures};
use crate::place::{Outcome, Place};

/// Checks that the run is refused in one line that holds all `parts`, and leaves the folder as it was.
pub fn assert_refused(place: &Place, arguments: &str, parts: &[&str]) -> Outcome {
    let before = place.contents()?;
    let done = place.backdraft(arguments).assert().code(2).stdout("");
    let said = String::from_utf8(done.get_output().stderr.clone())?;
    assert!(said.starts_with("error: "), "{arguments}: {said}");
    assert!(
        said.ends_with('\n') && said.lines().count() == 1,
        "{arguments}: {said}"
    );
    for part in parts {
        assert!(said.contains(part), "{arguments}: no `{part}` in {said}");
    }
    assert_quiet(&said);
    assert!(
        place.contents()? == before,
        "{arguments} left something behind"
    );
    Ok(())
}

pub fn assert_quiet(said: &str) {
    for word in ["panicked", "RUST_BACKTRACE", "Os {", "Error {"] {
        assert!(!said.contains(word), "{said}");
    }
}

/// A folder of pictures with one file replaced.
fn broken_pictures(place: &Place, folder: &str, file: &str, bytes: &[u8]) -> io::Result<()> {
    write_pictures(place, folder, true)?;
    std::fs::remove_file(place.path().join(format!("{folder}/{file}.gz")))?;
    place.write(&format!("{folder}/{file}.gz"), bytes)
}

#[test]
fn broken_pictures_are_refused() -> Outcome {
    let place = Place::new()?;
    let [(train, images), (train_labels, labels), _, (test_labels, _)] = pictures();

    let packed = gzip(&images);
    broken_pictures(&place, "truncated", train, &packed[..packed.len() / 2])?;
    broken_pictures(&place, "fake", train, &images)?;
    broken_pictures(&place, "swapped", train, &gzip(&labels))?;
    broken_pictures(&place, "short", train, &gzip(&images[..images.len() - 1]))?;
    broken_pictures(&place, "long", train, &gzip(&[&images[..], &[0]].concat()))?;
    broken_pictures(
        &place,
        "fewer",
        train_labels,
        &gzip(&idx(&[TRAIN - 1], &labels[9..])),
    )?;
    let mut far = vec![0; TEST];
    far[41] = 7;
    broken_pictures(&place, "range", test_labels, &gzip(&idx(&[TEST], &far)))?;
    let gap: Vec<u8> = labels[8..].iter().map(|label| label * 2).collect();
    broken_pictures(&place, "gap", train_labels, &gzip(&idx(&[TRAIN], &gap)))?;
    broken_pictures(
        &place,
        "one",
        train_labels,
        &gzip(&idx(&[TRAIN], &[0; TRAIN])),
    )?;
    write_pictures(&place, "missing", false)?;
    std::fs::remove_file(place.path().join("missing").join(test_labels))?;

    let cases: [(&str, &str, &[&str]); 10] = [
        (
            "truncated",
            train,
            &["stops early", "copy or download it again"],
        ),
        ("fake", train, &["not valid gzip", "copy or download"]),
        (
            "swapped",
            train,
            &["magic number 0x00000801", "expected 0x00000803"],
        ),
        ("short", train, &["cut short", "copy or download it again"]),
        (
            "long",
            train,
            &["something follows the data", "copy or download"],
        ),
        (
            "fewer",
            train_labels,
            &["299 labels for the 300 images", "same set"],
        ),
        (
            "range",
            test_labels,
            &["label 7 of example 41", "training part's 3 labels", "check"],
        ),
        // Labels 0, 2 and 4 are three classes, and a 1 is none of them.
        (
            "gap",
            test_labels,
            &["label 1 of", "training part's 3 labels"],
        ),
        (
            "one",
            train_labels,
            &["every training target is 0", "choose"],
        ),
        (
            "missing",
            test_labels,
            &["has no t10k-labels", "needs images and labels"],
        ),
    ];
    for (folder, file, parts) in cases {
        let arguments = format!("explain --data {folder} --out out");
        assert_refused(&place, &arguments, &[parts, &[folder, file]].concat())?;
    }
    assert_refused(
        &place,
        "explain --data gap --target label",
        &["gap", "label", "leave the target out"],
    )
}

#[test]
fn broken_tables_are_refused() -> Outcome {
    let place = Place::new()?;
    let good = data::regression();
    let rows: Vec<&str> = good.lines().collect();
    let with = |line: usize, text: &str| {
        let mut rows = rows.clone();
        rows[line - 1] = text;
        rows.join("\n")
    };
    place.write("good.csv", &good)?;
    place.write("missing.csv", with(17, "1.5,,20.5,3"))?;
    place.write("text.csv", with(33, "1.5,wet,20.5,3"))?;
    place.write("lines.csv", with(33, "1.5,\"wet\nand cold\",20.5,3"))?;
    place.write("infinite.csv", with(2, "1.5,1e99,20.5,3"))?;
    place.write("target.csv", with(50, "1.5,2.5,strong,3"))?;
    place.write("ragged.csv", with(4, "1.5,2.5,20.5"))?;
    place.write("few.csv", rows[..6].join("\n"))?;
    place.write("headless.csv", rows[1..].join("\n"))?;
    place.write("twice.csv", with(1, "water,water,strength,age"))?;
    place.write(
        "constant.csv",
        format!("a,strength\n{}", "1,2.5\n".repeat(40)),
    )?;
    place.write("latin.csv", [good.as_bytes(), b"1,2,3,\xff\n"].concat())?;
    place.write("empty.csv", "")?;
    place.write("two/a.csv", &good)?;
    place.write("two/b.csv", &good)?;
    place.write("none/readme.txt", "")?;
    place.write("cut.csv.gz", &gzip(good.as_bytes())[..200])?;

    let cases: [(&str, &[&str]); 15] = [
        (
            "missing.csv",
            &["line 17", "`cement`", "fill it in or remove the line"],
        ),
        ("text.csv", &["line 33", "`cement`", "`wet`", "correct it"]),
        ("lines.csv", &["line 33", "`cement`", "wet", "and cold"]),
        (
            "infinite.csv",
            &[
                "line 2",
                "`cement`",
                "`1e99`",
                "correct it or remove the line",
            ],
        ),
        ("target.csv", &["line 50", "`strength`", "`strong`"]),
        (
            "ragged.csv",
            &["line 4", "3 field(s)", "header has 4", "correct or remove"],
        ),
        ("few.csv", &["5 example(s)", "at least 10"]),
        ("headless.csv", &["line 1", "header line"]),
        ("twice.csv", &["two columns `water`", "its own name"]),
        (
            "constant.csv",
            &["every training target is 2.5", "choose another target"],
        ),
        ("latin.csv", &["UTF-8"]),
        ("empty.csv", &["empty", "header line"]),
        ("two", &["a.csv, b.csv", "path of one of them"]),
        ("none", &["no data that can be read", ".csv"]),
        ("cut.csv.gz", &["stops early"]),
    ];
    for (data, parts) in cases {
        let arguments = format!("explain --data {data} --target strength --out out");
        assert_refused(&place, &arguments, &[parts, &[data]].concat())?;
    }
    let columns = "water, cement, strength, age";
    let arguments = "explain --data good.csv --target stiffness --out out";
    assert_refused(&place, arguments, &["good.csv", "`stiffness`", columns])?;
    assert_refused(
        &place,
        "explain --data good.csv",
        &["--target is missing", "good.csv", columns],
    )?;
    assert_refused(
        &place,
        "explain --data nowhere.csv",
        &["nowhere.csv: no such file or folder", "digits"],
    )
}

#[test]
fn text_is_refused_where_examples_have_one_target() -> Outcome {
    let place = Place::new()?;
    for part in ["train", "valid", "test"] {
        place.write(
            &format!("tales/tiny.{part}.txt"),
            "once upon a time\n".repeat(8),
        )?;
    }
    for command in ["bayes", "path", "shapley", "unlearn"] {
        assert_refused(
            &place,
            &format!("{command} --data tales"),
            &["--data", "tiny is text", "one target each"],
        )?;
    }
    assert_refused(
        &place,
        "perturb --data tales",
        &["--data", "tiny is text", "a token is no number", "replaced"],
    )?;
    // The default model reads rows of numbers.
    assert_refused(&place, "explain --data tales", &["text", "transformer"])?;
    assert_refused(
        &place,
        "explain --data tales/tiny.test.txt",
        &["tiny.test.txt", "give the folder"],
    )
}

#[test]
fn options_without_sense_are_refused() -> Outcome {
    let place = Place::new()?;
    assert_refused(
        &place,
        "explain --model cnn",
        &["--model: ", "`cnn`", "lr, mlp,"],
    )?;
    assert_refused(
        &place,
        "explain --data cancer --target benign",
        &["cancer", "`benign`"],
    )?;
    let arguments = "explain --data cancer --queries 3,113";
    assert_refused(
        &place,
        arguments,
        &["--queries 113", "cancer holds 113", "from 0"],
    )?;
    for damping in ["0", "-1", "-0.0", "nan", "inf", "1e999"] {
        let arguments = format!("explain --data cancer --damping {damping} --out out");
        assert_refused(&place, &arguments, &["--damping is", "positive and finite"])?;
    }
    assert_refused(
        &place,
        "explain --hidden 8,0 --out out",
        &["--hidden is 0", "at least one unit"],
    )?;
    for option in ["--hidden 8", "--activation tanh"] {
        let arguments = format!("explain --model lr --data cancer {option} --out out");
        assert_refused(&place, &arguments, &[&option[..8], "is for the mlp"])?;
    }
    if !cfg!(feature = "cuda") {
        let parts = ["--device cuda", "not in this build", "--features cuda"];
        assert_refused(&place, "explain --device cuda --out out", &parts)?;
    }
    Ok(())
}

#[test]
fn folders_that_cannot_be_written_are_refused() -> Outcome {
    let place = Place::new()?;
    place.write("file", "mine")?;
    place.write("foreign/notes.txt", "mine too")?;
    place.write("foreign/empty/.keep", "")?;
    place.write("earlier/run.json", "{}")?;

    let explain = |out: &str| format!("explain --model lr --data cancer --out {out}");
    assert_refused(
        &place,
        &explain("file"),
        &["file is in the way", "choose another folder"],
    )?;
    assert_refused(
        &place,
        &explain("file/below/it"),
        &["file is in the way", "choose another folder"],
    )?;
    assert_refused(
        &place,
        &explain("foreign"),
        &["foreign is not empty", "choose a new or an empty"],
    )?;
    assert_refused(
        &place,
        &explain("foreign --overwrite"),
        &["foreign is not empty"],
    )?;
    assert_refused(
        &place,
        &explain("earlier"),
        &["earlier holds an earlier run", "--overwrite"],
    )?;
    if cfg!(target_os = "linux") {
        for folder in ["/proc/backdraft", "/proc/self/fd/out"] {
            assert_refused(&place, &explain(folder), &[folder, "choose another folder"])?;
        }
    }
    Ok(())
}

/// Usage errors are the argument parser's: they may be longer, but not louder.
#[test]
fn misuse_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases = [
        ("expalin", "explain"),
        ("explain --solver newton", "cg, lissa, direct"),
        ("explain --device tpu", "flex"),
        ("explain --queries one", "--queries"),
        ("explain --queries 1,,2", "--queries"),
        (
            "explain --queries -1",
            "--queries is -1: it must be indices",
        ),
        ("explain --queries 9-0", "--queries is 9-0: a range goes"),
        ("explain --damping much", "--damping"),
        (
            "explain --seed -1",
            "--seed is -1: it must be a whole number",
        ),
        ("explain --overwrite", "--out"),
        ("explain --out", "--out"),
        ("explain --dampnig 1", "--damping"),
        ("devices --seed 1", "'--seed'"),
        ("compare --devices flex,tpu", "no device `tpu`"),
        ("compare --devices flex,flex:f8", "take f16 or bf16"),
        ("compare --seed -1", "--seed is -1"),
        ("compare --models cnn", "--models is cnn: there is no model"),
        ("compare --quantities speed", "no quantity `speed`"),
    ];
    for (arguments, part) in cases {
        let done = place.backdraft(arguments).assert().code(2).stdout("");
        let said = String::from_utf8(done.get_output().stderr.clone())?;
        assert!(
            said.starts_with("error: ") && said.contains(part),
            "{arguments}: {said}"
        );
        assert_quiet(&said);
    }
    assert!(place.contents()?.is_empty());
    Ok(())
}
