//! The tokens of a text.

use std::cmp::Reverse;
use std::collections::HashMap;

/// What stands at the end of each line.
const END: &str = "<eos>";
/// What stands for a word that is not in the vocabulary.
const UNKNOWN: &str = "<unk>";

/// The tokens of a text, by id.
pub(crate) struct Vocabulary {
    words: Vec<String>,
    ids: HashMap<String, i64>,
}

impl Vocabulary {
    /// The tokens of a text and `<unk>`, from the most frequent down, by alphabet where frequencies are equal.
    pub(crate) fn of(text: &str) -> Self {
        let mut counts = HashMap::from([(UNKNOWN, 0_usize)]);
        for token in tokens(text) {
            *counts.entry(token).or_default() += 1;
        }
        let mut order: Vec<(&str, usize)> = counts.into_iter().collect();
        order.sort_unstable_by_key(|&(token, count)| (Reverse(count), token));
        let words: Vec<String> = order.iter().map(|&(token, _)| token.to_owned()).collect();
        Self {
            ids: words.iter().cloned().zip(0..).collect(),
            words,
        }
    }

    /// Number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// The ids of a text's tokens.
    pub(crate) fn encode(&self, text: &str) -> Vec<i64> {
        let unknown = self.ids[UNKNOWN];
        tokens(text)
            .map(|token| self.ids.get(token).copied().unwrap_or(unknown))
            .collect()
    }

    /// The tokens, by id.
    pub(crate) fn into_words(self) -> Vec<String> {
        self.words
    }
}

/// The words of each line and an `<eos>` after each.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split_whitespace().chain([END]))
}
