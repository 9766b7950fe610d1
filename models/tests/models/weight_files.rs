//! Files of weights that are damaged, and rules for names.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_models::data::cancer;
use backdraft_models::weights::{
    MeasuredMetrics, NameMap, NameMapError, WeightsError, WeightsRecord, encode, encode_with,
    load_into,
};
use backdraft_models::{Metrics, Mlp, MlpConfig};
use burn::nn::LinearConfig;
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
fn what_is_kept_with_weights_comes_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.safetensors");
    let record = WeightsRecord::of(
        &cancer(),
        Some(MeasuredMetrics {
            part: "train".to_owned(),
            rows: 456,
            metrics: Metrics {
                loss: 0.25,
                accuracy: Some(0.875),
                r2: None,
                perplexity: None,
            },
        }),
    );
    assert_eq!((record.task.as_str(), record.columns.len()), ("binary", 30));
    let bytes = encode_with(&perceptron(), &path, &record).unwrap();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(WeightsRecord::read(&path).unwrap(), Some(record.clone()));
    // The weights themselves are as without it, and the bytes the same again.
    let read = load_into(perceptron(), &path, &NameMap::default()).unwrap();
    let again = encode_with(&read, &path, &record).unwrap();
    assert!(again == bytes);
    let plain = encode(&perceptron(), &path).unwrap();
    assert!(encode(&read, &path).unwrap() == plain);

    fs::write(&path, &plain).unwrap();
    assert_eq!(WeightsRecord::read(&path).unwrap(), None);
    assert_eq!(WeightsRecord::read(file("perceptron.pt")).unwrap(), None);
    // A digit of a moment that is none any more.
    let text = br#"\"mean\":\""#;
    let place = bytes.windows(text.len()).position(|it| it == text).unwrap();
    let mut damaged = bytes;
    damaged[place + text.len()] = b'x';
    fs::write(&path, damaged).unwrap();
    let error = WeightsRecord::read(&path).unwrap_err();
    assert!(matches!(error, WeightsError::Malformed { .. }));
    assert!(error.to_string().contains("is no number"), "{error}");
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
    zip(&[("a/data.pkl", pickle)])
}

