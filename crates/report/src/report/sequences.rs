//! Examples as sequences of words, coloured by what each adds to a score.

use std::collections::BTreeMap;

use backdraft_attribution::{PredictedToken, verify::PairKind};

use super::{Example, Explained, ScoredExample};
use crate::number::{capital, change, percent, short};
use crate::page::{Html, classed, div, element, text};
use crate::{
    Measure, Place,
    measure::{class, did},
};

/// The share of a word's colour in its ground at most, in percent: what keeps the word readable.
const STRONGEST: f64 = 55.0;

/// Sequences, and what is known of their tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    /// What the tokens are called, by id; a token without a name goes by its number.
    pub vocabulary: Vec<String>,
    /// The training sequences that are shown, by index.
    pub train: BTreeMap<usize, Sequence>,
    /// The queries, by index.
    pub test: BTreeMap<usize, Sequence>,
    /// The parts that the places of a training sequence have in its score for a query, in the unit of the score: by
    /// query (none for the mean over them) and training example.
    pub scores: BTreeMap<(Option<usize>, usize), Vec<f64>>,
    /// The place of each query that is measured, if it is one alone.
    pub measured: Option<usize>,
}

/// One sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// The tokens that are read, place by place.
    pub inputs: Vec<i64>,
    /// What the network says of the tokens that follow.
    pub tokens: Vec<PredictedToken>,
    /// Where each of these stands, where that is known.
    pub places: Vec<Place>,
}

/// How a word is shown.
struct Word {
    class: &'static str,
    /// From 0 to 1.
    strength: f64,
    /// What follows what its title says of the prediction.
    told: String,
    marked: bool,
}

impl Sequences {
    /// What a token is called.
    pub fn word(&self, token: i64) -> String {
        let name = usize::try_from(token)
            .ok()
            .and_then(|token| self.vocabulary.get(token));
        name.map_or_else(|| token.to_string(), Clone::clone)
    }

    /// The query's words, if it is one, and below them those of its strongest examples, coloured by their scores.
    pub(super) fn show(&self, measure: &Measure, explained: &Explained) -> Html {
        let query = explained.query.as_ref();
        let largest = self.largest(explained);
        let positive = ("raises", &explained.positive);
        let negative = ("lowers", &explained.negative);
        let sides = measure.sides(positive, negative).into_iter();
        let sides = sides.map(|(kind, (moves, examples))| {
            let did = capital(did(kind));
            let title = format!("{did} most: removing it {moves} the {}", measure.quantity());
            let shown = examples
                .iter()
                .map(|it| self.scored(measure, query, it, (kind, largest)));
            let shown: Html = match examples.is_empty() {
                true => text("p", "No example did."),
                false => shown.collect(),
            };
            div("side", [text("h4", title), shown])
        });
        let shown = query.map(|query| self.query(query)).into_iter();
        let legend = (largest > 0.0).then(|| legend(measure, largest));
        div("sequences", shown.chain(legend).chain(sides))
    }

    /// The largest part of a score among the examples of a query.
    fn largest(&self, explained: &Explained) -> f64 {
        let query = explained.query.as_ref().map(|it| it.index);
        let examples = explained.positive.iter().chain(&explained.negative);
        let parts = examples.filter_map(|it| self.scores.get(&(query, it.example.index)));
        parts
            .flatten()
            .fold(0.0, |most: f64, it| most.max(it.abs()))
    }

    /// The query: grey by the losses of its tokens, or with the one that is measured marked.
    fn query(&self, query: &Example) -> Html {
        let Some(sequence) = self.test.get(&query.index) else {
            return text("p", "");
        };
        let largest = sequence.tokens.iter().map(|it| it.loss).fold(0.0, f64::max);
        let word = |token: &PredictedToken| Word {
            class: "random",
            strength: share(token.loss, largest),
            told: String::new(),
            marked: Some(token.place) == self.measured,
        };
        let title = match self.measured {
            Some(place) => format!("The query; the token at place {place} is measured"),
            None => "The query; the greyer a word, the higher its loss".into(),
        };
        div("side", [text("h4", title), self.words(sequence, word)])
    }

