//! Texts in the layout of the Penn Treebank files.

use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::division::Division;
use super::error::DataError;
use super::file::{self, last_name};
use super::problem::TextProblem;
use super::reading::Reading;
use super::shape::ExampleShape;
use super::source::Source;
use super::split::{Split, Targets};
use super::task::Task;
use super::vocabulary::Vocabulary;

/// Tokens of an example where a caller names no number, as in Bae et al. (2022).
pub const SEQUENCE: usize = 35;

const PARTS: [&str; 3] = ["train", "valid", "test"];

/// Reads text in the layout of the Penn Treebank files (Mikolov et al. 2010): `NAME.train.txt`, `NAME.valid.txt`
/// and `NAME.test.txt` in a folder, each plain or gzipped, a sentence a line, words apart by white space.
///
/// The vocabulary is the training part's words, `<eos>` at the end of each line, and `<unk>`, which also stands for
/// every word of the other parts that training has not; ids go from the most frequent token down, and by
/// alphabet where frequencies are equal. A part is one long row of tokens `t`; its example `r` has the inputs
/// `t[rS..rS + S]` and the targets `t[rS + 1..rS + S + 1]` for `S = sequence`. What remains at the end, fewer than
/// `S + 1` tokens, is left out. [`Split::origin`] is `r`.
///
/// # Errors
///
/// If a part is missing, is not UTF-8, has no word or too few for one example, if the folder holds several texts,
/// or `sequence` is 0.
pub fn read_text(folder: impl AsRef<Path>, sequence: usize) -> Result<Dataset, DataError> {
    let folder = folder.as_ref();
    if sequence == 0 {
        return Err(DataError::new(folder, TextProblem::NoSequence));
    }
    let mut names = names(folder)?;
    let name = match names.len() {
        0 | 1 => names.pop().unwrap_or_else(|| "NAME".to_owned()),
        _ => return Err(DataError::new(folder, TextProblem::Several { names })),
    };
    let [train, valid, test] = PARTS.map(|part| TextPart::read(folder, &name, part));
    let (train, valid, test) = (train?, valid?, test?);

    let vocabulary = Vocabulary::of(&train.text);
    let words = vocabulary.len();
    if words > 1 << f32::MANTISSA_DIGITS {
        return Err(DataError::new(
            train.path,
            TextProblem::Vocabulary { words },
        ));
    }
    let [train_source, test_source] = [&train, &test].map(|part| part.source(sequence));
    Ok(Dataset {
        name,
        train: train.split(&vocabulary, sequence)?,
        valid: Some(valid.split(&vocabulary, sequence)?),
        test: test.split(&vocabulary, sequence)?,
        task: Task::NextToken {
            vocabulary: vocabulary.into_words(),
        },
        shape: ExampleShape::Tokens { length: sequence },
        features: (0..sequence).map(|place| format!("t{place}")).collect(),
        image: None,
        attribution: None,
        division: Division::Source,
        input_scaling: None,
        target_scaling: None,
        train_source,
        test_source,
        reading: Reading::default(),
        loss: None,
        class_weights: None,
        inference: None,
    })
}

/// Whether a folder holds a part of a text.
pub(crate) fn is_text_folder(folder: &Path) -> Result<bool, DataError> {
    Ok(!names(folder)?.is_empty())
}

/// The text's name, if a file of this name is a part of one.
pub(crate) fn text_of_file(file: &str) -> Option<&str> {
    let text = file.strip_suffix(".txt")?;
    let name = PARTS
        .iter()
        .find_map(|part| text.strip_suffix(part)?.strip_suffix('.'))?;
    (!name.is_empty()).then_some(name)
}

/// The names of the texts in a folder, in alphabetical order.
fn names(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names = Vec::new();
    for path in file::list(folder)? {
        let file = last_name(&path);
        let plain = file.strip_suffix(".gz").unwrap_or(&file);
        names.extend(text_of_file(plain).map(str::to_owned));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// One file of a text.
struct TextPart {
    path: PathBuf,
    text: String,
}

impl TextPart {
    fn read(folder: &Path, name: &str, part: &'static str) -> Result<Self, DataError> {
        let Some(path) = file::find(folder, &format!("{name}.{part}.txt")) else {
            return Err(DataError::new(
                folder,
                TextProblem::MissingPart {
                    name: name.to_owned(),
                    part,
                },
            ));
        };
        let text = match String::from_utf8(file::read_text(&path)?) {
            Ok(text) => text,
            Err(error) => {
                let byte = error.utf8_error().valid_up_to();
                let before = &error.as_bytes()[..byte];
                let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
                return Err(DataError::new(path, TextProblem::NotUtf8 { line, byte }));
            }
        };
        if text.trim().is_empty() {
            return Err(DataError::new(path, TextProblem::Empty));
        }
        // Lines may end as on an old Macintosh, with \r alone.
        let text = match text.contains('\r') {
            true => text.replace("\r\n", "\n").replace('\r', "\n"),
            false => text,
        };
        Ok(Self { path, text })
    }

    /// Where the tokens stand: a line has one for each word, and one for its end.
    fn source(&self, length: usize) -> Source {
        let of_line = |(number, line): (u64, &str)| {
            let tokens = line.split_whitespace().count() + 1;
            std::iter::repeat_n(number, tokens)
        };
        Source::Tokens {
            file: self.path.clone(),
            lines: (1..).zip(self.text.lines()).flat_map(of_line).collect(),
            length,
        }
    }

    /// The examples of `length` tokens.
    fn split(self, vocabulary: &Vocabulary, length: usize) -> Result<Split, DataError> {
        let tokens = vocabulary.encode(&self.text);
        let rows = (tokens.len() - 1) / length;
        if rows == 0 {
            return Err(DataError::new(
                self.path,
                TextProblem::TooShort {
                    tokens: tokens.len(),
                    needed: length.saturating_add(1),
                },
            ));
        }
        let used = rows * length;
        Ok(Split {
            rows,
            columns: length,
            features: tokens[..used].iter().map(|&id| id as f32).collect(),
            targets: Targets::Tokens {
                length,
                ids: tokens[1..=used].to_vec(),
            },
            origin: (0..rows).collect(),
            weights: None,
        })
    }
}
