//! `backdraft bench products` and `backdraft bench size`.

use std::fs;

use assert_cmd::Command;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::Value;

/// What Linux alone tells.
const TOLD: bool = cfg!(target_os = "linux");

fn run(options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
    let output = command
        .args(["bench", "products"])
        .args(options)
        .assert()
        .success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

/// One run of each, after another.
const QUICK: [&str; 4] = ["--min-runs", "1", "--max-seconds", "0.01"];

fn bench(options: &[&str]) -> String {
    run(&[&QUICK, options].concat())
}

fn parsed(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn lines(options: &[&str]) -> Vec<Value> {
    parsed(&bench(&[&["--json"], options].concat()))
}

#[test]
fn prints_a_line_of_json_for_each_measurement() {
    let lines = lines(&[
        "--workloads",
        "mlp,lenet",
        "--quantities",
        "grad,gnvp_linear,scores",
    ]);
    let named: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["workload"].as_str().unwrap(),
                line["quantity"].as_str().unwrap(),
            )
        })
        .collect();
    let quantities = ["grad", "gnvp_linear", "scores"];
    let expected: Vec<_> = ["mlp", "lenet"]
        .iter()
        .flat_map(|w| quantities.iter().map(move |q| (*w, *q)))
        .collect();
    assert_eq!(named, expected);
    for line in &lines {
        assert_eq!(line["peer"], "backdraft");
        assert_eq!(line["batch"], 128);
        assert!(line["median_ms"].as_f64().unwrap() > 0.0);
        assert!(line["n"].as_u64().unwrap() >= 1);
        assert_eq!(line["threads"], 2);
        let others = line["others_cpu_pct"].as_f64();
        assert_eq!(others.is_some_and(|x| (0.0..=100.0).contains(&x)), TOLD);
        assert_eq!(line["peak_mib"].as_u64().is_some_and(|mib| mib > 0), TOLD);
        assert!(line["floor_ms"].as_f64().unwrap() > 0.0);
        assert!(line["to_floor"].as_f64().unwrap() > 0.0);
        assert_eq!(
            line["examples_per_s"].is_number(),
            line["quantity"] == "scores"
        );
    }
    assert_eq!(lines[0]["params"], 1_863_690);
    assert_eq!(lines[3]["params"], 61_706);
}

#[test]
fn prints_a_table_with_ratios_to_the_gradient() {
    let text = bench(&["--workloads", "lenet", "--quantities", "grad,hvp"]);
    let header = "to grad  to floor  others  peak MiB";
    assert!(text.contains(header), "{text}");
    assert!(text.contains("flex, 2 threads"), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("lenet"))
            .count(),
        2,
        "{text}"
    );
}

#[test]
fn compares_with_the_gradient_whatever_the_order() {
    let measured = lines(&["--workloads", "lenet", "--quantities", "hvp,grad"]);
    let [hvp, grad] = &measured[..] else {
        panic!("two measurements: {measured:?}");
    };
    assert_eq!(
        (&hvp["quantity"], &grad["quantity"]),
        (&"hvp".into(), &"grad".into())
    );
    let number = |line: &Value, field: &str| line[field].as_f64().unwrap();
    assert_eq!(number(grad, "to_grad"), 1.0);
    let ratio = number(hvp, "median_ms") / number(grad, "median_ms");
    // The same numbers, rounded on their way to milliseconds.
    assert!((number(hvp, "to_grad") / ratio - 1.0).abs() < 1e-12);

    let alone = lines(&["--workloads", "lenet", "--quantities", "hvp"]);
    assert_eq!(alone[0]["to_grad"], Value::Null);
}

#[test]
fn computes_on_as_many_threads_as_asked() {
    let one = lines(&[
        "--workloads",
        "lenet",
        "--quantities",
        "grad",
        "--threads",
        "1",
    ]);
    assert_eq!(one[0]["threads"], 1);
    Command::new(env!("CARGO_BIN_EXE_backdraft"))
        .args(["bench", "products", "--threads", "0"])
        .assert()
        .code(2);
}

