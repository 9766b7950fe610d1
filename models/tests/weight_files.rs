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

/// A file of torch.save's kind with one entry, a pickle, of whatever it likes.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let name = b"a/data.pkl";
    let size = (pickle.len() as u32).to_le_bytes();
    // No check sum; packed and plain size; lengths of the name and of the extra field.
    let fields = [&[0; 4], &size[..], &size, &[10, 0, 0, 0]].concat();
    let local = [
        &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..],
        &fields,
        name,
        pickle,
    ]
    .concat();
    let entry = [
        &b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..],
        &fields,
        &[0; 14],
        name,
    ]
    .concat();
    let sizes = [entry.len() as u32, local.len() as u32].map(u32::to_le_bytes);
    let end = [
        &b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..],
        &sizes.concat(),
        &[0; 2],
    ];
    [local, entry, end.concat()].concat()
}

#[test]
fn pickles_of_bad_will_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.pt");
    let reason = |pickle: &[u8]| {
        fs::write(&path, archive(pickle)).unwrap();
        match load_into(perceptron(), &path, &layers()) {
            Err(WeightsError::Malformed { reason, .. }) => reason,
            Err(WeightsError::Mismatch { mismatch, .. }) => mismatch.to_string(),
            other => panic!("{other:?}"),
        }
    };
    // An empty dictionary, and tuples a million deep: no tensor, and no stack used up.
    assert!(reason(b"\x80\x02}.").contains("the file lacks layers.0.weight"));
    let deep = [&b"\x80\x02)"[..], &[0x85; 1 << 20], b"."].concat();
    assert!(reason(&deep).contains("the file lacks"));
    // A dictionary that holds itself twice, so that each look at it doubles the looks.
    let looped = reason(b"\x80\x02}q\0X\x01\0\0\0ah\0sX\x01\0\0\0bh\0s.");
    assert!(looped.contains("hold themselves"), "{looped}");
    // A call of what must not be called is only noted.
    assert!(reason(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.").contains("the file lacks"));
    let quantised = reason(b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_qtensor\n)Rs.");
    assert!(
        quantised.contains("`w` is a tensor of a kind that cannot be read"),
        "{quantised}"
    );
    assert!(reason(b"\x80\x02\x00.").contains("operation 0x00"));
    assert!(reason(b"\x80\x02}").contains("stops early"));
    assert!(reason(b"\x80\x02s.").contains("takes more from its stack"));
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
