//! Targets that a loss is not defined for, and settings without sense: errors that name the example and the value. In
//! f64.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Huber, LinearOperator, Loss, Model,
    Poisson, Scaled, SquaredError, TokenCrossEntropy, Weighted,
};
use backdraft_test_support::*;
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{DType, Int, IntDType, Tensor, TensorData},
};

pub(super) const N: usize = 5;
pub(super) const TOKENS: usize = 3;
const INPUTS: usize = 2;

fn model(outputs: usize) -> Model {
    let layer = double(LinearConfig::new(INPUTS, outputs).init(&device()));
    Model::new(&layer, |layer: &Linear, x: Tensor<2>| layer.forward(x)).unwrap()
}

fn inputs() -> Tensor<2> {
    random([N, INPUTS], 3)
}

pub(super) fn cost<L: Loss>(outputs: usize, loss: L, targets: L::Targets) -> Cost {
    let cost = Cost::new(model(outputs), loss, inputs(), targets).unwrap();
    cost.with_batch_size(2).unwrap()
}

/// What is said of example 3, by all that may be asked first.
fn refused<L: Loss>(outputs: usize, loss: L, targets: L::Targets) -> (String, Option<usize>, f64) {
    let fresh = || cost(outputs, loss.clone(), targets.clone());
    let v = Tensor::ones_like(&fresh().model().theta());
    let errors = [
        fresh().losses().unwrap_err(),
        fresh().gradient().unwrap_err(),
        fresh().directional_derivatives(v.clone()).unwrap_err(),
        fresh().gauss_newton().apply(v.clone()).unwrap_err(),
        fresh().hessian().product(v).unwrap_err(),
        fresh().select(&[0]).err().unwrap(),
    ];
    let mut found = errors.map(|error| match error {
        CurvatureError::Target {
            what,
            example: 3,
            element,
            value,
            ..
        } => (what.to_owned(), element, value),
        error => panic!("{error}"),
    });
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let [first, .., last] = found;
    assert!(first.0 == last.0 && first.1 == last.1);
    first
}

pub(super) fn three(value: i64) -> Tensor<1, Int> {
    classes(&[0, 1, 2, value, 0])
}

fn column(value: f64) -> Tensor<2> {
    matrix(&[0.0, 1.0, 0.5, value, 0.25], 1)
}

#[test]
fn classes_that_there_are_not() {
    for label in [3, -1, -100, 1 << 20] {
        let found = refused(3, CrossEntropy, three(label));
        assert_eq!(found, ("target".into(), None, label as f64));
    }
    cost(3, CrossEntropy, three(2)).losses().unwrap();
    let text = cost(3, CrossEntropy, three(3)).losses().unwrap_err();
    assert_eq!(
        text.to_string(),
        "the target of example 3 is 3: there are 3 classes, counted from 0"
    );
    let weights = vector(&[1.0; N]);
    let found = refused(3, Weighted(CrossEntropy), (three(-1), weights));
    assert_eq!(found, ("target".into(), None, -1.0));
}

#[test]
fn values_that_a_loss_is_not_defined_for() {
    let value = |found: (String, Option<usize>, f64)| {
        assert_eq!((found.0.as_str(), found.1), ("target", None));
        found.2
    };
    for bad in [-0.1, 1.5] {
        assert_eq!(value(refused(1, BinaryCrossEntropy, column(bad))), bad);
    }
    for bad in [-1.0, f64::INFINITY] {
        assert_eq!(value(refused(1, Poisson, column(bad))), bad);
    }
    for bad in [f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(value(refused(1, SquaredError, column(bad))), bad);
        assert_eq!(value(refused(1, Huber { delta: 1.0 }, column(bad))), bad);
    }
    let nan = column(f64::NAN);
    assert!(value(refused(1, BinaryCrossEntropy, nan.clone())).is_nan());
    assert!(value(refused(1, Poisson, nan.clone())).is_nan());
    assert!(value(refused(1, SquaredError, nan.clone())).is_nan());
    assert!(value(refused(1, Huber { delta: 1.0 }, nan)).is_nan());

    let mut pairs = vec![0.5; 2 * N];
    pairs[7] = 2.0;
    let found = refused(2, BinaryCrossEntropy, matrix(&pairs, 2));
    assert_eq!(found, ("target".into(), Some(1), 2.0));

    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let weights = vector(&[1.0, 0.0, 2.0, bad, -5.0]);
        let (what, element, value) = refused(1, Weighted(SquaredError), (column(0.0), weights));
        assert_eq!((what.as_str(), element), ("weight", None));
        assert!(value == bad || value.is_nan() && bad.is_nan());
    }
}

