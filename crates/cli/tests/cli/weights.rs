//! Weights from files. data/make_digits.py made those of PyTorch.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use backdraft_report::{Report, ScoreRecord};
use predicates::{prelude::PredicateBooleanExt, str::contains};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde_json::{Value, json};

use crate::data::write_pictures;
use crate::place::{Outcome, Place};
use crate::refusals::assert_refused;

const MODEL: &str = "model.safetensors";

/// Digits with the weights that PyTorch trained on them, in a place of their own.
fn digits() -> Result<Place, Box<dyn Error>> {
    let place = Place::new()?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pictures");
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        place.write(&format!("pictures/{name}"), fs::read(entry.path())?)?;
    }
    Ok(place)
}

type Tensors = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

/// The tensors of a safetensors file: shapes and bytes.
fn tensors(bytes: &[u8]) -> Result<Tensors, Box<dyn Error>> {
    let file = SafeTensors::deserialize(bytes)?;
    let tensors = file.iter().map(|(name, view)| {
        let contents = (view.shape().to_vec(), view.data().to_vec());
        (name.to_owned(), contents)
    });
    Ok(tensors.collect())
}

fn read(place: &Place, path: &str) -> std::io::Result<Vec<u8>> {
    fs::read(place.path().join(path))
}

fn record(place: &Place, out: &str) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_slice(&read(
        place,
        &format!("{out}/train.json"),
    )?)?)
}

#[test]
fn what_pytorch_trained_is_explained() -> Outcome {
    let place = digits()?;
    let mut runs = Vec::new();
    for (file, out) in [("weights.pt", "a"), ("weights.safetensors", "b")] {
        let arguments = format!(
            "--data pictures --hidden 12,8 --queries 3,9 --weights pictures/{file} --map =layers"
        );
        let run = place.explain(&arguments, out)?;
        // As the script printed. In 32 bits the losses come out to about 1e-7.
        for (path, expected) in [
            ("/metrics/train/loss", 0.028_767_040_6),
            ("/metrics/test/loss", 0.298_580_467_7),
            ("/metrics/gradient_norm", 0.036_393_156_8),
        ] {
            let found = run.number(path);
            assert!((found - expected).abs() < 1e-6, "{path}: {found}");
        }
        assert_eq!(run.number("/metrics/test/accuracy"), 0.91);
        assert!(run.stdout.contains("L2 term: norm 3.64e-2"));
        assert!(run.number("/verification/pearson") > 0.95);

        // Nothing is told of a training that was not.
        let settings = &run.record["settings"];
        assert_eq!(settings["training"], Value::Null);
        assert_eq!(settings["weights"]["file"], format!("pictures/{file}"));
        assert_eq!(settings["weights"]["map"], json!(["=layers"]));
        let timings = run.record["timings"].as_array().ok_or("no timings")?;
        assert!(timings.iter().all(|it| it["stage"] != "train"));
        let report = String::from_utf8(run.file(Report::FILE)?)?;
        assert!(report.contains(&format!("from pictures/{file}, renamed by =layers")));

        // The layers of the nn.Sequential are 1, 3 and 5.
        let mut expected = Tensors::new();
        for (name, tensor) in tensors(&read(&place, "pictures/weights.safetensors")?)? {
            let (layer, rest) = name.split_at(1);
            let layer = layer.parse::<usize>()? / 2;
            expected.insert(format!("layers.{layer}{rest}"), tensor);
        }
        assert!(tensors(&run.file(MODEL)?)? == expected);
        runs.push(run);
    }
    let fingerprint = "/settings/weights/fingerprint";
    let of = |run: usize| runs[run].record.pointer(fingerprint).cloned();
    assert!(of(0).is_some() && of(0) == of(1));
    for name in [ScoreRecord::FILE, MODEL] {
        assert!(runs[0].file(name)? == runs[1].file(name)?, "{name}");
    }
    Ok(())
}

