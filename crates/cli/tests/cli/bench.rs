//! `backdraft bench products`.

use assert_cmd::Command;
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
