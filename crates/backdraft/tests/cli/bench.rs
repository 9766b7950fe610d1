//! `backdraft bench products`.

use assert_cmd::Command;
use serde_json::Value;

fn bench(options: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdraft"));
    let quick = ["--min-runs", "1", "--max-seconds", "0.01"];
    let output = command
        .args(["bench", "products"])
        .args(quick)
        .args(options)
        .assert()
        .success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

#[test]
fn prints_a_line_of_json_for_each_measurement() {
    let text = bench(&[
        "--json",
        "--workloads",
        "mlp,lenet",
        "--quantities",
        "grad,gnvp_linear,scores",
    ]);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
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
    assert!(text.contains("to grad  to floor"), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("lenet"))
            .count(),
        2,
        "{text}"
    );
    let told = cfg!(not(target_os = "linux")) || text.contains("peak memory ");
    assert!(told, "{text}");
}

#[test]
fn knows_the_larger_networks() {
    let text = bench(&[
        "--json",
        "--workloads",
        "transformer,resnet20",
        "--quantities",
        "scores",
    ]);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sizes: Vec<_> = lines
        .iter()
        .map(|line| (line["batch"].clone(), line["params"].clone()))
        .collect();
    let expected = [(20, 6_718_992), (128, 269_722)];
    let expected = expected.map(|(batch, params)| (Value::from(batch), Value::from(params)));
    assert_eq!(sizes, expected);
}