#[test]
fn what_was_written_is_read_back() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;

    // The same model, and the same scores, as in the run that trained it.
    let lr = "--model lr --data cancer";
    let trained = place.explain(lr, "trained")?;
    let again = place.explain(&format!("{lr} --weights trained/{MODEL}"), "again")?;
    for name in [MODEL, ScoreRecord::FILE, ScoreRecord::TOP_FILE] {
        assert!(again.file(name)? == trained.file(name)?, "{name} differs");
    }
    assert_eq!(again.record["metrics"], trained.record["metrics"]);
    assert_eq!(trained.record["settings"]["weights"], Value::Null);

    let train = "train --model mlp --data pictures --hidden 9 --epochs 3 --out mlp";
    place.backdraft(train).assert().success();
    let explain = "--data pictures --hidden 9 --weights mlp/last.safetensors --queries 7";
    let run = place.explain(explain, "explained")?;
    assert!(run.file(MODEL)? == read(&place, "mlp/last.safetensors")?);
    let results = &record(&place, "mlp")?["results"];
    for part in ["train", "test"] {
        let loss = &run.record["metrics"][part]["loss"];
        assert_eq!(*loss, results[part]["loss"], "{part}");
    }
    Ok(())
}

#[test]
fn training_goes_on_from_a_file() -> Outcome {
    let place = Place::new()?;
    write_pictures(&place, "pictures", true)?;
    for model in ["lenet", "resnet20"] {
        let train = format!("train --model {model} --data pictures --epochs 1");
        place
            .backdraft(&format!("{train} --out {model}"))
            .assert()
            .success();
        // Steps too small to change a weight.
        let still = "--learning-rate 1e-30 --weight-decay 0";
        let from = format!("--weights {model}/last.safetensors");
        place
            .backdraft(&format!("{train} {still} {from} --out {model}-2"))
            .assert()
            .success();
        let [before, after] = [model.to_owned(), format!("{model}-2")]
            .map(|out| read(&place, &format!("{out}/last.safetensors")));
        let (mut before, mut after) = (tensors(&before?)?, tensors(&after?)?);
        // Those of batch norm, which every pass changes.
        let running = |name: &str| name.contains("running_");
        assert_eq!(before.keys().any(|name| running(name)), model == "resnet20");
        before.retain(|name, _| !running(name));
        after.retain(|name, _| !running(name));
        assert!(before == after, "{model}");
    }

    // The weights are among the settings: their contents, not only where they lay.
    let train = "train --model lr --data cancer --out lr";
    let other = "train --model lr --data cancer --weight-decay 0.1 --out other";
    place.backdraft(train).assert().success();
    place.backdraft(other).assert().success();
    fs::copy(
        place.path().join("lr/last.safetensors"),
        place.path().join("w.safetensors"),
    )?;
    let more = "train --model lr --data cancer --weights w.safetensors --out more";
    place
        .backdraft(more)
        .assert()
        .success()
        .stdout(contains("weights from w.safetensors"));
    let file = &record(&place, "more")?["settings"]["weights"];
    assert_eq!(file["file"], "w.safetensors");
    // The log begins where the other training ended.
    let log = String::from_utf8(read(&place, "more/log.jsonl")?)?;
    let first: Value = serde_json::from_str(log.lines().next().ok_or("no log")?)?;
    let first = first["train_loss"].as_f64().ok_or("no loss")?;
    let last = record(&place, "lr")?["results"]["train"]["loss"].as_f64();
    assert!(
        (first - last.ok_or("no loss")?).abs() < 1e-6,
        "{first} after {last:?}"
    );
    place
        .backdraft(more)
        .assert()
        .success()
        .stdout(contains("which has ended"));
    place
        .backdraft("train --model lr --data cancer --out more")
        .assert()
        .code(2)
        .stderr(contains("weights was {").and(contains("not null")));
    fs::copy(
        place.path().join("other/last.safetensors"),
        place.path().join("w.safetensors"),
    )?;
    place
        .backdraft(more)
        .assert()
        .code(2)
        .stderr(contains("weights.fingerprint was").and(contains("--overwrite")));
    Ok(())
}

