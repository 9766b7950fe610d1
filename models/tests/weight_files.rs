//! Files of weights that are damaged, and rules for names.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_models::weights::{NameMap, NameMapError, WeightsError, load_into};
use backdraft_models::{Mlp, MlpConfig};
use burn::tensor::Device;

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    folder.join(name)
}

/// 6-8-5-3, as the perceptron of data/make_state_dict.py.
fn perceptron() -> Mlp {
    MlpConfig::new(6, 3)
        .with_hidden(vec![8, 5])
        .init(&Device::flex())
}

fn layers() -> NameMap {
    NameMap::parse(["=layers"]).unwrap()
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = load_into(perceptron(), &path, &layers()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("damaged") && !text.contains('\n'), "{text}");
        error
    };
    for name in ["perceptron.pt", "perceptron.safetensors"] {
        let whole = fs::read(file(name)).unwrap();
        for length in [0, 1, 3, 9, 60, whole.len() / 2, whole.len() - 1] {
            let error = refused(&whole[..length]);
            assert!(
                matches!(
                    error,
                    WeightsError::Malformed { .. } | WeightsError::Format { .. }
                ),
                "{name} cut to {length}: {error}"
            );
        }
    }
    let whole = fs::read(file("perceptron.safetensors")).unwrap();
    let trailing = [&whole[..], b"more"].concat();
    assert!(matches!(refused(&trailing), WeightsError::Malformed { .. }));
    // A flipped bit in the first weights is caught by the archive's check sum.
    let mut flipped = fs::read(file("perceptron.pt")).unwrap();
    let name = b"perceptron/data/0";
    let local = flipped
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    flipped[local + 100] ^= 1;
    let error = refused(&flipped);
    assert!(error.to_string().contains("check sum"), "{error}");

    assert!(matches!(
        refused(b"\x80\x02}q\x00."),
        WeightsError::Malformed { .. }
    ));
    assert!(matches!(
        refused(b"neither of the two"),
        WeightsError::Format { .. }
    ));
    let nowhere = folder.path().join("nowhere.pt");
    assert!(matches!(
        load_into(perceptron(), nowhere, &layers()),
        Err(WeightsError::Read { .. })
    ));
}

#[test]
fn every_byte_of_a_pickle_may_be_wrong() {
    // No damage to the file may do more than be reported: each byte of the list of tensors in turn.
    let whole = fs::read(file("perceptron.pt")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pt");
    let start = whole
        .windows(2)
        .position(|part| part == b"\x80\x02")
        .unwrap();
    // Without check sums the damage is not seen before the pickle is run.
    let mut unsummed = whole.clone();
    for entry in 0..unsummed.len() - 4 {
        if unsummed[entry..].starts_with(b"PK\x01\x02") {
            unsummed[entry + 16..entry + 20].fill(0);
        }
    }
    for place in start..start + 635 {
        let mut damaged = unsummed.clone();
        damaged[place] ^= [0x01, 0x40, 0xff][place % 3];
        fs::write(&path, &damaged).unwrap();
        let _ = load_into(perceptron(), &path, &layers());
    }
    fs::write(&path, &unsummed).unwrap();
    load_into(perceptron(), &path, &layers()).unwrap();
}

#[test]
fn names_are_mapped_by_the_first_rule_that_matches() {
    let names = NameMap::parse([
        "module.fc1=hidden.0",
        "module=",
        r"/^conv(\d+)\.w$/=convs.$1.weight",
        "optimizer=-",
        "/x=y/=z",
    ])
    .unwrap();
    let renamed = |name: &str| names.rename(name);
    assert_eq!(renamed("module.fc1.bias").as_deref(), Some("hidden.0.bias"));
    assert_eq!(renamed("module.fc10.bias").as_deref(), Some("fc10.bias"));
    assert_eq!(renamed("conv12.w").as_deref(), Some("convs.12.weight"));
    assert_eq!(renamed("optimizer.state.0"), None);
    assert_eq!(renamed("ax=yb").as_deref(), Some("azb"));
    assert_eq!(renamed("other").as_deref(), Some("other"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.json");
    fs::write(&path, r#"{"b.a": "first", "b": "second", "/c$/": "d"}"#).unwrap();
    let names = NameMap::from_file(&path).unwrap();
    // In the file's order: the alphabet would try `b` first.
    assert_eq!(names.rename("b.a.w").as_deref(), Some("first.w"));
    assert_eq!(names.rename("b.w").as_deref(), Some("second.w"));
    assert_eq!(names.rename("abc").as_deref(), Some("abd"));
    fs::write(&path, "[1]").unwrap();
    assert!(matches!(
        NameMap::from_file(&path),
        Err(NameMapError::Json { .. })
    ));
    assert!(matches!(
        NameMap::from_file(folder.path().join("nowhere")),
        Err(NameMapError::Read { .. })
    ));
    assert!(matches!(
        NameMap::parse(["old"]),
        Err(NameMapError::NoEquals { rule }) if rule == "old"
    ));
    let pattern = NameMap::parse(["/(/=x"]).unwrap_err();
    assert!(matches!(pattern, NameMapError::Pattern { .. }));
    assert!(!pattern.to_string().contains('\n'), "{pattern}");
}
