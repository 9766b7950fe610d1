//! What is wrong with a text.

use crate::quote;

/// What is wrong with a text.
#[derive(Debug, thiserror::Error)]
pub enum TextProblem {
    /// A part of the text is missing.
    #[error(
        "the folder has no {name}.{part}.txt or {name}.{part}.txt.gz; text needs NAME.train.txt, NAME.valid.txt and NAME.test.txt"
    )]
    MissingPart {
        /// The text's name.
        name: String,
        /// `train`, `valid` or `test`.
        part: &'static str,
    },
    /// A folder holds several texts.
    #[error("the folder holds several texts ({}); put the one to be read into a folder of its own", quote::list(.names))]
    Several {
        /// Their names.
        names: Vec<String>,
    },
    /// A file is not text.
    #[error(
        "line {line} is not UTF-8 text (byte {byte} of the file, counted from 0); save the file as UTF-8"
    )]
    NotUtf8 {
        /// The line, counted from 1.
        line: usize,
        /// The first byte that is wrong, counted from 0.
        byte: usize,
    },
    /// A file holds no word.
    #[error("the file holds no word; it needs one sentence a line, words apart by spaces")]
    Empty,
    /// A file has too few tokens for one example.
    #[error(
        "{tokens} token(s), ends of lines included, but one example takes {needed}; use shorter examples or more text"
    )]
    TooShort {
        /// Tokens there are.
        tokens: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// Examples of no token were asked for.
    #[error("examples of 0 tokens were asked for; ask for 1 or more")]
    NoSequence,
    /// The vocabulary is too large.
    #[error(
        "{words} different words; 32-bit numbers tell at most 16777216 apart, replace rare words by <unk>"
    )]
    Vocabulary {
        /// Number of different words.
        words: usize,
    },
}
