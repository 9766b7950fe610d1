//! The reader of text in the layout of the Penn Treebank files, its vocabulary and the unigram baseline.

use std::fs;
use std::path::PathBuf;

use backdraft_models::data::{
    At, DataProblem, Dataset, ExampleShape, SEQUENCE, Split, Targets, TextProblem, Unigram, load,
    read_text,
};
use backdraft_test_support::{gzip, shared_data};
use burn::tensor::Device;
use tempfile::TempDir;

use crate::problem;

const TRAIN: &str = " the cat sat \n the <unk> sat on the mat \n";
const VALID: &str = "the dog sat\n";
const TEST: &str = "a cat on the mat\r\nsat";

fn small() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, text) in [("train", TRAIN), ("valid", VALID), ("test", TEST)] {
        write(&folder, part, text.as_bytes());
    }
    folder
}

fn write(folder: &TempDir, part: &str, bytes: &[u8]) {
    fs::write(folder.path().join(format!("tiny.{part}.txt")), bytes).unwrap();
}

fn targets(split: &Split) -> &[i64] {
    match &split.targets {
        Targets::Tokens { ids, .. } => ids,
        _ => panic!("text has tokens for targets"),
    }
}

/// The words of inputs and of targets, row by row.
fn words(data: &Dataset, split: &Split) -> Vec<[String; 2]> {
    let vocabulary = data.task.classes();
    let speak = |ids: Vec<usize>| {
        let words: Vec<&str> = ids.into_iter().map(|id| &*vocabulary[id]).collect();
        words.join(" ")
    };
    let row = |row: usize| {
        let inputs = split.row(row).iter().map(|&id| id as usize);
        let next = targets(split).chunks_exact(split.columns).nth(row).unwrap();
        let next = next.iter().map(|&id| id as usize);
        [speak(inputs.collect()), speak(next.collect())]
    };
    (0..split.rows).map(row).collect()
}

#[test]
fn the_vocabulary_is_the_training_parts() {
    let data = read_text(small().path(), 3).unwrap();
    assert_eq!(data.name, "tiny");
    // the 3, sat 2, <eos> 2, and the rest once, by alphabet where equal.
    assert_eq!(
        data.task.classes(),
        ["the", "<eos>", "sat", "<unk>", "cat", "mat", "on"]
    );
    assert_eq!(data.task.outputs(), 7);
    assert_eq!(data.shape, ExampleShape::Tokens { length: 3 });
    assert_eq!(data.features, ["t0", "t1", "t2"]);

    let folder = small();
    write(&folder, "train", b"b a\n\nb a\n");
    let data = read_text(folder.path(), 1).unwrap();
    // An empty line is a token too, and the unknown word is always there.
    assert_eq!(data.task.classes(), ["<eos>", "a", "b", "<unk>"]);
}

#[test]
fn sequences_have_their_next_tokens() {
    let data = read_text(small().path(), 3).unwrap();
    let pairs = |rows: &[[&str; 2]]| -> Vec<[String; 2]> {
        rows.iter().map(|row| row.map(str::to_owned)).collect()
    };
    // Eleven tokens: three examples of three, and one token left over after the last target.
    assert_eq!(
        words(&data, &data.train),
        pairs(&[
            ["the cat sat", "cat sat <eos>"],
            ["<eos> the <unk>", "the <unk> sat"],
            ["sat on the", "on the mat"],
        ])
    );
    let valid = data.valid.as_ref().unwrap();
    assert_eq!(
        words(&data, valid),
        pairs(&[["the <unk> sat", "<unk> sat <eos>"]])
    );
    assert_eq!(
        words(&data, &data.test),
        pairs(&[
            ["<unk> cat on", "cat on the"],
            ["the mat <eos>", "mat <eos> sat"],
        ])
    );
    assert_eq!(data.train.origin, [0, 1, 2]);
    // The second example begins with the end of the first line.
    let lines = [0, 1, 2].map(|row| data.train_place(row).at);
    assert_eq!(lines, [1, 1, 2].map(|line| Some(At::Line(line))));
    // The token after each, which may be on the next line.
    let next =
        [(0, 2), (1, 0), (2, 2)].map(|(row, place)| data.train_source.next_token_line(row, place));
    assert_eq!(next, [Some(1), Some(2), Some(2)]);
    assert!(data.test_place(1).file.ends_with("tiny.test.txt"));
    assert_eq!(data.test_place(1).at, Some(At::Line(1)));
    assert_eq!(data.train.targets.len(), 3);

    let device = Device::flex();
    let picked = data.train.select(&[2, 0]);
    assert_eq!(words(&data, &picked)[1], words(&data, &data.train)[0]);
    let inputs: Vec<i64> = picked.tokens(&device).into_data().iter().collect();
    let floats: Vec<i64> = picked.features.iter().map(|&id| id as i64).collect();
    assert_eq!((picked.tokens(&device).dims(), inputs), ([2, 3], floats));
    let next: Vec<i64> = picked.next_tokens(&device).into_data().iter().collect();
    assert_eq!(next, targets(&picked));
}

