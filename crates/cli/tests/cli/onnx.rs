//! Networks of ONNX files on the command line, end to end.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

/// A folder with an MLP of PyTorch's from five numbers to three classes, and a table of such.
fn place() -> Result<Place, Box<dyn std::error::Error>> {
    let place = Place::new()?;
    for name in ["perceptron_torchscript.onnx", "perceptron_f64.onnx"] {
        fs::copy(fixture(name), place.path().join(name))?;
    }
    place.write("table.csv", table(5))?;
    place.write("narrow.csv", table(4))?;
    place.write(
        "numbers.csv",
        "a,b,c,d,e,f\n".to_owned() + &"1,2,3,4,5,6\n2,3,4,5,6,8\n".repeat(6),
    )?;
    Ok(place)
}

fn fixture(name: &str) -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    crates.join("onnx/tests/fixtures").join(name)
}

/// Sixty rows of so many numbers, and which third the first of them is in.
fn table(columns: usize) -> String {
    let mut text = String::new();
    for column in 0..columns {
        text.push_str(&format!("x{column},"));
    }
    text.push_str("class\n");
    for row in 0..60_usize {
        for column in 0..columns {
            let number = ((row * 7 + column * 13) % 30) as f64 / 10.0 - 1.5;
            text.push_str(&format!("{number},"));
        }
        text.push_str(&format!("c{}\n", row * 7 % 30 / 10));
    }
    text
}

fn record(place: &Place, file: &str) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(serde_json::from_slice(&fs::read(place.path().join(file))?)?)
}

const DATA: &str = "--onnx perceptron_torchscript.onnx --data table.csv --target class";

#[test]
fn parameters_are_listed_by_their_names_and_chosen_by_them() -> Outcome {
    let place = place()?;
    let done = place
        .backdraft("models --onnx perceptron_torchscript.onnx")
        .assert()
        .success();
    let said = String::from_utf8(done.get_output().stdout.clone())?;
    assert!(
        said.contains("layers.0.weight") && said.contains("layers.5.bias"),
        "{said}"
    );
    // The last layer: 6 x 3 weights and 3 biases. It is as it was: nothing is trained.
    let explain = format!("explain {DATA} --verify-removals 3");
    place
        .backdraft(&format!("{explain} --only layers.5 --out last"))
        .assert()
        .success();
    let last = record(&place, "last/run.json")?;
    assert_eq!(last["sizes"]["parameters"], 21);
    assert_eq!(last["settings"]["model"], "onnx");
    assert_eq!(
        last["settings"]["weights"]["file"],
        "perceptron_torchscript.onnx"
    );
    place
        .backdraft(&format!("{explain} --out all"))
        .assert()
        .success();
    let all = record(&place, "all/run.json")?;
    assert!(all["sizes"]["parameters"].as_u64() > Some(21));
    // Others are another run.
    assert_refused(
        &place,
        &format!("{explain} --only layers.0 --out last"),
        &["last holds", "--overwrite"],
    )
}

#[test]
fn a_network_is_audited_trained_on_and_taken_apart() -> Outcome {
    let place = place()?;
    place.write("fix.csv", "train,fix\n3,remove\n5,c0\n")?;
    for command in [
        format!("audit {DATA} --fix fix.csv --out audit"),
        format!("train {DATA} --epochs 2 --out trained"),
        format!("decompose {DATA} --epochs 2 --points 2 --tests 2 --out taken"),
        "explain --onnx perceptron_f64.onnx --data table.csv --target class --precision f64 --verify none --out double"
            .to_owned(),
        "compare --onnx perceptron_torchscript.onnx --devices flex,ndarray --quantities outputs,gnvp,scores".to_owned(),
    ] {
        place.backdraft(&command).assert().success();
    }
    let corrections = &record(&place, "audit/run.json")?["corrections"];
    assert!(corrections["as_given"]["test"]["loss"].is_number());
    // What was trained is a file of weights of that network.
    place
        .backdraft(&format!(
            "explain {DATA} --weights trained/last.safetensors --verify none --out again"
        ))
        .assert()
        .success();
    Ok(())
}

#[test]
fn what_does_not_fit_is_told() -> Outcome {
    let place = place()?;
    place.write("text.onnx", "no ONNX file")?;
    for (command, words) in [
        (
            "explain --onnx none.onnx --data table.csv --target class",
            &["--onnx", "none.onnx", "cannot be read"] as &[&str],
        ),
        (
            "explain --onnx text.onnx --data table.csv --target class",
            &["--onnx", "text.onnx", "is no ONNX file"],
        ),
        (
            "explain --onnx perceptron_torchscript.onnx --data narrow.csv --target class",
            &["--onnx", "reads 5 numbers an example", "has 4"],
        ),
        (
            "audit --onnx perceptron_torchscript.onnx --data numbers.csv --target f --task regression",
            &["--onnx", "gives 3 outputs an example", "needs 1"],
        ),
        (
            &format!("explain {DATA} --only layers.9"),
            &["--only", "`layers.9`", "layers.0.weight"],
        ),
        (
            &format!("unlearn {DATA}"),
            &["--onnx", "tells neither the steps"],
        ),
        (&format!("shapley {DATA}"), &["--onnx", "gives one network"]),
        ("models --onnx text.onnx", &["is no ONNX file"]),
    ] {
        assert_refused(&place, command, words)?;
    }
    let both = place
        .backdraft(&format!("explain {DATA} --model lr"))
        .assert()
        .failure();
    let said = String::from_utf8(both.get_output().stderr.clone())?;
    assert!(
        said.contains("--model") && said.contains("--onnx"),
        "{said}"
    );
    Ok(())
}