#[test]
fn damaged_weights_of_ours_are_refused() -> Outcome {
    let place = Place::new()?;
    let explain = "explain --model lr --data cancer --queries 0 --verify none";
    let train = "train --model lr --data cancer --out trained";
    place
        .backdraft(&format!("{explain} --out run"))
        .assert()
        .success();
    place.backdraft(train).assert().success();
    for file in ["run/model.safetensors", "trained/best.safetensors"] {
        let whole = read(&place, file)?;
        // Under another name they are what they were.
        place.write("w.safetensors", &whole)?;
        let command = format!("{explain} --weights w.safetensors");
        place
            .backdraft(&format!("{command} --out {file}-again"))
            .assert()
            .success();
        for part in 0..24 {
            let at = part * (whole.len() - 1) / 23;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (part % 8);
            place.write("w.safetensors", flipped)?;
            assert_refused(&place, &command, &["--weights", "w.safetensors"])?;
        }
        // In the mark itself.
        let text = String::from_utf8_lossy(&whole[..200]).into_owned();
        let mark = text.find("digest").ok_or("no digest")?;
        let mut flipped = whole.clone();
        flipped[8 + (mark - text.find("{").ok_or("no header")?)] ^= 1;
        place.write("w.safetensors", flipped)?;
        assert_refused(&place, &command, &["w.safetensors is damaged", "digest"])?;
        place.write("w.safetensors", &whole[..whole.len() - 4])?;
        assert_refused(&place, &command, &["w.safetensors is damaged", "digest"])?;
    }
    Ok(())
}

/// A weight of 12 on one feature: the scores of sure queries are those of the closed form, and where f32 ends that is
/// said.
#[test]
fn sure_queries_have_scores() -> Outcome {
    let place = Place::new()?;
    let train = [
        (-1.5, 0.0),
        (-0.25, 0.0),
        (-0.125, 1.0),
        (0.25, 0.0),
        (0.5, 1.0),
        (2.0, 1.0),
        (-4.0, 1.0),
    ];
    let tested = [
        (1.25, 1.0),
        (1.875, 1.0),
        (-3.375, 0.0),
        (4.0, 1.0),
        (8.75, 1.0),
    ];
    for (name, rows) in [("train.csv", &train[..]), ("test.csv", &tested)] {
        let rows = rows.iter().map(|(x, t)| format!("{x},{t}\n"));
        place.write(name, format!("x,t\n{}", rows.collect::<String>()))?;
    }
    let tensor = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.to_vec(), bytes);
    let (twelve, zero) = (12_f32.to_le_bytes(), 0_f32.to_le_bytes());
    let tensors = [
        ("linear.weight", tensor(&[1, 1], &twelve)?),
        ("linear.bias", tensor(&[1], &zero)?),
    ];
    place.write("w.safetensors", serialize(tensors, None)?)?;

    let damping = 1e-3;
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    // Of the loss in weight and bias, without a difference of what is nearly equal.
    let gradient = |(x, t): (f64, f64)| {
        let slope = if t == 1.0 {
            -sigmoid(-12.0 * x)
        } else {
            sigmoid(12.0 * x)
        };
        [slope * x, slope]
    };
    let n = train.len() as f64;
    let mut g = [damping, 0.0, damping];
    for (x, _) in train {
        let variance = sigmoid(12.0 * x) * sigmoid(-12.0 * x) / n;
        for (sum, term) in g.iter_mut().zip([x * x, x, 1.0]) {
            *sum += variance * term;
        }
    }
    let determinant = g[0] * g[2] - g[1] * g[1];
    let score = |query, example| {
        let ([a, b], [c, d]) = (gradient(query), gradient(example));
        let solved = [
            (g[2] * a - g[1] * b) / determinant,
            (g[0] * b - g[1] * a) / determinant,
        ];
        (solved[0] * c + solved[1] * d) / n
    };
    let command = "--model lr --data train.csv --test test.csv --target t --inputs raw --weights w.safetensors --damping 0.001 \
                   --queries 0-4 --verify none --solver direct";
    // The last logit is 105, whose other probability f32 does not hold.
    for (precision, queries, bound) in [("f32", 4, 2e-5), ("f64", 5, 1e-12)] {
        let run = place.explain(&format!("{command} --precision {precision}"), precision)?;
        for (row, &query) in tested[..queries].iter().enumerate() {
            for (&example, &found) in train.iter().zip(&run.scores[row]) {
                let right = score(query, example);
                assert!(
                    (found / right - 1.0).abs() < bound,
                    "{query:?} {example:?}: {found} {right}"
                );
            }
        }
    }
    let said = place
        .backdraft(&format!("explain {command} --out again"))
        .assert()
        .success();
    let said = String::from_utf8(said.get_output().stderr.clone())?;
    assert!(
        said.contains("query 4: the largest number of its gradient is 0.0e0, where f32 ends"),
        "{said}"
    );
    assert!(said.contains("--precision f64 has more"), "{said}");
    for query in 0..3 {
        assert!(!said.contains(&format!("query {query}:")), "{said}");
    }
    Ok(())
}