#[test]
fn the_unigram_baseline_is_worked_out() {
    let data = read_text(small().path(), 3).unwrap();
    let unigram = Unigram::of(&data.train, 7).unwrap();
    // Targets of training: cat, sat 2, <eos>, the 2, <unk>, on, mat: nine, and seven tokens in the vocabulary.
    let p = |count: f64| (count + 1.0) / 16.0;
    // Targets of the valid part: <unk>, sat, <eos>.
    let expected = (p(1.0) * p(2.0) * p(1.0)).powf(-1.0 / 3.0);
    let found = unigram.perplexity(data.valid.as_ref().unwrap()).unwrap();
    assert!(
        (found - expected).abs() < 1e-12 * expected,
        "{found} {expected}"
    );
    let labelled = backdraft_models::data::cancer();
    assert_eq!(Unigram::of(&labelled.train, 2), None);
    assert_eq!(unigram.perplexity(&labelled.train), None);
}

#[test]
fn gzipped_parts_are_the_same() {
    let folder = small();
    let plain = read_text(folder.path(), 2).unwrap();
    fs::remove_file(folder.path().join("tiny.train.txt")).unwrap();
    let path = folder.path().join("tiny.train.txt.gz");
    fs::write(&path, gzip(TRAIN.as_bytes())).unwrap();
    let packed = read_text(folder.path(), 2).unwrap();
    assert_eq!((packed.train, packed.task), (plain.train, plain.task));
    fs::write(&path, "plain").unwrap();
    assert!(matches!(
        problem(read_text(folder.path(), 2)),
        Some(DataProblem::CorruptGzip { .. })
    ));
}

fn error(folder: &TempDir, sequence: usize) -> (PathBuf, TextProblem) {
    let error = read_text(folder.path(), sequence).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(text.contains(&*folder.path().to_string_lossy()), "{text}");
    match error.problem {
        DataProblem::Text(problem) => (error.path, problem),
        other => panic!("a problem of text was expected: {other}"),
    }
}

#[test]
fn broken_texts_are_named() {
    let folder = small();
    write(&folder, "valid", b"fine\nalso fine\nbad \xff here\n");
    assert!(matches!(
        error(&folder, 2),
        (path, TextProblem::NotUtf8 { line: 3, byte: 19 }) if path.ends_with("tiny.valid.txt")
    ));
    write(&folder, "valid", b" \n\n");
    assert!(matches!(error(&folder, 2).1, TextProblem::Empty));
    write(&folder, "valid", b"two words\n");
    assert!(matches!(
        error(&folder, 3).1,
        TextProblem::TooShort {
            tokens: 3,
            needed: 4,
            ..
        }
    ));
    assert!(matches!(error(&folder, 0).1, TextProblem::NoSequence));
    assert!(matches!(
        error(&folder, usize::MAX).1,
        TextProblem::TooShort { .. }
    ));
    fs::remove_file(folder.path().join("tiny.test.txt")).unwrap();
    assert!(matches!(
        error(&folder, 2).1,
        TextProblem::MissingPart { part: "test", .. }
    ));
    fs::write(folder.path().join("other.test.txt"), TEST).unwrap();
    assert!(matches!(
        error(&folder, 2).1,
        TextProblem::Several { names, .. } if names == ["other", "tiny"]
    ));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        error(&empty, 2).1,
        TextProblem::MissingPart { .. }
    ));
}

#[test]
fn load_recognises_text() {
    let folder = small();
    assert!(
        matches!(problem(load(folder.path(), None)), Some(DataProblem::Text(TextProblem::TooShort { needed, .. })) if needed == SEQUENCE + 1)
    );
    assert!(matches!(
        problem(load(folder.path(), Some("y"))),
        Some(DataProblem::UnexpectedTarget { .. })
    ));
    assert!(matches!(
        problem(load(folder.path().join("tiny.train.txt"), None)),
        Some(DataProblem::FileOfFolder { .. })
    ));
}

#[test]
fn the_bible_is_read() {
    let Some(folder) = shared_data("text") else {
        return;
    };
    let data = load(&folder, None).unwrap();
    assert_eq!(data.name, "kjv");
    // All figures were counted by a script of a few lines in another language.
    assert_eq!(data.task.outputs(), 9729);
    assert_eq!(data.task.classes()[..4], ["the", "and", "of", "<eos>"]);
    let valid = data.valid.as_ref().unwrap();
    assert_eq!(
        [&data.train, valid, &data.test].map(|split| split.rows),
        [746_696 / 35, 35_189 / 35, 38_898 / 35]
    );
    let unigram = Unigram::of(&data.train, data.task.outputs()).unwrap();
    for (split, expected) in [
        (&data.train, 361.0383592776388),
        (valid, 468.79664934080245),
        (&data.test, 452.60476554052485),
    ] {
        let perplexity = unigram.perplexity(split).unwrap();
        // Sums of up to 746,000 logarithms, each rounded.
        assert!((perplexity / expected - 1.0).abs() < 1e-10, "{perplexity}");
    }
}

#[test]
fn marks_and_ends_of_lines_are_no_words() {
    let right = read_text(small().path(), 3).unwrap();
    let folder = small();
    for (part, text) in [("train", TRAIN), ("valid", VALID), ("test", TEST)] {
        let text = text.replace("\r\n", "\n").replace('\n', "\r");
        write(&folder, part, format!("\u{feff}{text}").as_bytes());
    }
    let data = read_text(folder.path(), 3).unwrap();
    assert_eq!(data.task.classes(), right.task.classes());
    assert_eq!((data.train, data.test), (right.train, right.test));

    let wide: Vec<u8> = VALID.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(&folder, "valid", &[&[0xff, 0xfe][..], &wide].concat());
    let error = read_text(folder.path(), 3).unwrap_err().to_string();
    assert!(
        error.contains("tiny.valid.txt: it is UTF-16 text; save it as UTF-8"),
        "{error}"
    );
}
