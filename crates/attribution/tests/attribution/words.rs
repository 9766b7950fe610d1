//! A word of a training sentence replaced by others, for the zoo's transformer. In f64 on flex.

use backdraft_attribution::{
    Influence, InfluenceConfig, Measurement, SolverConfig, verify::ResponseOutcome,
};
use backdraft_curvature::{Cost, Model, TokenCrossEntropy};
use backdraft_influence::{ConjugateGradientConfig, InputStep};
use backdraft_models::{Transformer, TransformerConfig};
use backdraft_test_support::{assert_close, device, dot, double, host};
use burn::tensor::{Int, Tensor, TensorData};

pub(crate) const WORDS: usize = 7;
pub(crate) const LENGTH: usize = 5;
pub(crate) const SENTENCES: usize = 12;
const DAMPING: f64 = 0.5;

/// A sentence, with the word after it.
pub(crate) type Sentence = [i64; LENGTH + 1];

pub(crate) fn sentences(count: usize, seed: usize) -> Vec<Sentence> {
    let word = |i: usize, at: usize| ((i * i + seed * at * (i + 2) + 3 * at) % WORDS) as i64;
    let sentence = |i| std::array::from_fn(|at| word(i, at));
    (0..count).map(sentence).collect()
}

/// The words that are read, and the next of each.
pub(crate) fn parts(sentences: &[Sentence]) -> (Tensor<2, Int>, Tensor<2, Int>) {
    let part = |from: usize| {
        let ids = sentences
            .iter()
            .flat_map(|it| it[from..][..LENGTH].to_vec());
        let data = TensorData::new(ids.collect::<Vec<_>>(), [sentences.len(), LENGTH]);
        Tensor::from_data(data, &device())
    };
    (part(0), part(1))
}

pub(crate) fn influence() -> Influence {
    let config = TransformerConfig::new()
        .with_vocabulary(WORDS)
        .with_length(LENGTH)
        .with_layers(1)
        .with_width(8)
        .with_hidden(12);
    let net: Transformer = double(config.init(&device()));
    let model = Model::new(&net, |net: &Transformer, x: Tensor<2, Int>| net.forward(x)).unwrap();
    let (x, t) = parts(&sentences(SENTENCES, 1));
    let cost = Cost::new(model, TokenCrossEntropy::default(), x, t).unwrap();
    let config =
        InfluenceConfig::new()
            .with_damping(DAMPING)
            .with_solver(SolverConfig::ConjugateGradient(ConjugateGradientConfig {
                tolerance: Some(1e-12),
                ..Default::default()
            }));
    config.over(cost).unwrap()
}

/// Every word of the vocabulary in one place of a sentence: read there, and the next of the word before.
fn other_words(sentence: &Sentence, place: usize) -> Vec<Sentence> {
    let with = |word: usize| {
        let mut other = *sentence;
        other[place] = word as i64;
        other
    };
    (0..WORDS).map(with).collect()
}

#[test]
fn every_other_word_is_scored_by_one_solve_and_answered_as_predicted() {
    const REPLACED: usize = 4;
    const PLACE: usize = 2;
    let influence = influence();
    let (x, t) = parts(&sentences(2, 5));
    let of = influence
        .perturb(&Measurement::loss(t.clone()), x.clone())
        .unwrap();
    let sentence = sentences(SENTENCES, 1)[REPLACED];
    let others = other_words(&sentence, PLACE);
    let (words, next) = parts(&others);
    let indices = [REPLACED; WORDS];
    let found = of.replaced(&indices, words.clone(), next.clone()).unwrap();
    assert_eq!(found.dims(), [2, WORDS]);
    let found = host(found);
    // Its own word changes nothing.
    assert!(found[sentence[PLACE] as usize].abs() < 1e-16);

    // One at a time, by the change of the parameters.
    let changes = influence.parameter_changes(&indices, words.clone(), next.clone());
    let queries = Measurement::loss(t).cost(influence.train(), x).unwrap();
    let changes: Vec<Vec<f64>> = changes.unwrap().into_iter().map(host).collect();
    for row in 0..2 {
        let slope = host(queries.select(&[row]).unwrap().gradient().unwrap());
        let along: Vec<f64> = changes.iter().map(|it| dot(it, &slope)).collect();
        assert_close(&found[WORDS * row..][..WORDS], &along, 1e-9);
    }

    // The response is first order in a twelfth of a sentence's gradient, against a damping of a half.
    let strongest = (0..WORDS).max_by(|a, b| found[*a].abs().total_cmp(&found[*b].abs()));
    let word = strongest.unwrap();
    let one = |it: &Tensor<2, Int>| it.clone().narrow(0, word, 1);
    let responses = influence.respond_to(&of, &[REPLACED], one(&words), one(&next), 1_000);
    let ResponseOutcome::Done { changes, .. } = &responses.unwrap()[0].outcome else {
        panic!("no response");
    };
    let ratio = changes[0] / found[word];
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
}

/// Words are no numbers to be moved a little.
#[test]
fn words_have_no_small_moves() {
    let influence = influence();
    let (x, t) = parts(&sentences(1, 5));
    let of = influence.perturb(&Measurement::loss(t), x).unwrap();
    let refused = of.ranked_changes(0, &InputStep::new(0.1)).unwrap_err();
    assert!(refused.to_string().contains("float"), "{refused}");
}