/// A ZIP archive of plain entries without check sums.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (name, contents) in entries {
        let size = (contents.len() as u32).to_le_bytes();
        // No check sum; packed and plain size; lengths of the name and of the extra field.
        let fields = [&[0; 4], &size[..], &size, &[name.len() as u8, 0, 0, 0]].concat();
        let offset = (file.len() as u32).to_le_bytes();
        file.extend([&b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0"[..], &fields].concat());
        file.extend([name.as_bytes(), contents].concat());
        list.extend([&b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0"[..], &fields].concat());
        list.extend([&[0; 10][..], &offset, name.as_bytes()].concat());
    }
    let sizes = [list.len() as u32, file.len() as u32].map(u32::to_le_bytes);
    let count = entries.len() as u8;
    let end = [
        &b"PK\x05\x06\0\0\0\0"[..],
        &[count, 0, count, 0],
        &sizes.concat(),
        &[0; 2],
    ];
    [file, list, end.concat()].concat()
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
    assert!(reason(b"\x80\x02}.").contains("no tensor is in it"));
    let deep = [&b"\x80\x02)"[..], &[0x85; 1 << 20], b"."].concat();
    assert!(reason(&deep).contains("nested more than 64 deep"));
    // A dictionary that holds itself twice, so that each look at it doubles the looks.
    let looped = reason(b"\x80\x02}q\0X\x01\0\0\0ah\0sX\x01\0\0\0bh\0s.");
    assert!(looped.contains("hold themselves"), "{looped}");
    // A call of what must not be called is only noted.
    assert!(
        reason(b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.").contains("an object of `os system`")
    );
    let quantised = reason(b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_qtensor\n)Rs.");
    assert!(
        quantised.contains("`w` is a tensor of a kind that cannot be read"),
        "{quantised}"
    );
    assert!(reason(b"\x80\x02\x00.").contains("operation 0x00"));
    assert!(reason(b"\x80\x02}").contains("stops early"));
    assert!(reason(b"\x80\x02s.").contains("takes more from its stack"));
}

/// A dictionary with one tensor `weight`, 1x2, of a storage with the key 0; `more` are the last arguments it is rebuilt
/// with.
fn one_tensor(class: &str, more: &[u8]) -> Vec<u8> {
    let storage = format!("(X\x07\0\0\0storagectorch\n{class}\nX\x01\0\0\00X\x03\0\0\0cpuK\x02tQ");
    [
        &b"\x80\x02}X\x06\0\0\0weightctorch._utils\n_rebuild_tensor_v2\n("[..],
        storage.as_bytes(),
        b"K\0K\x01K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)R",
        more,
        b"tRs.",
    ]
    .concat()
}

#[test]
fn the_negative_bit_is_a_sign() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.pt");
    let load = |class: &str, more: &[u8], numbers: &[u8]| {
        let pickle = one_tensor(class, more);
        fs::write(
            &path,
            zip(&[("a/data.pkl", &pickle), ("a/data/0", numbers)]),
        )
        .unwrap();
        let model = LinearConfig::new(2, 1)
            .with_bias(false)
            .init(&Device::flex());
        let model = load_into(model, &path, &NameMap::default());
        model.map(|model| {
            model
                .weight
                .val()
                .into_data()
                .iter::<f64>()
                .collect::<Vec<_>>()
        })
    };
    let single = [1.5_f32, -2.0].map(f32::to_le_bytes).concat();
    let double = [1.5_f64, -2.0].map(f64::to_le_bytes).concat();
    // As torch.save writes `torch.complex(a, b).conj().imag`: the numbers of the storage with the other sign.
    let negative = b"}X\x03\0\0\0neg\x88s";
    for (class, numbers) in [("FloatStorage", &single), ("DoubleStorage", &double)] {
        assert_eq!(load(class, b"", numbers).unwrap(), [1.5, -2.0]);
        assert_eq!(load(class, b"N", numbers).unwrap(), [1.5, -2.0]);
        assert_eq!(load(class, negative, numbers).unwrap(), [-1.5, 2.0]);
    }
    let refused =
        |class, more: &[u8], numbers: &[u8]| load(class, more, numbers).unwrap_err().to_string();
    let error = refused("FloatStorage", b"}X\x04\0\0\0conj\x88s", &single);
    assert!(error.contains("`weight` has a conjugate bit"), "{error}");
    let error = refused("FloatStorage", b"}X\x03\0\0\0odd\x88s", &single);
    assert!(
        error.contains("`weight` has metadata that are not known"),
        "{error}"
    );
    let error = refused("LongStorage", negative, &double);
    assert!(error.contains("`weight` has a negative bit"), "{error}");
    let error = refused("ComplexFloatStorage", b"", &double);
    assert!(
        error.contains("torch ComplexFloatStorage, which cannot be read"),
        "{error}"
    );
}

#[test]
fn what_is_no_state_dictionary_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.pt");
    let text = |file: Vec<u8>| {
        fs::write(&path, file).unwrap();
        let text = load_into(perceptron(), &path, &layers())
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("torch.save(model.state_dict(), FILE)"),
            "{text}"
        );
        assert!(!text.contains("rename"), "{text}");
        text
    };
    let net = b"c__main__\nNet\n)\x81}X\x08\0\0\0_modules}sb";
    let whole = text(archive(&[b"\x80\x02", &net[..], b"."].concat()));
    assert!(
        whole.contains("a whole module of the class `__main__ Net`"),
        "{whole}"
    );
    // With an optimizer's numbers beside it, as checkpoints have them.
    let tensor = one_tensor("FloatStorage", b"");
    let both = [
        &b"\x80\x02"[..],
        b"(}X\x05\0\0\0optim",
        &tensor[2..tensor.len() - 1],
        b"s}X\x05\0\0\0model",
        net,
        b"st.",
    ];
    let both = text(archive(&both.concat()));
    assert!(both.contains("`1.model` is a whole module"), "{both}");
    let script = text(zip(&[
        ("net/data.pkl", b"\x80\x02}."),
        ("net/constants.pkl", b"\x80\x02)."),
    ]));
    assert!(script.contains("is TorchScript"), "{script}");
    let arrays = b"\x80\x02}X\x06\0\0\0weightcnumpy.core.multiarray\n_reconstruct\n)Rs.";
    let arrays = text(archive(arrays));
    assert!(arrays.contains("`weight` is a NumPy array"), "{arrays}");
    let lone = one_tensor("FloatStorage", b"");
    let lone = [
        &b"\x80\x02"[..],
        &lone[b"\x80\x02}X\x06\0\0\0weight".len()..lone.len() - 2],
        b".",
    ]
    .concat();
    let lone = text(archive(&lone));
    assert!(lone.contains("one tensor by itself"), "{lone}");
    assert!(text(zip(&[("arr_0.npy", b"\x93NUMPY")])).contains("without a data.pkl"));
    assert!(text(b"\x93NUMPY\x01\0and more".to_vec()).contains("neither a safetensors"));
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.pt");
    let tensor = one_tensor("FloatStorage", b"");
    // A dictionary in a dictionary and a key with a dot: {"a": {"weight": .., "weight": ..}}.
    let inner = &tensor[3..tensor.len() - 1];
    let twice = [&b"\x80\x02}"[..], inner, inner, b"."].concat();
    fs::write(&path, archive(&twice)).unwrap();
    let error = load_into(perceptron(), &path, &layers())
        .unwrap_err()
        .to_string();
    assert!(error.contains("two tensors are called `weight`"), "{error}");
    // Two entries of an archive.
    let entry = ("a/data.pkl", tensor.as_slice());
    fs::write(&path, zip(&[entry, entry])).unwrap();
    let error = load_into(perceptron(), &path, &layers())
        .unwrap_err()
        .to_string();
    assert!(error.contains("list of contents is damaged"), "{error}");
    // Two keys of safetensors' header.
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    fs::write(&path, [&length[..], &header[..], &[0; 8]].concat()).unwrap();
    let error = load_into(perceptron(), &path, &layers()).unwrap_err();
    assert!(matches!(error, WeightsError::Malformed { .. }), "{error}");
}

