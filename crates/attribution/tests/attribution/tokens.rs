//! Sequences by token, for the zoo's transformer and a network with a loss of its own. In f64 on flex.

use backdraft_attribution::{
    AttributionError, Audit, AuditBy, InfluenceConfig, Measurement, SelfInfluenceConfig,
    TokenTargets,
};
use backdraft_curvature::{Cost, CrossEntropy, CurvatureError, Loss, Model, SquaredError};
use backdraft_influence::place_scores;
use backdraft_test_support::{assert_close, classes, double, host, matrix, random};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor},
};

use crate::words::{LENGTH, SENTENCES, Sentence, WORDS, influence, parts, sentences};

/// The queries.
const QUERIES: usize = 2;

fn queries() -> Vec<Sentence> {
    sentences(QUERIES, 5)
}

fn sums(by_place: &[f64], places: usize) -> Vec<f64> {
    by_place.chunks(places).map(|it| it.iter().sum()).collect()
}

#[test]
fn a_sequences_score_is_the_sum_of_its_tokens() {
    let influence = influence();
    let (x, t) = parts(&queries());
    let scores = influence.scores(&Measurement::loss(t), x).unwrap();
    let all: Vec<usize> = (0..SENTENCES).collect();
    for query in 0..QUERIES {
        let by_token = influence.place_scores(&scores, query, &all).unwrap();
        assert_eq!(by_token.dims(), [SENTENCES, LENGTH]);
        let by_token = host(by_token);
        assert_close(&sums(&by_token, LENGTH), &scores.of(query).unwrap(), 1e-12);
        assert!(by_token.iter().all(|it| *it != 0.0));

        // Along the solution, from either side.
        let (cost, step) = (influence.train(), 1e-5);
        let along = scores.solution(query).unwrap();
        let at = |step: f64| {
            let theta = cost.model().theta().clone() + along.clone() * step;
            host(cost.at(theta).unwrap().place_losses().unwrap())
        };
        let pairs = at(step).into_iter().zip(at(-step));
        let slopes = pairs.map(|(up, down)| (up - down) / (2.0 * step) / SENTENCES as f64);
        assert_close(&by_token, &slopes.collect::<Vec<_>>(), 1e-7);
    }
    // In another order, and some alone.
    let few = influence.place_scores(&scores, 1, &[7, 2]).unwrap();
    let every = influence.place_scores(&scores, 1, &all).unwrap();
    assert_close(&host(few), &host(every.select(0, classes(&[7, 2]))), 1e-13);
}

/// Of every token of the queries, where the measured one stands.
fn places(place: i64) -> Tensor<1, Int> {
    classes(&[place; QUERIES])
}

fn next(place: usize) -> Tensor<1, Int> {
    let next: Vec<i64> = queries().iter().map(|it| it[place + 1]).collect();
    classes(&next)
}

#[test]
fn one_token_of_a_query_is_measured_like_an_example() {
    let influence = influence();
    let rows = |measurement: &Measurement| {
        let scores = influence.scores(measurement, parts(&queries()).0).unwrap();
        host(scores.values())
    };
    let whole = rows(&Measurement::loss(parts(&queries()).1));
    let mut sum = vec![0.0; whole.len()];
    for place in 0..LENGTH {
        // What it adds to the mean over tokens.
        let part = Measurement::loss(parts(&queries()).1).at_place(places(place as i64), LENGTH);
        let part = rows(&part);
        let token = Measurement::other_loss(CrossEntropy, next(place));
        let token = rows(&token.at_place(places(place as i64), LENGTH));
        let share: Vec<f64> = token.iter().map(|it| it / LENGTH as f64).collect();
        assert_close(&part, &share, 1e-9);
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
        // A logit by its number among all outputs.
        let logit = rows(&Measurement::output(3).at_place(places(place as i64), LENGTH));
        assert_close(&logit, &rows(&Measurement::output(place * WORDS + 3)), 1e-9);
    }
    assert_close(&sum, &whole, 1e-9);

    // `log p` falls as the loss rises, and the margin by `1 / (1 - p)` more.
    let at = |it: Measurement| rows(&it.at_place(places(2), LENGTH));
    let loss = at(Measurement::other_loss(CrossEntropy, next(2)));
    let probability = at(Measurement::probability(next(2)));
    let margin = at(Measurement::margin(next(2)));
    let measured = Measurement::probability(next(2)).at_place(places(2), LENGTH);
    let measured = measured.cost(influence.train(), parts(&queries()).0);
    let p = host(measured.unwrap().losses().unwrap());
    for (query, p) in p.into_iter().enumerate() {
        let row = query * SENTENCES..(query + 1) * SENTENCES;
        let times =
            |factor: f64| -> Vec<f64> { loss[row.clone()].iter().map(|it| factor * it).collect() };
        assert_close(&probability[row.clone()], &times(-p), 1e-9);
        assert_close(&margin[row.clone()], &times(-1.0 / (1.0 - p)), 1e-9);
    }
}