    fn scored(
        &self,
        measure: &Measure,
        query: Option<&Example>,
        scored: &ScoredExample,
        (kind, largest): (PairKind, f64),
    ) -> Html {
        let example = &scored.example;
        let key = (query.map(|it| it.index), example.index);
        let name = format!("{}: ", example.name());
        let score = classed("span", class(kind), change(scored.score));
        let head = element("p", &[("class", "caption")], [name.into(), score]);
        let Some(sequence) = self.train.get(&example.index) else {
            return head;
        };
        let parts = self.scores.get(&key);
        let [positive, negative] = measure.kinds().map(class);
        let word = |token: &PredictedToken| {
            let part = parts.and_then(|it| it.get(token.place)).copied();
            Word {
                class: match part.is_some_and(|it| it < 0.0) {
                    true => negative,
                    false => positive,
                },
                strength: share(part.map_or(0.0, f64::abs), largest),
                told: part.map_or_else(String::new, |it| format!("; score {}", change(it))),
                marked: false,
            }
        };
        Html::from_iter([head, self.words(sequence, word)])
    }

    /// A training sequence, grey by the losses of its tokens, with the token at `worst` marked.
    pub(crate) fn suspect(&self, index: usize, worst: Option<usize>) -> Html {
        let Some(sequence) = self.train.get(&index) else {
            return text("p", "");
        };
        let largest = sequence.tokens.iter().map(|it| it.loss).fold(0.0, f64::max);
        let own = self.scores.get(&(None, index));
        let word = |token: &PredictedToken| {
            let part = own.and_then(|it| it.get(token.place));
            Word {
                class: "random",
                strength: share(token.loss, largest),
                told: part.map_or_else(String::new, |it| {
                    format!("; self-influence {}", change(*it))
                }),
                marked: Some(token.place) == worst,
            }
        };
        self.words(sequence, word)
    }

    /// The first token that is read, and those that follow.
    fn words(&self, sequence: &Sequence, of: impl Fn(&PredictedToken) -> Word) -> Html {
        let first = sequence.inputs.first();
        let first = first.map(|token| classed("span", "first-word", self.word(*token)));
        let next = sequence.tokens.iter().map(|token| {
            let word = of(token);
            let read = sequence.inputs.get(token.place);
            let read = read.map_or_else(String::new, |it| self.word(*it));
            let place = sequence.places.get(token.place);
            let place = place.map_or_else(String::new, |it| format!(", {it}"));
            let said = format!(
                "place {}{place}, after \u{201c}{read}\u{201d}: loss {}; the network says \u{201c}{}\u{201d}, {}{}",
                token.place,
                short(token.loss),
                self.word(token.predicted as i64),
                percent(token.probability),
                word.told
            );
            let class = match word.marked {
                true => format!("word {} marked", word.class),
                false => format!("word {}", word.class),
            };
            let style = format!("--share:{:.1}%", STRONGEST * word.strength);
            let shown = element(
                "span",
                &[("class", class.as_str()), ("style", style.as_str()), ("title", said.as_str())],
                [self.word(token.token as i64).into()],
            );
            Html::from_iter([" ".into(), shown])
        });
        element("p", &[("class", "words")], first.into_iter().chain(next))
    }
}

/// What of `largest` a number is.
fn share(number: f64, largest: f64) -> f64 {
    if largest > 0.0 {
        (number / largest).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// What the colours mean.
fn legend(measure: &Measure, largest: f64) -> Html {
    let [positive, negative] = measure.kinds();
    let key = |kind: PairKind, sign: &str| {
        let class = format!("word {}", class(kind));
        let style = format!("--share:{STRONGEST}%");
        let told = format!(
            "{} {sign}{}",
            did(kind),
            change(largest).trim_start_matches('+')
        );
        element(
            "span",
            &[("class", class.as_str()), ("style", style.as_str())],
            [told.into()],
        )
    };
    let what = "; in between, the paler the less. A word is coloured by what the loss of predicting it adds to the score of \
                its sequence: all words together are the score. Point at a word for its numbers; tokens.csv has them too.";
    element(
        "p",
        &[("class", "note")],
        [
            key(positive, "+"),
            " to ".into(),
            key(negative, "-"),
            what.into(),
        ],
    )
}