#[test]
fn what_rots_is_no_other_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotten");
    let weights = |path: &Path| {
        let model = load_into(perceptron(), path, &layers())?;
        Ok::<_, WeightsError>(encode(&model, path).unwrap())
    };
    let right = weights(&file("perceptron.pt")).unwrap();
    let check = |whole: &[u8], bit: usize| {
        let mut damaged = whole.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).unwrap();
        if let Ok(found) = weights(&path) {
            assert!(found == right, "bit {bit}");
        }
    };
    // All of an archive, a bit of each byte; of safetensors, which have no check sums, each bit of the header.
    let archive = fs::read(file("perceptron.pt")).unwrap();
    (0..archive.len()).for_each(|byte| check(&archive, 8 * byte + byte % 8));
    let tensors = fs::read(file("perceptron.safetensors")).unwrap();
    let header = 8 + usize::from(tensors[0]) + 256 * usize::from(tensors[1]);
    (0..8 * header).for_each(|bit| check(&tensors, bit));
}

#[test]
fn messages_are_short_and_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.pt");
    let name = format!("\u{1b}[2J{}", "n".repeat(70_000));
    let tensor = one_tensor("FloatStorage", b"");
    let renamed = [
        &b"\x80\x02}X"[..],
        &(name.len() as u32).to_le_bytes(),
        name.as_bytes(),
        &tensor[b"\x80\x02}X\x06\0\0\0weight".len()..],
    ];
    fs::write(&path, archive(&renamed.concat())).unwrap();
    let text = load_into(perceptron(), &path, &layers())
        .unwrap_err()
        .to_string();
    assert!(text.len() < 2000 && !text.contains('\u{1b}'), "{text}");
    assert!(
        text.contains(r"layers.\u{1b}[2Jnnn") && text.contains("(70011 characters)"),
        "{text}"
    );
}

#[test]
fn a_folder_or_a_device_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = load_into(perceptron(), folder.path(), &layers())
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is a folder"), "{error}");
    if cfg!(unix) {
        let error = load_into(perceptron(), "/dev/zero", &layers())
            .unwrap_err()
            .to_string();
        assert!(error.contains("neither a file nor a pipe"), "{error}");
    }
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
    // As some editors save it.
    fs::write(&path, "\u{feff}{\"b\": \"second\"}").unwrap();
    let names = NameMap::from_file(&path).unwrap();
    assert_eq!(names.rename("b.w").as_deref(), Some("second.w"));
    fs::write(&path, b"\xff\xfe{\0}\0").unwrap();
    let error = NameMap::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("UTF-16"), "{error}");
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