/// 8 significant bits are off by some thousandths, and sums that cancel by more; that is told.
#[test]
fn tells_the_error_of_products_in_16_bits() {
    let options = ["--workloads", "mlp", "--quantities", "grad,gnvp"];
    let exact = lines(&options);
    assert_eq!(exact[0]["products"], "f32");
    assert_eq!(exact[0]["error"], Value::Null);
    let rough = lines(&[&options[..], &["--products", "bf16"]].concat());
    for line in &rough {
        assert_eq!(line["products"], "bf16");
        let error = line["error"].as_f64().unwrap();
        assert!(error > 1e-4 && error < 0.2, "{line}");
    }
}

/// A language model of few parameters, on sequences of so many words.
fn size(length: &str, options: &[&str]) -> String {
    let small = "--width 8 --layers 6 --heads 2 --vocabulary 20 --examples 4 --length";
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
    let command = command.args(["bench", "size"]).args(small.split(' '));
    let output = command.arg(length).args(options).assert().success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

#[test]
fn tells_what_a_language_model_takes() {
    let text = size("16", &["--quantities", "grad,cg,ekfac", "--batch", "3"]);
    // Words in and out, places, norms, and six layers of attention and perceptron.
    let count = 20 * 8 + 16 * 8 + (8 * 20 + 20) + 2 * 8;
    let layer = 4 * 8 + (8 * 24 + 24) + (8 * 8 + 8) + (8 * 32 + 32) + (32 * 8 + 8);
    let said = format!("{} parameters", backdraft_report::count(count + 6 * layer));
    assert!(text.contains(&said), "{text}");
    for quantity in ["grad", "cg", "ekfac"] {
        assert!(
            text.lines().any(|line| line.starts_with(quantity)),
            "{text}"
        );
    }
}

#[test]
fn tells_that_recomputation_takes_less_memory() {
    let options = ["--json", "--quantities", "grad,gnvp,hvp"];
    let lines = |options: &[&str]| parsed(&size("512", options));
    let (kept, again) = (
        lines(&options),
        lines(&[&options[..], &["--recompute"]].concat()),
    );
    for (kept, again) in kept.iter().zip(&again) {
        let counted = |line: &Value| line["counted_mib"].as_u64().unwrap();
        assert!(2 * counted(again) < counted(kept), "{kept} {again}");
        assert_eq!(
            (&kept["recompute"], &again["recompute"]),
            (&false.into(), &true.into())
        );
        assert_eq!(again["peak_mib"].is_u64(), TOLD);
    }
}

#[test]
fn refuses_a_width_that_heads_do_not_divide() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
    let refused = command.args(["bench", "size", "--width", "10", "--heads", "3"]);
    let refused = refused.assert().code(2);
    let said = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("--heads is 3, of which the width of 10"),
        "{said}"
    );
}

/// The words of a file have the same gradient as those that are held; here, that it is read is what is told.
#[test]
fn reads_words_from_a_file_and_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.safetensors");
    let words: Vec<u8> = (0..6 * 16_u16)
        .flat_map(|i| (i % 20).to_le_bytes())
        .collect();
    let rows = |name| {
        let view = TensorView::new(Dtype::U16, vec![6, 16], &words).unwrap();
        (name, view)
    };
    let write = |names: [&'static str; 2]| {
        fs::write(
            &path,
            safetensors::serialize(names.map(rows), None).unwrap(),
        )
        .unwrap();
    };
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
        let small =
            "bench size --quantities grad,gnvp --width 8 --layers 1 --heads 2 --vocabulary 20";
        let command = command.args(small.split(' '));
        let command = command.args(["--length", "16", "--batch", "4", "--from"]);
        command.arg(&path).assert()
    };
    write(["words", "next"]);
    let output = run().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(
        text.contains("6 sequences of 16 words in batches of 4"),
        "{text}"
    );
    write(["words", "targets"]);
    let output = run().code(2);
    let said = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(
        said.contains("--from") && said.contains("there is no tensor `next`"),
        "{said}"
    );
}
