//! Label noise.

use backdraft_models::data::{
    Dataset, LabelChange, LabelNoise, NoiseError, Split, cancer, digits, read_csv, read_text,
};
use burn::tensor::Device;
use std::fs;

use crate::embedded::classes;

fn corrupted(mut data: Dataset, fraction: f64, seed: u64) -> (Dataset, LabelNoise) {
    let noise = data.corrupt_labels(fraction, seed).unwrap();
    (data, noise)
}

#[test]
fn exactly_so_many_labels_become_others() {
    let clean = digits();
    let truth = classes(&clean.train);
    for fraction in [0.0, 0.1, 0.25, 1.0] {
        let (data, noise) = corrupted(digits(), fraction, 3);
        let labels = classes(&data.train);
        let expected = (fraction * truth.len() as f64).round() as usize;
        assert_eq!(noise.changes.len(), expected);
        let mask = noise.mask(truth.len());
        for ((label, truth), wrong) in labels.iter().zip(truth).zip(mask) {
            assert_eq!(label != truth, wrong);
            assert!((0..10).contains(label));
        }
        assert!(noise.changes.is_sorted_by_key(|change| change.row));
        for change in &noise.changes {
            assert_eq!(change.truth, truth[change.row]);
            assert_eq!(change.label, labels[change.row]);
            assert_eq!(change.origin, clean.train.origin[change.row]);
        }
        assert_eq!(
            (data.test, data.train.features),
            (clean.test.clone(), clean.train.features.clone())
        );
    }
    // 1438 times 0.0003477 is 0.49999, which rounds to none.
    assert!(corrupted(digits(), 0.0003477, 0).1.changes.is_empty());
    assert_eq!(corrupted(digits(), 0.00034771, 0).1.changes.len(), 1);
}

#[test]
fn other_classes_are_equally_likely() {
    let (_, noise) = corrupted(digits(), 1.0, 11);
    let mut steps = [0_usize; 10];
    for change in &noise.changes {
        steps[((change.label - change.truth).rem_euclid(10)) as usize] += 1;
    }
    assert_eq!(steps[0], 0);
    // Nine counts with mean 1438 / 9 = 160 and standard deviation 12: within five of them.
    assert!(
        steps[1..].iter().all(|count| (100..220).contains(count)),
        "{steps:?}"
    );
    // Of two classes there is only the other.
    let (data, _) = corrupted(cancer(), 1.0, 0);
    let flipped: Vec<i64> = classes(&cancer().train)
        .iter()
        .map(|class| 1 - class)
        .collect();
    assert_eq!(classes(&data.train), flipped);
}

#[test]
fn the_seed_decides() {
    let (first, noise) = corrupted(cancer(), 0.1, 5);
    let (again, same) = corrupted(cancer(), 0.1, 5);
    assert_eq!((again.train, &same), (first.train, &noise));
    assert_ne!(corrupted(cancer(), 0.1, 6).1.changes, noise.changes);
}

#[test]
fn changes_can_be_written_and_read() {
    let (dataset, noise) = corrupted(cancer(), 0.01, 1);
    let json = serde_json::to_string(&noise).unwrap();
    assert_eq!(serde_json::from_str::<LabelNoise>(&json).unwrap(), noise);
    let csv = noise.csv(&dataset).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("train,origin,truth,label,file,row"));
    for change in &noise.changes {
        let [truth, label] =
            [change.truth, change.label].map(|it| ["malignant", "benign"][it as usize]);
        let LabelChange { row, origin, .. } = change;
        let line = format!("{row},{origin},{truth},{label},cancer,{origin}");
        assert_eq!(lines.next(), Some(line.as_str()));
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn what_has_no_classes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t.csv");
    let rows: String = (0..12).map(|row| format!("{row},{row}.5\n")).collect();
    fs::write(&table, format!("x,y\n{rows}")).unwrap();
    let mut numbers = read_csv(&table, Some("y")).unwrap();
    assert!(
        matches!(numbers.corrupt_labels(0.1, 0), Err(NoiseError::Regression { name }) if name == "t")
    );

    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let refused = digits().corrupt_labels(fraction, 0).unwrap_err();
        assert!(matches!(refused, NoiseError::Fraction { .. }), "{refused}");
    }
}

#[test]
fn a_sequence_has_one_token_replaced_where_it_is_read_and_predicted() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["train", "valid", "test"] {
        let text = "some words of a text\n".repeat(20);
        fs::write(folder.path().join(format!("k.{part}.txt")), text).unwrap();
    }
    for length in [1, 4] {
        let text = || read_text(folder.path(), length).unwrap();
        let (data, noise) = corrupted(text(), 0.5, 2);
        let (before, device) = (text().train, Device::flex());
        let all = |split: &Split| -> [Vec<i64>; 2] {
            [split.tokens(&device), split.next_tokens(&device)]
                .map(|it| it.into_data().iter().collect())
        };
        let ([inputs, next], [read, followed]) = (all(&before), all(&data.train));
        assert_eq!(
            noise.changes.len(),
            (before.rows as f64 / 2.0).round() as usize
        );
        let (mut expected_inputs, mut expected_next) = (inputs, next);
        let mut places = std::collections::HashSet::new();
        for change in &noise.changes {
            let place = change.place.unwrap();
            places.insert(place);
            let at = change.row * length + place;
            assert_eq!(expected_next[at], change.truth);
            assert!(change.label != change.truth && change.label < data.task.outputs() as i64);
            expected_next[at] = change.label;
            if length > 1 {
                // Never the last, which the next sequence begins with.
                assert!(place + 1 < length);
                expected_inputs[at + 1] = change.label;
            }
        }
        assert_eq!((read, followed), (expected_inputs, expected_next));
        assert_eq!(places.len(), (length - 1).max(1));
        assert_eq!(corrupted(text(), 0.5, 2).1, noise);
        let csv = noise.csv(&data).unwrap();
        assert!(
            csv.starts_with("train,origin,truth,label,place,file,line\n"),
            "{csv}"
        );
        assert_eq!(csv.lines().count(), 1 + noise.changes.len());
    }
}
