//! Small data sets in the formats that the command line reads.

use std::io;

use backdraft_test_support::gzip;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::place::Place;

pub const TRAIN: usize = 300;
pub const TEST: usize = 60;
pub const SIDE: usize = 8;

/// The four files of an IDX folder, by name: noisy pictures of a bar on the left, a bar on top or a diagonal.
pub fn pictures() -> [(&'static str, Vec<u8>); 4] {
    let (train, train_labels) = part(TRAIN, 1);
    let (test, test_labels) = part(TEST, 2);
    [
        ("train-images-idx3-ubyte", train),
        ("train-labels-idx1-ubyte", train_labels),
        ("t10k-images-idx3-ubyte", test),
        ("t10k-labels-idx1-ubyte", test_labels),
    ]
}

/// Images and labels as IDX files.
fn part(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let label = rng.random_range(0..3_u8);
        for row in 0..SIDE {
            for column in 0..SIDE {
                let lit = match label {
                    0 => column < 2,
                    1 => row < 2,
                    _ => row == column,
                };
                // Noise strong enough that no example is trivial.
                pixels.push(rng.random_range(0..160_u8) + if lit { 90 } else { 0 });
            }
        }
        labels.push(label);
    }
    (idx(&[count, SIDE, SIDE], &pixels), idx(&[count], &labels))
}

/// An IDX file of unsigned bytes.
pub fn idx(sizes: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|&size| (size as u32).to_be_bytes()));
    file.extend_from_slice(bytes);
    file
}

/// Writes a folder of IDX files, gzipped or not.
pub fn write_pictures(place: &Place, folder: &str, gzipped: bool) -> io::Result<()> {
    pictures().into_iter().try_for_each(|(name, bytes)| {
        if gzipped {
            place.write(&format!("{folder}/{name}.gz"), gzip(&bytes))
        } else {
            place.write(&format!("{folder}/{name}"), bytes)
        }
    })
}

/// A table with a numeric target, `strength`.
pub fn regression() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut table = String::from("water,cement,strength,age\n");
    for _ in 0..100 {
        let [water, cement, age] = [(); 3].map(|()| rng.random_range(1.0..9.0_f64));
        let strength = 30.0 + 4.0 * cement - 2.5 * water + age + rng.random_range(-3.0..3.0);
        table.push_str(&format!("{water:.3},{cement:.3},{strength:.3},{age:.3}\n"));
    }
    table
}

/// A table with a target of three texts, `species`.
pub fn classification() -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut table = String::from("length,width,species\n");
    for row in 0..90 {
        let (species, centre) = [("setosa", 1.5), ("versicolor", 4.0), ("virginica", 5.5)][row % 3];
        let length = centre + rng.random_range(-1.0..1.0);
        let width = centre / 3.0 + rng.random_range(-0.5..0.5);
        table.push_str(&format!("{length:.2},{width:.2},{species}\n"));
    }
    table
}

/// Twelve words in sentences whose next word follows from the one before, nearly always.
fn text(lines: usize) -> String {
    let words = [
        "in",
        "the",
        "beginning",
        "was",
        "a",
        "word",
        "and",
        "then",
        "more",
        "of",
        "them",
        "came",
    ];
    let sentence = |line: usize| -> String {
        let length = 4 + line % 5;
        let words = (0..length).map(|place| words[(line * 7 + place) % 12]);
        words.collect::<Vec<_>>().join(" ")
    };
    (0..lines).map(|line| sentence(line) + "\n").collect()
}

/// Writes a folder `words` of text.
pub fn write_text(place: &Place) -> io::Result<()> {
    [("train", 60), ("valid", 20), ("test", 20)]
        .into_iter()
        .try_for_each(|(part, lines)| place.write(&format!("words/tiny.{part}.txt"), text(lines)))
}