/// Numbers are told in a few digits, and as they are.
#[test]
fn far_numbers_are_told_in_few_digits() {
    let told = |loss: Huber, target| cost(1, loss, column(target)).losses().unwrap_err();
    let text = told(Huber { delta: -1e-300 }, 0.0).to_string();
    assert!(text.ends_with("is -1e-300, must be positive"), "{text}");
    let poisson = cost(1, Poisson, column(-1e300)).losses().unwrap_err();
    let text = poisson.to_string();
    assert!(text.contains("example 3 is -1e300:"), "{text}");
    let text = cost(1, BinaryCrossEntropy, column(1.5)).losses();
    let text = text.unwrap_err().to_string();
    assert!(text.contains("example 3 is 1.5:"), "{text}");
    let l2 = cost(1, SquaredError, column(0.0)).with_l2(-1e-300);
    let text = l2.gradient().unwrap_err().to_string();
    assert!(text.contains("`l2` is -1e-300,"), "{text}");
}

#[test]
fn targets_that_come_later_are_looked_at_too() {
    let sound = cost(3, CrossEntropy, three(2));
    sound.losses().unwrap();
    let error = sound.with_targets(three(5)).unwrap().losses();
    assert!(matches!(
        error,
        Err(CurvatureError::Target { example: 3, .. })
    ));
    let error = sound.with_examples(inputs(), three(-7)).unwrap().gradient();
    assert!(matches!(
        error,
        Err(CurvatureError::Target { example: 3, .. })
    ));
    // At other parameters and in other batches they are the same examples.
    let theta = sound.model().theta();
    sound
        .at(theta)
        .unwrap()
        .with_batch_size(4)
        .unwrap()
        .losses()
        .unwrap();
}

#[test]
fn streamed_targets_are_counted_through() {
    let stream = |value: i64| {
        Cost::streamed(model(3), CrossEntropy, N, move || {
            [0..2, 2..4, 4..5].into_iter().map(move |range| {
                let x = inputs().slice([range.clone(), 0..INPUTS]);
                Ok::<_, io::Error>((x, three(value).slice([range])))
            })
        })
        .unwrap()
    };
    stream(2).losses().unwrap();
    for error in [
        stream(3).gradient().unwrap_err(),
        stream(3)
            .gauss_newton()
            .apply(model(3).theta())
            .unwrap_err(),
    ] {
        assert!(
            matches!(error, CurvatureError::Target { example: 3, value, .. } if value == 3.0),
            "{error}"
        );
    }
}

/// A mark that a type of integers cannot hold marks nothing, and is no other number in it; nor is a class.
#[test]
fn integers_are_no_others_in_a_narrow_type() {
    let tokens = |dtype: IntDType| {
        let tokens: Vec<i64> = (0..N * TOKENS).map(|i| (i * 37 % 256) as i64).collect();
        let tokens = TensorData::new(tokens, [N, TOKENS]);
        Tensor::<2, Int>::from_data(tokens, &device()).cast(dtype)
    };
    let losses = |padding, dtype| {
        let loss = TokenCrossEntropy {
            padding,
            ..Default::default()
        };
        let cost = cost(256 * TOKENS, loss, tokens(dtype));
        let v = vector(&numbers(cost.model().dim(), 4));
        let product = cost.gauss_newton().apply(v).unwrap();
        (host(cost.losses().unwrap()), host(product))
    };
    let all = losses(None, IntDType::I32);
    // 156 and 44 are among the tokens, 37 too.
    for padding in [-100, 300] {
        for dtype in [IntDType::U8, IntDType::U16, IntDType::U32, IntDType::I64] {
            assert_eq!(losses(Some(padding), dtype), all, "{padding} {dtype:?}");
        }
    }
    assert_eq!(
        losses(Some(37), IntDType::U8),
        losses(Some(37), IntDType::I32)
    );
    assert_ne!(losses(Some(37), IntDType::U8), all);
    let far: Vec<i64> = vec![0, 1, 2, 1 << 32, 0];
    let far = TensorData::new(far, [N]);
    let far = Tensor::<1, Int>::from_data(far, (&device(), DType::I64));
    let found = refused(3, CrossEntropy, far);
    assert_eq!(found, ("target".into(), None, (1_u64 << 32) as f64));
}

