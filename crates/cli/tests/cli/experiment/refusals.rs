//! Experiments that cannot be are refused before any training, without a trace.

use super::{CANCER, Outcome, Place};
use crate::data::{regression, write_pictures, write_text};
use crate::refusals::{assert_quiet, assert_refused};

#[test]
fn what_cannot_be_removed_or_measured_is_refused() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    write_text(&place)?;
    let cases: [(&str, &[&str]); 30] = [
        (
            "--model cnn",
            &["no model `cnn`", "resnet20 or transformer"],
        ),
        ("--model lenet --data cancer", &["`lenet` reads pictures"]),
        ("--model mlp --data words", &["text", "transformer"]),
        ("--data nowhere", &["nowhere"]),
        (
            "--examples 10 --points 11",
            &["--points is 11", "10 training examples"],
        ),
        ("--points 0", &["--points is 0", "at least 1"]),
        (
            "--group 2 --points 200000",
            &["--points is 200000", "are the most"],
        ),
        ("--examples 0", &["--examples is 0", "at least 1"]),
        (
            "--examples 1439",
            &["--examples is 1439", "1438 training examples"],
        ),
        (
            "--examples 1 --points 1",
            &["--examples is 1", "one must stay"],
        ),
        (
            "--examples 30 --group 30",
            &["--group takes 30 of 30", "at least one must stay"],
        ),
        ("--examples 30 --group 99%", &["--group takes 30 of 30"]),
        (
            "--damping 0 --weight-decay 0",
            &["--damping is 0", "L2 term"],
        ),
        ("--damping nan", &["--damping is nan", "positive"]),
        ("--damping inf", &["--damping is inf", "positive"]),
        ("--damping -1", &["--damping is -1", "positive"]),
        ("--weight-decay nan", &["--weight-decay is nan", "finite"]),
        (
            "--weight-decay -1",
            &["--weight-decay is -1", "zero or positive"],
        ),
        ("--learning-rate 0", &["--learning-rate is 0", "positive"]),
        ("--learning-rate -1", &["--learning-rate is -1", "positive"]),
        (
            "--learning-rate nan",
            &["--learning-rate is nan", "`search`"],
        ),
        ("--epochs 0", &["--epochs is 0", "at least 1"]),
        ("--hidden 4,0", &["--hidden is 0", "at least one unit"]),
        (
            "--model lenet --data pictures --hidden 4",
            &["--hidden", "is for the mlp"],
        ),
        (
            "--model lr --data cancer --learning-rate 0.1",
            &["--learning-rate", "L-BFGS"],
        ),
        ("--depth 0", &["--depth is 0", "at least 1"]),
        ("--repeats 0", &["--repeats is 0", "at least 1"]),
        ("--scale 0", &["--scale is 0", "positive and finite"]),
        ("--scale -1", &["--scale is -1", "positive and finite"]),
        (
            "--hidden 512 --solver direct",
            &[
                "--solver direct",
                "38410 x 38410",
                "limit is 4096",
                "cg or lissa",
            ],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("decompose {arguments}"), parts)?;
    }
    let cases: [(&str, &[&str]); 3] = [
        ("--tests 114", &["--tests is 114", "113 test examples"]),
        ("--tests 0", &["--tests is 0", "nothing to predict"]),
        (
            "--points 457",
            &["--points is 457", "456 training examples"],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("correlate {CANCER} {arguments}"), parts)?;
    }
    Ok(())
}

#[test]
fn what_cannot_be_varied_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases: [(&str, &[&str]); 11] = [
        (
            "--over damping --values nan",
            &["--values is nan", "finite"],
        ),
        (
            "--over damping --values -1",
            &["--values has -1", "not be negative"],
        ),
        (
            "--over damping --values 0.1,0.1",
            &["--values has 0.1 twice"],
        ),
        // The second is refused before the first is begun.
        (
            "--over damping --values 0.1,0 --weight-decay 0",
            &["--values is 0", "L2 term"],
        ),
        (
            "--over epochs --values 1.5",
            &["--values has 1.5", "whole numbers from 1"],
        ),
        (
            "--over epochs --values 0",
            &["--values has 0", "whole numbers from 1"],
        ),
        (
            "--over removed --values 100",
            &["--values has 100", "percentage"],
        ),
        (
            "--over removed --values 0",
            &["--values has 0", "percentage"],
        ),
        ("--over width", &["--over width", "is for the mlp"]),
        (
            "--over depth --values 2",
            &["--over depth", "is for the mlp"],
        ),
        (
            "--over damping --merge out",
            &["--merge out holds no experiment"],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("sweep {CANCER} {arguments}"), parts)?;
    }
    Ok(())
}

#[test]
fn labels_that_cannot_be_wrong_are_refused() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    place.write("concrete.csv", regression())?;
    let cases: [(&str, &[&str]); 7] = [
        (
            "--model lr --data cancer --corrupt 0",
            &["--corrupt is 0", "nothing to find"],
        ),
        (
            "--model lr --data cancer --corrupt 0.001",
            &["--corrupt is 0.001", "nothing to find"],
        ),
        (
            "--model lr --data cancer --corrupt 1.5",
            &["--corrupt is 1.5", "from 0 to 1"],
        ),
        (
            "--model lr --data cancer --corrupt -1",
            &["--corrupt is -1", "from 0 to 1"],
        ),
        (
            "--model lr --data cancer --corrupt nan",
            &["--corrupt is nan"],
        ),
        (
            "--model autoencoder --data pictures",
            &["--model autoencoder", "no use for labels"],
        ),
        (
            "--data concrete.csv --target strength",
            &["--corrupt: ", "its targets are numbers"],
        ),
    ];
    for (arguments, parts) in cases {
        assert_refused(&place, &format!("mislabel {arguments}"), parts)?;
    }
    Ok(())
}

/// Usage errors are the argument parser's, and take more than a line.
#[test]
fn misuse_is_refused() -> Outcome {
    let place = Place::new()?;
    let cases = [
        ("decompose --shard 3/2", "I from 1 to N"),
        ("decompose --shard 0/2", "I from 1 to N"),
        ("decompose --shard x", "such as 2/5"),
        ("decompose --group 0", "from 1"),
        ("decompose --group 100%", "below 100%"),
        ("decompose --group nan%", "below 100%"),
        ("decompose --learning-rate fast", "`search`"),
        ("decompose --precision f16", "f32, f64"),
        ("decompose --solver newton", "cg, lissa, direct"),
        ("decompose --seed -1", "--seed is -1"),
        ("sweep --values 1", "--over"),
        ("sweep --over speed", "weight-decay"),
        ("sweep --over damping --values nonsense", "--values"),
        // Every example is removed, one at a time.
        ("mislabel --points 3", "'--points'"),
        ("mislabel --group 3", "'--group'"),
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
