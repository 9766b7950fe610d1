//! Numbers that look up what is not there: errors that name the example and the value. In f64.

use super::targets::{N, TOKENS, cost, three};
use backdraft_curvature::{Cost, CurvatureError, Loss, Model, TokenCrossEntropy, reject};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
    tensor::{Int, Tensor, TensorData},
};

const CLASSES: usize = 4;

#[derive(Module, Debug)]
struct Language {
    embedding: Embedding,
    output: Linear,
}

fn sequences(changed: usize, value: i64) -> Tensor<2, Int> {
    let mut tokens: Vec<i64> = (0..N * TOKENS).map(|i| (i % CLASSES) as i64).collect();
    tokens[changed] = value;
    Tensor::from_data(TensorData::new(tokens, [N, TOKENS]), &device())
}

fn language(padding: Option<i64>, x: Tensor<2, Int>, targets: Tensor<2, Int>) -> Cost {
    let net = double(Language {
        embedding: EmbeddingConfig::new(CLASSES, 3).init(&device()),
        output: LinearConfig::new(3, CLASSES).init(&device()),
    });
    let forward = |net: &Language, x: Tensor<2, Int>| net.output.forward(net.embedding.forward(x));
    let loss = TokenCrossEntropy {
        padding,
        ..Default::default()
    };
    let model = Model::new(&net, forward).unwrap();
    let cost = Cost::new(model, loss, x, targets).unwrap();
    cost.with_batch_size(2).unwrap()
}

#[test]
fn tokens_that_there_are_not() {
    let fine = || sequences(0, 0);
    for value in [4, -1, -100] {
        let error = language(None, fine(), sequences(10, value)).losses();
        let Err(CurvatureError::Target {
            example: 3,
            element: Some(1),
            value: found,
            ..
        }) = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(found, value as f64);
        let error = language(None, sequences(10, value), fine()).gradient();
        let Err(CurvatureError::Lookup {
            example: 3,
            value: found,
            len: CLASSES,
            ..
        }) = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(found, value);
    }
    language(Some(-100), fine(), sequences(10, -100))
        .losses()
        .unwrap();
    let unset = language(None, fine(), sequences(10, -100)).losses();
    assert!(unset.unwrap_err().to_string().contains("no padding is set"));
    assert!(
        language(Some(0), fine(), sequences(10, -100))
            .losses()
            .is_err()
    );
}

/// A loss of somebody's own, which looks its class up, in one way or the other, and does not look first.
#[derive(Clone)]
enum Chosen {
    ByClass,
    ByCoordinates,
}

impl Loss for Chosen {
    type Targets = Tensor<1, Int>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        match self {
            Self::ByClass => -outputs.gather(1, targets.unsqueeze_dim(1)).squeeze_dim(1),
            Self::ByCoordinates => {
                let rows = Tensor::<1, Int>::arange(0..targets.dims()[0] as i64, &targets.device());
                let coordinates: Tensor<2, Int> = Tensor::stack(vec![rows, targets], 1);
                -outputs.gather_nd::<2, 1>(coordinates)
            }
        }
    }
}

/// The same, and it looks first: classes must be even.
#[derive(Clone)]
struct Even;

impl Loss for Even {
    type Targets = Tensor<1, Int>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        Chosen::ByClass.per_example(outputs, targets)
    }

    fn check(&self, targets: &Tensor<1, Int>, _: usize) -> Result<(), CurvatureError> {
        let odd = targets.clone().remainder_scalar(2).equal_elem(1);
        reject("target", targets, odd, || "it must be even".into())
    }
}

#[test]
fn losses_of_ones_own_are_looked_into() {
    let ways = [
        (Chosen::ByClass, "Gather"),
        (Chosen::ByCoordinates, "GatherNd"),
    ];
    let mut sound = Vec::new();
    for (loss, expected) in ways {
        for value in [3, -1] {
            let error = cost(3, loss.clone(), three(value)).losses().unwrap_err();
            let CurvatureError::Lookup {
                example: 3,
                value: found,
                len: 3,
                operation,
                ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!((found, operation.as_str()), (value, expected));
        }
        sound.push(host(cost(3, loss, three(2)).losses().unwrap()));
    }
    assert_eq!(sound[0], sound[1]);
    let error = cost(3, Even, three(2)).losses().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the target of example 1 is 1: it must be even"
    );
}