#[test]
fn weights_that_do_not_fit_are_refused() -> Outcome {
    let place = digits()?;
    let good = read(&place, "pictures/weights.safetensors")?;
    place.write("cut.safetensors", &good[..good.len() - 1])?;
    place.write("text.pt", "these are no weights")?;
    let mut nan = good;
    let end = nan.len() - 4;
    nan[end..].copy_from_slice(&f32::NAN.to_le_bytes());
    place.write("nan.safetensors", nan)?;

    let fits = "--hidden 12,8 --weights pictures/weights.pt";
    let cases: [(&str, &[&str]); 9] = [
        (
            "--weights nowhere.pt",
            &[
                "--weights nowhere.pt: cannot be read",
                "check that it exists",
            ],
        ),
        (
            "--weights text.pt",
            &["text.pt: neither a safetensors file"],
        ),
        (
            "--weights cut.safetensors",
            &["cut.safetensors: not a readable safetensors file"],
        ),
        (
            "--hidden 12,8 --weights nan.safetensors --map =layers",
            &["nan.safetensors: number 79 ", "is NaN", "must be finite"],
        ),
        (
            fits,
            &[
                "the file lacks layers.0.weight [12, 64] (nearest: 1.weight)",
                "the model lacks 1.bias",
                "rename with OLD=NEW",
                "with --map",
            ],
        ),
        (
            "--hidden 12,9 --weights pictures/weights.pt --map =layers",
            &[
                "layers.1.weight is [8, 12] f32, the model's [9, 12] f32",
                "take a model of the file's shape",
            ],
        ),
        (
            "--hidden 12,8 --weights pictures/weights.pt --map /[0-9]/=layers.0",
            &["`1.bias` and `3.bias` would both be called", "--map"],
        ),
        (
            "--hidden 12,8 --weights pictures/weights.pt --map layers",
            &["--map `layers` is no rule", "OLD=NEW"],
        ),
        (
            "--hidden 12,8 --weights pictures/weights.pt --map /(/=layers",
            &["--map `/(/` is no regular expression"],
        ),
    ];
    for command in ["explain", "train"] {
        for (arguments, parts) in cases {
            let arguments = format!("{command} --data pictures {arguments} --out out");
            assert_refused(&place, &arguments, parts)?;
        }
        place
            .backdraft(&format!("{command} --data pictures --map =layers"))
            .assert()
            .code(2)
            .stderr(contains("--weights <FILE>"));
    }
    Ok(())
}