#[test]
fn settings_without_sense_are_refused() {
    let setting = |error: CurvatureError| match error {
        CurvatureError::Setting { name, .. } => name,
        error => panic!("{error}"),
    };
    for delta in [0.0, -1.0, f64::NAN] {
        let error = cost(1, Huber { delta }, column(0.0)).losses().unwrap_err();
        assert_eq!(setting(error), "delta");
    }
    let plain = cost(1, SquaredError, column(0.0));
    let v = plain.model().theta();
    for bad in [-1e-3, f64::NAN, f64::INFINITY] {
        let error = plain.clone().with_l2(bad).gradient().unwrap_err();
        assert_eq!(setting(error), "l2");
        let error = plain.clone().with_l2(bad).hessian().apply(v.clone());
        assert_eq!(setting(error.unwrap_err()), "l2");
        let matrix = Scaled::new(plain.gauss_newton(), bad);
        if !bad.is_finite() {
            assert_eq!(setting(matrix.apply(v.clone()).unwrap_err()), "factor");
        }
        let matrix = plain.gauss_newton().damped(bad);
        assert_eq!(setting(matrix.apply(v.clone()).unwrap_err()), "damping");
        assert_eq!(setting(matrix.product(v.clone()).unwrap_err()), "damping");
    }
}

/// What is too large for the type that is computed in is not blamed on the data.
#[test]
fn settings_beyond_the_type_are_refused() {
    let net: Linear = LinearConfig::new(INPUTS, 1).init(&device());
    let model = Model::new(&net, Linear::forward::<2>).unwrap();
    let single = |numbers: Tensor<2>| numbers.cast(DType::F32);
    let cost = Cost::new(model, SquaredError, single(inputs()), single(column(0.0))).unwrap();
    let v = cost.model().theta();
    let told = |error: CurvatureError| error.to_string();
    let damped = cost.gauss_newton().damped(1e39);
    let text = told(damped.apply(v.clone()).unwrap_err());
    assert_eq!(text, "the setting `damping` is 1e39, more than F32 holds");
    let scaled = Scaled::new(cost.gauss_newton(), -1e39);
    let text = told(scaled.apply(v.clone()).unwrap_err());
    assert_eq!(text, "the setting `factor` is -1e39, more than F32 holds");
    let text = told(cost.with_l2(1e39).gradient().unwrap_err());
    assert_eq!(text, "the setting `l2` is 1e39, more than F32 holds");
}

/// A stream that is cut otherwise in every pass, or shuffled, or the same.
fn stream(how: &'static str) -> Cost {
    let passes = AtomicUsize::new(0);
    let targets = || random([7, 1], 9);
    Cost::streamed(model(1), SquaredError, 7, move || {
        let pass = passes.fetch_add(1, Ordering::Relaxed);
        let cuts: Vec<usize> = match (how, pass % 2) {
            ("cut", 1) => vec![0, 2, 3, 7],
            ("cut", _) => vec![0, 3, 6, 7],
            _ => vec![0, 3, 6, 7],
        };
        let shift = if how == "shuffled" { 3 * pass } else { 0 };
        let ranges: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        ranges.into_iter().map(move |range| {
            let x = random([7, INPUTS], 8);
            let rows: Vec<i64> = range.map(|i| ((i + shift) % 7) as i64).collect();
            let rows = Tensor::from_data(rows.as_slice(), &device());
            Ok::<_, io::Error>((x.select(0, rows.clone()), targets().select(0, rows)))
        })
    })
    .unwrap()
}

#[test]
fn streams_may_be_cut_otherwise_in_every_pass() {
    let (same, cut) = (stream("same"), stream("cut"));
    let v = model(1).theta();
    let expected = host(same.gauss_newton().apply(v.clone()).unwrap());
    // Room for none, some or all of the batches.
    for memory in (0..1_000).step_by(40) {
        let matrix = cut.gauss_newton().with_memory(memory);
        for _ in 0..4 {
            let product = host(matrix.apply(v.clone()).unwrap());
            assert!(relative_error(&product, &expected) < 1e-14, "{memory}");
        }
    }
}

#[test]
fn a_stream_in_another_order_is_not_mixed_with_what_is_kept() {
    let v = model(1).theta();
    let expected = host(stream("same").gauss_newton().apply(v.clone()).unwrap());
    let mut refused = 0;
    for memory in (0..1_000).step_by(40) {
        let matrix = stream("shuffled").gauss_newton().with_memory(memory);
        for _ in 0..3 {
            match matrix.apply(v.clone()) {
                Ok(product) => assert!(relative_error(&host(product), &expected) < 1e-14),
                Err(CurvatureError::Stream) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(
        refused > 0,
        "nothing was kept in part: the test tests nothing"
    );
}