#[test]
fn places_that_there_are_not_are_refused() {
    let influence = influence();
    let refused = |measurement: Measurement| {
        let found = influence.scores(&measurement, parts(&queries()).0);
        found.err().unwrap().to_string()
    };
    let token = || Measurement::other_loss(CrossEntropy, next(0));
    let beyond = refused(token().at_place(places(LENGTH as i64), LENGTH));
    assert!(beyond.contains("there are 5 places"), "{beyond}");
    assert!(refused(token().at_place(places(-1), LENGTH)).contains("5 places"));
    let uneven = refused(token().at_place(places(0), 4));
    assert!(uneven.contains("not 4 places"), "{uneven}");
    let loss = || Measurement::loss(parts(&queries()).1);
    let others = refused(loss().at_place(places(0), 7));
    assert!(
        others.contains("is 7") && others.contains("has 5"),
        "{others}"
    );
    assert!(refused(Measurement::outputs().at_place(places(0), LENGTH)).contains("one of them"));

    let scores = influence.scores(&loss(), parts(&queries()).0).unwrap();
    assert!(matches!(
        influence.place_scores(&scores, QUERIES, &[0]),
        Err(AttributionError::NoSuchQuery { query: 2, len: 2 })
    ));
    assert!(matches!(
        influence.place_scores(&scores, 0, &[SENTENCES]),
        Err(AttributionError::Curvature(CurvatureError::Index { .. }))
    ));
}

#[test]
fn self_influence_is_the_sum_of_its_tokens() {
    let influence = influence();
    let some = [4, 0, 9];
    let by_token = influence.place_self_influence(&some).unwrap();
    let found = sums(&host(by_token), LENGTH);
    assert_close(&found, &influence.self_influence(&some).unwrap(), 1e-9);
}

/// Half the square of each output's error, which is a place by itself.
#[derive(Clone)]
struct Series;

impl Loss for Series {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        SquaredError.per_example(outputs, targets)
    }

    fn per_place(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Option<Tensor<2>> {
        Some((outputs - targets).square() * 0.5)
    }
}

#[test]
fn losses_of_ones_own_say_what_their_places_are() {
    let net: Linear = double(LinearConfig::new(3, 4).init(&Device::flex()));
    let data = || (random([6, 3], 1), random([6, 4], 2));
    let forward = |net: &Linear, x: Tensor<2>| net.forward(x);
    let config = InfluenceConfig::new().with_damping(0.1);
    let series = config.init(&net, forward, Series, data()).unwrap();
    let query = || (random([1, 3], 7), Measurement::loss(random([1, 4], 8)));
    let (x, measurement) = query();
    let scores = series.scores(&measurement, x).unwrap();
    let by_place = host(series.place_scores(&scores, 0, &[3, 5]).unwrap());
    let own = scores.of(0).unwrap();
    assert_close(&sums(&by_place, 4), &[own[3], own[5]], 1e-12);

    let plain = config.init(&net, forward, SquaredError, data()).unwrap();
    let (x, measurement) = query();
    let scores = plain.scores(&measurement, x).unwrap();
    let refused = plain.place_scores(&scores, 0, &[3]).unwrap_err();
    assert!(matches!(
        refused,
        AttributionError::Curvature(CurvatureError::NoPlaces)
    ));
    assert!(refused.to_string().contains("Loss::per_place"));
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(
        model,
        SquaredError,
        random([6, 3], 1),
        matrix(&[0.0; 24], 4),
    )
    .unwrap();
    let along = cost.model().theta().clone();
    assert!(place_scores(&cost, along, 6).is_err());
}

fn targets() -> TokenTargets {
    TokenTargets {
        next: parts(&sentences(SENTENCES, 1)).1,
        padding: None,
    }
}

#[test]
fn an_audit_names_the_worst_token_of_each_sequence() {
    let influence = influence();
    let (x, t) = parts(&queries());
    let harm = Measurement::loss(t).mean();
    let config = SelfInfluenceConfig::default();
    let audit = influence
        .audit_sequences(&targets(), Some((&harm, x.clone())), Some(&config))
        .unwrap();
    let all: Vec<usize> = (0..SENTENCES).collect();
    let tokens = influence.predicted_tokens(&targets(), &all).unwrap();
    let losses = host(influence.train().losses().unwrap());
    let own = influence.self_influence(&all).unwrap();
    let harmed = influence.scores(&harm, x).unwrap().of(0).unwrap();
    for (example, (found, tokens)) in audit.examples.iter().zip(&tokens).enumerate() {
        let sentence = sentences(SENTENCES, 1)[example];
        assert_eq!(tokens.len(), LENGTH);
        for (place, token) in tokens.iter().enumerate() {
            assert_eq!(
                (token.place, token.token as i64),
                (place, sentence[place + 1])
            );
            let p = (-token.loss).exp();
            assert!((token.margin - (p / (1.0 - p)).ln()).abs() < 1e-12);
            let own = (token.probability - p).abs() < 1e-14;
            assert!(own || token.probability > p);
            assert_eq!(own, token.predicted == token.token);
        }
        let mean = tokens.iter().map(|it| it.loss).sum::<f64>() / LENGTH as f64;
        assert!((mean - losses[example]).abs() < 1e-13 && found.loss == losses[example]);
        let least = tokens
            .iter()
            .map(|it| it.margin)
            .fold(f64::INFINITY, f64::min);
        let worst = found.token.as_ref().unwrap();
        assert_eq!((worst.margin, found.margin), (least, least));
        assert_eq!(&tokens[worst.place], worst);
        assert_eq!(
            found.other_class(worst.token).is_some(),
            worst.predicted != worst.token
        );
        assert!((found.self_influence.unwrap() - own[example]).abs() < 1e-9 * own[example]);
        assert!((found.score.unwrap() - harmed[example]).abs() < 1e-9);
        assert_eq!(
            (found.leverage, found.newton, found.left_out_margin),
            (None, None, None)
        );
    }
    let least = audit.order(AuditBy::Margin)[0];
    assert!(
        audit
            .examples
            .iter()
            .all(|it| it.margin >= audit.examples[least].margin)
    );
    assert_eq!(audit.suspicions(AuditBy::LeftOut), vec![None; SENTENCES]);
    let nothing = None::<(&Measurement, Tensor<2, Int>)>;
    let less = influence
        .audit_sequences(&targets(), nothing, None)
        .unwrap();
    assert!(less.examples.iter().all(|it| it.self_influence.is_none()));

    // A range at a time.
    let ranges = [0..5, 5..SENTENCES];
    let parts = ranges.map(|range| influence.audit_sequence_range(&targets(), range).unwrap());
    let own = influence.self_influences(&config).unwrap();
    let joined = Audit::joined(parts).with_self_influence(&own);
    assert_eq!(joined.method, own.method);
    for (found, whole) in joined.examples.iter().zip(&audit.examples) {
        assert_eq!(found.example, whole.example);
        assert!((found.margin - whole.margin).abs() < 1e-12);
        assert!((found.loss - whole.loss).abs() < 1e-12);
        assert_eq!(found.self_influence, whole.self_influence);
        assert_eq!(
            found.token.as_ref().map(|it| it.place),
            whole.token.as_ref().map(|it| it.place)
        );
    }
}

#[test]
fn tokens_of_an_audit_that_do_not_belong_are_refused() {
    let influence = influence();
    let refused = |targets: TokenTargets| {
        let nothing = None::<(&Measurement, Tensor<2, Int>)>;
        let found = influence.audit_sequences(&targets, nothing, None);
        found.unwrap_err().to_string()
    };
    let next = |count, seed| parts(&sentences(count, seed)).1;
    let of = |next| TokenTargets {
        next,
        padding: None,
    };
    assert!(refused(of(next(3, 1))).contains("are of 3 sequences, and there are 12"));
    let beyond = next(SENTENCES, 1).add_scalar(4);
    assert!(refused(of(beyond)).contains("and there are 7"));
    let narrow = next(SENTENCES, 1).narrow(1, 0, 2);
    assert!(refused(of(narrow)).contains("2 tokens a sequence"));
    // Padding is no token, and not all of a sequence.
    let padded = || next(SENTENCES, 1).slice_fill([0..1, 0..2], -100);
    assert!(refused(of(padded())).contains("the token -100"));
    let padded = TokenTargets {
        next: padded(),
        padding: Some(-100),
    };
    let left = influence.predicted_tokens(&padded, &[0, 1]).unwrap();
    assert_eq!((left[0].len(), left[0][0].place), (LENGTH - 2, 2));
    assert_eq!(left[1].len(), LENGTH);
    let alone = next(SENTENCES, 1).slice_fill([3..4, 0..LENGTH], -100);
    let alone = refused(TokenTargets {
        next: alone,
        padding: Some(-100),
    });
    assert!(alone.contains("sequence 3 are padding alone"), "{alone}");
}
